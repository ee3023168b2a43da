"""A folder of archives, train.zip beside test.zip or the shards of a WebDataset: read as if each were
unpacked into a folder of its name. Archives in these are not opened.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from engine.data.archive import safe_entries
from engine.data.file_list import FileReader, Files
from engine.data.folder import zip_files
from engine.data.forms.omniglot import JoinedReader
from engine.data.listing import Finding, digest
from engine.data.parts import without_part
from engine.data.tables import describe
from engine.errors import DataError
from engine.imaging.formats import is_hidden

MOST_ARCHIVES = 1_000
_ENDING = re.compile(r"(\.tar)?\.(zip|7z|tar|tgz|tbz2?|txz|gz|bz2|xz)$", re.IGNORECASE)
_KINDS = ("a zip", "a tar archive", "a 7z archive")

Content = Callable[[np.ndarray], str]
Opened = tuple[Files, Content]
Unpack = Callable[[Path, int], tuple[Files, Content, int]]


class Part(NamedTuple):
    """The files of one archive, or those beside the archives (folder: ''), and a hash of some."""

    folder: str
    files: Files
    content: Content


def archives_in(files: Files) -> list[int]:
    """Positions of the archives among files, hidden ones left out."""
    return [
        i for i, name in enumerate(files.names) if describe(name) in _KINDS and not is_hidden(name)
    ]


def note_archives(names: Sequence[str]) -> Finding:
    """What to say of archives that are read so."""
    shown = ", ".join(names[:3]) + (" …" if len(names) > 3 else "")
    text = f"{shown}: read as if each were unpacked into a folder of its name."
    return Finding("note", "files", text)


def joined_archives(
    root: Opened,
    archives: Sequence[int],
    path_of: Callable[[int], Path],
    unpacked: Unpack,
    unpacked_mb: int,
) -> Opened:
    """The files in a folder with those of its archives in place of these.

    root      the folder's files, and a hash of those at some positions
    path_of   where a file lies, by its position
    unpacked  the files of an archive that is no zip, which may unpack to so many MB; a hash of some;
              and how many bytes they are
    A broken or dangerous archive is a problem of its own. Raises DataError if there are too many.
    """
    files, content = root
    if len(archives) > MOST_ARCHIVES:
        raise DataError(
            "the folder holds too many archives",
            expected=f"at most {MOST_ARCHIVES:,}",
            got=f"{len(archives):,}",
        )
    plain = [i for i in range(len(files.names)) if i not in set(archives)]
    beside = files._replace(
        names=[files.names[i] for i in plain], reader=files.reader.select(np.array(plain, int))
    )
    kept_at = np.array(plain, int)

    def content_beside(kept: np.ndarray) -> str:
        return content(kept_at[kept])

    parts = [Part("", beside, content_beside)]
    problems = list(files.problems)
    left = unpacked_mb * 1_000_000
    for i in archives:
        path, name = path_of(i), files.names[i]
        try:
            inner, hashed, size = _opened(path, name, unpacked, left // 1_000_000)
        except (DataError, OSError) as error:
            problems.append((name, " ".join(str(error).split())))
            continue
        left -= size
        stem = without_part(_ENDING.sub("", name))
        parts.append(Part(f"{stem}/", inner, hashed))
        problems += [(f"{stem}/{one}", why) for one, why in inner.problems]
    return _joined(parts, files._replace(problems=problems))


def _opened(path: Path, name: str, unpacked: Unpack, most_mb: int) -> tuple[Files, Content, int]:
    """The files of an archive, a hash of some, and how many bytes they unpack to."""
    if describe(name) == "a zip":
        files, content = zip_files(path, most_mb)
        return files, content, sum(one.file_size for one in safe_entries(path, most_mb).files)
    return unpacked(path, most_mb)


def _joined(parts: Sequence[Part], whole: Files) -> Opened:
    names = [f"{part.folder}{name}" for part in parts for name in part.files.names]
    places = [(at, n) for at, part in enumerate(parts) for n in range(len(part.files.names))]
    readers: list[FileReader] = [part.files.reader for part in parts]
    decoded = next((p.files.decoded for p in parts if p.files.decoded.guessed), whole.decoded)

    def content(kept: np.ndarray) -> str:
        own = [
            np.array([places[int(i)][1] for i in kept if places[int(i)][0] == at], int)
            for at in range(len(parts))
        ]
        hashes = [part.content(o) for part, o in zip(parts, own, strict=True) if len(o)]
        return digest(["archives", *(names[int(i)] for i in kept), *hashes])

    return whole._replace(
        names=names,
        decoded=decoded._replace(names=names),
        reader=JoinedReader(readers, places),
        form="folder of archives",
        empty=[f"{part.folder}{name}" for part in parts for name in part.files.empty],
    ), content
