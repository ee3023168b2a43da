"""Classes that are in one official split of a data set and not in another."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine.data.listing import SPLITS, TEST, TRAIN, VAL, Finding, Listing

MOST_SHOWN = 5  # classes


def doubt_splits(listing: Listing) -> list[Finding]:
    """What to say of classes that are trained on and never tested, or the other way round."""
    names = np.array(listing.classes, object)
    there = {
        code: set(
            names[np.unique(listing.labels[(listing.labels >= 0) & (listing.official == code)])]
        )
        for code in (TRAIN, VAL, TEST)
    }
    trained = there[TRAIN]
    found: list[Finding] = []
    for code in (VAL, TEST):
        held, split = there[code], SPLITS[code]
        if not trained or not held:
            continue
        unknown, missing = held - trained, trained - held
        if shift := _shift(trained, held):
            found.append(Finding("warning", "splits", _shifted(trained, held, split, shift)))
        elif unknown:
            shown = _some(listing.classes, unknown)
            text = (
                f"{len(unknown):,} of {len(held):,} classes of {split} are not in train: {shown}."
            )
            found.append(Finding("warning", "splits", text))
        told = shift != 0 or (not unknown and len(held) < 2)
        if missing and not told and code == (TEST if there[TEST] else VAL):
            shown = _some(listing.classes, missing)
            count = int(((listing.labels >= 0) & (listing.official == code)).sum())
            text = (
                f"{len(missing):,} of {len(trained):,} classes of train have none of the {count:,} images"
                f" of {split}: {shown}."
            )
            found.append(Finding("note", "splits", text))
    return found


def _shift(trained: set[str], held: set[str]) -> int:
    """By how much the numbers of one split are larger, 1 or -1; 0 where they are counted alike, or
    are no numbers.
    """
    if not all(name.isascii() and name.isdigit() for name in trained | held):
        return 0
    one, other = sorted(map(int, trained)), sorted(map(int, held))
    shift = other[0] - one[0]
    return shift if abs(shift) == 1 and other[-1] - one[-1] == shift and len(one) > 2 else 0


def _shifted(trained: set[str], held: set[str], split: str, shift: int) -> str:
    one, other = sorted(map(int, trained)), sorted(map(int, held))
    first, last = (one[0], other[-1]) if shift > 0 else (other[0], one[-1])
    where = ("train", split) if shift > 0 else (split, "train")
    return (
        f"labels of train are {one[0]} to {one[-1]} and those of {split} {other[0]} to {other[-1]}: class"
        f" {first} is only in {where[0]}, class {last} only in {where[1]}. The two seem to be counted from"
        " different numbers, and then each class means another thing in each: mend the labels first."
    )


def _some(order: Sequence[str], names: set[str]) -> str:
    shown = [name for name in order if name in names]
    return ", ".join(shown[:MOST_SHOWN]) + (" …" if len(shown) > MOST_SHOWN else "")
