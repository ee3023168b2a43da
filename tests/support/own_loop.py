"""Coroutines run in a thread of their own: the browser of other tests keeps a loop running in this one."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def run(coroutine: Coroutine[object, object, T]) -> T:
    """What `asyncio.run` gives, whether or not a loop runs in the calling thread.

    Playwright's synchronous client leaves its loop running in the main thread until the session
    ends, and `asyncio.run` refuses to start beside it.
    """
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, coroutine).result()
