"""What only the decoded images tell: blank ones, identical and nearly identical ones, and copies of
training images among the held-out ones.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np

from engine.data.cache import Stored, made_once, squares_key
from engine.data.duplicates import find_duplicates
from engine.data.listing import SPLITS, TRAIN, Finding, Listing, digest
from engine.progress import Progress

MOST_NAMED = 200  # files of each sort
VERSION = 3  # raise when something else is looked for


@dataclass(frozen=True)
class Checked:
    """blank, copies, contradictory, leaked: how many images there are of each sort, and the names
    of some of them.

    blank          nothing is drawn, or the picture is of one colour
    copies         identical, to the last decoded pixel, to an earlier image of the same class
    contradictory  identical to an image of another class: at least one of the labels is wrong
    leaked         held out, and identical to a training image
    similar        nearly identical to an earlier image, saved again for one; of them, those of
                   another class are `similar_contradictory`; `similar_leaked` are held out while a
                   nearly identical image is trained on
    paged          (name, pages) of files with several pages, of which only the first is read
    """

    blank: int = 0
    copies: int = 0
    contradictory: int = 0
    leaked: int = 0
    similar: int = 0
    similar_contradictory: int = 0
    similar_leaked: int = 0
    blank_files: tuple[str, ...] = ()
    copied_files: tuple[str, ...] = ()
    contradictory_files: tuple[str, ...] = ()
    leaked_files: tuple[str, ...] = ()
    similar_files: tuple[str, ...] = ()
    paged: tuple[tuple[str, int], ...] = ()

    def findings(self) -> tuple[Finding, ...]:
        """What a person should know, in sentences."""
        found: list[Finding] = []
        if self.blank:
            text = f"{_images(self.blank)} blank: {_some(self.blank_files)}."
            found.append(Finding("warning", "pixels", text))
        if self.contradictory:
            text = (
                f"{_images(self.contradictory)} identical to one of another class:"
                f" {_some(self.contradictory_files)}. At least one of the labels is wrong."
            )
            found.append(Finding("warning", "duplicates", text))
        if self.leaked:
            text = (
                f"{_images(self.leaked)} held out and identical to a training image:"
                f" {_some(self.leaked_files)}. Figures on them are too good."
            )
            found.append(Finding("warning", "duplicates", text))
        if self.copies:
            text = f"{_images(self.copies)} identical to an earlier one of the class: "
            found.append(Finding("note", "duplicates", f"{text}{_some(self.copied_files)}."))
        if self.similar:
            text = (
                f"{_images(self.similar)} nearly identical to an earlier one,"
                f" {self.similar_contradictory:,} of them to one of another class,"
                f" {self.similar_leaked:,} held out while a training image is the same:"
                f" {_some(self.similar_files)}."
            )
            doubtful = self.similar_contradictory or self.similar_leaked
            found.append(Finding("warning" if doubtful else "note", "duplicates", text))
        if self.paged:
            (name, pages), count = self.paged[0], len(self.paged)
            least = "at least " if count == MOST_NAMED else ""
            text = (
                f"{least}{count:,} file{' holds' if count == 1 else 's hold'} several pages ({name} has"
                f" {pages}): the first of each is read."
            )
            found.append(Finding("warning", "pixels", text))
        return tuple(found)


def checked(
    listing: Listing, stored: Stored, style: str, size: int, home: Path, progress: Progress
) -> Checked:
    """The decoded images of a listing, looked through once and remembered."""
    key = digest(
        [
            "checked",
            VERSION,
            squares_key(listing, style, size),
            listing.labels.tobytes(),
            listing.official.tobytes(),
        ]
    )

    def make(folder: Path) -> None:
        found = _check(listing, stored, progress)
        (folder / "checked.json").write_text(json.dumps(asdict(found)), encoding="utf-8")

    return made_once(home / "cache", key, make, _read, progress)


def _read(folder: Path) -> Checked:
    kept = json.loads((folder / "checked.json").read_text(encoding="utf-8"))
    paged = tuple((name, pages) for name, pages in kept.pop("paged"))
    values: dict[str, Any] = {
        key: tuple(cast("list[str]", value)) if isinstance(value, list) else value
        for key, value in kept.items()
    }
    return Checked(
        **values,
        paged=paged,
    )


def _check(listing: Listing, stored: Stored, progress: Progress) -> Checked:
    labels, official = listing.labels[stored.kept], listing.official[stored.kept]
    found = find_duplicates(stored.images, progress)
    flat = found.blank
    drawn = np.flatnonzero(~flat)
    earlier = found.identical[drawn]  # of each drawn image, the first that is identical to it
    _, first, group = np.unique(earlier, return_index=True, return_inverse=True)
    labelled = labels[drawn] >= 0  # an image without a label contradicts no other
    lowest = np.full(len(first), len(listing.classes), np.int64)
    highest = np.full(len(first), -1, np.int64)
    np.minimum.at(lowest, group[labelled], labels[drawn][labelled])
    np.maximum.at(highest, group[labelled], labels[drawn][labelled])
    several = highest > lowest
    in_train = np.zeros(len(first), bool)
    in_train[group[labelled & (official[drawn] == TRAIN)]] = True
    contradictory = drawn[several[group] & labelled]
    copies = drawn[(drawn != earlier) & ~several[group]]
    leaked = drawn[in_train[group] & (official[drawn] != TRAIN)]
    similar = np.flatnonzero(found.same != found.identical)
    trained = np.isin(found.same, found.same[(official == TRAIN) & (labels >= 0)])
    several_alike = np.isin(found.same, found.same[similar])
    one, other = labels[similar], labels[found.same[similar]]
    differ = (one != other) & (one >= 0) & (other >= 0)
    nearly_leaked = np.flatnonzero(several_alike & trained & (official != TRAIN))

    def named(positions: np.ndarray, with_class: bool = False) -> tuple[str, ...]:
        out: list[str] = []
        for position in positions[:MOST_NAMED]:
            name = listing.files[int(stored.kept[position])]
            label = listing.classes[labels[position]] if labels[position] >= 0 else ""
            out.append(f"{name} ('{label}')" if with_class and label else name)
        return tuple(out)

    order = np.argsort(
        earlier[several[group] & labelled], kind="stable"
    )  # copies beside each other
    blank = np.flatnonzero(flat)
    return Checked(
        blank=len(blank),
        copies=len(copies),
        contradictory=len(contradictory),
        leaked=len(leaked),
        blank_files=named(blank),
        copied_files=named(copies),
        contradictory_files=named(contradictory[order], with_class=True),
        leaked_files=tuple(
            f"{name} ({SPLITS[official[position]]})"
            for name, position in zip(named(leaked), leaked, strict=False)
        ),
        similar=len(similar),
        similar_contradictory=int(differ.sum()),
        similar_leaked=len(np.setdiff1d(nearly_leaked, leaked)),
        similar_files=named(similar, with_class=True),
        paged=stored.paged[:MOST_NAMED],
    )


def _images(count: int) -> str:
    return f"{count:,} image{'s are' if count > 1 else ' is'}"


def _some(names: tuple[str, ...], most: int = 3) -> str:
    return ", ".join(names[:most]) + (" …" if len(names) > most else "")
