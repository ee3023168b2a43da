"""What every test may ask for: the real data, a way to wait, and a clean environment."""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from engine.processes import THREADS_SLEEP

os.environ.setdefault(*THREADS_SLEEP)  # before torch is loaded


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real data sets: the first of GLYPHLAB_DATA that holds MNIST. Skips, saying why, where there is none."""
    for part in os.environ.get("GLYPHLAB_DATA", "").split(":"):
        if part and (Path(part) / "mnist").is_dir():
            return Path(part).resolve()
    pytest.skip("needs real data: GLYPHLAB_DATA names a folder with mnist/, trainPart1.zip, mnistTask3.zip, emnist62/, hymenoptera_data/")


@contextmanager
def full_disk(size_bytes: int = 1000) -> Iterator[None]:
    """Within it, no file of this process may grow beyond `size_bytes`: a write fails as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def wait_until(condition: Callable[[], object], timeout: float = 30, interval: float = 0.05) -> object:
    """The first true value of `condition()`; fails after `timeout` seconds."""
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(interval)
    raise AssertionError(f"still not so after {timeout} s: {condition}")
