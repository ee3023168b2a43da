"""Which IDX files in a folder belong together: images, their labels, and what the labels mean, by
the names that MNIST and EMNIST gave them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.data.listing import TEST, TRAIN
from engine.errors import DataError

# torchvision and NIST name a file emnist-<split>-train-images-idx3-ubyte, and store its images
# transposed.
_IMAGES = re.compile(
    r"(?P<prefix>.*?)(?P<split>train|t10k|test)[-._]images[-._]idx\d[-._]ubyte(\.gz)?$",
    re.IGNORECASE,
)
_LABELS = re.compile(r"(?P<prefix>.*?)(train|t10k|test)[-._]labels[-._]idx1", re.IGNORECASE)


@dataclass(frozen=True)
class Pair:
    """An images file, its labels file (None: the images have no label), and the split they are:
    TRAIN or TEST.
    """

    images: Path
    labels: Path | None
    official: int

    @property
    def files(self) -> tuple[Path, ...]:
        """The files there are."""
        return (self.images,) if self.labels is None else (self.images, self.labels)

    @property
    def prefix(self) -> str:
        """What the names begin with: 'emnist-letters-', or nothing in MNIST's own files."""
        match = _IMAGES.match(self.images.name)
        return match["prefix"].lower() if match else ""

    @property
    def transposed(self) -> bool:
        return self.images.name.lower().startswith("emnist-")


def find_pairs(folder: Path, prefix: str = "") -> list[Pair]:
    """The images-and-labels pairs in a folder whose names start with `prefix`, train before test;
    none if no labels are there.
    """
    pairs: dict[int, Pair] = {}
    there = _candidates(folder)
    for name in sorted(there):
        match = _IMAGES.match(name)
        if not match or match["prefix"].lower() != prefix.lower():
            continue
        official = TRAIN if match["split"].lower() == "train" else TEST
        labels = re.sub(r"idx\d", "idx1", name.replace("images", "labels"))
        other = labels.removesuffix(".gz") if labels.endswith(".gz") else labels + ".gz"
        found = labels if labels in there else other if other in there else None
        if official not in pairs or pairs[official].labels is None:
            pairs[official] = Pair(there[name], there[found] if found else None, official)
    labelled = any(pair.labels for pair in pairs.values())
    return [pairs[key] for key in sorted(pairs)] if labelled else []


def left_over(folder: Path, pairs: Sequence[Pair]) -> list[tuple[str, str]]:
    """(name, reason) of the labels in a folder whose images are not there."""
    used = {path.name.removesuffix(".gz") for pair in pairs for path in pair.files}
    prefix = pairs[0].prefix if pairs else ""
    return [
        (name, "the images that it is for are not here")
        for name in sorted(_candidates(folder))
        if (match := _LABELS.match(name))
        and match["prefix"].lower() == prefix
        and name.removesuffix(".gz") not in used
    ]


def _candidates(folder: Path) -> dict[str, Path]:
    """The IDX files in a folder by name. Kaggle's zip of MNIST unpacks to folders that are called
    like the one file in each.
    """
    there: dict[str, Path] = {}
    try:
        for entry in folder.iterdir():
            if not (_IMAGES.match(entry.name) or _LABELS.match(entry.name)):
                continue
            inner = entry / entry.name
            if entry.is_file():
                there[entry.name] = entry
            elif inner.is_file():
                there.setdefault(entry.name, inner)
    except OSError:
        return {}
    return there


def prefixes(folder: Path) -> list[str]:
    """What the names of the IDX image files in a folder begin with, each once: [''] for MNIST's own
    names.
    """
    matches = [_IMAGES.match(name) for name in _candidates(folder)]
    return sorted({match["prefix"].lower() for match in matches if match})


def is_named_so(name: str) -> bool:
    """Whether a file is called like MNIST's images or labels, or like EMNIST's mapping."""
    known = _IMAGES.match(name) or _LABELS.match(name) or name.lower().endswith("mapping.txt")
    return bool(known)


def only_pairs(folder: Path) -> list[Pair]:
    """The pairs of the one IDX data set in a folder; none if there is none. Raises DataError if
    there are several.
    """
    there = prefixes(folder)
    if len(there) > 1:
        raise DataError(
            f"{folder} holds several IDX data sets",
            got=", ".join(there),
            hint="Give the path of one of their files.",
        )
    return find_pairs(folder, there[0]) if there else []


def read_mapping(folder: Path, prefix: str = "") -> dict[int, str] | None:
    """Name by label from a `mapping.txt` of lines 'label code', code a Unicode number; None if
    there is no such file. NIST puts all of EMNIST's into one folder: the one with the images'
    `prefix` counts, else one without any.
    """
    for path in (folder / f"{prefix}mapping.txt", folder / "mapping.txt"):
        if not path.is_file():
            continue
        rows: dict[int, str] = {}
        for line in path.read_text(encoding="ascii", errors="replace").splitlines():
            numbers = [int(part) for part in line.split() if part.isdigit()]
            if len(numbers) >= 2 and 32 < numbers[1] < 0x110000:
                rows[numbers[0]] = chr(numbers[1])
        if rows and len(set(rows.values())) == len(rows):
            return rows
        raise DataError(
            f"{path} can't be used",
            expected="lines 'label code', each code once",
            got=f"{len(rows)} such lines",
        )
    return None
