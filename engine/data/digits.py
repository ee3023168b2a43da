"""scikit-learn's bundled digits: 1,797 real handwritten digits that are on every machine, without a
download.

The file is read straight from the installed package: importing sklearn takes a second, and a run
should show its first point within five.
"""

from __future__ import annotations

import gzip
import importlib.util
from functools import lru_cache
from pathlib import Path

import numpy as np

from engine.data.idx import GlyphReader
from engine.data.listing import TEST, TRAIN, Listing, digest
from engine.errors import DataError
from engine.imaging.images import square_of_page

CLASSES = tuple("0123456789")
TEST_EVERY = 5  # of each class in file order; the data set has no official test split


def digits_file() -> Path | None:
    """Where the installed scikit-learn keeps the file, or None."""
    spec = importlib.util.find_spec("sklearn")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(folder) / "datasets" / "data" / "digits.csv.gz"
        if path.is_file():
            return path
    return None


def list_digits() -> Listing:
    """All 1,797 digits; every fifth of each class is the test split, the same one for every seed."""
    path = digits_file()
    if path is None:
        raise DataError(
            "the bundled digits are not there",
            hint="Install scikit-learn: pip install scikit-learn",
        )
    return _digits(path.read_bytes())


@lru_cache(maxsize=1)  # decoding takes a second, and the Data page asks at every click
def _digits(raw: bytes) -> Listing:
    text = gzip.decompress(raw).decode("ascii")
    table = np.array(
        [line.split(",") for line in text.split()], dtype=np.float32
    )  # (1797, 65): 64 pixels in 0..16, then the label
    labels = table[:, 64].astype(np.int64)
    official = np.full(len(labels), TRAIN, np.int8)
    for label in range(len(CLASSES)):
        official[np.flatnonzero(labels == label)[TEST_EVERY - 1 :: TEST_EVERY]] = TEST
    cells = np.clip(table[:, :64] * (255 / 16), 0, 255).astype(np.uint8).reshape(-1, 8, 8)
    files = [
        f"{'test' if code == TEST else 'train'}/{number}" for number, code in enumerate(official)
    ]
    reader = GlyphReader(lambda: np.stack([square_of_page(cell, "digit", 28)[0] for cell in cells]))
    notes = {
        "test": "every fifth image of each class, the same ones for every seed; scikit-learn marks none",
        "enlarged": "8 × 8",
    }
    return Listing("digit", files, labels, CLASSES, official, digest([raw]), reader, notes=notes)
