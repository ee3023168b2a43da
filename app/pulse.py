"""Health of the lab for whoever watches it from outside: answered at once, whatever the pages do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

PATIENCE_SECONDS = 0.02
FIRST_SECONDS = 2.0  # a thousand runs are read in a tenth of that; a slow disk holds up no start


class Pulse:
    """Asks `health()` in a thread of its own, which no page and no upload can occupy, for one
    question at a time. Who has waited for `patience` seconds gets the last answer there was; only the
    first question has none to fall back on.
    """

    def __init__(
        self, health: Callable[[], dict[str, Any]], patience: float = PATIENCE_SECONDS
    ) -> None:
        self._health, self._patience = health, patience
        self._thread = ThreadPoolExecutor(1, "health")
        self._last: dict[str, Any] | None = None
        self._asking: asyncio.Future[dict[str, Any]] | None = None

    async def begin(self, patience: float = FIRST_SECONDS) -> None:
        """Ask once, so that whoever comes first has an answer to fall back on. Waits for it for at most
        `patience` seconds; what goes wrong, the next question says.
        """
        with suppress(Exception):
            await asyncio.wait_for(self.read(), patience)

    async def read(self) -> dict[str, Any]:
        """The health. Raises what `health()` raises."""
        asking = self._asking
        if asking is None:
            loop = asyncio.get_running_loop()
            asking = self._asking = loop.run_in_executor(self._thread, self._health)
            asking.add_done_callback(self._keep)
        timeout = None if self._last is None else self._patience
        done, _ = await asyncio.wait({asking}, timeout=timeout)
        return asking.result() if done or self._last is None else self._last

    def _keep(self, reading: asyncio.Future[dict[str, Any]]) -> None:
        self._asking = None
        if not reading.cancelled() and reading.exception() is None:
            self._last = reading.result()
