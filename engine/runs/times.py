"""Times as runs record them, and how long a run took."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any


def now() -> str:
    """The time as runs record it: '2026-01-02T03:04:05.678Z'."""
    return (
        datetime.fromtimestamp(time.time(), UTC)
        .isoformat(timespec="milliseconds")
        .replace("+00:00", "Z")
    )


def seconds_between(start: str | None, end: str | None = None) -> float | None:
    """Seconds from one recorded time to another (to the present, if that is None); 0 where the clock
    was put back in between.
    """
    if not start:
        return None
    passed = datetime.fromisoformat(end or now()) - datetime.fromisoformat(start)
    return max(0.0, passed.total_seconds())


def before_again(status: Mapping[str, Any]) -> dict[str, Any]:
    """What status.json says of the attempts so far, none of which is alive, when the run is to begin
    again: their seconds, without those in the queue.
    """
    ended = status.get("finished") or status.get("heartbeat") or status.get("started")
    return {"earlier_seconds": seconds_of(status, ended), "started": None}


def seconds_of(status: Mapping[str, Any], ended: str | None) -> float | None:
    """Seconds of all attempts of a run; None of one that never began. ended: the end of the last."""
    spent = seconds_between(status.get("started"), ended)
    earlier = status.get("earlier_seconds")
    return spent if earlier is None else earlier + (spent or 0.0)
