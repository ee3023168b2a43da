"""From pictures with labels to a Listing, whatever they were read from: a Listing's classes are in
order, its splits as in published sets, and its pixels looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from engine.data.characters import named_characters
from engine.data.choices import AS_FOUND, Choices
from engine.data.listing import TEST, TRAIN, VAL, Finding, Listing, Reader, Survey, digest
from engine.data.paper_sides import doubt_sides
from engine.data.pixels import Look, guess_kind, look_at
from engine.data.polarity import INK
from engine.data.splits import stratified
from engine.errors import DataError
from engine.imaging.convention import Convention

TEST_SEED = 0  # of the test split that a person asks for: the same images for everybody


@dataclass(frozen=True)
class Labelled:
    """N pictures: names, labels (None where there is none) and official splits.

    classes  all class names in order, where something lists them; otherwise those that occur
    skipped  (name, reason) of what was left out
    """

    names: Sequence[str]
    labels: Sequence[str | None]
    official: Sequence[int] | np.ndarray
    classes: tuple[str, ...] = ()
    skipped: tuple[tuple[str, str], ...] = ()
    notes: dict[str, str] = field(default_factory=dict)


def assemble(
    found: Labelled,
    reader: Reader,
    content: str,
    survey: Survey,
    kind: str | None = None,
    choices: Choices = AS_FOUND,
    convention: Convention | None = None,
    sides: Sequence[tuple[int, bool]] = (),
) -> Listing:
    """The listing of labelled pictures.

    kind        'digit', 'page' or 'photo', if it is known; otherwise some pictures tell
    convention  how they are read, if it is known; otherwise some pictures tell
    sides       (position, whether its paper is light) of some, where the convention is known
    Raises DataError if no picture has a label, unless `choices` say so.
    """
    labels_read = [None] * len(found.labels) if choices.unlabelled else found.labels
    given = {label for label in labels_read if label is not None}
    if not given and not choices.unlabelled:
        why = [one.text for one in survey.findings if one.level == "warning"]
        column = f"column of {survey.read[0]}" if survey.read else "column"
        usual = f"Say which {column} holds the labels, or put the pictures into class folders."
        raise DataError(
            f"none of the {len(found.labels):,} images has a label", hint=why[0] if why else usual
        )
    known = () if choices.unlabelled else found.classes
    folders = [*known, *ordered(given - set(known))]
    position: dict[str | None, int] = {name: number for number, name in enumerate(folders)}
    labels = np.array([position.get(label, -1) for label in labels_read], np.int64)
    official = np.array(found.official, np.int8)
    official[labels < 0] = TRAIN
    notes = dict(found.notes)
    if VAL in official and TEST not in official:
        # published sets keep their held-out images in val/: they give the score
        official[official == VAL] = TEST
        notes.setdefault("test", "the folder val")
    notes |= hold_out(labels, official, choices)
    classes, doubts = named_characters(folders, found.names)
    content = digest([content, choices.key]) if choices.key else content
    if convention is None:
        look = look_at(reader, len(found.names), content, kind)
    else:
        kind = kind or guess_kind(reader, len(found.names))
        look = Look(kind, convention, polarity=survey.polarity, sides=tuple(sides))
    apart = doubt_sides(look.sides, labels, official, classes)
    findings = (*survey.findings, *doubts, *look.findings, *apart)
    look = look._replace(convention=look.convention.on(choices.paper))
    survey = replace(
        survey, polarity=paper_in_words(look, choices), findings=with_paper(findings, choices)
    )
    return Listing(
        kind=look.kind,
        files=found.names,
        labels=labels,
        classes=classes,
        official=official,
        content=content,
        reader=reader,
        skipped=found.skipped,
        notes=notes,
        survey=survey,
        convention=look.convention,
    )


def hold_out(labels: np.ndarray, official: np.ndarray, choices: Choices) -> dict[str, str]:
    """Move the test images that a person has asked for into the official test split (in place),
    where there is none, and return the note that says so.
    """
    if not choices.test or TEST in official:
        return {}
    own = np.flatnonzero((labels >= 0) & (official == TRAIN))
    held = stratified(labels[own], round(choices.test * len(own)), TEST_SEED, keep_one=True)
    official[own[held]] = TEST
    return {
        "test": f"{choices.test:.0%} of the images, stratified, as chosen in the import settings"
    }


def paper_in_words(look: Look, choices: Choices) -> str:
    """The polarity of a set, as its report says it."""
    if choices.paper:
        return f"{INK[choices.paper]}, as chosen"
    return look.polarity or "as usual: the borders tell"


def with_paper(findings: Sequence[Finding], choices: Choices) -> tuple[Finding, ...]:
    """What to say of the pixels where a person has chosen the paper."""
    if not choices.paper:
        return tuple(findings)
    text = f"all of the set is read with {choices.paper} paper, as chosen in the import settings."
    settled = ("touch their frame", "each picture's border decides")
    open_still = [one for one in findings if not any(words in one.text for words in settled)]
    return (*open_still, Finding("note", "pixels", text))


def ordered(names: set[str]) -> list[str]:
    """0, 1, 2 … 10 by number where all are numbers, else by name."""
    return (
        sorted(names, key=lambda name: (int(name), name))
        if all(name.isascii() and name.isdigit() for name in names)
        else sorted(names)
    )
