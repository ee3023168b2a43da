"""IDX files, the format of MNIST and EMNIST: gzipped or plain, images (N, h, w) and labels (N,)."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from engine.data.listing import TEST, TRAIN, Listing, digest
from engine.errors import DataError

MOST_BYTES = 4_000_000_000  # EMNIST ByClass, the largest known, unpacks to 638 MB
# torchvision and NIST name a file emnist-<split>-train-images-idx3-ubyte, and store its images
# transposed.
_IMAGES = re.compile(
    r"(?P<prefix>.*?)(?P<split>train|t10k|test)[-.]images[-.]idx3[-.]ubyte(\.gz)?$", re.IGNORECASE
)


@dataclass(frozen=True)
class Pair:
    """An images file, its labels file, and the split they are: TRAIN or TEST."""

    images: Path
    labels: Path
    official: int

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


def read_idx(path: Path) -> np.ndarray:
    """The uint8 array in an IDX file, gzipped or plain. Raises DataError if it is cut short, no IDX
    file, or not of bytes.
    """
    try:
        opener = gzip.open if _gzipped(path) else open
        with opener(path, "rb") as file:
            shape = _shape(file.read(4), file, path)
            count = int(np.prod(shape, dtype=np.int64))
            if count > MOST_BYTES:
                raise DataError(
                    f"{path} is too large",
                    expected=f"at most {MOST_BYTES:,} bytes",
                    got=f"{count:,}",
                )
            data = file.read(count)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(
            f"{path} can't be read", got=str(error), hint="Delete it and fetch it again."
        ) from None
    if len(data) < count:
        raise DataError(
            f"{path} is cut short",
            expected=f"{count:,} bytes",
            got=f"{len(data):,}",
            hint="Delete it and fetch it again.",
        )
    return np.frombuffer(data, np.uint8).reshape(shape)


def find_pairs(folder: Path, prefix: str = "") -> list[Pair]:
    """The images-and-labels pairs in a folder whose names start with `prefix`, train before test."""
    pairs: dict[int, Pair] = {}
    try:
        names = sorted(entry.name for entry in folder.iterdir())
    except OSError:
        return []
    there = set(names)
    for name in names:
        match = _IMAGES.match(name)
        if not match or match["prefix"].lower() != prefix.lower():
            continue
        official = TRAIN if match["split"].lower() == "train" else TEST
        labels = name.replace("images", "labels").replace("idx3", "idx1")
        other = labels.removesuffix(".gz") if labels.endswith(".gz") else labels + ".gz"
        found = labels if labels in there else other if other in there else None
        if found and official not in pairs:
            pairs[official] = Pair(folder / name, folder / found, official)
    return [pairs[key] for key in sorted(pairs)]


def prefixes(folder: Path) -> list[str]:
    """What the names of the IDX image files in a folder begin with, each once: [''] for MNIST's own
    names.
    """
    matches = [_IMAGES.match(path.name) for path in folder.iterdir()]
    return sorted({match["prefix"].lower() for match in matches if match})


def list_pairs(pairs: Sequence[Pair], classes: Sequence[str] | None, content: str) -> Listing:
    """The images of IDX pairs, whose files' bytes have the hash `content`.

    classes  names of the labels 0..K-1 (or 1..K, as EMNIST numbers its letters); without them,
             labels are named by their numbers
    Raises DataError if a file is broken or images, labels and classes don't fit together.
    """
    labels, official, files = [], [], []
    for pair in pairs:
        given = read_idx(pair.labels)
        if given.ndim != 1:
            raise DataError(
                f"{pair.labels} holds no labels", expected="one axis", got=f"{given.ndim}"
            )
        labels.append(given.astype(np.int64))
        official.append(np.full(len(given), pair.official, np.int8))
        split = "train" if pair.official == TRAIN else "test"
        files += [f"{split}/{number}" for number in range(len(given))]
    all_labels = np.concatenate(labels)
    names, all_labels = _named(all_labels, classes, pairs[0])
    counts = [len(part) for part in labels]
    reader = GlyphReader(lambda: _glyphs(pairs, counts))
    return Listing(
        "digit",
        files,
        all_labels,
        names,
        np.concatenate(official),
        digest(["idx", content]),
        reader,
    )


def read_mapping(folder: Path) -> tuple[str, ...] | None:
    """Class names from a `mapping.txt` of lines 'label code', code an ASCII number; None if there
    is no such file.
    """
    for path in sorted(folder.glob("*mapping.txt")):
        rows = {}
        for line in path.read_text(encoding="ascii", errors="replace").splitlines():
            numbers = [int(part) for part in line.split() if part.isdigit()]
            if len(numbers) >= 2:
                rows[numbers[0]] = chr(numbers[1])
        if rows and sorted(rows) == list(range(len(rows))):
            return tuple(rows[label] for label in sorted(rows))
        raise DataError(
            f"{path} can't be used",
            expected="lines 'label code' with labels 0, 1, 2 …",
            got=f"{len(rows)} such lines",
        )
    return None


def _gzipped(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(2) == b"\x1f\x8b"


def _shape(magic: bytes, file: BinaryIO, path: Path) -> tuple[int, ...]:
    if len(magic) < 4 or magic[:2] != b"\0\0":
        raise DataError(
            f"{path} is not an IDX file",
            expected="it to begin with two zero bytes",
            got=repr(magic[:2]),
        )
    if magic[2] != 0x08 or not 1 <= magic[3] <= 4:
        got = f"type 0x{magic[2]:02x} with {magic[3]} axes"
        raise DataError(
            f"{path} can't be used", expected="IDX of unsigned bytes with 1 to 4 axes", got=got
        )
    return tuple(int.from_bytes(file.read(4), "big") for _ in range(magic[3]))


def _named(
    labels: np.ndarray, classes: Sequence[str] | None, pair: Pair
) -> tuple[tuple[str, ...], np.ndarray]:
    if not len(labels):
        raise DataError(f"{pair.labels.parent} holds no images")
    if classes:
        first = 1 if labels.min() == 1 and labels.max() == len(classes) else 0
        if labels.max() - first >= len(classes):
            raise DataError(
                f"{pair.labels} does not fit its classes",
                expected=f"labels below {len(classes)}",
                got=str(labels.max()),
            )
        return tuple(classes), labels - first
    present, dense = np.unique(labels, return_inverse=True)
    return tuple(str(value) for value in present), dense.astype(np.int64)


def _glyphs(pairs: Sequence[Pair], counts: Sequence[int]) -> np.ndarray:
    parts = []
    for pair, count in zip(pairs, counts, strict=True):
        images = read_idx(pair.images)
        if images.ndim != 3 or len(images) != count:
            raise DataError(
                f"{pair.images} does not fit its labels",
                expected=f"{count:,} images",
                got=str(images.shape),
            )
        parts.append(images.transpose(0, 2, 1) if pair.transposed else images)
    if len({part.shape[1:] for part in parts}) > 1:
        raise DataError(
            f"{pairs[0].images.parent} mixes sizes",
            got=" and ".join(str(part.shape[1:]) for part in parts),
        )
    glyphs = parts[0] if len(parts) == 1 else np.concatenate(parts)
    edge = np.concatenate([glyphs[:1000, 0].ravel(), glyphs[:1000, -1].ravel()])
    return 255 - glyphs if np.median(edge) > 127 else glyphs  # dark ink on white paper
