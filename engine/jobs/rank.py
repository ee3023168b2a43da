"""The processes of a run that trains in several: torchrun's own, and each of those that train."""

from __future__ import annotations

import logging
import os
import sys
import tempfile
import threading
import time
import warnings
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from engine.files.atomic import write_json
from engine.jobs.cancel import Cancel
from engine.jobs.outcome import outcome_of
from engine.jobs.parallel import END_SECONDS, FOLDER
from engine.progress import no_progress
from engine.runs.run import Run
from engine.settings import read_settings
from engine.store.store import Store


class Bystander(Run):
    """A run's folder to a process that trains with the one that writes it: it changes nothing."""

    def write_status(self, **changes: Any) -> None: ...

    def own(self, pid: int | None = None) -> None: ...

    def heartbeat(self, **changes: Any) -> None: ...

    def append_metrics(self, row: Any) -> None: ...

    def forget_after(self, epoch: int) -> None: ...

    def write_arrays(self, name: str, **arrays: Any) -> None: ...

    def log(self, text: str) -> None: ...


class Follower(Cancel):
    """The first process decides when to stop, and tells the others: they ask for nothing."""

    def __call__(self) -> bool:
        return False


def lead(folder: Path, count: int) -> None:
    """What `_ranks` does: have torchrun start `count` processes of the run in `folder`, and wait for
    them; write down which of them failed first.
    """
    _end_with_input(END_SECONDS / 2)  # the others end at once, and torchrun after them
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.run import parse_args, run

    logging.disable(logging.CRITICAL)  # what it would say of a process that died stands below
    with tempfile.TemporaryDirectory(prefix="glyphlab-") as place:
        torchrun = [
            "--nnodes=1",
            f"--nproc-per-node={count}",
            "--max-restarts=0",
            "--rdzv-backend=c10d",
            f"--rdzv-endpoint={place}/torchrun",
            "--rdzv-conf=store_type=file",
            "--local-addr=127.0.0.1",
            f"--log-dir={place}",
            "--no-python",
        ]
        command = [sys.executable, "-P", "-m", "engine", "_rank", str(folder), f"{place}/meeting"]
        try:
            run(parse_args([*torchrun, *command]))
        except ChildFailedError as error:
            found = [
                {"rank": rank, "code": failure.exitcode} for rank, failure in error.failures.items()
            ]
            write_json(folder / FOLDER / "failed.json", found)
            sys.exit(1)


def work(folder: Path, meeting: Path) -> None:
    """What each `_rank` does: train with the others, and write down how it ended."""
    _end_with_input(0)
    rank, size = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    settings = read_settings(os.environ)
    run = Bystander(folder) if rank else Run(folder)
    run.own(run.status().get("pid"))  # the run's process is the one that started these
    if rank:
        warnings.simplefilter("ignore")  # the first says the same
    try:
        from engine.device import own_device
        from engine.jobs.training import train
        from engine.training.group import ProcessGroup

        device = own_device(settings.device, int(os.environ["LOCAL_RANK"]))
        store = Store(settings.home, replace(settings, device=str(device)))
        group = ProcessGroup(rank, size, meeting, device)
        cancel = Follower(run) if rank else Cancel(run)
        outcome, lost = train(store, run, cancel, no_progress, group), False
    except BaseException as error:
        lost = _is_loss(error)
        outcome = outcome_of(Bystander(folder) if lost else Run(folder), error)
        code = 1
    else:
        group.end()
        code = 0
    run.write_status()  # what the last heartbeat has left out
    row = {"rank": rank, "at": time.time(), "lost": lost, "outcome": asdict(outcome)}
    write_json(folder / FOLDER / f"ended-{rank}.json", row)
    sys.stdout.flush()
    os._exit(code)  # a group that lost a member would wait for it at the interpreter's end


def _is_loss(error: BaseException) -> bool:
    """Whether an error only says that another process is gone."""
    from torch.distributed import DistError

    text = str(error).lower()
    gone = ("gloo", "nccl", "connection closed by peer", "connection reset by peer")
    return isinstance(error, DistError) or (
        isinstance(error, RuntimeError) and any(word in text for word in gone)
    )


def _end_with_input(grace_seconds: float) -> None:
    """End this process when its standard input does, which is when the run's own process has ended."""

    def watch() -> None:
        while os.read(0, 4096):
            pass
        time.sleep(grace_seconds)
        os._exit(1)

    threading.Thread(target=watch, name="end with the run's process", daemon=True).start()
