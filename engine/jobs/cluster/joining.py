"""What a node does that computes a run together with the node on which the run's own process is: it
waits for word where to meet, starts its share of the processes, and ends them when the run is over.
"""

from __future__ import annotations

import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import GlyphlabError
from engine.files.atomic import write_json
from engine.files.pulse import BEAT_SECONDS, SILENT_SECONDS, age_seconds
from engine.jobs.parallel import check_devices, trainers
from engine.jobs.place import Place, is_there
from engine.jobs.resources import resources_of
from engine.runs.run import Run
from engine.runs.run_info import ENDED

if TYPE_CHECKING:
    from engine.settings import Settings

LOOK_SECONDS = 1.0
COME_SECONDS = 15 * 60.0  # for the run's process to begin: it may wait for a lost node's lock


def join(folder: Path, settings: Settings, place: Place) -> None:
    """Take part in the run in `folder`, until its end; returns whatever happens to it. Nothing of it
    is left on this node then.
    """
    run = Run(folder)
    if not _begins(run, place):
        return
    error, code = "", 1
    try:
        asked = resources_of(settings, run.recipe())
        check_devices(settings, asked)
        with trainers(folder, settings, asked, place) as agent:
            _follow(run, place, agent)
        code = agent.returncode
    except GlyphlabError as found:
        error = f"node {place.name}: {found}"
    if is_there(place.meeting(folder)):
        with suppress(GlyphlabError, OSError):
            write_json(place.farewell(folder), {"error": error, "code": code})


def _begins(run: Run, place: Place) -> bool:
    """Wait until the first node says where to meet; False if it has ended before."""
    end = time.monotonic() + COME_SECONDS
    while time.monotonic() < end:
        if is_there(place.meeting(run.path)):
            return True
        status = run.status()
        if status.get("attempt") == place.attempt and status.get("state") in ENDED:
            return False
        time.sleep(LOOK_SECONDS)
    return False


def _follow(run: Run, place: Place, agent: subprocess.Popen[bytes]) -> None:
    """Wait until the processes of this node have ended, or the run has. A run's process that was
    killed takes the others with it by its connections; where these stay open, as after a power cut,
    its heartbeat tells.
    """
    heard = time.monotonic()
    while is_there(place.meeting(run.path)):
        with suppress(subprocess.TimeoutExpired):
            agent.wait(LOOK_SECONDS)
            return
        if time.monotonic() - heard > BEAT_SECONDS:
            heard = time.monotonic()
            with suppress(OSError):
                if (age_seconds(run.path / "beat") or 0) > SILENT_SECONDS:
                    return
