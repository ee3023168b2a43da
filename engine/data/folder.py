"""Folders and zips of pictures: `train/<class>/*`, `val/<class>/*`, `test/<class>/*`, or
`<class>/*`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from engine.data.archive import ZipReader, safe_entries
from engine.data.listing import MOST_BYTES, TEST, TRAIN, VAL, Listing, Reader, digest
from engine.errors import DataError, GlyphlabError
from engine.imaging.images import open_picture

PICTURES = (
    ".png",
    ".jpg",
    ".jpeg",
    ".jfif",
    ".bmp",
    ".gif",
    ".webp",
    ".tif",
    ".tiff",
    ".pgm",
    ".ppm",
    ".pbm",
    ".pnm",
)
SPLIT_NAMES = {
    "train": TRAIN,
    "training": TRAIN,
    "val": VAL,
    "valid": VAL,
    "validation": VAL,
    "test": TEST,
    "testing": TEST,
}
LAYOUT = (
    "Lay it out as <class>/*.png, or as train/<class>/* beside val/<class>/* or test/<class>/*."
)
CHARS74K = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_SAMPLE = re.compile(r"Sample0(\d\d)", re.IGNORECASE)


class FolderReader:
    """The files below a folder by position."""

    def __init__(self, root: Path, names: Sequence[str]) -> None:
        self._root, self._names = root, names

    def read(self, index: int) -> bytes:
        """Raises OSError, or DataError if the file is too large."""
        path = self._root / self._names[index]
        if (size := path.stat().st_size) > MOST_BYTES:
            raise DataError(f"it has {size:,} bytes", expected=f"at most {MOST_BYTES:,}")
        return path.read_bytes()

    def select(self, indices: np.ndarray) -> FolderReader:
        return FolderReader(self._root, [self._names[i] for i in indices])


def list_zip(path: Path, unpacked_mb: int, kind: str | None = None) -> Listing:
    """The pictures in a zip, read in place. Its content hash comes from the checksums in the zip's
    own directory.

    kind  'digit', 'page' or 'photo', if it is known; otherwise a few pictures tell.
    Raises DataError if the zip is broken or dangerous, or holds no pictures in class folders.
    """
    entries = safe_entries(path, unpacked_mb)
    found = _laid_out([entry.filename.replace("\\", "/") for entry in entries], path.name)
    kept = [entries[i] for i in found.positions]
    content = digest(
        ["zip", *(f"{entry.filename}:{entry.CRC}:{entry.file_size}" for entry in kept)]
    )
    return _listing(found, ZipReader(path, kept), content, kind)


def list_folder(
    root: Path, content_of: Callable[[Sequence[Path]], str], kind: str | None = None
) -> Listing:
    """The pictures below a folder. `content_of(paths)` hashes the files' content.

    Raises DataError if there are no pictures in class folders.
    """
    names = walk(root)
    found = _laid_out(names, str(root))
    kept = [names[i] for i in found.positions]
    content = digest(["folder", *kept, content_of([root / name for name in kept])])
    return _listing(found, FolderReader(root, kept), content, kind)


def walk(root: Path) -> list[str]:
    """Names of the files below a folder, relative to it with '/', sorted. Links to folders are not
    followed.
    """
    names: list[str] = []
    for folder, _, files in os.walk(root):
        inside = Path(folder).relative_to(root).as_posix()
        names += files if inside == "." else [f"{inside}/{name}" for name in files]
    return sorted(names)


def guess_kind(reader: Reader, count: int, looked_at: int = 12) -> str:
    """'digit' for small squares, 'page' for marks on even paper, 'photo' otherwise: from a few
    pictures spread over the set.
    """
    votes = []
    for index in np.unique(np.linspace(0, count - 1, looked_at).astype(int)):
        try:
            picture = open_picture(reader.read(int(index)))
        except (GlyphlabError, OSError):
            continue
        if picture.width == picture.height <= 32:
            votes.append("digit")
            continue
        pixels = np.asarray(picture.convert("RGBA").resize((64, 64)), np.int16)[..., :3]
        colourful = float((pixels.max(-1) - pixels.min(-1) > 24).mean())
        grey = pixels.mean(-1)
        even = float((np.abs(grey - np.median(grey)) < 16).mean())
        votes.append("page" if even > 0.6 and colourful < 0.3 else "photo")
    return max(sorted(set(votes)), key=votes.count) if votes else "page"


class _Found(NamedTuple):
    """Positions of the pictures among the files; each one's name, class and official split; what
    was left out, with the reason.
    """

    positions: list[int]
    names: list[str]
    classes: list[str]
    official: list[int]
    skipped: list[tuple[str, str]]


def _laid_out(names: Sequence[str], where: str) -> _Found:
    """Which of the files are pictures, of which class and split. Raises DataError if none is in a
    class folder.
    """
    pictures = [
        (i, name.split("/"))
        for i, name in enumerate(names)
        if name.lower().endswith(PICTURES) and not _is_junk(name)
    ]
    if not pictures:
        kinds = ", ".join(PICTURES[:4])
        raise DataError(
            f"{where} holds no pictures",
            expected=f"files ending in {kinds} …",
            got=f"{len(names):,} other files",
            hint=LAYOUT,
        )
    depth = _wrapping(pictures)
    splits = {
        parts[depth]
        for _, parts in pictures
        if len(parts) > depth + 1 and parts[depth].lower() in SPLIT_NAMES
    }
    found = _Found([], [], [], [], [])
    for i, parts in pictures:
        inner = parts[depth:]
        if splits and inner[0] not in splits:
            found.skipped.append((names[i], f"it is not in {' or '.join(sorted(splits))}"))
        elif len(inner) < (3 if splits else 2):
            found.skipped.append((names[i], "it is not in a class folder"))
        else:
            found.positions.append(i)
            found.names.append("/".join(inner))
            found.classes.append(inner[1] if splits else inner[0])
            found.official.append(SPLIT_NAMES[inner[0].lower()] if splits else TRAIN)
    if not found.positions:
        raise DataError(
            f"{where} holds {len(pictures):,} pictures, but none in a class folder",
            got=repr(found.skipped[0][0]),
            hint=LAYOUT,
        )
    return found


def _wrapping(pictures: Sequence[tuple[int, list[str]]]) -> int:
    """How many folder levels wrap everything else and mean nothing: one in mnistTask/0/….jpg, none
    in train/Sample001/….png.

    A single folder with only pictures in it is a class, not a wrapping.
    """
    depth = 0
    while True:
        tops = {parts[depth] if len(parts) > depth + 1 else "" for _, parts in pictures}
        top = tops.pop()
        if (
            tops
            or not top
            or top.lower() in SPLIT_NAMES
            or not all(len(parts) > depth + 2 for _, parts in pictures)
        ):
            return depth
        depth += 1


def _listing(found: _Found, reader: Reader, content: str, kind: str | None) -> Listing:
    folders = _ordered(set(found.classes))
    position = {name: number for number, name in enumerate(folders)}
    official = np.array(found.official, np.int8)
    notes = {}
    if (
        VAL in official and TEST not in official
    ):  # published sets keep their held-out images in val/: they give the score
        official[official == VAL] = TEST
        notes["test"] = "the folder val"
    labels = np.array([position[name] for name in found.classes], np.int64)
    kind = kind or guess_kind(reader, len(found.names))
    return Listing(
        kind,
        found.names,
        labels,
        _characters(folders),
        official,
        content,
        reader,
        tuple(found.skipped),
        notes,
    )


def _characters(folders: Sequence[str]) -> tuple[str, ...]:
    """Class names. Chars74K numbers its folders: Sample001 … Sample062 are 0-9, A-Z, a-z."""
    numbers = [int(match[1]) if (match := _SAMPLE.fullmatch(name)) else 0 for name in folders]
    return tuple(
        CHARS74K[number - 1] if 1 <= number <= 62 else name
        for name, number in zip(folders, numbers, strict=True)
    )


def _ordered(names: set[str]) -> list[str]:
    """0, 1, 2 … 10 by number where all are numbers, else by name."""
    return (
        sorted(names, key=lambda name: (int(name), name))
        if all(name.isascii() and name.isdigit() for name in names)
        else sorted(names)
    )


def _is_junk(name: str) -> bool:
    """Whether a file is hidden, or was put there by macOS."""
    return name.startswith((".", "__MACOSX/")) or "/." in name or "/__MACOSX/" in name
