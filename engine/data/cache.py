"""Decoding once: from files to one memory-mapped uint8 array in the lab's home, found again by content, style and size."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from engine.data.decode import decoded
from engine.data.listing import Listing, digest
from engine.errors import DataError
from engine.images import STYLES
from engine.progress import Progress

PIXELS = 2  # raise when engine/images.py places pictures differently: what was cached before is then decoded again


@dataclass(frozen=True)
class Stored:
    """images (N', C, H, W) uint8, memory-mapped; kept (N',) positions in the listing; skipped (name, reason)."""

    images: np.ndarray
    kept: np.ndarray
    skipped: tuple[tuple[str, str], ...]


def cached_squares(listing: Listing, style: str, size: int, home: Path, progress: Progress) -> Stored:
    """The listing's images as squares of `style` and `size`, decoded now or found from before.

    Two processes that ask at once decode once: the second waits for the first. Raises DataError if the disk is full
    (and leaves nothing behind) or if no image can be read.
    """
    key = digest(["squares", PIXELS, listing.content, len(listing), listing.kind, style, size])

    def make(folder: Path) -> None:
        kept, skipped = [], []
        with (folder / "images.npy").open("wb") as file:
            shape = (STYLES[style].channels, size, size)
            _header(file, 0, shape)
            for chunk in decoded(listing, style, size, progress):
                file.write(np.ascontiguousarray(chunk.images).data)
                kept.append(chunk.kept)
                skipped += chunk.skipped
            count = sum(len(part) for part in kept)
            file.seek(0)
            _header(file, count, shape)
        if not count:
            name, reason = skipped[0] if skipped else ("it", "it is empty")
            raise DataError(f"none of the {len(listing):,} images can be read", got=f"{name}: {reason}")
        np.save(folder / "kept.npy", np.concatenate(kept))
        (folder / "skipped.json").write_text(json.dumps(skipped), encoding="utf-8")

    folder = _made_once(home / "cache", key, make, progress)
    skipped = json.loads((folder / "skipped.json").read_text(encoding="utf-8"))
    images = np.load(folder / "images.npy", mmap_mode="r")
    return Stored(images, np.load(folder / "kept.npy"), tuple((name, reason) for name, reason in skipped))


def cached_concatenation(arrays: Sequence[np.ndarray], key: str, home: Path, progress: Progress) -> np.ndarray:
    """Arrays (n, C, H, W) uint8 of equal C, H, W, one after the other in one memory-mapped array."""

    def make(folder: Path) -> None:
        total, done = sum(len(array) for array in arrays), 0
        with (folder / "images.npy").open("wb") as file:
            _header(file, total, arrays[0].shape[1:])
            for array in arrays:
                for start in range(0, len(array), 4096):
                    part = np.ascontiguousarray(array[start : start + 4096])
                    file.write(part.data)
                    done += len(part)
                    progress(done, total, "pooling images")

    return np.load(_made_once(home / "cache", digest(["pool", key]), make, progress) / "images.npy", mmap_mode="r")


def content_hash(paths: Sequence[Path], home: Path, progress: Progress) -> str:
    """Hash of the files' bytes. They are read once: as long as name, size, times and inode stay, the stored hash is used."""
    quick = hashlib.blake2b(digest_size=16)
    for path in paths:
        stat = path.stat()
        quick.update(f"{path}\0{stat.st_size}\0{stat.st_mtime_ns}\0{stat.st_ctime_ns}\0{stat.st_ino}\n".encode("utf-8", "surrogateescape"))

    def make(folder: Path) -> None:
        state = hashlib.blake2b(digest_size=16)
        for number, path in enumerate(paths):
            with path.open("rb") as file:
                state.update(hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).digest())
            progress(number + 1, len(paths), "reading files")
        (folder / "hash.txt").write_text(state.hexdigest(), encoding="ascii")

    folder = _made_once(home / "cache", f"hash-{quick.hexdigest()}", make, progress)
    return (folder / "hash.txt").read_text(encoding="ascii")


def _made_once(cache: Path, key: str, make: Callable[[Path], None], progress: Progress) -> Path:
    """The folder `cache/key`, complete: made under another name and renamed, so that it is either whole or absent."""
    target = cache / key
    if target.is_dir():
        return target
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with _locked(cache / f"{key}.lock", progress):
            if target.is_dir():
                return target
            made = Path(tempfile.mkdtemp(prefix=f"{key}-", suffix=".part", dir=cache))
            try:
                make(made)
                os.replace(made, target)
            except BaseException:
                shutil.rmtree(made, ignore_errors=True)
                raise
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            hint = "Free some space, or point GLYPHLAB_HOME at a larger disk."
            raise DataError(f"the disk is full: {cache} can't take the decoded images", hint=hint) from None
        raise DataError(f"{cache} can't be written", got=error.strerror, hint="Point GLYPHLAB_HOME at a folder you may write to.") from None
    return target


@contextlib.contextmanager
def _locked(path: Path, progress: Progress) -> Iterator[None]:
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress(0, 1, "waiting for another process that decodes the same images")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _header(file: BinaryIO, count: int, shape: tuple[int, ...]) -> None:
    # numpy leaves room for the first axis to grow, so that the header keeps its length when it is written again.
    np.lib.format.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": (count, *shape)})
