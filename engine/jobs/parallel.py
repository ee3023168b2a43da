"""A run that trains in several processes, as the run's own process sees it: it starts them by
torchrun, waits, and says how it ended.

    the run's process        holds its lock, waits for its turn, writes the first and the last status
      torchrun (`_ranks`)    starts the processes that train, and ends them all when one has died
        `_rank` 0            trains; writes the run's folder
        `_rank` 1 …          train; write nothing

All stand on one machine and meet in a file; what they send each other goes over the loopback
interface alone (between GPUs also through their memory). Their standard input is a pipe from the
run's process that nobody writes to: when it ends, in whatever way, so do they. torchrun's process
keeps the run's lock until the others are gone.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from engine.errors import RecipeError
from engine.files.atomic import failure, make_folder, read_json
from engine.files.locks import Lock
from engine.jobs.cancel import Cancel
from engine.jobs.outcome import Outcome
from engine.jobs.processes import environment_of
from engine.jobs.resources import Resources
from engine.progress import Progress
from engine.runs.run import Run
from engine.settings import Settings

FOLDER = "processes"  # in the run's: how each process ended
LOOK_SECONDS = 0.2
END_SECONDS = 40.0  # torchrun kills what does not end within 30


def check_devices(settings: Settings, asked: Resources) -> None:
    """Raise RecipeError if this machine, or what the settings let a run use of it, has fewer devices
    than are asked for.
    """
    if not asked.gpus and asked.processes == 1:
        return
    from engine.device import count_gpus, pick_device

    kind, _, one = settings.device.partition(":")
    there = 0 if kind == "cpu" else 1 if one else count_gpus()
    if asked.gpus > there:
        why = f" (GLYPHLAB_DEVICE={settings.device})" if kind != "auto" else ""
        raise RecipeError(
            "the run asks for more GPUs than this machine has" + why,
            expected=f"resources.gpus of at most {there}",
            got=asked.gpus,
            hint="Lower resources.gpus, or start it where there are so many.",
        )
    if asked.processes > 1 and (where := pick_device(settings.device)[0]).type != "cpu":
        raise RecipeError(
            f"resources.processes trains on the CPU, and this lab computes on {where}",
            hint="Set resources.gpus instead, or start the lab with GLYPHLAB_DEVICE=cpu.",
        )


def train_in_processes(
    run: Run,
    settings: Settings,
    lock: Lock,
    asked: Resources,
    cancel: Cancel,
    progress: Progress,
) -> Outcome:
    """Have the run trained by `asked.trainers` processes, and return how it ended. None of them is
    left when this returns or raises.
    """
    folder = run.path / FOLDER
    shutil.rmtree(folder, ignore_errors=True)
    make_folder(folder)
    try:
        agent = _start(run, settings, lock, asked)
        assert agent.stdin is not None
        try:
            _wait(agent, run, cancel, progress)
        finally:
            with suppress(OSError):
                agent.stdin.close()  # with it they end
            _end(agent)
            run.read_again()
        return _outcome(folder, asked.trainers)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _start(run: Run, settings: Settings, lock: Lock, asked: Resources) -> subprocess.Popen[bytes]:
    count = asked.trainers
    threads = max(1, (settings.threads or _cores()) // count)
    ours = replace(settings, threads=threads, device="cuda" if asked.gpus else "cpu")
    loopback = next((name for _, name in socket.if_nameindex() if name.startswith("lo")), "lo")
    environment = environment_of(ours, os.environ) | {
        "OMP_NUM_THREADS": str(threads),
        "GLOO_SOCKET_IFNAME": loopback,
        "NCCL_SOCKET_IFNAME": loopback,
        "TORCH_DISABLE_SHARE_RDZV_TCP_STORE": "1",  # or torchrun would listen on every address
    }
    command = [sys.executable, "-P", "-m", "engine", "_ranks", str(run.path), str(count)]
    try:
        output = open(run.path / "log.txt", "ab")
    except OSError as error:
        raise failure(error, run.path) from error
    with output:
        return subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            start_new_session=True,  # Ctrl-C is for the run's process, which has them stop
            env=environment,
            pass_fds=(lock.descriptor,),
        )


def _cores() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # macOS
        return os.cpu_count() or 1


def _wait(agent: subprocess.Popen[bytes], run: Run, cancel: Cancel, progress: Progress) -> None:
    asked_to_stop = False
    while True:
        with suppress(subprocess.TimeoutExpired):
            agent.wait(LOOK_SECONDS)
            return
        if not asked_to_stop and cancel():
            asked_to_stop = True
            run.ask_to_stop()
        found = read_json(run.path / "status.json") or {}
        progress(found.get("done") or 0, found.get("total") or 0, found.get("what") or "")


def _end(agent: subprocess.Popen[bytes]) -> None:
    try:
        agent.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        agent.kill()
        agent.wait()


def _outcome(folder: Path, count: int) -> Outcome:
    """How the run ended, by what its processes wrote: what the first one says if it came to its end,
    else what was first to go wrong.
    """
    ended = sorted(
        (row for path in folder.glob("ended-*.json") if (row := _row(path))),
        key=lambda row: row["at"],
    )
    good = [row for row in ended if row["rank"] == 0 and not row["outcome"]["error"]]
    mistakes = [row for row in ended if row["outcome"]["error"] and not row["lost"]]
    if found := good or mistakes:
        return Outcome(**found[0]["outcome"])
    said = {row["rank"] for row in ended}
    for failed in _row(folder / "failed.json") or []:
        if failed["rank"] not in said and failed["code"] < 0:
            name = signal.Signals(-failed["code"]).name
            hint = " (memory may have run out)" if name == "SIGKILL" else ""
            which = f"process {failed['rank'] + 1} of {count}"
            return Outcome("failed", error=f"{which} was ended by {name}{hint}; it can be resumed")
    if ended:
        return Outcome(**ended[0]["outcome"])
    return Outcome("failed", error="its processes ended without a word; its log may say why")


def _row(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
