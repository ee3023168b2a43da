"""Locks that the kernel drops when their process dies."""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import suppress
from pathlib import Path

from engine.files.atomic import failure

# Descriptors of this process's locks; a forked child must not keep them open.
_held: set[int] = set()
_watching_forks = False


class Lock:
    """An exclusive lock (flock) on a file. It holds until `release`, or until the process ends in
    whatever way.

    The descriptor can be passed to a child, which then holds the same lock from its first instant
    (`adopt`).
    """

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path, self.descriptor = path, descriptor
        _let_go_in_forks()
        _held.add(descriptor)

    @classmethod
    def take(cls, path: Path, seconds: float = 0) -> Lock | None:
        """The lock, or None if another still holds it after `seconds`. Raises GlyphlabError if the
        file can't be made.
        """
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise failure(error, path) from error
        end = time.monotonic() + seconds
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return cls(path, descriptor)
            except BlockingIOError:
                if time.monotonic() >= end:
                    os.close(descriptor)
                    return None
                time.sleep(0.02)

    @classmethod
    def adopt(cls, path: Path, descriptor: int) -> Lock:
        """The lock on `path` that the parent took and passed on as `descriptor`."""
        os.set_inheritable(descriptor, False)
        return cls(path, descriptor)

    def release(self) -> None:
        """Let go. Where a child was given the descriptor, the lock stays with the child."""
        if self.descriptor in _held:
            _held.discard(self.descriptor)
            os.close(self.descriptor)

    def __enter__(self) -> Lock:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


def is_locked(path: Path) -> bool:
    """Whether some process holds the lock on `path`. Asking never gets in the way of another who
    asks.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _let_go_in_forks() -> None:
    # flock belongs to the open file, which a fork shares: workers that outlive a killed run would
    # keep it alive.
    global _watching_forks
    if not _watching_forks:
        os.register_at_fork(after_in_child=_close_held)
        _watching_forks = True


def _close_held() -> None:
    for descriptor in list(_held):
        with suppress(OSError):
            os.close(descriptor)
    _held.clear()
