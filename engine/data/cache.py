"""Decoding once: from files to one memory-mapped uint8 array in the lab's home, found again by
content, style and size.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TypeVar

import numpy as np

from engine.data.decode import decoded
from engine.data.listing import Listing, digest
from engine.data.room import IMAGES, make_room, used
from engine.errors import DataError
from engine.files.atomic import is_full, make_folder, rename_whole
from engine.files.locks import Lock
from engine.imaging.images import STYLES
from engine.progress import Progress, no_progress

# raise when engine/imaging/images.py places pictures differently: what was cached before is then
# decoded again
PIXELS = 3
_T = TypeVar("_T")


@dataclass(frozen=True)
class Stored:
    """images (N', C, H, W) uint8, memory-mapped; kept (N',) int64 positions in the listing; skipped
    (name, reason); paged (name, pages) of files of which only the first page was read.
    """

    images: np.ndarray
    kept: np.ndarray
    skipped: tuple[tuple[str, str], ...]
    paged: tuple[tuple[str, int], ...] = ()


def cached_squares(
    listing: Listing, style: str, size: int, home: Path, progress: Progress
) -> Stored:
    """The listing's images as squares of `style` and `size`, decoded now or found from before.

    Squares are written as they are decoded, never held all at once. Two processes that ask at once
    decode once: the second waits for the first. Raises DataError if no image can be read, or if the
    disk is full, and then leaves nothing behind.
    """

    def make(folder: Path) -> None:
        kept: list[np.ndarray] = []
        skipped: list[tuple[str, str]] = []
        paged: list[tuple[str, int]] = []
        shape = (STYLES[style].channels, size, size)
        make_room(folder.parent, len(listing) * math.prod(shape))
        with (folder / IMAGES).open("wb") as file:
            _write_header(file, 0, shape)
            for chunk in decoded(listing, style, size, progress):
                file.write(np.ascontiguousarray(chunk.images).data)
                kept.append(chunk.kept)
                skipped += chunk.skipped
                paged += chunk.paged
            count = sum(len(part) for part in kept)
            if not count:
                first = f"{skipped[0][0]}: {skipped[0][1]}" if skipped else "an empty data set"
                raise DataError(f"none of the {len(listing):,} images can be read", got=first)
            file.seek(0)
            _write_header(file, count, shape)
        np.save(folder / "kept.npy", np.concatenate(kept))
        (folder / "skipped.json").write_text(json.dumps(skipped), encoding="utf-8")
        if paged:
            (folder / "paged.json").write_text(json.dumps(paged), encoding="utf-8")

    return made_once(
        home / "cache", squares_key(listing, style, size), make, _open_squares, progress
    )


def squares_key(listing: Listing, style: str, size: int) -> str:
    parts = ["squares", PIXELS, listing.content, len(listing), listing.kind, style, size]
    own = listing.convention.key  # nothing for most sets: what was decoded before stays valid
    return digest([*parts, own] if own else parts)


def stored_squares(listing: Listing, style: str, size: int, home: Path) -> Stored | None:
    """What `cached_squares` would return, if it has been decoded before."""
    try:
        return _open_squares(home / "cache" / squares_key(listing, style, size))
    except (OSError, ValueError):
        return None


def carry_squares(
    before: Listing, after: Listing, style: str, size: int, home: Path
) -> Stored | None:
    """What was decoded of `before` holds for `after` too, which has the same files, read in the same
    way, in other splits; None if `before` was not decoded, or they differ in more.
    """
    stored = stored_squares(before, style, size, home)
    same = list(before.files) == list(after.files) and before.convention == after.convention
    if stored is None or not same or before.kind != after.kind:
        return None
    source = home / "cache" / squares_key(before, style, size)

    def make(folder: Path) -> None:
        for path in source.iterdir():
            try:
                os.link(path, folder / path.name)  # never written to again
            except OSError:  # a file system without links
                shutil.copyfile(path, folder / path.name)

    key = squares_key(after, style, size)
    return made_once(home / "cache", key, make, _open_squares, no_progress)


def cached_concatenation(
    arrays: Sequence[np.ndarray], key: str, home: Path, progress: Progress
) -> np.ndarray:
    """Arrays (n, C, H, W) uint8 of equal C, H, W, one after the other in one memory-mapped array.
    `key` names their content.
    """

    def make(folder: Path) -> None:
        total, done = sum(len(array) for array in arrays), 0
        make_room(folder.parent, sum(array.nbytes for array in arrays))
        with (folder / IMAGES).open("wb") as file:
            _write_header(file, total, arrays[0].shape[1:])
            for array in arrays:
                for start in range(0, len(array), 4096):
                    part = np.ascontiguousarray(array[start : start + 4096])
                    file.write(part.data)
                    done += len(part)
                    progress(done, total, "pooling images")

    return made_once(home / "cache", digest(["pool", key]), make, _open_images, progress)


def content_hash(paths: Sequence[Path], home: Path, progress: Progress) -> str:
    """Hash of the files' bytes, 32 hex digits. They are read once: while names, sizes, times and
    inodes stay, the stored hash is used.
    """
    quick = hashlib.blake2b(digest_size=16)
    for path in paths:
        try:
            stat = path.stat()
        except OSError:  # gone since it was listed
            quick.update(f"{path}\0".encode("utf-8", "surrogateescape"))
            continue
        quick.update(
            f"{path}\0{stat.st_size}\0{stat.st_mtime_ns}\0{stat.st_ctime_ns}\0{stat.st_ino}\n".encode(
                "utf-8", "surrogateescape"
            )
        )

    def make(folder: Path) -> None:
        state = hashlib.blake2b(digest_size=16)
        for number, path in enumerate(paths):
            try:
                with path.open("rb") as file:
                    whole = hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16))
                state.update(whole.digest())
            except OSError:  # the image is skipped with its reason when it is decoded
                state.update(b"unreadable")
            progress(number + 1, len(paths), "reading files")
        (folder / "hash.txt").write_text(state.hexdigest(), encoding="ascii")

    def read(folder: Path) -> str:
        return (folder / "hash.txt").read_text(encoding="ascii")

    return made_once(home / "cache", f"hash-{quick.hexdigest()}", make, read, progress)


def made_once(
    cache: Path,
    key: str,
    make: Callable[[Path], None],
    read: Callable[[Path], _T],
    progress: Progress,
) -> _T:
    """`read` of the folder `cache/key`. If it is not there, or damaged, it is made under another
    name and renamed: whole or absent.
    """
    target = cache / key
    try:
        return read(target)
    except (OSError, ValueError):
        pass
    try:
        make_folder(cache)
        with _lock(cache / f"{key}.lock", progress):
            try:
                return read(target)  # made by another while we waited
            except (OSError, ValueError):
                for dead in (
                    target,
                    *cache.glob(f"{key}-*.part"),
                ):  # damaged, or left by a process that was killed
                    shutil.rmtree(dead, ignore_errors=True)
            made = Path(tempfile.mkdtemp(prefix=f"{key}-", suffix=".part", dir=cache))
            try:
                make(made)
                rename_whole(made, target)
            except BaseException:
                shutil.rmtree(made, ignore_errors=True)
                raise
        return read(target)
    except OSError as error:
        if is_full(error):
            hint = "Free some space, or point GLYPHLAB_HOME at a larger disk."
            raise DataError(
                f"there is no room left on the disk for the decoded images in {cache}", hint=hint
            ) from None
        what = error.filename or cache
        raise DataError(
            f"{what} can't be used",
            got=error.strerror,
            hint="Point GLYPHLAB_HOME at a folder you may write to.",
        ) from None


def _lock(path: Path, progress: Progress) -> Lock:
    while (lock := Lock.take(path, seconds=0.5)) is None:
        progress(0, 1, "waiting for another process that decodes the same images")
    return lock


def _open_squares(folder: Path) -> Stored:
    skipped = json.loads((folder / "skipped.json").read_text(encoding="utf-8"))
    pages = folder / "paged.json"
    paged: list[tuple[str, int]] = []
    if pages.exists():
        paged = json.loads(pages.read_text(encoding="utf-8"))
    return Stored(
        _open_images(folder),
        np.load(folder / "kept.npy"),
        tuple((name, reason) for name, reason in skipped),
        tuple((name, count) for name, count in paged),
    )


def _open_images(folder: Path) -> np.ndarray:
    images = np.load(folder / IMAGES, mmap_mode="r")
    used(folder)
    return images


def _write_header(file: BinaryIO, count: int, shape: tuple[int, ...]) -> None:
    # numpy leaves room for the first axis to grow, so that the header keeps its length when it is
    # written again.
    np.lib.format.write_array_header_1_0(
        file, {"descr": "|u1", "fortran_order": False, "shape": (count, *shape)}
    )
