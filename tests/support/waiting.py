"""Waiting for something, and a disk that is full."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def full_disk(size_bytes: int = 1000) -> Iterator[None]:
    """Within it, no file of this process may grow beyond `size_bytes`: a write fails as on a full
    disk.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def wait_until(
    condition: Callable[[], object], timeout: float = 30, interval: float = 0.05
) -> object:
    """The first true value of `condition()`; fails after `timeout` seconds."""
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(interval)
    raise AssertionError(f"still not so after {timeout} s: {condition}")
