"""Room on the disk for decoded images: those that nobody has used for longest make way, since they can
be decoded again and all else can't.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from engine.files.locks import is_locked

SPARE_BYTES = 3_000_000_000  # stays free for runs and what people save; a run begins above 2 GB
IMAGES = "images.npy"


def used(folder: Path) -> None:
    """Note that a folder of decoded images was used now."""
    with suppress(OSError):  # of another user, or on a disk that can only be read
        os.utime(folder)


def make_room(cache: Path, needed: int, free: Callable[[Path], int] | None = None) -> list[str]:
    """Delete decoded images below `cache`, the least recently used first, until `needed` bytes and the
    spare ones are free or there are none left; returns the names of those deleted.

    What a process is decoding stays; so does what another has open, until it is closed (not on a
    network file system: there its run fails and goes on after a resume). free: of the disk, in bytes.
    """
    free = free or (lambda path: shutil.disk_usage(path).free)
    gone: list[str] = []
    if free(cache) >= needed + SPARE_BYTES:
        return gone
    whole = [folder for folder in cache.iterdir() if folder.suffix != ".part"]
    for folder in sorted(whole, key=_last_used):
        if (folder / IMAGES).exists() and not is_locked(cache / f"{folder.name}.lock"):
            shutil.rmtree(folder, ignore_errors=True)
            gone.append(folder.name)
            if free(cache) >= needed + SPARE_BYTES:
                break
    return gone


def _last_used(folder: Path) -> float:
    try:
        return folder.stat().st_mtime
    except OSError:
        return 0.0
