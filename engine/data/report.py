"""The import report: what was made of a data set's files, and what is doubtful about it. Nothing
that was left out is left unsaid.

Command line, pages and the log of a run all print this one object.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from engine.data.alike import doubt_alike
from engine.data.check import Checked
from engine.data.listing import SPLITS, Finding, Listing
from engine.data.split_classes import doubt_splits
from engine.data.spreadsheet import doubt_dates
from engine.data.unlabelled import TEXT

UNEQUAL = 20  # chosen: the largest class over the smallest from which accuracy hides the small ones


@dataclass(frozen=True)
class ImportReport:
    """What a data set's files became.

    form      what it is stored as: 'folder', 'zip', 'IDX files', …
    seen      files (pages and rows of tables) there are: seen = images + len(skipped) +
              len(hidden) + len(read)
    images    of them that are images of the data set
    unlabelled  of these that have no label
    skipped   (name, reason) of every other file that somebody may have meant
    hidden    names of files that are hidden or left there by systems
    layout    the pattern that was recognised, and why
    official  images in each split that the data set itself names
    classes   images of each class
    encoding  of the names; guessed: whether nothing recorded it
    columns   of a table, those of pixels left out; roles: (role, column) of what they were taken for
    levels    which stand for black and white; polarity: of ink and paper; both in words
    tables    names of tables that were not read
    read      names of tables that say which picture is of which class
    absent    (name, reason) of pictures that tables name and that are not there
    checked   what only the decoded images tell; None before they are decoded
    findings  what a person should know, warnings first
    """

    form: str
    seen: int
    images: int
    unlabelled: int
    skipped: tuple[tuple[str, str], ...]
    hidden: tuple[str, ...]
    layout: str
    why: str
    official: dict[str, int]
    classes: dict[str, int]
    encoding: str
    guessed: bool
    columns: tuple[str, ...]
    roles: tuple[tuple[str, str], ...]
    levels: str
    polarity: str
    tables: tuple[str, ...]
    read: tuple[str, ...]
    absent: tuple[tuple[str, str], ...]
    checked: Checked | None
    findings: tuple[Finding, ...]

    @property
    def warnings(self) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.findings if finding.level == "warning")


def report_of(
    listing: Listing,
    unreadable: Sequence[tuple[str, str]] = (),
    checked: Checked | None = None,
) -> ImportReport:
    """The report on a data set. unreadable: (name, reason) of pictures that could not be decoded;
    checked: what their pixels tell.
    """
    survey, stored = listing.survey, listing.as_stored(unreadable)
    broken = {name for name, _ in unreadable}
    readable = np.array([name not in broken for name in listing.files], bool) if broken else True
    labelled = (listing.labels >= 0) & readable
    counts = np.bincount(listing.labels[labelled], minlength=len(listing.classes))
    sizes = np.bincount(listing.official[labelled], minlength=len(SPLITS))
    found = [*findings_of(listing), *_of_unreadable(stored, len(listing))]
    found += _of_broken_classes(listing, counts) if broken else ()
    found += checked.findings() if checked else ()
    return ImportReport(
        form=survey.form,
        seen=survey.seen,
        images=len(listing) - len(unreadable),
        unlabelled=int(((listing.labels < 0) & readable).sum()),
        skipped=(*listing.skipped, *stored, *survey.others),
        hidden=survey.hidden,
        layout=survey.layout[0],
        why=survey.layout[1],
        official={name: int(size) for name, size in zip(SPLITS, sizes, strict=True) if size},
        classes={name: int(n) for name, n in zip(listing.classes, counts, strict=True)},
        encoding=survey.encoding,
        guessed=survey.guessed,
        columns=survey.columns,
        roles=survey.roles,
        levels=listing.convention.range_in_words,
        polarity=survey.polarity,
        tables=survey.tables,
        read=survey.read,
        absent=survey.absent,
        checked=checked,
        findings=tuple(sorted(found, key=lambda finding: finding.level != "warning")),
    )


def findings_of(listing: Listing) -> tuple[Finding, ...]:
    """What is known before any image is decoded."""
    survey = listing.survey
    found = [
        *survey.findings,
        *_of_names(listing),
        *_of_classes(listing),
        *doubt_alike(listing.classes),
        *doubt_splits(listing),
        *doubt_dates(listing.classes),
    ]
    if listing.skipped:
        text = f"{_count(len(listing.skipped), 'picture')} left out{_first(listing.skipped)}."
        found.append(Finding("warning", "files", text))
    if survey.absent:
        text = (
            f"{_count(len(survey.absent), 'picture')} named and not there{_first(survey.absent)}."
        )
        found.append(Finding("warning", "tables", text))
    if unlabelled := int((listing.labels < 0).sum()):
        chosen = any(
            one.text == TEXT for one in survey.findings
        )  # there may be labels in the files
        where = "" if chosen else " in these files"
        text = (
            f"{_images(unlabelled)} {'has' if unlabelled == 1 else 'have'} no label{where}: they can be"
            " embedded, mapped and labelled here, and are trained on or scored only once they are (mended"
            " labels)."
        )
        found.append(Finding("note", "classes", text))
    if survey.tables:
        text = (
            f"{', '.join(survey.tables[:3])}{' …' if len(survey.tables) > 3 else ''}:"
            f" {'tables that were' if len(survey.tables) > 1 else 'a table that was'} not read."
            f"{' Classes are taken from the folders.' if survey.layout[0].startswith('<') else ''}"
            f"{' Save what is Excel as CSV.' if any('.xls' in name for name in survey.tables) else ''}"
        )
        level = "warning" if len(listing.classes) == 1 else "note"
        found.append(Finding(level, "tables", text))
    return tuple(found)


def _first(named: Sequence[tuple[str, str]]) -> str:
    """The first of some files with its reason, for the end of a sentence."""
    name, reason = named[0]
    return f"{', the first of them ' if len(named) > 1 else ': '}{name}: {_bare(reason)}"


def _bare(reason: str) -> str:
    """A reason without the full stop of the hint at its end."""
    return reason.rstrip(".")


def _of_names(listing: Listing) -> list[Finding]:
    survey = listing.survey
    if not survey.guessed:
        return []
    other = [name for name in listing.classes if not name.isascii()] or list(listing.files[:1])
    text = (
        f"names are not in UTF-8 and nothing says in which encoding: {survey.encoding} was guessed,"
        f" which gives {', '.join(other[:5])}. If that is wrong, pack the data set again with UTF-8"
        " names."
    )
    return [Finding("warning", "names", text)]


def _of_classes(listing: Listing) -> list[Finding]:
    counts = listing.counts()
    found: list[Finding] = []
    if len(listing.classes) == 1:
        text = (
            f"there is one class only, '{listing.classes[0]}': nothing can be trained on it, as a model"
            " learns to tell classes apart. Add images of another class."
        )
        found.append(Finding("warning", "classes", text))
    kinds: tuple[tuple[int, Literal["note", "warning"], str], ...] = (
        (0, "note", "no image"),
        (1, "warning", "one image only"),
    )
    for wanted, level, words in kinds:
        few = [name for name, n in zip(listing.classes, counts, strict=True) if n == wanted]
        if few and len(listing.classes) > 1:
            have = "have" if len(few) > 1 else "has"
            shown = ", ".join(few[:8]) + (" …" if len(few) > 8 else "")
            what = f"{len(few)} of {len(listing.classes)} classes {have} {words}: {shown}."
            found.append(Finding(level, "classes", what))
    there = sorted((n, name) for name, n in zip(listing.classes, counts, strict=True) if n)
    if len(there) > 1 and there[-1][0] >= UNEQUAL * there[0][0]:
        (least, rare), (most, common) = there[0], there[-1]
        text = (
            f"classes are of very unequal size: {common} has {_images(most)}, {rare} {_images(least)}."
            f" A model can be right on nearly all of them and never say {rare}: look at the accuracy"
            " of each class."
        )
        found.append(Finding("warning", "classes", text))
    return found


def _of_unreadable(unreadable: Sequence[tuple[str, str]], of: int) -> list[Finding]:
    if not unreadable:
        return []
    count = f"{len(unreadable):,} of {of:,} pictures"
    text = f"{count} can't be read{_first(unreadable)}."
    return [Finding("warning", "files", text)]


def _of_broken_classes(listing: Listing, readable: np.ndarray) -> list[Finding]:
    """readable: (K,) images of each class that could be decoded."""
    had = listing.counts()
    lost = [
        name for name, n, of in zip(listing.classes, readable, had, strict=True) if of and not n
    ]
    if not lost:
        return []
    text = f"no picture of {', '.join(lost[:8])}{' …' if len(lost) > 8 else ''} can be read."
    return [Finding("warning", "classes", text)]


def _images(count: int) -> str:
    return f"{count:,} image{'' if count == 1 else 's'}"


def _count(count: int, what: str) -> str:
    return f"{count:,} {what}{'s are' if count > 1 else ' is'}"
