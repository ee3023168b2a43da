"""Pictures and data sets to test with: characters drawn as pen strokes, in folders, zips and IDX
files.
"""

from __future__ import annotations

import gzip
import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

# A 2, a 4 and an R as pen strokes on the unit square.
STROKES = {
    "2": [
        [(0.1, 0.25), (0.3, 0.02), (0.75, 0.02), (0.9, 0.3), (0.6, 0.6), (0.05, 0.98), (0.95, 0.98)]
    ],
    "4": [[(0.6, 0.02), (0.05, 0.65), (0.95, 0.65)], [(0.65, 0.35), (0.65, 0.98)]],
    "R": [
        [(0.1, 0.98), (0.1, 0.02), (0.7, 0.05), (0.85, 0.25), (0.65, 0.5), (0.1, 0.5)],
        [(0.45, 0.5), (0.9, 0.98)],
    ],
}


def page(
    character="2",
    width=640,
    height=480,
    box=(220, 90, 420, 390),
    pen=24,
    paper=255,
    ink=0,
    mode="L",
):
    """A character in `box` on a page, drawn at twice the size so that its edges are soft."""
    picture = Image.new(mode, (width * 2, height * 2), paper)
    draw = ImageDraw.Draw(picture)
    left, top, right, bottom = (2 * edge for edge in box)
    for stroke in STROKES[character]:
        points = [(left + x * (right - left), top + y * (bottom - top)) for x, y in stroke]
        draw.line(points, fill=ink, width=2 * pen, joint="curve")
        for x, y in points:
            draw.ellipse((x - pen, y - pen, x + pen, y + pen), fill=ink)
    return picture.resize((width, height), Image.Resampling.BOX)


def small_page(character: str, number: int = 0) -> Image.Image:
    """A page of 60 x 45, a different one for each number."""
    left = 12 + number % 5 * 3
    return page(character, 60, 45, (left, 8, left + 18, 36), pen=3 + number % 2)


def png(picture: Image.Image) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, "PNG")
    return stream.getvalue()


def files(*classes: str, count: int = 3, below: str = "") -> dict[str, bytes]:
    """'<below><class>/<number>.png' → a picture, `count` a class."""
    names = list(STROKES)
    return {
        f"{below}{name}/{number}.png": png(small_page(names[position % 3], number + 7 * position))
        for position, name in enumerate(classes)
        for number in range(count)
    }


def write_folder(root: Path, content: Mapping[str, bytes]) -> Path:
    for name, data in content.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return root


def write_zip(path: Path, content: Mapping[str, bytes], method: int = zipfile.ZIP_STORED) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    return path


def idx_bytes(array: np.ndarray) -> bytes:
    """The array (any axes) in IDX format: float32 as such, anything else as uint8."""
    code, kind = (0x0D, ">f4") if array.dtype == np.float32 else (8, "u1")
    sizes = b"".join(int(length).to_bytes(4, "big") for length in array.shape)
    return bytes([0, 0, code, array.ndim]) + sizes + array.astype(kind).tobytes()


def write_idx(path: Path, array: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    data = idx_bytes(array)
    path.write_bytes(gzip.compress(data, 1) if path.suffix == ".gz" else data)
    return path


def glyphs(count: int, seed: int = 0, side: int = 28) -> np.ndarray:
    """Random glyphs (count, side, side) uint8 with a black edge."""
    out = np.random.default_rng(seed).integers(0, 256, (count, side, side), dtype=np.uint8)
    out[:, :3], out[:, -3:], out[:, :, :3], out[:, :, -3:] = 0, 0, 0, 0
    return out


def write_mnist(
    folder: Path,
    train: int = 60,
    test: int = 20,
    ending: str = ".gz",
    prefix: str = "",
    test_name: str = "t10k",
) -> Path:
    """IDX files named as MNIST's, labels 0..9 in turn."""
    for split, count in (("train", train), (test_name, test)):
        write_idx(folder / f"{prefix}{split}-images-idx3-ubyte{ending}", glyphs(count, seed=count))
        write_idx(folder / f"{prefix}{split}-labels-idx1-ubyte{ending}", np.arange(count) % 10)
    return folder
