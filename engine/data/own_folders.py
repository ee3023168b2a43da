"""The folders directly inside GLYPHLAB_DATA that hold a data set: told by the names in them, nothing
is opened. The lists show them to whoever leads, under the names that the command line takes.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from engine.data import idx_files
from engine.data.found import found_by_path
from engine.data.imported import is_within
from engine.data.roles import role_of
from engine.data.sources import DATASETS, is_drawings
from engine.data.tables import is_table
from engine.data.uploads import is_upload
from engine.errors import DataError
from engine.imaging.formats import is_hidden, is_picture

MOST_FOLDERS = 500  # of one folder of GLYPHLAB_DATA that are looked into
MOST_LOOKS = 60  # folders below one of them that are looked into
MOST_NAMES = 200  # of each that are read
AGAIN_SECONDS = 20  # after which a folder that held no data set is looked into again
_NAME = re.compile(r"\w[\w .()-]{0,98}[\w)]|\w")  # with nothing that Markdown or a pool ('+') takes
# What the data sets known by name lie in: they are listed already.
_KNOWN = {place.split("/")[0] for source in DATASETS.values() for place in source.places}


class _Look(NamedTuple):
    """What a look into a folder has shown, and of which state of the folder, and when."""

    state: tuple[int, int]
    holds: bool
    at: float


_looks: dict[Path, _Look] = {}  # pages ask for the list at every click


def own_folders(folders: Sequence[Path], home: Path) -> dict[str, Path]:
    """Name → where it leads, of the data sets that lie as folders directly in `folders`, by name. Those
    of the lab, and those known by name, are left out.
    """
    found: dict[str, Path] = {}
    for folder in folders:
        for path in _below(folder):
            name = path.name
            taken = name in found or name in DATASETS or name in _KNOWN or is_drawings(name)
            if taken or role_of(name) or not _NAME.fullmatch(name):
                continue
            if _holds_data_set(path) and (at := _leads_to(name, folders, home)) is not None:
                found[name] = at
    return dict(sorted(found.items()))


def _below(folder: Path) -> list[Path]:
    """The first folders in a folder by name, hidden ones and links that lead nowhere left out."""
    try:
        with os.scandir(folder) as entries:
            names = [one.name for one in entries if one.is_dir() and not is_hidden(one.name)]
    except OSError:
        return []
    return [folder / name for name in sorted(names)[:MOST_FOLDERS]]


def _leads_to(name: str, folders: Sequence[Path], home: Path) -> Path | None:
    """What the name opens, through the web too: nothing outside `folders`, links resolved. None where
    that is nothing, or a data set of the lab.
    """
    try:
        at = found_by_path(name, folders, home, names_only=True, known=()).path
    except DataError:
        return None
    inside = [folder.resolve() for folder in folders]
    return at if at is not None and is_within(at, inside) and not is_upload(home, name) else None


def _holds_data_set(folder: Path) -> bool:
    """Whether it looks like one; what was seen of it holds until its own entries change."""
    try:
        stat = folder.stat()
    except OSError:
        return False
    state, now = (stat.st_mtime_ns, stat.st_ctime_ns), time.monotonic()
    look = _looks.get(folder)
    # Pictures that come into a class folder do not change the folder above it.
    if look and look.state == state and (look.holds or now - look.at < AGAIN_SECONDS):
        return look.holds
    if len(_looks) > 20 * MOST_FOLDERS:
        _looks.clear()
    holds = _looks_like_one(folder)
    _looks[folder] = _Look(state, holds, now)
    return holds


def _looks_like_one(folder: Path) -> bool:
    """Whether there are two folders of pictures side by side in it, a table beside pictures or a folder
    of them, or IDX files with labels.
    """
    names, inner = _entries(folder)
    if any(map(idx_files.is_named_so, [*names, *(path.name for path in inner)])):
        prefixes = idx_files.prefixes(folder)
        return len(prefixes) == 1 and bool(idx_files.find_pairs(folder, prefixes[0]))
    has_table = any(map(is_table, names))
    if has_table and any(map(is_picture, names)):
        return True
    of_pictures: set[Path] = set()  # folders that one of pictures lies in
    for _ in range(MOST_LOOKS):
        if not inner:
            return False
        at = inner.pop(0)
        names, more = _entries(at)
        if any(map(is_picture, names)):
            if has_table or at.parent in of_pictures:
                return True
            of_pictures.add(at.parent)
        inner += more
    return False


def _entries(folder: Path) -> tuple[list[str], list[Path]]:
    """The first files of a folder, by name, and the folders among its first entries; no link followed."""
    names: list[str] = []
    inner: list[Path] = []
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in islice(entries, MOST_NAMES):
            if is_hidden(entry.name):
                continue
            if entry.is_dir(follow_symlinks=False):
                inner.append(folder / entry.name)
            else:
                names.append(entry.name)
    return names, sorted(inner)
