"""What a person holds out to the lab, before it is a data set: it is looked into where it lies, or in
a folder of the lab's own that nobody else sees, and then kept (engine.data.uploads) or let go.
"""

from __future__ import annotations

import re
import secrets
import shutil
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from engine.data import idx_files
from engine.data.cache import content_hash
from engine.data.choices import Choices
from engine.data.imported import ending_of
from engine.data.listing import Listing
from engine.data.readers import Opening, list_found
from engine.data.sources import Found
from engine.errors import DataError
from engine.files.atomic import is_full, make_folder
from engine.progress import Progress

BLOCK = 1 << 20
LONGEST_NAME = 60
FORGOTTEN_HOURS = 24  # after which nobody comes back to what was staged


@dataclass(frozen=True)
class Staged:
    """name      what its owner calls it: a file's or a folder's name, on the Hub 'owner--name'
    path      where it lies
    own       the lab's folder that holds it until it is kept; None of what stays where it is
    replaces  whether it takes the place of an earlier data set of its name
    """

    name: str
    path: Path
    own: Path | None = None
    replaces: bool = False


def own_folder(home: Path) -> Path:
    """A new folder for something that is staged; those that were forgotten are deleted."""
    uploads = make_folder(home / "uploads")
    for entry in uploads.glob(".*"):
        with suppress(OSError):  # another process deletes it, or it is somebody else's
            if entry.is_dir() and time.time() - entry.stat().st_mtime > 3600 * FORGOTTEN_HOURS:
                shutil.rmtree(entry, ignore_errors=True)
    return make_folder(uploads / f".{secrets.token_hex(8)}")


def stage_file(
    home: Path, filename: str, content: bytes | BinaryIO, most_mb: int, progress: Progress
) -> Staged:
    """Write a file that was handed over. content: its bytes, or an open binary file that is read to
    its end. Raises DataError, and leaves nothing, if it is larger than `most_mb`, or the disk is
    full.
    """
    ending = ending_of(filename)
    with told(home, filename):
        own = own_folder(home)
        path = own / f"{plain_stem(filename, ending)}{ending}"
        try:
            _write(path, filename, content, most_mb * 1_000_000, progress)
        except BaseException:
            shutil.rmtree(own, ignore_errors=True)
            raise
    return Staged(filename, path, own)


def list_staged(
    home: Path, staged: Staged, choices: Choices, unpacked_mb: int, progress: Progress
) -> Listing:
    """What would become of it, read by `choices`. Raises DataError if it can't be a data set."""
    if not staged.path.exists():
        raise DataError(f"{staged.name} is not here any more", hint="Choose it again.")
    try:
        return list_at(home, staged.path, choices, unpacked_mb, progress)
    except DataError as error:
        if staged.own is None:
            raise
        raise DataError(str(error).replace(staged.path.name, staged.name)) from None


def list_at(
    home: Path, path: Path, choices: Choices, unpacked_mb: int, progress: Progress
) -> Listing:
    """What a folder or file holds, read by `choices`. Raises DataError."""
    pairs = tuple(idx_files.only_pairs(path)) if path.is_dir() else ()
    found = Found(path.stem, path, pairs, choices=choices)

    def content_of(paths: Sequence[Path]) -> str:
        return content_hash(paths, home, progress)

    return list_found(Opening(found, unpacked_mb, content_of, home / "cache", progress, choices))


def let_go(staged: Staged) -> None:
    """Delete what the lab holds of it; what stays where it is stays."""
    if staged.own is not None:
        shutil.rmtree(staged.own, ignore_errors=True)


def plain_stem(filename: str, ending: str) -> str:
    """A file's name without its folders and its `ending`: letters, digits, '-', '_' and '.'."""
    stem = re.split(r"[\\/]", filename)[-1]
    stem = stem[: -len(ending)] if ending and stem.lower().endswith(ending) else stem
    return re.sub(r"[^\w.-]+", "-", stem).strip("-._")[:LONGEST_NAME] or "upload"


@contextmanager
def told(home: Path, name: str) -> Generator[None]:
    """What the disk refuses within it, raised as DataError."""
    try:
        yield
    except OSError as error:
        if is_full(error):
            raise DataError(
                f"there is no room left on the disk for {name}",
                hint="Free some space and try again.",
            ) from None
        raise DataError(f"{home / 'uploads'} can't be written", got=error.strerror) from None


def _write(
    part: Path, filename: str, content: bytes | BinaryIO, most: int, progress: Progress
) -> None:
    blocks = _blocks(content)
    total = len(content) if isinstance(content, bytes) else 0
    done = 0
    with part.open("wb") as file:
        for block in blocks:
            done += len(block)
            if done > most:
                hint = "Raise GLYPHLAB_UPLOAD_MB, or put it into a folder that GLYPHLAB_DATA names."
                raise DataError(
                    f"{filename} is too large", expected=f"at most {most / 1e6:,.0f} MB", hint=hint
                )
            file.write(block)
            progress(done, max(total, done), f"saving {filename} (bytes)")


def _blocks(content: bytes | BinaryIO) -> Iterator[bytes]:
    if isinstance(content, bytes):
        yield from (content[start : start + BLOCK] for start in range(0, len(content), BLOCK))
    else:
        while block := content.read(BLOCK):
            yield block
