"""Priorities of processes, as the kernel has them."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest


def usual(command: list[str]) -> list[str]:
    """`command`, to be started at the priority 0, whatever that of these tests is."""
    return ["nice", "-n", str(-os.getpriority(os.PRIO_PROCESS, 0)), *command]


def needs_raising() -> None:
    """Skip, saying why, where processes may not raise their priority or Linux does not tell it."""
    if not Path("/proc/self/autogroup").exists():
        pytest.skip("needs Linux with a niceness of sessions (/proc/PID/autogroup)")
    try_it = usual([sys.executable, "-c", "import os; os.nice(0) and exit(1); os.nice(-1)"])
    if subprocess.run(try_it, capture_output=True).returncode:
        pytest.skip("needs the right to raise a priority: root, CAP_SYS_NICE or RLIMIT_NICE")


def priorities(pid: int) -> tuple[set[int], int | None]:
    """The niceness of its threads, and of its session's group. None: it has no group of its own, as the
    session of the machine's first process, and of what that started without a new one.
    """
    threads = set()
    for task in Path(f"/proc/{pid}/task").iterdir():
        with suppress(ProcessLookupError):  # a thread that ended meanwhile
            threads.add(os.getpriority(os.PRIO_PROCESS, int(task.name)))
    group = Path(f"/proc/{pid}/autogroup").read_text()
    return threads, int(group.rpartition(" ")[2]) if group else None


def children(pid: int) -> dict[int, str]:
    """The processes that it has started and that live: pid → command line."""
    out = {}
    for task in Path(f"/proc/{pid}/task").iterdir():
        with suppress(OSError):  # a thread or a child that ended meanwhile
            for child in (task / "children").read_text().split():
                with suppress(OSError):
                    line = Path(f"/proc/{child}/cmdline").read_text()
                    out[int(child)] = line.replace("\0", " ")
    return out
