"""Jobs of a Slurm cluster, handed in by submitit (sbatch), seen by squeue, ended by scancel.

A job that runs out of time or is preempted gets SIGUSR2 some seconds before; submitit then has it
queued again, and the run goes on from the end of its last epoch. The same happens after the loss of
a node, which Slurm queues again by itself.
"""

from __future__ import annotations

import importlib
import os
import re
import runpy
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.files.atomic import tail_of
from engine.jobs.cluster.base import ClusterError, Job, JobState, Node
from engine.jobs.place import Place, at_place

TIMEOUT_SECONDS = 10.0
DAY_MINUTES = 24 * 60  # one attempt's limit where none is given; what takes longer is queued again
NOTICE_SECONDS = 60  # between SIGUSR2 and the end of the time limit
WAITING = {"PENDING", "CONFIGURING", "REQUEUED", "SUSPENDED", "SPECIAL_EXIT", "REQUEUE_HOLD"}
RUNNING = {"RUNNING", "COMPLETING", "STOPPED", "SIGNALING", "STAGE_OUT", "RESIZING"}


class SlurmJobs:
    """See engine.jobs.cluster.base.Cluster. folder: on the shared file system, for submitit's own
    files. options: further ones of sbatch, such as {"partition": "gpu"}.
    """

    name = "Slurm"

    def __init__(self, folder: Path, options: dict[str, str]) -> None:
        self.folder, self.options = folder, options

    def submit(self, job: Job) -> str:
        """See Cluster. The job is one of submitit's, which queues it again when it is cut short."""
        wanted = job.resources
        made = _submitit().SlurmExecutor(folder=str(self.folder), max_num_timeout=10_000)
        more: dict[str, Any] = {"requeue": True, "export": "ALL", **self.options}
        if wanted.gpus:
            more["gres"] = f"gpu:{wanted.gpus}"
        if wanted.nodes > 1:  # when the run's process is killed, nothing goes on elsewhere
            more |= {"wait_all_nodes": 1}
            made.update_parameters(srun_args=["--kill-on-bad-exit=1"])
        made.update_parameters(
            job_name=f"glyphlab-{job.name}",
            cpus_per_task=wanted.cpus,
            mem=f"{int(wanted.memory_gb * 1000)}M",
            nodes=wanted.nodes,
            ntasks_per_node=1,
            signal_delay_s=NOTICE_SECONDS,
            setup=[f"export {key}={shlex.quote(value)}" for key, value in job.environment.items()],
            additional_parameters=more,
            time=wanted.minutes or DAY_MINUTES,
        )
        try:
            return str(
                made.submit(SlurmWork(job.arguments, str(job.log or ""), wanted.nodes)).job_id
            )
        except Exception as error:  # submitit passes on what sbatch said as its own kind of error
            text = " ".join(str(error).split())[-300:]
            raise ClusterError("Slurm did not take the job", got=text) from None

    def states(self) -> dict[str, JobState]:
        # squeue forgets a job some minutes after its end (MinJobAge): what it does not name has
        # ended.
        lines = _run("squeue", "--noheader", "--states=all", "--format=%i|%T|%N|%r").splitlines()
        out = {}
        for line in lines:
            id, status, node, reason = line.strip().split("|", 3)
            state: Any = (
                "waiting" if status in WAITING else "running" if status in RUNNING else "ended"
            )
            why = status if reason in ("None", "") else f"{status} ({reason})"
            out[id] = JobState(state, why, node)
        return out

    def cancel(self, id: str, at_once: bool = False) -> None:
        _run("scancel", "--quiet", *(("--signal=KILL", "--full") if at_once else ()), id)

    def last_line(self, id: str) -> str:
        lines = tail_of(self.folder / f"{id}_0_log.err", 20).strip().splitlines()
        lines = [line for line in lines if not line.startswith(("srun:", "submitit "))]
        return lines[-1][-300:] if lines else ""

    def nodes(self) -> list[Node]:
        """See Cluster. GPUs are counted in the generic resources."""
        lines = _run("sinfo", "--noheader", "--Node", "--format=%N|%T|%C|%m|%G").splitlines()
        out: dict[str, Node] = {}
        for line in lines:
            name, state, cores, memory, more = line.strip().split("|", 4)
            used, _, _, total = (float(part) for part in cores.split("/"))
            plain = state.rstrip("*~#!%$@^-+")
            out[name] = Node(
                name=name,
                state=plain,
                alive=not state.endswith("*") and plain not in ("down", "drained", "fail"),
                cpus=total,
                cpus_used=used,
                gpus=_gpus(more),
                gpus_used=None,
                memory_gb=float(memory.rstrip("+")) / 1000,
            )
        return list(out.values())

    def page(self) -> str | None:
        return None


class SlurmWork:
    """What submitit pickles and calls on every node, once for every attempt."""

    def __init__(self, arguments: tuple[str, ...], log: str, nodes: int = 1) -> None:
        self.arguments, self.log, self.nodes = arguments, log, nodes

    def __call__(self) -> None:
        if self.log:
            output = os.open(self.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
            os.dup2(output, sys.stdout.fileno())
            os.dup2(output, sys.stderr.fileno())
        # In this process: it is the one that gets Slurm's signals.
        sys.argv[1:] = (
            at_place(self.arguments, _place(os.environ)) if self.nodes > 1 else self.arguments
        )
        runpy.run_module("engine", run_name="__main__", alter_sys=True)

    def checkpoint(self) -> Any:
        """Called by submitit on SIGUSR2: what to queue again. What is needed to go on is on the
        disk already.
        """
        return _submitit().helpers.DelayedSubmission(self)


def _place(environ: Mapping[str, str]) -> Place:
    """This task's node among the job's. Nodes are reached by the addresses that Slurm itself uses,
    which need not be their names'.
    """
    names = _run("scontrol", "show", "hostnames", environ["SLURM_JOB_NODELIST"]).split()
    number = int(environ["SLURM_PROCID"])
    other = names[0 if number else 1]
    said = _run("scontrol", "--oneliner", "show", "node", other)
    address = re.search(r"\bNodeAddr=(\S+)", said)
    attempt = f"{environ['SLURM_JOB_ID']}-{environ.get('SLURM_RESTART_COUNT') or 0}"
    return Place(number, tuple(names), address[1] if address else other, attempt)


def _submitit() -> Any:
    try:
        return importlib.import_module("submitit")
    except ImportError:
        raise ClusterError(
            "handing jobs to Slurm needs submitit", hint="pip install -r requirements-cluster.txt"
        ) from None


def _run(*command: str) -> str:
    if shutil.which(command[0]) is None:
        raise ClusterError(
            f"`{command[0]}` is not installed here",
            hint="Start the lab on a machine from which jobs can be handed in to Slurm.",
        )
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_SECONDS)
    except subprocess.TimeoutExpired:
        raise ClusterError(f"Slurm does not answer `{command[0]}`") from None
    if done.returncode:
        raise ClusterError(f"`{command[0]}` failed", got=" ".join(done.stderr.split())[-300:])
    return done.stdout


def _gpus(resources: str) -> float:
    """GPUs in a list of generic resources: 'gpu:a100:4(S:0-1),shard:8' has 4."""
    total = 0.0
    for part in resources.split(","):
        kind, _, rest = part.partition("(")[0].partition(":")
        if kind == "gpu":
            count = rest.rpartition(":")[2]
            total += float(count) if count.isdigit() else 1
    return total
