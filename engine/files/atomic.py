"""Files that are never seen half-written; and how a value, a name or the end of a log is read."""

from __future__ import annotations

import dataclasses
import errno
import json
import math
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.errors import GlyphlabError

if TYPE_CHECKING:
    import numpy as np

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def is_full(error: OSError) -> bool:
    """Whether an error says that the disk, or a person's share of it, is full."""
    # numpy says only "4096 requested and 1200 written" (ndarray.tofile).
    return error.errno in _FULL or (error.errno is None and "requested and" in str(error))


def failure(error: OSError, path: Path) -> GlyphlabError:
    """What to tell a person when `path` can't be written."""
    if is_full(error):
        return GlyphlabError(
            f"there is no room left on the disk for {path}", hint="Free some space, then resume."
        )
    hint = "Choose a folder that can be written to; the lab's own files are in GLYPHLAB_HOME."
    return GlyphlabError(f"{path} can't be written", got=error.strerror, hint=hint)


def why_not_written(error: Exception) -> str:
    """The system's own words for why a file could not be written: of an OSError, or of the
    SafetensorError that wraps one.
    """
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error).rpartition("I/O error: ")[2].partition(" (os error")[0]


def make_folder(path: Path) -> Path:
    """The folder, made with its parents if it is not there, and on the disk. Raises GlyphlabError."""
    try:
        new = [folder for folder in (path, *path.parents) if not folder.exists()]
        path.mkdir(parents=True, exist_ok=True)
        for folder in new:  # or a power cut may take it away, with what is safe in it
            sync(folder.parent)
    except OSError as error:
        raise failure(error, path) from error
    return path


@contextmanager
def replacing(path: Path, lasting: bool = True) -> Iterator[Path]:
    """A new file to write, which takes the place of `path` at the end: a reader sees the old content
    or the new, never a part; after a power cut too, as the content is on the disk before the name.

    lasting: the name is on the disk as well when this returns. Without it a power cut may bring back
    the old content, which is enough for what is written every second. Raises OSError.
    """
    fresh = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}.tmp")
    try:
        yield fresh
        sync(fresh)
        os.replace(fresh, path)
        if lasting:
            sync(path.parent)
    finally:
        with suppress(OSError):
            fresh.unlink()


def sync(path: Path) -> None:
    """Have the system put a file, or the names in a folder, onto the disk. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def rename_whole(fresh: Path, path: Path) -> None:
    """Give a folder that was just filled its name, with all its files on the disk. Raises OSError,
    if another folder has the name for instance.
    """
    for folder, _, names in os.walk(fresh):
        for name in names:
            sync(Path(folder) / name)
        sync(Path(folder))
    os.replace(fresh, path)
    sync(path.parent)


def write_text(path: Path, text: str, lasting: bool = True) -> None:
    """Replace the file by `text`, as `replacing` does. Raises GlyphlabError if the disk is full."""
    write_bytes(path, text.encode(), lasting)


def write_bytes(path: Path, content: bytes, lasting: bool = True) -> None:
    """Replace the file by `content`, as `replacing` does; makes its folder. Raises GlyphlabError if
    the disk is full.
    """
    make_folder(path.parent)
    try:
        with replacing(path, lasting) as fresh:
            fresh.write_bytes(content)
    except OSError as error:
        raise failure(error, path) from error


def write_json(path: Path, value: Any, lasting: bool = True) -> None:
    write_bytes(path, json_bytes(value), lasting)


def json_bytes(value: Any) -> bytes:
    """A value as the lab's files hold it."""
    return (json.dumps(plain(value), indent=1, ensure_ascii=False) + "\n").encode()


def write_array(path: Path, array: np.ndarray) -> None:
    """Write one array as .npy, whole or not at all. Raises GlyphlabError if the disk is full."""
    import numpy as np

    try:
        with replacing(path) as fresh, open(fresh, "wb") as file:
            np.save(file, array)
    except OSError as error:
        raise failure(error, path) from error


def write_arrays(path: Path, **arrays: np.ndarray) -> None:
    """Write an .npz, whole or not at all; makes its folder. Raises GlyphlabError if the disk is
    full.
    """
    import numpy as np

    make_folder(path.parent)
    try:
        with replacing(path) as fresh, open(fresh, "wb") as file:
            np.savez_compressed(file, allow_pickle=False, **arrays)
    except OSError as error:
        raise failure(error, path) from error


def read_json(path: Path) -> Any:
    """The value in a JSON file; None if it is missing or is not JSON."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None


def plain(value: Any) -> Any:
    """`value` as JSON can hold it: dataclasses, tuples and arrays opened, paths as text, nan and
    infinity as None.
    """
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if value is None or isinstance(value, bool | int | str):
        return value
    if dataclasses.is_dataclass(value):
        return {
            field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)
        }
    return plain(value.tolist()) if hasattr(value, "tolist") else str(value)


def is_name(text: str) -> bool:
    """Whether a text may be the name of a file: one part of a path that is not hidden."""
    return (
        0 < len(text.encode("utf-8", "replace")) <= 200
        and not text.startswith(".")
        and "/" not in text
        and text.isprintable()
    )


def tail_of(path: Path, lines: int) -> str:
    """The last lines of a text file; empty if it is missing."""
    try:
        with open(path, "rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - 400 * lines))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-lines:])
