"""Honest answers: characters that can't be told apart by their form are shown as the group they
are, and a doubt is stated.

A model of 62 classes that hesitates between `o`, `O` and `0` is not unsure of what it sees, only of
its name; a model that hesitates between `4` and `H` is. So probabilities are summed over a group
before they are judged.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Literal, NamedTuple

import numpy as np

# What stays alike once size and place are uncertain: EMNIST's merged letters (Cohen et al. 2017),
# and digits of the same form.
GROUPS: tuple[str, ...] = (
    "0Oo",
    "1Il",
    "2Zz",
    "5Ss",
    "9gq",
    "Cc",
    "Ff",
    "Jj",
    "Kk",
    "Mm",
    "Pp",
    "Uu",
    "Vv",
    "Ww",
    "Xx",
    "Yy",
)
UNSURE_BELOW = 0.55  # a group that gets less than this share of the probability is called a guess
WORTH_NAMING = 0.04  # a member with less is left out of the sentence
FEW_CLASSES = 12  # a model with no more says so with each answer

NOTHING = "nothing drawn"  # the label of a picture without ink, where programs ask
Kind = Literal["blank", "sure", "unsure", "several", "unlike"]


class Group(NamedTuple):
    """Classes that look alike: `members` as (class, probability), likeliest first, and their sum
    `share` (0..1).
    """

    members: tuple[tuple[str, float], ...]
    share: float

    @property
    def best(self) -> str:
        return self.members[0][0]


class Answer(NamedTuple):
    """What to say. kind: why it is said; groups: likeliest first; headline and note: the words."""

    kind: Kind
    groups: tuple[Group, ...]
    headline: str
    note: str


@lru_cache(maxsize=5000)  # asked for each class of a model, with every drawing
def group_of(label: str) -> str:
    """The characters that look like `label`, itself included; just `label` where there are none."""
    return next((group for group in GROUPS if len(label) == 1 and label in group), label)


def grouped(classes: Sequence[str], probabilities: np.ndarray) -> tuple[Group, ...]:
    """Probabilities (K,) of `classes` summed over look-alikes: groups in falling order of their
    share, each class in exactly one.
    """
    members: dict[str, list[tuple[str, float]]] = {}
    for name, share in zip(classes, probabilities, strict=True):
        members.setdefault(group_of(name), []).append((name, float(share)))
    groups = [
        Group(tuple(sorted(found, key=lambda one: -one[1])), sum(share for _, share in found))
        for found in members.values()
    ]
    return tuple(sorted(groups, key=lambda group: -group.share))


def merged_label(label: str) -> str:
    """One name for all look-alikes of `label`, for counting right answers with look-alikes merged."""
    return group_of(label)[0]


def groups_among(classes: Iterable[str]) -> tuple[str, ...]:
    """The groups of look-alikes among `classes`, without what is none of these, in the order of
    `GROUPS`: those of more than one class.

    >>> groups_among("0Oo2zA")
    ('0Oo', '2z')
    """
    known = set(classes)
    kept = ("".join(one for one in group if one in known) for group in GROUPS)
    return tuple(group for group in kept if len(group) > 1)


def groups_in_words(groups: Iterable[str]) -> str:
    """Groups of look-alikes as pages write them.

    >>> groups_in_words(("0Oo", "2z"))
    '0/O/o, 2/z'
    """
    return ", ".join("/".join(group) for group in groups)


def judge(
    classes: Sequence[str],
    probabilities: np.ndarray,
    *,
    blank: bool = False,
    pieces: int = 1,
    unlike: bool = False,
) -> Answer:
    """What to answer for one picture.

    blank: nothing is drawn. pieces: how many characters the picture falls into. unlike: nothing the
    model was trained on is near.
    """
    if blank:
        return Answer("blank", (), "Nothing drawn yet", "The answer follows your pen.")
    groups = grouped(classes, probabilities)
    first = groups[0]
    if pieces > 1:
        note = f"This looks like {pieces} characters. Read them under Words, or draw one at a time."
        return Answer("several", groups, "More than one character", note)
    if unlike:
        return Answer(
            "unlike",
            groups,
            f"Not sure, perhaps {first.best}",
            "This is unlike the images that the model was trained on. The bars say which of its"
            " classes it is most like, if it is one of them at all.",
        )
    if first.share < UNSURE_BELOW:
        least = min(WORTH_NAMING, first.share)  # of hundreds of classes none may be worth naming
        guesses = [group.best for group in groups[:3] if group.share >= least]
        return Answer("unsure", groups, "Not sure", f"It could be {_either(guesses)}.")
    others = [name for name, share in first.members[1:] if share >= WORTH_NAMING]
    if others:
        note = (
            f"These look alike: {first.members[0][1]:.0%} for {first.best}, {first.share:.0%}"
            " together."
        )
        return Answer("sure", groups, f"{first.best}, or {_either(others)}", note)
    # Of a few classes it names one whatever is drawn: no headline to say that this is so.
    named = "Most like" if len(classes) <= FEW_CLASSES else "This is"
    return Answer("sure", groups, f"{named} {first.best}", f"{likely(first.share)} sure.")


def in_short(answer: Answer) -> str:
    """One model's answer in a line beside its likeliest class."""
    if answer.kind == "unlike":
        return "not sure: unlike the images that it was trained on"
    if not answer.groups:
        return answer.headline
    first, *others = answer.groups
    runner = f", then {others[0].best}" if others else ""
    sure = "not sure" if answer.kind == "unsure" else f"{likely(first.share)} sure"
    return sure + runner


def note_of(verdict: Answer, classes: Sequence[str]) -> str:
    """The note on an answer. A model that has only a few classes names one of them whatever is drawn:
    what it is sure of is said to be so of these alone.
    """
    if len(classes) > FEW_CLASSES or not verdict.groups:
        return verdict.note
    digits = tuple(classes) == tuple("0123456789")
    these = "the digits 0 to 9" if digits else ", ".join(classes)
    first = verdict.groups[0]
    if verdict.kind == "sure" and verdict.headline == f"Most like {first.best}":
        return f"Of {these}: {likely(first.share)} sure."
    return f"{verdict.note} This model knows only {these}."


def likely(probability: float) -> str:
    """A probability in percents, small ones with a decimal, of which none is certain and none
    impossible; as the pad writes it (assets/canvas/elements.js).

    >>> likely(0.42), likely(0.9999), likely(0.014), likely(0.00001)
    ('42%', '>99%', '1.4%', '<0.1%')
    """
    if probability >= 0.995:
        return ">99%"
    if 0 < probability < 0.0005:
        return "<0.1%"
    return f"{probability:.{1 if 0 < probability < 0.0995 else 0}%}"


def _either(names: Sequence[str]) -> str:
    return " or ".join(names) if len(names) < 3 else f"{', '.join(names[:-1])} or {names[-1]}"
