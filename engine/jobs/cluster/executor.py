"""Runs and tasks as a cluster's jobs. What they are and how far they are stands in their folders, as
on one machine; the cluster is asked only for what no folder can tell: whether a job still waits, and
whether one has ended without a word.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from engine.errors import GlyphlabError, RunError
from engine.files.atomic import write_json, write_text
from engine.files.locks import Lock, is_locked
from engine.files.pulse import BEAT_SECONDS, SILENT_SECONDS, age_seconds, clock_ns
from engine.files.remote import RemoteError
from engine.jobs.cluster.base import Cluster, ClusterError, Job, JobState, Node
from engine.jobs.cluster.inputs import Needed, needed
from engine.jobs.cluster.live import LiveJob, live_jobs
from engine.jobs.cluster.probe import Probe, last_probe, probe
from engine.jobs.cluster.stored import StoredJobs
from engine.jobs.cluster.task_inputs import needed_by_task
from engine.jobs.cluster.view import ClusterView
from engine.jobs.executor import FRESH, LocalExecutor
from engine.jobs.mirror import start_mirrors
from engine.jobs.parallel import END_SECONDS
from engine.jobs.processes import environment_of
from engine.jobs.resources import Resources, resources_of
from engine.jobs.task_status import read_status
from engine.progress import Progress, no_progress
from engine.runs.run import Run
from engine.runs.run_info import ALIVE
from engine.runs.times import before_again, now
from engine.settings import COMMAND, Settings
from engine.store.store import Store

BETWEEN_SECONDS = 2.0  # two questions to the cluster, for all viewers of this process together
NODES_SECONDS = 10.0  # two questions for its machines
HERE = {"sweep"}  # tasks that only watch others' jobs: they would hold a core for nothing
GONE = JobState("ended", "the cluster does not know it any more")


class ClusterExecutor:
    """See engine.jobs.executor.Executor. The cluster is asked once in `between_seconds` at most."""

    def __init__(
        self, settings: Settings, cluster: Cluster, between_seconds: float = BETWEEN_SECONDS
    ) -> None:
        self.settings, self.cluster = settings, cluster
        self._between_seconds = between_seconds
        self._local = LocalExecutor(settings)
        self._stored = StoredJobs(settings) if settings.store else None
        self._asking = threading.Lock()
        self._asked = float("-inf")
        self._states: dict[str, JobState] | None = None
        self._error = ""
        self._clock: int | None = None  # of the home's file system, at the last look
        self._nodes: list[Node] = []
        self._nodes_asked = float("-inf")

    # starting

    def start(self, run: Run) -> None:
        """Hand the run in. Raises RunError if it is alive, or if jobs are known not to see the
        home; ClusterError if the cluster does not take it, and the run then stays as it was.
        """
        with run.take_lock():
            (run.path / "stop").unlink(missing_ok=True)
            before = run.status()
            if before.get("job"):  # Slurm queues a job whose node was lost again by itself
                with suppress(ClusterError):
                    self.cluster.cancel(before["job"]["id"])
            run.write_status(state="queued", **before_again(before), **FRESH, host=None)
            try:
                recipe, store = run.recipe(), Store(self.settings.home, self.settings)
                files = needed(store, recipe) if self._stored else []
                id = self._submit(run.path, run.id, resources_of(self.settings, recipe), files)
            except GlyphlabError as error:
                earlier = before.get("earlier_seconds")
                as_before = {**before, "earlier_seconds": earlier, "state": "failed"}
                run.write_status(**{**as_before, "error": str(error)})
                raise
            run.write_status(job={"cluster": self.cluster.name, "id": id, "since": now()})
        if self._stored:  # the job's own folder is not where a mirror could go on with it
            start_mirrors(run, self.settings)

    def start_task(self, folder: Path, lock: Lock) -> None:
        """Hand a task in, whose status is written; its `lock` is let go. What can be no job is
        computed here.
        """
        status = read_status(folder).model_dump()
        files = self._needed(folder, status) if self._stored else []
        if status["kind"] in HERE or files is None:
            self._local.start_task(folder, lock)
            return
        waits = {**status, "state": "queued"}
        write_json(folder / "status.json", waits)
        try:
            id = self._submit(folder, status["kind"], resources_of(self.settings), files)
        except GlyphlabError as error:
            end = {"state": "failed", "error": str(error), "finished": now()}
            write_json(folder / "status.json", {**status, **end})
            raise
        job = {"cluster": self.cluster.name, "id": id, "since": now()}
        write_json(folder / "status.json", {**waits, "job": job})
        lock.release()

    def _needed(self, folder: Path, status: Mapping[str, Any]) -> Needed | None:
        store = Store(self.settings.home, self.settings)
        try:
            return needed_by_task(store, status["kind"], status["arguments"])
        except GlyphlabError as error:  # the task itself tells it if that is wrong here, too
            with suppress(OSError), open(folder / "log.txt", "a", encoding="utf-8") as log:
                log.write(f"computed on the lab's own machine: {error}\n")
            return None

    def _submit(self, folder: Path, name: str, resources: Resources, files: Needed) -> str:
        found = last_probe(self.settings.home)
        if found is not None and found.cluster == self.cluster.name and found.ok is False:
            raise RunError(
                found.message.rstrip("."), hint=f"Then test it again: `{COMMAND} cluster --probe`."
            )
        arguments = ("_job", str(folder))
        if self._stored:
            place = f"{folder.parent.name}/{folder.name}"
            arguments = ("_stored", place, self._stored.begin(folder, files))
        return self.cluster.submit(self.job(name, arguments, folder, resources))

    def job(self, name: str, arguments: tuple[str, ...], folder: Path, resources: Resources) -> Job:
        """A job of this lab, with its settings in the environment."""
        path = os.environ.get("PYTHONPATH", "")
        environment = environment_of(self.settings, {"PYTHONPATH": path})
        environment |= {"GLYPHLAB_THREADS": str(resources.cpus), "GLYPHLAB_EXECUTOR": "local"}
        if self.settings.device == "auto" and not resources.gpus:
            environment["GLYPHLAB_DEVICE"] = "cpu"
        if self._stored:  # this machine mirrors what it fetches
            environment |= {"GLYPHLAB_MLFLOW_URI": "", "GLYPHLAB_TRACKIO": ""}
        log = None if self._stored else folder / "log.txt"
        return Job(name, arguments, resources, log, environment)

    # stopping

    def stop(self, run: Run, at_once: bool = False) -> None:
        """Leave word in the run's folder; a job that still waits is taken off the queue, one to be
        stopped at once is killed. Raises RunError if it is not alive.
        """
        if not run.alive:
            raise RunError(f"run {run.id} is not running", got=run.info().state)
        job = run.status().get("job")
        if job is None:
            self._local.stop(run, at_once)
            return
        run.ask_to_stop()
        if self._stored:
            self._stored.ask_to_stop(run.path)
        state = self.cluster.states().get(job["id"], GONE).state
        if state == "running" and self._waits_for_nodes(run):
            state = "waiting"
        if not at_once and state == "running":
            return
        self.cluster.cancel(job["id"], at_once)
        if self._stored:
            self._stored.give_up(run.path)
        # Of several nodes the lock is torchrun's to the last, which may have to end the others.
        patience = 1 if state != "running" else END_SECONDS if run.status().get("nodes") else 10
        with suppress(RunError), run.take_lock(seconds=patience):
            if run.status().get("state") in ALIVE:
                words = "killed on request; it can be resumed"
                run.end("stopped", words if state == "running" else "stopped before it began")

    def _waits_for_nodes(self, run: Run) -> bool:
        """Whether the job of a run over several nodes has begun, but not the run: Ray's waits so."""
        begun = run.status().get("state") != "queued" or is_locked(run.path / "lock")
        return not begun and resources_of(self.settings, run.recipe()).nodes > 1

    def stop_task(self, folder: Path) -> None:
        """Leave word in the task's folder; a job that still waits is taken off the queue."""
        status = read_status(folder)
        if status.job is None:
            self._local.stop_task(folder)
            return
        write_text(folder / "stop", now() + "\n")
        if self._stored:
            self._stored.ask_to_stop(folder)
        if self.cluster.states().get(status.job["id"], GONE).state != "running":
            self._end(LiveJob(folder, status.model_dump(), None), "stopped", "")

    # looking

    def refresh(self, wait: bool = False) -> None:
        """Write down which jobs have ended without a word. Costs nothing soon after the
        last time; asks in the background unless `wait`.
        """
        if time.monotonic() - self._asked < self._between_seconds:
            return
        if wait:
            with self._asking:
                self._look()
        elif self._asking.acquire(blocking=False):
            threading.Thread(target=self._look_and_let_go, name="cluster", daemon=True).start()

    def view(self) -> ClusterView:
        """The cluster as it was at the last look; nothing is asked."""
        states = self._states or {}
        counts = [state.state for state in states.values()]
        return ClusterView(
            name=self.cluster.name,
            nodes=self._nodes,
            waiting=counts.count("waiting"),
            running=counts.count("running"),
            page=self.cluster.page(),
            error=self._error,
            probe=last_probe(self.settings.home),
        )

    def probe(self, progress: Progress = no_progress) -> Probe:
        """Find out whether jobs see the home. Raises ClusterError if none is taken."""
        wanted = Resources(cpus=1, memory_gb=0.5, minutes=5)

        def job(folder: Path) -> Job:
            return self.job("probe", ("_probe", str(folder)), folder, wanted)

        return probe(self.settings.home, self.cluster, job, progress, self.settings.store)

    def _look_and_let_go(self) -> None:
        try:
            self._look()
        finally:
            self._asking.release()

    def _look(self) -> None:
        self._asked = time.monotonic()
        # What is handed in after the cluster was asked is not known to it, and not lost.
        handed_in = {job.folder for job in live_jobs(self.settings.home)}
        wrong = ""  # said once all was asked: viewers may look meanwhile
        try:
            self._states = self.cluster.states()
            if time.monotonic() - self._nodes_asked > NODES_SECONDS:
                self._nodes, self._nodes_asked = self.cluster.nodes(), time.monotonic()
        except ClusterError as error:
            self._states, wrong = None, str(error)
        try:
            if self._stored:
                self._stored.pull(sorted(handed_in))
            jobs = live_jobs(self.settings.home)
        except RemoteError as error:  # then nothing is known of any job, and none is given up
            wrong, jobs = str(error), []
        self._error = wrong
        with suppress(OSError):
            self._clock = clock_ns(self.settings.home)  # once, not for each of hundreds of runs
        for job in jobs:
            with suppress(GlyphlabError, OSError):
                if job.folder in handed_in and (words := self._lost(job)):
                    self._end(job, "failed", words)
                elif job.run and job.status.get("state") == "running":
                    self._say_if_queued_again(job.run)
        self._asked = time.monotonic()

    def _lost(self, job: LiveJob) -> str:
        """Why a job computes no more, in words; empty if it does, or will."""
        folder, host, id = job.folder, job.status.get("host"), job.id
        if is_locked(folder / "lock") and host == socket.gethostname():
            return ""  # of this machine the kernel knows for sure
        silent = age_seconds(folder / "beat", self._clock)
        state = JobState("running") if self._states is None else self._states.get(id, GONE)
        where = f" on {host}" if host else ""
        if silent is not None and silent > SILENT_SECONDS and state.state != "waiting":
            return f"no heartbeat{where} for {silent:.0f} s; {job.way_on}"
        writing = is_locked(folder / "lock") or (silent is not None and silent < 3 * BEAT_SECONDS)
        if state.state == "ended" and not writing:
            line = self.cluster.last_line(id)
            why = f"{state.why}: {line}" if line else state.why
            return f"its job {id}{where} ended without a result ({why}); {job.way_on}"
        return ""

    def _say_if_queued_again(self, run: Run) -> None:
        job = (run.status().get("job") or {}).get("id", "")
        waits = self._states is not None and self._states.get(job, GONE).state == "waiting"
        if waits and not is_locked(run.path / "lock"):
            with run.take_lock(0.1):
                run.write_status(state="queued", message="its job was taken from its node")

    def _end(self, job: LiveJob, state: str, words: str) -> None:
        # The lock of a machine that went down may stay for minutes. Nobody else writes then.
        lock = Lock.take(job.folder / "lock", 0.5)
        try:
            if job.alive():
                with suppress(ClusterError):
                    self.cluster.cancel(job.id, at_once=True)
                if self._stored:
                    self._stored.give_up(job.folder)
                job.end(state, words)
        finally:
            if lock:
                lock.release()
