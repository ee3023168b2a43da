"""Folders and zips of pictures: `train/<class>/*`, `val/<class>/*`, `test/<class>/*`, or `<class>/*`."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import numpy as np

from engine.data.archive import ZipReader, safe_entries
from engine.data.listing import TEST, TRAIN, VAL, Listing, Reader, digest
from engine.errors import DataError, GlyphlabError
from engine.images import open_picture

PICTURES = frozenset((".png", ".jpg", ".jpeg", ".jfif", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".pgm", ".ppm", ".pbm", ".pnm"))
SPLIT_NAMES = {
    "train": TRAIN, "training": TRAIN, "val": VAL, "valid": VAL, "validation": VAL, "dev": VAL, "test": TEST, "testing": TEST,
}
LAYOUT = "Lay it out as <class>/*.png, or train/<class>/* beside val/<class>/* or test/<class>/*."
_JUNK = frozenset(("__macosx", "thumbs.db", "desktop.ini"))
_SAMPLE = re.compile(r"Sample0(\d\d)$", re.IGNORECASE)
_CHARS74K = tuple("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")


class FolderReader:
    """The files below a folder by position."""

    def __init__(self, root: Path, names: Sequence[str]) -> None:
        self._root, self._names = root, names

    def read(self, index: int) -> bytes:
        return (self._root / self._names[index]).read_bytes()

    def select(self, indices: np.ndarray) -> FolderReader:
        return FolderReader(self._root, [self._names[i] for i in indices])


def list_zip(path: Path, unpacked_mb: int, kind: str | None = None) -> Listing:
    """The pictures in a zip, read in place. Its content hash comes from the checksums in the zip's own directory.

    Raises DataError if the zip is broken or dangerous, or holds no pictures in class folders.
    """
    entries = safe_entries(path, unpacked_mb)
    names = [entry.filename.replace("\\", "/") for entry in entries]
    layout = _layout(names, path.name)
    kept = [entries[i] for i in layout.positions]
    content = digest(["zip", *(f"{entry.filename}:{entry.CRC}:{entry.file_size}" for entry in kept)])
    return layout.listing(ZipReader(path, kept), content, kind)


def list_folder(root: Path, content_of, kind: str | None = None) -> Listing:  # noqa: ANN001
    """The pictures below a folder. `content_of(paths) -> hash` is asked for the files' content.

    Raises DataError if there are no pictures in class folders.
    """
    names = walk(root)
    layout = _layout(names, str(root))
    kept = [names[i] for i in layout.positions]
    return layout.listing(FolderReader(root, kept), digest(["folder", *kept, content_of([root / name for name in kept])]), kind)


def walk(root: Path) -> list[str]:
    """Names of all files below a folder, relative to it with '/', sorted; hidden files and links to folders are left out."""
    out: list[str] = []
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if not _is_junk(name))
        inside = Path(folder).relative_to(root).as_posix()
        out += [name if inside == "." else f"{inside}/{name}" for name in files if not _is_junk(name)]
    return sorted(out)


class _Layout:
    """Which files are pictures, and each one's class and split."""

    def __init__(self, positions: list[int], names: list[str], classes: list[str], official: list[int], skipped: list[tuple[str, str]]) -> None:
        self.positions, self.names, self.skipped = positions, names, tuple(skipped)
        self.classes = tuple(_ordered(set(classes)))
        position = {name: number for number, name in enumerate(self.classes)}
        self.labels = np.array([position[name] for name in classes], np.int64)
        self.official = np.array(official, np.int8)

    def listing(self, reader: Reader, content: str, kind: str | None) -> Listing:
        official = self.official
        if VAL in official and TEST not in official:  # published sets keep their held-out images in val/: they give the score
            official = np.where(official == VAL, np.int8(TEST), official)
        classes = _characters(self.classes)
        return Listing(kind or guess_kind(reader, len(self.names)), self.names, self.labels, classes, official, content, reader, self.skipped)


def _layout(names: Sequence[str], where: str) -> _Layout:
    parts = [PurePosixPath(name).parts for name in names]
    pictures = [
        i for i, part in enumerate(parts)
        if PurePosixPath(part[-1]).suffix.lower() in PICTURES and not any(_is_junk(one) for one in part)
    ]
    if not pictures:
        raise DataError(f"{where} holds no pictures", expected=", ".join(sorted(PICTURES)[:6]) + " … in class folders", hint=LAYOUT)
    depth = 0  # levels that wrap everything: mnistTask/0/… has one
    while True:
        tops = {parts[i][depth] if len(parts[i]) > depth + 1 else None for i in pictures}
        only = next(iter(tops))
        if len(tops) > 1 or only is None or only.lower() in SPLIT_NAMES or not all(len(parts[i]) > depth + 2 for i in pictures):
            break
        depth += 1
    split_tops = {top for top in tops if top is not None and top.lower() in SPLIT_NAMES}
    by_split = bool(split_tops)
    positions, kept, classes, official, skipped = [], [], [], [], []
    for i in pictures:
        part = parts[i][depth:]
        if by_split and part[0] not in split_tops:
            skipped.append((names[i], f"not in {', '.join(sorted(split_tops))}"))
        elif len(part) < 2 + by_split:
            skipped.append((names[i], "not in a class folder"))
        else:
            positions.append(i)
            kept.append("/".join(part))
            classes.append(part[by_split])
            official.append(SPLIT_NAMES[part[0].lower()] if by_split else TRAIN)
    if not positions:
        raise DataError(f"{where} holds {len(pictures):,} pictures but none in a class folder", got=repr(names[pictures[0]]), hint=LAYOUT)
    return _Layout(positions, kept, classes, official, skipped)


def guess_kind(reader: Reader, count: int, looked_at: int = 12) -> str:
    """'digit' for small squares, 'page' for dark marks on even paper, 'photo' for colour: from a few pictures spread over the set."""
    votes = []
    for index in np.unique(np.linspace(0, count - 1, looked_at).astype(int)):
        try:
            picture = open_picture(reader.read(int(index)))
        except (GlyphlabError, OSError):
            continue
        if picture.width == picture.height <= 32:
            votes.append("digit")
            continue
        small = np.asarray(picture.convert("RGB").resize((64, 64)), np.int16)
        colourful = float((small.max(-1) - small.min(-1) > 24).mean())
        grey = small.mean(-1)
        even = float((np.abs(grey - np.median(grey)) < 16).mean())
        votes.append("page" if even > 0.6 and colourful < 0.3 else "photo")
    return max(set(votes), key=lambda kind: (votes.count(kind), kind)) if votes else "photo"


def _characters(classes: tuple[str, ...]) -> tuple[str, ...]:
    """Chars74K numbers its folders: Sample001 … Sample062 are 0-9, A-Z, a-z. Others (saved drawings have them too) keep their names."""
    numbers = [int(match[1]) if (match := _SAMPLE.match(name)) else 0 for name in classes]
    named = tuple(_CHARS74K[number - 1] if 1 <= number <= 62 else name for number, name in zip(numbers, classes, strict=True))
    return named if len(set(named)) == len(named) else classes


def _ordered(names: set[str]) -> list[str]:
    """0, 1, 2 … 10 by number where all are numbers, else by name."""
    return sorted(names, key=int) if all(name.isascii() and name.isdigit() for name in names) else sorted(names)


def _is_junk(name: str) -> bool:
    return name.startswith(".") or name.lower() in _JUNK
