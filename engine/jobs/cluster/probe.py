"""Whether a job sees the lab's home as this machine does: its files both ways, and its locks; or, where
there is a store, whether it reaches that.
"""

from __future__ import annotations

import secrets
import shutil
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from engine.errors import GlyphlabError
from engine.files.atomic import make_folder, read_json, write_json
from engine.files.locks import Lock, is_locked
from engine.files.remote import Remote, shown
from engine.jobs.cluster.base import Cluster, Job
from engine.progress import Progress, no_progress
from engine.runs.times import now

PATIENCE_SECONDS = 120.0  # for a free place and a node that wakes up
HOLD_SECONDS = 10.0  # that the job keeps its lock for us to see


@dataclass(frozen=True)
class Probe:
    """ok: None while nobody knows (the job still waits). locks: whether a lock of the job's was
    seen from here. seconds: from handing the job in to its answer.
    """

    cluster: str
    ok: bool | None
    message: str
    node: str = ""
    locks: bool | None = None
    seconds: float = 0.0
    at: str = ""


def last_probe(home: Path) -> Probe | None:
    """What the last probe of this home found."""
    found = read_json(Path(home) / "cluster" / "probe.json")
    with suppress(TypeError):
        return Probe(**found) if isinstance(found, dict) else None
    return None


def probe(
    home: Path,
    cluster: Cluster,
    job: Callable[[Path], Job],
    progress: Progress = no_progress,
    store: str = "",
    patience_seconds: float = PATIENCE_SECONDS,
) -> Probe:
    """Have a job answer through the home, or through the `store` if there is one, and keep what came
    of it. job: the one that calls `answer` on a folder. Raises ClusterError if the cluster does not
    take it, RemoteError if the store can't be reached.
    """
    token = secrets.token_hex(6)
    folder = make_folder(home / "cluster" / f"probe-{token}")
    write_json(folder / "ask.json", {"token": token})
    remote = Remote(store) if store else None
    if remote:
        remote.write_json(f"{folder.name}/ask.json", {"token": token})
    begun = time.monotonic()
    try:
        id = cluster.submit(job(folder))
        said, why, ended = None, "", 0.0
        while said is None and time.monotonic() - begun < patience_seconds:
            progress(0, 0, f"waiting for a job of {cluster.name}")
            said = (
                remote.read_json(f"{folder.name}/answer.json")
                if remote
                else read_json(folder / "answer.json")
            )
            state = cluster.states().get(id)
            why = state.why if state else why
            if said is None and (state is None or state.state == "ended"):
                # A network file system may show the answer some seconds late.
                ended = ended or time.monotonic()
                if time.monotonic() - ended > 5:
                    break
            time.sleep(0.2)
        if ended and (line := cluster.last_line(id)):
            why = f"{why}: {line}"
        found = _judged(cluster.name, folder, token, said, bool(ended), why, store)
        with suppress(GlyphlabError):
            cluster.cancel(id)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if remote:
            with suppress(GlyphlabError):
                remote.delete_folder(folder.name)
    seconds = round(time.monotonic() - begun, 1)
    found = Probe(**{**asdict(found), "seconds": seconds, "at": now()})
    write_json(home / "cluster" / "probe.json", asdict(found))
    return found


def _judged(
    name: str, folder: Path, token: str, said: object, ended: bool, why: str, store: str
) -> Probe:
    home = folder.parents[1]
    if isinstance(said, dict) and said.get("token") == token:
        node = str(said.get("node", ""))
        if store:
            return Probe(name, True, f"A job on {node} reaches the store.", node)
        locks = is_locked(folder / "lock")
        words = f"A job on {node} sees the home."
        if not locks:
            words += " Its locks are not seen from here; heartbeats are used instead."
        return Probe(name, True, words, node, locks)
    if ended and store:
        return Probe(
            name,
            False,
            f"A job of {name} did not reach the store {shown(store)}, or could not start Python"
            f" ({why or 'it ended without an answer'}). The nodes need its address, rights to it and"
            " the lab's program at the same path as here.",
        )
    if ended:
        return Probe(
            name,
            False,
            f"A job of {name} did not see the lab's home {home}, or could not start Python there"
            f" ({why or 'it ended without an answer'}). Put GLYPHLAB_HOME and the lab's program on a"
            " file system that all nodes mount at the same path.",
        )
    return Probe(name, None, f"No job of {name} has begun yet ({why or 'it waits'}).")


def answer(folder: Path) -> None:
    """What the probe's job does: answer, and hold a lock until it was seen."""
    asked = read_json(folder / "ask.json") or {}
    lock = Lock.take(folder / "lock")
    write_json(folder / "answer.json", {**asked, "node": socket.gethostname()})
    end = time.monotonic() + HOLD_SECONDS
    while folder.is_dir() and time.monotonic() < end:
        time.sleep(0.1)
    if lock:
        lock.release()


def answer_in_store(store: str, folder: str) -> None:
    """The same, of a job that sees the store alone."""
    remote = Remote(store)
    asked = remote.read_json(f"{folder}/ask.json")
    if asked:
        node = socket.gethostname()
        remote.write_json(f"{folder}/answer.json", {**asked, "node": node})
