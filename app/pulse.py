"""Health of the lab for whoever watches it from outside: answered at once, whatever the pages do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

PATIENCE_SECONDS = 0.02


class Pulse:
    """Asks `health()` in a thread of its own, which no page and no upload can occupy, for one
    question at a time. Who has waited for PATIENCE_SECONDS gets the last answer there was; only the
    first question has none to fall back on.
    """

    def __init__(self, health: Callable[[], dict[str, Any]]) -> None:
        self._health = health
        self._thread = ThreadPoolExecutor(1, "health")
        self._last: dict[str, Any] | None = None
        self._asking: asyncio.Future[dict[str, Any]] | None = None

    async def read(self) -> dict[str, Any]:
        """The health. Raises what `health()` raises."""
        asking = self._asking
        if asking is None:
            loop = asyncio.get_running_loop()
            asking = self._asking = loop.run_in_executor(self._thread, self._health)
            asking.add_done_callback(self._keep)
        timeout = None if self._last is None else PATIENCE_SECONDS
        done, _ = await asyncio.wait({asking}, timeout=timeout)
        return asking.result() if done or self._last is None else self._last

    def _keep(self, reading: asyncio.Future[dict[str, Any]]) -> None:
        self._asking = None
        if not reading.cancelled() and reading.exception() is None:
            self._last = reading.result()
