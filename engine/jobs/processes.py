"""Starting a process of the engine that lives on when its parent, the web server or a shell, is
gone.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

from engine.files.atomic import failure
from engine.files.locks import Lock
from engine.priority import as_before
from engine.settings import ROOT, SETTINGS, Settings

# Threads that wait by spinning starve each other as soon as the cores are shared. One training step
# of a small network on two cores with fifteen other busy processes: 6,800 ms spinning, 740 ms
# sleeping (torch 2.14, libgomp). Read when torch is loaded.
THREADS_SLEEP = ("OMP_WAIT_POLICY", "PASSIVE")


def environment_of(settings: Settings, environ: Mapping[str, str]) -> dict[str, str]:
    """`environ` with the settings written into it, so that a child reads the same ones."""
    out = dict(environ)
    for setting in SETTINGS:
        value = getattr(settings, setting.field)
        if setting.secret:  # whoever computes needs none
            out.pop(setting.name, None)
        elif isinstance(value, tuple):
            out[setting.name] = ":".join(str(part) for part in value)
        else:
            out[setting.name] = str(int(value)) if isinstance(value, bool) else str(value)
    out["PYTHONPATH"] = os.pathsep.join(
        part for part in (str(ROOT), out.get("PYTHONPATH", "")) if part
    )
    out["PYTHONUNBUFFERED"] = "1"
    out.setdefault(*THREADS_SLEEP)
    return out


def spawn(
    arguments: list[str],
    settings: Settings,
    log: Path,
    lock: Lock | None = None,
    folder: Path | None = None,
) -> int:
    """Start `python -m engine ARGUMENTS`, detached, output appended to `log`, and return its pid. It has
    a session of its own and no priority that this process has raised for itself.

    `lock` goes over to the child: its descriptor is the last argument. `folder` is the child's
    working directory.
    """
    if lock is not None:
        arguments = [*arguments, str(lock.descriptor)]
    try:
        output = open(log, "ab")
    except OSError as error:
        raise failure(error, log) from error
    with output:
        child = subprocess.Popen(
            # -P: a folder called engine where the person stands is not ours
            as_before([sys.executable, "-P", "-m", "engine", *arguments]),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            cwd=folder if folder and folder.is_dir() else None,
            env=environment_of(settings, os.environ),
            pass_fds=() if lock is None else (lock.descriptor,),
        )
    if lock is not None:
        lock.release()
    threading.Thread(
        target=child.wait, name=f"reaper of {child.pid}", daemon=True
    ).start()  # or it would stay as a zombie
    return child.pid
