"""`Files`: the files of a data set by name, whether they lie in a folder or in an archive."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np

from engine.data.listing import MOST_BYTES, Reader
from engine.data.names import Decoded, decode_names
from engine.data.walk import FolderReader, walk
from engine.errors import DataError

MOST_TABLE_BYTES = 4_000_000_000  # of a file that holds many images; EMNIST ByClass has 638 MB


class FileReader(Reader, Protocol):
    """A reader of files, which can also look at how one begins."""

    def read(self, index: int, most: int = MOST_BYTES) -> bytes:
        """Raises OSError, or DataError if it is larger than `most` or broken."""
        ...

    def head(self, index: int, count: int) -> bytes: ...

    def select(self, indices: np.ndarray) -> FileReader: ...


class Files(NamedTuple):
    """The files of a data set: their names as people read them, with '/'; what can't be read, with
    the reason; how the names were decoded; what reads them; and the names of empty folders.
    """

    names: list[str]
    problems: list[tuple[str, str]]
    decoded: Decoded
    reader: FileReader
    form: str
    empty: Sequence[str] = ()


def files_below(root: Path) -> tuple[Files, list[str]]:
    """The files below a folder, and their names as the system writes them."""
    names, problems, bare = walk(root)
    decoded = decode_names([os.fsencode(name) for name in names])
    readable = decode_names([os.fsencode(name) for name, _ in problems]).names
    problems = [(name, reason) for name, (_, reason) in zip(readable, problems, strict=True)]
    empty = decode_names([os.fsencode(name) for name in bare]).names
    return Files(
        decoded.names, problems, decoded, FolderReader(root, names), "folder", empty
    ), names


def one_file(path: Path, form: str) -> Files:
    """A file alone."""
    names = decode_names([os.fsencode(path.name)])
    return Files(names.names, [], names, FolderReader(path.parent, [path.name]), form)


def on_disk(files: Files, index: int, folder: Path) -> Path:
    """A file as a path: where it lies, or copied into `folder` out of an archive. Raises OSError,
    DataError.
    """
    if isinstance(files.reader, FolderReader):
        return files.reader.path(index)
    if shutil.disk_usage(folder).free < MOST_BYTES:
        raise DataError("there is no room left on the disk", hint="Free some space and try again.")
    name = files.names[index].rpartition("/")[2].encode("ascii", "replace").decode()
    path = folder / f"{index}-{name.replace('?', '_')[-80:]}"
    path.write_bytes(files.reader.read(index, MOST_TABLE_BYTES))
    return path
