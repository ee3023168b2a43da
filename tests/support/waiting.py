"""Waiting for something, and a disk that is full."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

# It costs only what fails. Tests and runs give way: beside a program of the usual priority a run whose
# work takes ten seconds took eight minutes.
PATIENCE_SECONDS = 900.0


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


def keys_are_heard(page: Any) -> None:
    """Wait until the next key decides about the image on a page (Playwright's): it is loaded, and has
    answered those before. The image may be there sooner, and a key that comes then counts for nothing.
    """
    page.locator('.keys[data-waits="0"]').wait_for(state="attached")


def place_at_rest(target: Any, page: Any = None) -> dict[str, float]:
    """Where an element of a page is (x, y, width and height in pixels), once it has stopped moving: a
    page that is still being laid out moves what one would draw on. target: Playwright's locator, or an
    element of this page.
    """
    places: list[dict[str, float] | None] = [None]

    def rests() -> dict[str, float] | None:
        (page or target.page).wait_for_timeout(150)
        places.append(target.bounding_box())
        return places[-1] if places[-1] == places[-2] else None

    return wait_until(rests)  # pyright: ignore[reportReturnType]


def wait_until(
    condition: Callable[[], object], timeout: float = PATIENCE_SECONDS, interval: float = 0.05
) -> object:
    """The first true value of `condition()`; fails after `timeout` seconds."""
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(interval)
    raise AssertionError(f"still not so after {timeout} s: {condition}")
