"""The processes of a run that trains in several: torchrun's own, and each of those that train."""

from __future__ import annotations

import logging
import os
import sys
import tempfile
import threading
import time
import warnings
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from engine.errors import GlyphlabError
from engine.files.atomic import write_json
from engine.jobs.cancel import Cancel
from engine.jobs.outcome import outcome_of
from engine.jobs.parallel import END_SECONDS
from engine.jobs.place import FOLDER, Place
from engine.progress import no_progress
from engine.runs.run import Run
from engine.settings import read_settings
from engine.store.store import Store

NETWORK = "network"


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


def lead(folder: Path, count: int, place: Place | None = None) -> None:
    """What `_ranks` does: have torchrun start `count` processes of the run in `folder`, and wait for
    them; write down which of them failed first. place: this node, of several.
    """
    end_with_input(END_SECONDS / 2)  # the others end at once, and torchrun after them
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.run import parse_args, run

    logging.disable(logging.CRITICAL)  # what it would say of a process that died stands below
    with tempfile.TemporaryDirectory(prefix="glyphlab-") as scratch:
        torchrun = [f"--nproc-per-node={count}", "--max-restarts=0", f"--log-dir={scratch}"]
        if place:
            from engine.jobs.meeting import arrange

            torchrun += arrange(folder, place)
        else:
            torchrun += [
                "--nnodes=1",
                "--rdzv-backend=c10d",
                f"--rdzv-endpoint={scratch}/torchrun",
                "--rdzv-conf=store_type=file",
                "--local-addr=127.0.0.1",
            ]
        meeting = NETWORK if place else f"{scratch}/meeting"
        command = [sys.executable, "-P", "-m", "engine", "_rank", str(folder), meeting]
        try:
            run(parse_args([*torchrun, "--no-python", *command]))
        except ChildFailedError as error:
            found = [
                {"rank": rank, "code": failure.exitcode} for rank, failure in error.failures.items()
            ]
            with suppress(
                OSError, GlyphlabError
            ):  # the run's process has ended, and the folder is gone
                write_json(folder / FOLDER / f"failed-{place.number if place else 0}.json", found)
            sys.exit(1)
        except Exception as error:
            if place and _is_loss(error):
                sys.exit(1)  # another node is gone; what went wrong there is told there
            raise


def work(folder: Path, meeting: str) -> None:
    """What each `_rank` does: train with the others, and write down how it ended. meeting: a file
    where they meet, or NETWORK: at the store of torchrun's first node.
    """
    end_with_input(0)
    rank, size = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    nodes = size // int(os.environ["LOCAL_WORLD_SIZE"])
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
        where = _store_of_torchrun() if meeting == NETWORK else Path(meeting)
        group = ProcessGroup(rank, size, where, device, nodes)
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
    with suppress(OSError, GlyphlabError):  # the run's process has ended, and the folder is gone
        write_json(folder / FOLDER / f"ended-{rank}.json", row)
    sys.stdout.flush()
    os._exit(code)  # a group that lost a member would wait for it at the interpreter's end


def _store_of_torchrun() -> Any:
    from torch.distributed import (
        PrefixStore,  # pyright: ignore[reportPrivateImportUsage]
        TCPStore,  # pyright: ignore[reportPrivateImportUsage]
    )

    from engine.training.group import PATIENCE

    address, port = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
    return PrefixStore("processes", TCPStore(address, port, None, False, PATIENCE, False))


def _is_loss(error: BaseException) -> bool:
    """Whether an error only says that another process is gone."""
    from torch.distributed import DistError

    text = str(error).lower()
    gone = ("gloo", "nccl", "connection closed by peer", "connection reset by peer")
    return isinstance(error, DistError) or (
        isinstance(error, RuntimeError) and any(word in text for word in gone)
    )


def end_with_input(grace_seconds: float) -> None:
    """End this process when its standard input does, which is when the run's own process has ended."""

    def watch() -> None:
        while os.read(0, 4096):
            pass
        time.sleep(grace_seconds)
        os._exit(1)

    threading.Thread(target=watch, name="end with the run's process", daemon=True).start()
