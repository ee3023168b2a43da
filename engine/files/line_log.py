"""A log of one line an event, to which several processes may add, and from which lines are taken out.

    requests.jsonl      the newest lines
    requests.jsonl.1    those before; what was in it before that is thrown away

Whoever writes holds the lock (flock) of the newest file, and looks then whether that is still the file of
this name: whoever takes lines out, or begins a new file, puts another in its place.
"""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from engine.files.atomic import failure, replacing

FOR_ITS_OWNER = 0o600


class LineLog:
    """The log in `file`, of which each part holds at most `largest_bytes`. May be shared by threads."""

    def __init__(self, file: Path, largest_bytes: int) -> None:
        self.file, self.older = Path(file), Path(f"{file}.1")
        self._largest_bytes = largest_bytes
        self._descriptor: int | None = None
        self._turn = threading.Lock()  # the kernel's lock is the open file's, which threads share

    def add(self, line: str) -> None:
        """Write a line at the end. Raises GlyphlabError if the disk is full."""
        content = f"{line}\n".encode()
        try:
            while not self._fits_and_is_added(content):
                pass
        except OSError as error:
            raise failure(error, self.file) from error

    def drop(self, unwanted: Callable[[bytes], bool]) -> int:
        """Take out the lines that are `unwanted`; returns how many. Each part of the log is replaced
        whole, and nothing that is added meanwhile is lost. Raises GlyphlabError.
        """
        if not self.file.parent.is_dir():
            return 0
        count = 0
        with self._held():
            for path in (self.older, self.file):
                with suppress(FileNotFoundError):
                    lines = path.read_bytes().splitlines(keepends=True)
                    kept = [line for line in lines if not unwanted(line)]
                    if len(kept) < len(lines):
                        _replace(path, b"".join(kept))
                        count += len(lines) - len(kept)
        return count

    def close(self) -> None:
        """Let go of the file."""
        with self._turn:
            self._let_go()

    def _fits_and_is_added(self, content: bytes) -> bool:
        with self._held() as descriptor:
            size = os.fstat(descriptor).st_size
            if size and size + len(content) > self._largest_bytes:
                os.replace(self.file, self.older)
                return False
            while content:
                content = content[os.write(descriptor, content) :]
            return True

    @contextmanager
    def _held(self) -> Iterator[int]:
        """A descriptor of the newest file, which nobody else writes or replaces meanwhile."""
        with self._turn:
            descriptor = self._opened()
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            while not self._is_newest(descriptor):
                self._let_go()
                descriptor = self._opened()
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            try:
                yield descriptor
            finally:
                fcntl.flock(descriptor, fcntl.LOCK_UN)

    def _opened(self) -> int:
        if self._descriptor is None:
            self.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
            self._descriptor = os.open(self.file, flags, FOR_ITS_OWNER)
        return self._descriptor

    def _is_newest(self, descriptor: int) -> bool:
        with suppress(FileNotFoundError):
            return os.path.samestat(os.fstat(descriptor), os.stat(self.file))
        return False

    def _let_go(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)  # and of its lock
            self._descriptor = None


def _replace(path: Path, content: bytes) -> None:
    try:
        with replacing(path) as fresh:
            fresh.touch(mode=FOR_ITS_OWNER)
            fresh.write_bytes(content)
    except OSError as error:
        raise failure(error, path) from error
