"""IDX files, the format of MNIST and EMNIST: gzipped or plain, images (N, h, w) and labels (N,)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.data.idx_format import read_idx, read_shape
from engine.data.listing import TEST, TRAIN, Listing, Survey, digest
from engine.data.pixels import as_glyphs, look_at_glyphs
from engine.errors import DataError
from engine.imaging.convention import EACH_ITS_OWN

# torchvision and NIST name a file emnist-<split>-train-images-idx3-ubyte, and store its images
# transposed.
_IMAGES = re.compile(
    r"(?P<prefix>.*?)(?P<split>train|t10k|test)[-._]images[-._]idx3[-._]ubyte(\.gz)?$",
    re.IGNORECASE,
)
_LABELS = re.compile(r"(?P<prefix>.*?)(train|t10k|test)[-._]labels[-._]idx1", re.IGNORECASE)


@dataclass(frozen=True)
class Pair:
    """An images file, its labels file, and the split they are: TRAIN or TEST."""

    images: Path
    labels: Path
    official: int

    @property
    def prefix(self) -> str:
        """What the names begin with: 'emnist-letters-', or nothing in MNIST's own files."""
        match = _IMAGES.match(self.images.name)
        return match["prefix"].lower() if match else ""

    @property
    def transposed(self) -> bool:
        return self.images.name.lower().startswith("emnist-")


class GlyphReader:
    """Glyphs (N, h, w) uint8, read when the first one is asked for."""

    def __init__(self, load: Callable[[], np.ndarray], indices: np.ndarray | None = None) -> None:
        self._load, self._indices, self._glyphs = load, indices, None

    def read(self, index: int) -> np.ndarray:
        if self._glyphs is None:
            glyphs = self._load()
            self._glyphs = glyphs if self._indices is None else glyphs[self._indices]
        return self._glyphs[index]

    def select(self, indices: np.ndarray) -> GlyphReader:
        return GlyphReader(self._load, indices if self._indices is None else self._indices[indices])


def find_pairs(folder: Path, prefix: str = "") -> list[Pair]:
    """The images-and-labels pairs in a folder whose names start with `prefix`, train before test."""
    pairs: dict[int, Pair] = {}
    there = _candidates(folder)
    for name in sorted(there):
        match = _IMAGES.match(name)
        if not match or match["prefix"].lower() != prefix.lower():
            continue
        official = TRAIN if match["split"].lower() == "train" else TEST
        labels = name.replace("images", "labels").replace("idx3", "idx1")
        other = labels.removesuffix(".gz") if labels.endswith(".gz") else labels + ".gz"
        found = labels if labels in there else other if other in there else None
        if found and official not in pairs:
            pairs[official] = Pair(there[name], there[found], official)
    return [pairs[key] for key in sorted(pairs)]


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


def list_pairs(
    pairs: Sequence[Pair],
    classes: Sequence[str] | Mapping[int, str] | None,
    content: str,
    known: bool = True,
) -> Listing:
    """The images of IDX pairs, whose files' bytes have the hash `content`.

    classes  names of the labels 0..K-1 (or 1..K, as EMNIST numbers its letters), or name by label;
             without them, labels are named by their numbers
    known    whether the images are as usual, bytes from 0 to 255; otherwise they are read to see
    Raises DataError if a file is broken or images, labels and classes don't fit together.
    """
    labels: list[np.ndarray] = []
    official: list[np.ndarray] = []
    files: list[str] = []
    for pair in pairs:
        given = read_idx(pair.labels)
        if given.ndim != 1 or given.dtype.kind == "f":
            raise DataError(
                f"{pair.labels} holds no labels",
                expected="one axis of whole numbers",
                got=f"{given.ndim} of {given.dtype}",
            )
        labels.append(given.astype(np.int64))
        official.append(np.full(len(given), pair.official, np.int8))
        split = "train" if pair.official == TRAIN else "test"
        files += [f"{split}/{number}" for number in range(len(given))]
    all_labels = np.concatenate(labels)
    names, all_labels = _named(all_labels, classes, pairs[0])
    counts = [len(part) for part in labels]
    for pair, count in zip(pairs, counts, strict=True):
        _check_images(pair, count)
    content = digest(["idx", content])
    load = _Once(lambda: _glyphs(pairs))
    convention, findings = (EACH_ITS_OWN, ()) if known else look_at_glyphs(load, content)
    reader = GlyphReader(lambda: as_glyphs(load(), convention))
    survey = Survey(
        form="IDX files",
        seen=len(all_labels),
        layout=(
            "images and labels by position",
            f"{len(pairs)} pair{'s' if len(pairs) > 1 else ''} of files with the names of MNIST's",
        ),
        findings=findings,
    )
    return Listing(
        kind="digit",
        files=files,
        labels=all_labels,
        classes=names,
        official=np.concatenate(official),
        content=content,
        reader=reader,
        survey=survey,
        convention=convention,
    )


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


class _Once:
    """What a function returns, which is called when it is first needed."""

    def __init__(self, load: Callable[[], np.ndarray]) -> None:
        self._load, self._found = load, None

    def __call__(self) -> np.ndarray:
        if self._found is None:
            self._found = self._load()
        return self._found


def _check_images(pair: Pair, count: int) -> None:
    shape = read_shape(pair.images)
    if len(shape) != 3 or shape[0] != count:
        raise DataError(
            f"{pair.images} does not fit its labels",
            expected=f"{count:,} images",
            got=str(shape),
        )


def _named(
    labels: np.ndarray, classes: Sequence[str] | Mapping[int, str] | None, pair: Pair
) -> tuple[tuple[str, ...], np.ndarray]:
    if not len(labels):
        raise DataError(f"{pair.labels.parent} holds no images")
    present, dense = np.unique(labels, return_inverse=True)
    if not classes:
        return tuple(str(value) for value in present), dense.astype(np.int64)
    if not isinstance(classes, Mapping):
        first = 1 if labels.min() == 1 and labels.max() == len(classes) else 0
        classes = {first + number: name for number, name in enumerate(classes)}
    if missing := sorted(set(present.tolist()) - set(classes)):
        raise DataError(
            f"{pair.labels} does not fit its classes",
            expected=f"labels {min(classes)} to {max(classes)}",
            got=str(missing[0]),
        )
    order = sorted(classes)
    return tuple(classes[label] for label in order), np.searchsorted(order, labels)


def _glyphs(pairs: Sequence[Pair]) -> np.ndarray:
    parts: list[np.ndarray] = []
    for pair in pairs:
        images = read_idx(pair.images)
        parts.append(images.transpose(0, 2, 1) if pair.transposed else images)
    if len({part.shape[1:] for part in parts}) > 1:
        raise DataError(
            f"{pairs[0].images.parent} mixes sizes",
            got=" and ".join(str(part.shape[1:]) for part in parts),
        )
    return parts[0] if len(parts) == 1 else np.concatenate(parts)
