"""Real clusters on this machine: a Ray head with two nodes, a Slurm controller with two nodes."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from ports import free_port
from waiting import wait_until

from engine.jobs.cluster.base import ClusterError
from engine.jobs.cluster.ray_jobs import RayJobs

ROOT = Path(__file__).parents[2]
RESOURCES = "cpus=1,memory_gb=0.5"  # of a job
NODES = 2  # of either cluster, a core each
BIN = Path(sys.executable).parent
Daemon = subprocess.Popen[bytes]


def parents() -> dict[int, int]:
    """Every process of this machine and its parent."""
    out = {}
    for entry in os.listdir("/proc"):
        with suppress(OSError, ValueError):
            fields = Path(f"/proc/{int(entry)}/stat").read_text().rpartition(")")[2].split()
            out[int(entry)] = int(fields[1])
    return out


def above(pid: int) -> list[int]:
    """The parent of a process, that one's parent, and so on."""
    known, out = parents(), []
    while pid := known.get(pid, 0):
        out.append(pid)
    return out


def kill_trees(*roots: int) -> None:
    """SIGKILL processes and all below them, as a power cut would."""
    everyone, known = {*roots}, parents()
    while more := {pid for pid, parent in known.items() if parent in everyone} - everyone:
        everyone |= more
    for pid in everyone:
        with suppress(OSError):
            os.kill(pid, signal.SIGKILL)


def daemon(command: Sequence[str], log: IO[bytes], environment: dict[str, str]) -> Daemon:
    """A process in a session of its own: Linux weighs sessions, and that of the tests gives way."""
    return subprocess.Popen(
        command, stdout=log, stderr=log, env=environment, start_new_session=True
    )


class Cluster(ABC):
    """A cluster under test. environment: what a lab needs to use it."""

    name: str
    environment: dict[str, str]

    @abstractmethod
    def node_of(self, pid: int) -> int:
        """The node on which a process runs, by its daemon's process."""

    @abstractmethod
    def lose_node_of(self, pid: int) -> None:
        """Take away the node on which this process runs, with all that runs there."""

    @abstractmethod
    def mend(self) -> None:
        """Have as many nodes again as at the beginning."""

    @abstractmethod
    def close(self) -> None:
        """End every process of the cluster."""


class RayCluster(Cluster):
    name = "ray"

    def __init__(self, folder: Path) -> None:
        self.folder, self.port, page = folder, free_port(), free_port()
        self.quiet = {
            **os.environ,
            "RAY_USAGE_STATS_ENABLED": "0",
            "RAY_raylet_start_wait_time_s": "300",  # a busy machine
            "OMP_NUM_THREADS": "1",
        }
        # Sockets below it have paths of at most 107 letters.
        self.temporary = Path("/tmp") / f"ray-{secrets.token_hex(3)}"
        self.head = self._start(
            "--head", f"--port={self.port}", "--dashboard-host=127.0.0.1",
            f"--dashboard-port={page}", "--num-cpus=0", f"--temp-dir={self.temporary}",
        )  # fmt: skip
        address = f"http://127.0.0.1:{page}"
        wait_until(lambda: _answers(f"{address}/api/jobs/"))
        self.jobs = RayJobs(address, sys.executable)
        self.nodes: list[Daemon] = []
        self.mend()
        self.environment = {"GLYPHLAB_EXECUTOR": "ray", "GLYPHLAB_RAY_ADDRESS": address}

    def add_node(self) -> Daemon:
        """A node of one core."""
        return self._start(f"--address=127.0.0.1:{self.port}", "--num-cpus=1")

    def _start(self, *arguments: str) -> Daemon:
        command = [
            str(BIN / "ray"), "start", "--block", "--disable-usage-stats",
            "--node-ip-address=127.0.0.1", f"--dashboard-agent-listen-port={free_port()}",
            *arguments,
        ]  # fmt: skip
        log = open(self.folder / "ray.log", "ab")
        with log:
            return daemon(command, log, self.quiet)

    def node_of(self, pid: int) -> int:
        return next(node.pid for node in self.nodes if node.pid in above(pid))

    def lose_node_of(self, pid: int) -> None:
        lost = self.node_of(pid)
        node = next(node for node in self.nodes if node.pid == lost)
        kill_trees(node.pid)
        node.wait()
        self.nodes.remove(node)

    def mend(self) -> None:
        # One after the other: two that start on one machine at the same time take the same ports.
        while len(self.nodes) < NODES:
            self.nodes.append(self.add_node())
            wait_until(lambda: self.cores() == len(self.nodes))

    def cores(self) -> float:
        """Of the nodes that are up, as Ray sees them."""
        with suppress(ClusterError):
            return sum(node.cpus for node in self.jobs.nodes() if node.alive)
        return 0

    def close(self) -> None:
        for process in (*self.nodes, self.head):
            kill_trees(process.pid)
            process.wait()
        shutil.rmtree(self.temporary, ignore_errors=True)


