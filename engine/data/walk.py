"""The files below a folder: links followed, loops and unreadable places named, names decoded."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from engine.data.listing import MOST_BYTES
from engine.errors import DataError

DEEPEST = 64  # folders above a picture; people have ten, and each is a call within the one before
TOO_DEEP = f"it lies in more than {DEEPEST} folders within each other"


class Walked(NamedTuple):
    """names     of the files, relative to the folder with '/', sorted, as the system writes them
    problems  (name, reason) of what can't be read
    empty     names of folders that hold nothing
    """

    names: list[str]
    problems: list[tuple[str, str]]
    empty: list[str]


class FolderReader:
    """The files below a folder by position."""

    def __init__(self, root: Path, names: Sequence[str]) -> None:
        self._root, self._names = root, names

    def read(self, index: int, most: int = MOST_BYTES) -> bytes:
        """Raises OSError, or DataError if the file is larger than `most`."""
        path = self.path(index)
        if (size := path.stat().st_size) > most:
            raise DataError(f"it has {size:,} bytes", expected=f"at most {most:,}")
        return path.read_bytes()

    def path(self, index: int) -> Path:
        """Where the file lies."""
        return self._root / self._names[index]

    def head(self, index: int, count: int) -> bytes:
        """The file's first bytes. Raises OSError."""
        with self.path(index).open("rb") as file:
            return file.read(count)

    def select(self, indices: np.ndarray) -> FolderReader:
        return FolderReader(self._root, [self._names[int(i)] for i in indices])


def walk(root: Path) -> Walked:
    """Every file below a folder. A link to a folder is followed once, and never into a folder that
    is read anyway: that would not end, or count its pictures twice.
    """
    found = Walked([], [], [])
    links: list[tuple[str, os.DirEntry[str]]] = []
    seen: set[tuple[int, int]] = set()
    _walk_folder(root, "", found, links, seen)
    while links:  # after the folders themselves, so that a name of its own wins over a link to it
        name, entry = links.pop(0)
        try:
            place = entry.stat()
        except OSError as error:
            found.problems.append((name, f"it can't be read: {error.strerror}"))
            continue
        if (place.st_dev, place.st_ino) in seen:
            target = os.path.relpath(os.path.realpath(entry.path), os.path.realpath(root))
            found.problems.append((name, f"a link to {target}, which is read already"))
        else:
            _walk_folder(Path(entry.path), name, found, links, seen)
    found.names.sort()
    return found


def _walk_folder(
    folder: Path,
    inside: str,
    found: Walked,
    links: list[tuple[str, os.DirEntry[str]]],
    seen: set[tuple[int, int]],
) -> None:
    if inside.count("/") >= DEEPEST:
        found.problems.append((inside, TOO_DEEP))
        return
    try:
        place = folder.stat()
        seen.add((place.st_dev, place.st_ino))
        with os.scandir(folder) as listed:
            entries = sorted(listed, key=lambda entry: entry.name)
    except OSError as error:
        found.problems.append((inside or ".", f"it can't be opened: {error.strerror}"))
        return
    if not entries and inside:
        found.empty.append(inside)
    for entry in entries:
        name = f"{inside}/{entry.name}" if inside else entry.name
        try:
            if entry.is_dir(follow_symlinks=False):
                _walk_folder(folder / entry.name, name, found, links, seen)
            elif entry.is_dir():
                links.append((name, entry))
            elif reason := _unreadable(entry):
                found.problems.append((name, reason))
            else:
                found.names.append(name)
        except OSError as error:
            found.problems.append((name, f"it can't be read: {error.strerror}"))


def _unreadable(entry: os.DirEntry[str]) -> str | None:
    """Why a file can't be read; None if it can."""
    if entry.is_symlink() and not os.path.exists(entry.path):
        return f"a link to {os.readlink(entry.path)}, which is not there"
    if not entry.is_file():
        kind = stat.S_IFMT(entry.stat().st_mode)
        return "it is a pipe" if kind == stat.S_IFIFO else "it is not a file"
    return None if os.access(entry.path, os.R_OK) else "it can't be read: permission denied"
