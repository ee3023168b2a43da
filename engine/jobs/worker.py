"""What a run's process does, in the background and in the foreground alike: wait for its turn,
train, and leave the truth behind.
"""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine import __version__
from engine.bounds import confine
from engine.errors import GlyphlabError
from engine.files.atomic import read_json
from engine.files.locks import Lock
from engine.jobs.queue import queue_of, wait_turn
from engine.progress import Cancelled, Progress, no_progress
from engine.runs.run import Run
from engine.runs.run_info import figures_of, now
from engine.settings import ROOT

if TYPE_CHECKING:
    from engine.data.imageset import ImageSet
    from engine.recipes.fields import DataSpec
    from engine.store.store import Store

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Cancel:
    """Whether the run is to stop: by a signal, by its `stop` file, or because it has had its time.
    True once seen, for good.
    """

    def __init__(self, run: Run) -> None:
        self.run, self.signalled, self.seen = run, False, False
        self._end = math.inf

    def __call__(self) -> bool:
        over = time.monotonic() > self._end
        self.seen = self.seen or self.signalled or over or self.run.stop_wanted
        return self.seen

    def begin(self) -> None:
        """Count the minutes that the run may take, if whoever started it has a quota: what it had
        before it was resumed counts as well.
        """
        if minutes := self.run.status().get("most_minutes"):
            spent = max((row.get("seconds") or 0 for row in self.run.metrics()), default=0)
            self._end = time.monotonic() + 60 * minutes - spent

    @contextmanager
    def catching_signals(self) -> Iterator[None]:
        """SIGTERM, SIGINT (Ctrl-C) and SIGHUP ask for a stop; a second one interrupts at once."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def handle(number: int, frame: object) -> None:
            if self.signalled:
                raise KeyboardInterrupt
            self.signalled = True
            os.write(
                2, b"\nstopping; the best model so far is kept (once more: at once)\n"
            )  # print is not safe in a handler

        before = {number: signal.signal(number, handle) for number in STOP_SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def work_on_run(
    store: Store, run: Run, lock: Lock, ticket: Path | None, progress: Progress = no_progress
) -> str:
    """Bring the run to its end and return the state it ended in; raises nothing. Its `lock` is
    released at the end. ticket: its place in the queue; None where a cluster has done the queueing.
    There a signal is no person's wish (that is the `stop` file) but the loss of the place: it ends
    the process, and the run goes on from its last epoch when it is queued again or resumed.
    """
    cancel = Cancel(run)
    with lock, cancel.catching_signals() if ticket else _dying_of_signals():
        try:
            run.own()
            if ticket is None:
                return _train(store, run, cancel, progress)

            def show(ahead: int) -> None:
                message = f"waiting for {ahead} other run{'s' if ahead > 1 else ''}"
                run.write_status(message=message)
                progress(0, 0, message)

            turn = wait_turn(ticket, cancel, show)
            if turn is None:
                return _end(run, "stopped", "stopped before it began")
            with turn:
                return _train(store, run, cancel, progress)
        except Cancelled:
            return _end(run, "stopped", "stopped before the training began")
        except KeyboardInterrupt:
            return _end(run, "stopped", "interrupted")
        except GlyphlabError as error:
            return _end(run, "failed", error=str(error), mistake=True)
        except Exception as error:
            run.log(traceback.format_exc())
            return _end(run, "failed", error=in_words(error))


@contextmanager
def _dying_of_signals() -> Iterator[None]:
    before = {number: signal.signal(number, signal.SIG_DFL) for number in STOP_SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _train(store: Store, run: Run, cancel: Cancel, progress: Progress) -> str:
    cancel.begin()
    memory_gb = run.status().get("most_memory_gb")
    if (
        memory_gb and queue_of(store.settings.device) == "cpu"
    ):  # a GPU's driver maps what it never uses
        confine(memory_gb)
    run.write_status(state="running", started=now(), message="", what="starting")
    if store.settings.mlflow_uri or store.settings.trackio:
        from engine.jobs.mirror import start_mirrors

        start_mirrors(run, store.settings)
    with ThreadPoolExecutor(1) as aside:
        provenance = aside.submit(
            _provenance
        )  # half a second of git in a large checkout, while torch is loaded
        from engine.jobs.experiment import conduct
        from engine.models.pretrained import keep_downloads
        from engine.store.lineage import starting_model
    run.write_status(**provenance.result())

    def show(done: int, total: int, what: str) -> None:
        run.heartbeat(done=done, total=total, what=what)
        progress(done, total, what)

    def loading(done: int, total: int, what: str) -> None:
        show(done, total, what)
        if cancel():
            raise Cancelled

    def load(spec: DataSpec) -> ImageSet:
        data = store.dataset(spec, progress=loading)
        for name, reason in data.skipped[:20]:
            run.log(f"skipped {name}: {reason}")
        if data.skipped:
            run.log(f"{len(data.skipped):,} images of {data.name} are left out")
        for finding in data.findings:
            run.log(f"{finding.level}, {finding.about}: {finding.text}")
        return data

    position = read_json(run.last / "state.json")
    run.forget_after(position["epoch"] if position else 0)
    settings = store.settings
    keep_downloads(store.home / "weights", offline=settings.offline, names_only=settings.names_only)
    scale = run.recipe().scale

    def find_model(name: str) -> Path:
        folder = starting_model(store, name, scale)
        run.log(f"starting from {name}: {folder}")
        return folder

    final = conduct(
        run,
        load=load,
        find_model=find_model,
        device=settings.device,
        threads=settings.threads,
        cancelled=cancel,
        progress=show,
    )
    if not final:
        return _end(run, "stopped", "stopped before the first epoch ended; no model was kept")
    epoch = final.get("epochs") or run.status().get("epoch")
    message = f"stopped after {epoch} epochs; the best model is kept" if cancel.seen else ""
    return _end(
        run,
        "stopped" if cancel.seen else "finished",
        message,
        figures=figures_of(final),
        share=1.0,
        what="",
    )


def _end(run: Run, state: str, message: str = "", error: str | None = None, **more: Any) -> str:
    try:
        run.end(state, message, error, **more)
    except GlyphlabError as full:
        print(f"{state}: {error or message}; {full}", file=sys.stderr)
    return state


def in_words(error: BaseException) -> str:
    """One line for an error that nobody foresaw; memory or disk running out is named as what it is."""
    text = (str(error).strip().splitlines() or [""])[0]
    if (
        isinstance(error, MemoryError)
        or "out of memory" in text.lower()
        or "can't allocate memory" in text.lower()
    ):
        return "there was not enough memory. Lower batch_size or the image size."
    if "no space left" in text.lower():  # safetensors has an error of its own for it
        return "there is no room left on the disk. Free some space, then resume."
    return f"{type(error).__name__}: {text}"[:300]


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