SLURM_CONF = """\
ClusterName=glyphlab
SlurmctldHost={host}(127.0.0.1)
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=30
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmUser={user}
SlurmdUser={user}
SlurmctldPort={port}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
MpiDefault=none
ReturnToService=2
SlurmdTimeout=20
KillWait=10
JobRequeue=1
SchedulerParameters=sched_interval=5
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
{nodes}
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


class SlurmCluster(Cluster):
    name = "slurm"

    def __init__(self, folder: Path) -> None:
        self.folder = Path("/tmp") / f"slurm-{secrets.token_hex(3)}"
        for name in ("", "state"):
            (self.folder / name).mkdir()
        self.folder.chmod(0o755)  # munge refuses a folder that others may write to
        key = self.folder / "munge.key"
        key.write_bytes(secrets.token_bytes(1024))
        key.chmod(0o400)
        conf = self.folder / "slurm.conf"
        host = socket.gethostname()
        nodes = [
            f"NodeName=node{number} NodeHostname={host} NodeAddr=127.0.0.1 Port={free_port()} CPUs=1"
            " RealMemory=4000 State=UNKNOWN"
            for number in range(NODES)
        ]
        conf.write_text(
            SLURM_CONF.format(
                host=host, folder=self.folder, user="root", port=free_port(), nodes="\n".join(nodes)
            )
        )  # fmt: skip
        self.environment = {"GLYPHLAB_EXECUTOR": "slurm", "SLURM_CONF": str(conf)}
        self.quiet = {**os.environ, "SLURM_CONF": str(conf), "OMP_NUM_THREADS": "1"}
        self.processes = [
            self._start(
                "munged", "--force", "--foreground", f"--socket={self.folder}/munge.socket",
                f"--key-file={key}", f"--pid-file={self.folder}/munged.pid",
                f"--log-file={self.folder}/munged.log", f"--seed-file={self.folder}/munged.seed",
            )
        ]  # fmt: skip
        wait_until(lambda: (self.folder / "munge.socket").exists())
        self.processes.append(self._start("slurmctld", "-D"))
        self.nodes: dict[int, Daemon] = {}
        self.mend()

    def _start(self, *command: str) -> Daemon:
        log = open(self.folder / "out.log", "ab")
        with log:
            return daemon(command, log, self.quiet)

    def _said(self, *command: str) -> str:
        done = subprocess.run(command, capture_output=True, text=True, env=self.quiet)
        return done.stdout

    def requeue(self, job: str) -> None:
        """What an administrator, or a job of higher priority, does."""
        subprocess.run(["scontrol", "requeue", job], check=True, env=self.quiet)

    def node_of(self, pid: int) -> int:
        told = Path(f"/proc/{pid}/environ").read_text().split("\0")
        name = next(line for line in told if line.startswith("SLURMD_NODENAME="))
        return int(name.removeprefix("SLURMD_NODENAME=node"))

    def mend(self) -> None:
        for number in range(NODES):
            if number not in self.nodes:
                self.nodes[number] = self._start("slurmd", "-D", "-N", f"node{number}")
        wait_until(lambda: len(self._up()) == NODES)

    def _up(self) -> list[str]:
        """The states of the nodes on which a job can be."""
        found = self._said("sinfo", "--noheader", "--Node", "--format=%T").split()
        return [state for state in found if state in ("idle", "mixed", "allocated", "completing")]

    def lose_node_of(self, pid: int) -> None:
        number, own = self.node_of(pid), parents()
        steps = [each for each in above(pid) if own[each] == 1]  # Slurm's steps leave their parent
        node = self.nodes.pop(number)
        kill_trees(node.pid, *steps)
        node.wait()

    def close(self) -> None:
        subprocess.run(["scancel", "--user=root"], env=self.quiet)
        for process in (*self.nodes.values(), *reversed(self.processes)):
            process.send_signal(signal.SIGTERM)
        for process in (*self.nodes.values(), *self.processes):
            with suppress(subprocess.TimeoutExpired):
                process.wait(20)
            if process.poll() is None:
                kill_trees(process.pid)
                process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def missing(name: str) -> str:
    """What a cluster of this kind needs and this machine lacks; empty if nothing."""
    wanted = {
        "ray": [str(BIN / "ray")],
        "slurm": ["munged", "slurmctld", "slurmd", "sbatch", "srun"],
    }[name]
    lacks = [program for program in wanted if shutil.which(program) is None]
    if lacks:
        return f"needs {', '.join(lacks)}: make test-cluster installs what it can"
    if name == "slurm" and os.geteuid():
        return "Slurm's own daemons need root"
    return ""


CLUSTERS: dict[str, Callable[[Path], Any]] = {"ray": RayCluster, "slurm": SlurmCluster}


def _answers(address: str) -> bool:
    with suppress(OSError), urllib.request.urlopen(address, timeout=30) as answer:
        return bool(answer.status == 200)
    time.sleep(0.2)
    return False
