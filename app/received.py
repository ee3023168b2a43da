"""What visitors send to the canvas: a folder that belongs to this process alone, and the only place
where a path that came over the network becomes a file.

Gradio copies and serves any file that a request names: its own check of the path is off where it is
mounted in another application (see docs/gradio-report.md). So every path is compared with this
folder before Gradio sees it.
"""

from __future__ import annotations

import os
import secrets
import shutil
import stat
from contextlib import suppress
from pathlib import Path

from engine.errors import DataError, ImageError
from engine.files.locks import Lock, is_locked

ROOM = 4  # uploads of the largest size that the folder holds; the oldest make room for new ones
MOST_FILES = 1000  # so many of them, however small: a disk also runs out of names


class Received:
    """The folder of a process: `folder` holds what was sent, the lock beside it says that its owner
    lives.
    """

    def __init__(self, home: Path, upload_bytes: int) -> None:
        parent = home / "received"
        try:
            parent.mkdir(parents=True, exist_ok=True)
            _forget_the_dead(parent)
            place = parent / f"{os.getpid()}-{secrets.token_hex(8)}"
            place.mkdir(mode=0o700)
        except OSError as error:
            raise DataError(f"{parent} can't be written", got=error.strerror) from None
        self._lock = Lock.take(place / "lock")
        self.folder = (place / "files").resolve()
        self.folder.mkdir(mode=0o700)
        self._most, self._room = upload_bytes, ROOM * upload_bytes

    def file(self, path: object) -> Path:
        """The file at a path that was sent. Raises ImageError unless it lies in the folder, links
        resolved, and is a plain file: nothing else is even looked at.
        """
        refused = ImageError(
            "this is not a file that was sent to the lab", hint="Upload it first, then name it."
        )
        if not isinstance(path, str) or "\0" in path or len(path) > 4096:
            raise refused
        inside = Path(os.path.normpath(path))
        if not inside.is_absolute() or not inside.is_relative_to(self.folder):
            raise refused
        try:
            found = inside.resolve(strict=True)
            plain = stat.S_ISREG(found.stat().st_mode)
        except (OSError, RuntimeError):
            raise refused from None
        if not plain or not found.is_relative_to(self.folder):
            raise refused
        return found

    def make_room(self, size: int | None) -> None:
        """Delete the oldest files until one more of `size` bytes fits; None: as many as may be sent."""
        size = self._most if size is None else size
        files = []
        for path in self.folder.rglob("*"):
            with suppress(OSError):
                found = path.lstat()
                if stat.S_ISREG(found.st_mode):
                    files.append((found.st_mtime, found.st_size, path))
        held, left = sum(size_bytes for _, size_bytes, _ in files), len(files)
        for _, size_bytes, path in sorted(files):
            if held + size <= self._room and left < MOST_FILES:
                return
            with suppress(OSError):
                path.unlink()
                held, left = held - size_bytes, left - 1
                if path.parent != self.folder:
                    path.parent.rmdir()  # the folder of that upload, unless more came with it

    def remove(self) -> None:
        """Delete the folder with all it holds."""
        shutil.rmtree(self.folder.parent, ignore_errors=True)
        if self._lock is not None:
            self._lock.release()


def _forget_the_dead(parent: Path) -> None:
    """Delete the folders of processes that were killed."""
    for place in parent.iterdir():
        if place.is_dir() and not is_locked(place / "lock"):
            shutil.rmtree(place, ignore_errors=True)
