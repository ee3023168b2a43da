"""Cleaned labels: given labels corrected by a review and, optionally, by the diagnosis; as a table,
a zip, and a data set of the lab.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from engine.errors import DataError
from engine.files.sheets import table_text
from engine.noise.config import CONFIG

if TYPE_CHECKING:
    from engine.noise.review import Decision
    from engine.noise.storage import Diagnosis

RESTS: dict[str, str] = {
    "given": "Keep their given labels",
    "likely": "Take the likely classes, and leave out images whose class is uncertain",
    "none": "Leave them out",
}


@dataclass(frozen=True)
class Cleaned:
    """labels (n,) int64 of the diagnosis's images, -1 where an image is left out; how: 'reviewed',
    'given', 'likely' or '' for each.
    """

    labels: np.ndarray
    how: np.ndarray

    @property
    def kept(self) -> int:
        return int((self.labels >= 0).sum())


def clean(
    diagnosis: Diagnosis,
    decisions: Mapping[int, Decision],
    rest: str,
    confidence: float = CONFIG.cleaned_confidence,
) -> Cleaned:
    """Labels by the decisions, and by `rest` (a name in RESTS) for the images without one.

    confidence: posterior probability of the likely class, 0..1, from which it becomes the label.
    Raises DataError for an unknown `rest`.
    """
    if rest not in RESTS:
        raise DataError(
            "what to do with the other images is not known",
            expected=f"one of {', '.join(RESTS)}",
            got=repr(rest),
        )
    found = diagnosis.arrays
    given, likely = found["given"].astype(np.int64), found["likely"].astype(np.int64)
    labels, how = np.full(len(given), -1, np.int64), np.full(len(given), "", "<U8")
    if rest == "given":
        labels, how[:] = given.copy(), "given"
    elif rest == "likely":
        taken = found["confidence"] >= confidence
        labels[taken], how[taken] = likely[taken], "likely"
    for position, decision in decisions.items():
        labels[position], how[position] = decision.label, "reviewed"
    return Cleaned(labels, how)


def table(diagnosis: Diagnosis, cleaned: Cleaned, paths: Mapping[int, str] | None = None) -> str:
    """A CSV of the kept images: file, index, given, label, how. paths: by position, what the pictures are
    called beside the table; it then tells in `original` what they are called in the data set.
    """
    found, names = diagnosis.arrays, diagnosis.classes
    rows = (
        (
            *([paths[int(i)]] if paths is not None else []),
            diagnosis.file(int(i)),
            int(found["index"][i]),
            names[found["given"][i]],
            names[cleaned.labels[i]],
            cleaned.how[i],
        )
        for i in np.flatnonzero(cleaned.labels >= 0)
    )
    files = ("file",) if paths is None else ("file", "original")
    return table_text((*files, "index", "given", "label", "how"), rows)


def default_name(diagnosis: Diagnosis) -> str:
    """What the cleaned data set is called unless a person says otherwise."""
    return f"{re.sub(r'[^A-Za-z0-9_-]+', '-', Path(diagnosis.document['name']).stem).strip('-') or 'data'}-cleaned"
