"""Who goes first where processes share the cores: answers before pages, pages before tasks, tasks before
training.

Linux weighs processes of one session by their niceness, but sessions against each other as wholes, by
the niceness of their group (/proc/PID/autogroup): both are set. A process may lower its priority, but
raise it only as root, with CAP_SYS_NICE or as far as RLIMIT_NICE lets it. Every refusal is silent:
priorities save waiting, nothing depends on them.
"""

from __future__ import annotations

import os
import shutil
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType

GROUP = Path("/proc/self/autogroup")  # of this process's session
THREADS = Path("/proc/self/task")
# By how much the pages go first: three shares of a core for each one of a process of the usual
# priority. They use little: half a percent of a core while nobody looks.
FORWARD = 5
# The thread that answers, which works for milliseconds, has nine shares for each one of a page's: at the
# same priority it waited up to 0.2 s for a core behind two pages (docs/reliability.md).
AHEAD = 15
_raised = 0  # by how much this process has raised its own


def go_first(steps: int = FORWARD) -> None:
    """Raise this process's priority by `steps`, where it may: that of its threads, and of those that they
    begin from now on. A priority that a person has chosen stays. What is started by a command that
    was passed through `as_before` has the old one.

    The group of a session is raised only by who leads it: a lab that is started from a terminal
    shares it with the shell and all that is started there later.
    """
    global _raised
    if _raised or not shutil.which("nice"):
        return
    with suppress(OSError, AttributeError):  # AttributeError: Windows
        if os.nice(0) == 0:
            os.nice(-steps)
            _raised = steps
            for thread in THREADS.iterdir():  # Linux has a niceness for each; numpy has begun some
                with suppress(ProcessLookupError):  # one that ended meanwhile
                    os.setpriority(os.PRIO_PROCESS, int(thread.name), -steps)
    if _raised and os.getsid(0) == os.getpid():
        _set_group(-steps)


def go_ahead(steps: int = AHEAD) -> None:
    """Raise this thread above the others of its process, if `go_first` has raised that and where it may.
    Threads that it begins from now on have the process's priority, not its own.
    """
    if not _raised:
        return
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, -steps)  # on Linux: of this thread
        threading.setprofile(_fall_in)  # the one place that a new thread passes before its work


def _fall_in(_frame: FrameType, _event: str, _argument: object) -> None:
    sys.setprofile(None)
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, -_raised)


def as_before(command: Sequence[str]) -> list[str]:
    """`command`, to be started by this thread at the priority that its process had before `go_first`. It
    becomes the process of that command itself. Its group is a new session's, if it is started in one.
    """
    lower = ["nice", "-n", str(-os.nice(0))] if _raised else []
    return [*lower, *command]


def raised() -> bool:
    """Whether this process has raised its priority: for `step_back` in children that are started
    without a command.
    """
    return _raised > 0


def step_back(raised: bool) -> None:
    """In a process whose parent has `raised` its priority: take the usual one, and leave the parent's
    session, whose group is raised as well.
    """
    if raised:
        with suppress(OSError):  # it leads one already
            os.setsid()
        # Of all threads: the session's processes are this one alone.
        os.setpriority(os.PRIO_PGRP, 0, 0)


def give_way(nice: int) -> None:
    """Lower this process's priority by `nice` (0 to 19; 0: as its parent's), so that what a person waits for goes
    first. Costs nothing on a free machine. For processes that have a session of their own.
    """
    now = nice
    with suppress(OSError):
        now = os.nice(nice)
    _set_group(now)


def _set_group(nice: int) -> None:
    with suppress(OSError):
        GROUP.write_text(str(nice), encoding="ascii")
