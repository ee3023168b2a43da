"""What a run's process does, in the background and in the foreground alike: wait for its turn,
train, and leave the truth behind.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine import __version__
from engine.errors import GlyphlabError
from engine.files.locks import Lock
from engine.jobs.cancel import STOP_SIGNALS, Cancel
from engine.jobs.outcome import Outcome, outcome_of
from engine.jobs.parallel import check_devices, check_place, train_in_processes
from engine.jobs.place import Place
from engine.jobs.queue import queue_up, wait_turn
from engine.jobs.resources import Resources, resources_of, resources_of_recipe
from engine.progress import Cancelled, Progress, no_progress
from engine.runs.run import Run
from engine.runs.times import now
from engine.settings import ROOT

if TYPE_CHECKING:
    from engine.store.store import Store


def work_on_run(
    store: Store,
    run: Run,
    lock: Lock,
    ticket: Path | None,
    progress: Progress = no_progress,
    place: Place | None = None,
) -> str:
    """Bring the run to its end and return the state it ended in; raises nothing. Its `lock` is
    released at the end. ticket: its place in the queue; None where a cluster has done the queueing.
    There a signal is no person's wish (that is the `stop` file) but the loss of the place: it ends
    the process, and the run goes on from its last epoch when it is queued again or resumed. place: this
    node, of several that a cluster has given.
    """
    cancel = Cancel(run)
    with lock, cancel.catching_signals() if ticket else _dying_of_signals():
        try:
            run.own()
            return _in_turn(store, run, lock, ticket, cancel, progress, place)
        except (Exception, KeyboardInterrupt, Cancelled) as error:
            return _end(run, outcome_of(run, error))


def _in_turn(
    store: Store,
    run: Run,
    lock: Lock,
    ticket: Path | None,
    cancel: Cancel,
    progress: Progress,
    place: Place | None,
) -> str:
    settings, recipe = store.settings, run.recipe()
    if ticket is None:
        asked = resources_of(settings, recipe)
        return _end(run, _train(store, run, lock, asked, cancel, progress, place))
    asked = resources_of_recipe(recipe)
    check_place(replace(settings, executor="local"), asked)

    def show(ahead: int) -> None:
        message = f"waiting for {ahead} other run{'s' if ahead > 1 else ''}"
        run.write_status(message=message)
        progress(0, 0, message)

    with ExitStack() as devices:
        for number in range(max(asked.gpus, 1)):
            if number:  # the next GPU has a queue of its own
                ticket = queue_up(store.home, f"cuda-{number}", run.path)
            turn = wait_turn(ticket, cancel, show)
            if turn is None:
                return _end(run, Outcome("stopped", "stopped before it began"))
            devices.enter_context(turn)
        return _end(run, _train(store, run, lock, asked, cancel, progress))


@contextmanager
def _dying_of_signals() -> Iterator[None]:
    before = {number: signal.signal(number, signal.SIG_DFL) for number in STOP_SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _train(
    store: Store,
    run: Run,
    lock: Lock,
    asked: Resources,
    cancel: Cancel,
    progress: Progress,
    place: Place | None = None,
) -> Outcome:
    cancel.begin()
    several = {"nodes": list(place.names), "attempt": place.attempt} if place else {}
    run.write_status(state="running", started=now(), message="", what="starting", **several)
    if store.settings.mlflow_uri or store.settings.trackio:
        from engine.jobs.mirror import start_mirrors

        start_mirrors(run, store.settings)
    check_devices(store.settings, asked)
    with ThreadPoolExecutor(1) as aside:
        provenance = aside.submit(
            _provenance
        )  # half a second of git in a large checkout, while torch is loaded
        if asked.trainers == 1:
            from engine.jobs.training import train
    run.write_status(**provenance.result())
    if asked.trainers > 1:
        return train_in_processes(run, store.settings, lock, asked, cancel, progress, place)
    return train(store, run, cancel, progress)


def _end(run: Run, outcome: Outcome) -> str:
    try:
        run.end(**outcome.written())
    except GlyphlabError as full:
        print(f"{outcome.state}: {outcome.error or outcome.message}; {full}", file=sys.stderr)
    return outcome.state


def _provenance() -> dict[str, Any]:
    """The code that a run was made by: version and, in a git checkout, the commit ('-dirty' if
    files had been changed).
    """
    try:
        command = [
            "git",
            "-C",
            str(ROOT),
            "describe",
            "--always",
            "--dirty",
            "--abbrev=12",
            "--exclude=*",
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=5)
        commit = done.stdout.strip() or None
    except (OSError, subprocess.SubprocessError):
        commit = None
    return {"glyphlab": __version__, "commit": commit}
