"""A run that trains in several processes, as the run's own process sees it: it starts them by
torchrun, waits, and says how it ended.

    the run's process        holds its lock, waits for its turn, writes the first and the last status
      torchrun (`_ranks`)    starts the processes that train, and ends them all when one has died
        `_rank` 0            trains; writes the run's folder
        `_rank` 1 …          train; write nothing

On one machine they meet in a file, and what they send each other goes over the loopback interface
alone (between GPUs also through their memory). Their standard input is a pipe from the run's process
that nobody writes to: when it ends, in whatever way, so do they. torchrun's process keeps the run's
lock until the others are gone.

On several nodes of a cluster each has a torchrun; on all but the first the process that holds the
pipe is engine.jobs.cluster.joining's. See engine.jobs.meeting for where they meet. When one node ends,
the connections between the processes break, and that ends them on the others.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from engine.device import usable_cores
from engine.errors import RecipeError
from engine.files.atomic import failure, make_folder, read_json
from engine.files.locks import Lock
from engine.jobs.cancel import Cancel
from engine.jobs.ended import how_it_ended, node_failed
from engine.jobs.outcome import Outcome
from engine.jobs.place import FOLDER, Place, interface_of, own_address
from engine.jobs.processes import environment_of
from engine.jobs.resources import Resources
from engine.progress import Progress
from engine.runs.run import Run
from engine.settings import Settings

LOOK_SECONDS = 0.2
END_SECONDS = 40.0  # torchrun kills what does not end within 30
NOTICE_SECONDS = 10.0  # for the processes to notice that another node has failed


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


def check_place(settings: Settings, asked: Resources) -> None:
    """Raise RecipeError if a run that is started with these settings can't have several nodes."""
    if asked.nodes == 1:
        return
    if settings.executor == "local":
        raise RecipeError(
            "a run over several nodes is a job of a cluster",
            expected="resources.nodes of 1 on this machine",
            got=asked.nodes,
            hint="Start the lab with GLYPHLAB_EXECUTOR=ray or slurm, or lower resources.nodes.",
        )
    if settings.store:
        raise RecipeError(
            "a run over several nodes needs a home that all of them mount",
            expected="resources.nodes of 1 with GLYPHLAB_STORE",
            got=asked.nodes,
            hint="Put GLYPHLAB_HOME on a shared file system instead, or lower resources.nodes.",
        )


def train_in_processes(
    run: Run,
    settings: Settings,
    lock: Lock,
    asked: Resources,
    cancel: Cancel,
    progress: Progress,
    place: Place | None = None,
) -> Outcome:
    """Have the run trained by `asked.trainers` processes, and return how it ended. None of those of
    this machine is left when this returns or raises, and the others have no way to go on.

    place: this node, of several.
    """
    folder = run.path / FOLDER
    shutil.rmtree(folder, ignore_errors=True)
    make_folder(folder)
    try:
        try:
            with trainers(run.path, settings, asked, place, lock) as agent:
                _wait(agent, run, cancel, progress, place)
        finally:
            run.read_again()
        return how_it_ended(run.path, asked.trainers, place)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def trainers(
    run: Path, settings: Settings, asked: Resources, place: Place | None, lock: Lock | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """The processes of this machine, by the one that has started them; with the block they end."""
    agent = _start(run, settings, asked, place, lock)
    assert agent.stdin is not None
    try:
        yield agent
    finally:
        with suppress(OSError):
            agent.stdin.close()  # with it they end
        _end(agent)


def _start(
    run: Path, settings: Settings, asked: Resources, place: Place | None, lock: Lock | None
) -> subprocess.Popen[bytes]:
    count = asked.on_a_node
    threads = max(1, (settings.threads or usable_cores()) // count)
    ours = replace(settings, threads=threads, device="cuda" if asked.gpus else "cpu")
    environment = environment_of(ours, os.environ) | {
        "OMP_NUM_THREADS": str(threads),
        **(_over_network(run, place) if place else _over_loopback()),
    }
    command = [sys.executable, "-P", "-m", "engine", "_ranks", str(run), str(count)]
    try:
        output = open(run / "log.txt", "ab")
    except OSError as error:
        raise failure(error, run) from error
    with output:
        return subprocess.Popen(
            [*command, *([place.written()] if place else [])],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            start_new_session=True,  # Ctrl-C is for the run's process, which has them stop
            env=environment,
            pass_fds=(lock.descriptor,) if lock else (),
        )


def _over_loopback() -> dict[str, str]:
    loopback = next((name for _, name in socket.if_nameindex() if name.startswith("lo")), "lo")
    return {
        "GLOO_SOCKET_IFNAME": loopback,
        "NCCL_SOCKET_IFNAME": loopback,
        "TORCH_DISABLE_SHARE_RDZV_TCP_STORE": "1",  # or torchrun would listen on every address
    }


def _over_network(run: Path, place: Place) -> dict[str, str]:
    """Without it gloo takes the interface of the machine's name, which may be the loopback's."""
    met = read_json(place.meeting(run)) or {}  # not written yet on the first node, which writes it
    found = interface_of(own_address(met.get("address") or place.towards))
    if found is None:
        return {}
    chosen = {"GLOO_SOCKET_IFNAME": found, "NCCL_SOCKET_IFNAME": f"={found}"}  # =: no other lo…
    return {name: value for name, value in chosen.items() if name not in os.environ}


def _wait(
    agent: subprocess.Popen[bytes],
    run: Run,
    cancel: Cancel,
    progress: Progress,
    place: Place | None,
) -> None:
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
        if place and node_failed(run.path, place):
            with suppress(subprocess.TimeoutExpired):
                agent.wait(NOTICE_SECONDS)
            return


def _end(agent: subprocess.Popen[bytes]) -> None:
    try:
        agent.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        agent.kill()
        agent.wait()
