"""How much memory and processor time this process may take: for those that open what strangers send."""

from __future__ import annotations

import math
import resource
import time
from contextlib import suppress


def confine(gigabytes: float) -> None:
    """Let this process have no more memory of its own than that; what it asks beyond is refused, which
    ends a run with a sentence. Files that are mapped do not count (RLIMIT_AS would count them: torch
    alone maps 3 GB). Where the system knows no such limit (macOS), nothing happens.
    """
    with suppress(ValueError, OSError):
        most = int(gigabytes * 1e9)
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))


def end_after_cpu_seconds(seconds: float) -> None:
    """Have the kernel end this process once it has computed for that long from now on, whatever it is
    doing.
    """
    most = math.ceil(seconds + time.process_time())
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_CPU, (most, most))
