"""What the lab needs to know of a cluster, whichever it is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple, Protocol

from engine.errors import GlyphlabError
from engine.jobs.resources import Resources


class ClusterError(GlyphlabError):
    """The cluster does not answer, or refuses."""


@dataclass(frozen=True)
class Job:
    """Work to be computed on some node: `python -m engine ARGUMENTS`, its output appended to `log`, or
    left to the cluster's own log if that is None.

    environment: variables that it gets in addition to the node's own.
    """

    name: str
    arguments: tuple[str, ...]
    resources: Resources
    log: Path | None
    environment: dict[str, str]


class JobState(NamedTuple):
    """waiting: for resources. ended: in whatever way; `why` is the cluster's own word for it."""

    state: Literal["waiting", "running", "ended"]
    why: str = ""
    node: str = ""


@dataclass(frozen=True)
class Node:
    """A machine of the cluster: `state` in the cluster's own word; how much of it there is and how
    much is in use (None: not said).
    """

    name: str
    state: str
    alive: bool
    cpus: float
    cpus_used: float | None
    gpus: float
    gpus_used: float | None
    memory_gb: float | None


class Cluster(Protocol):
    """Jobs of one cluster. Every method may raise ClusterError."""

    name: str  # as people say it: Ray, Slurm

    def submit(self, job: Job) -> str:
        """Hand a job in; returns the cluster's id of it."""
        ...

    def states(self) -> dict[str, JobState]:
        """Every job that the cluster remembers, by id; jobs of others may be among them."""
        ...

    def cancel(self, id: str, at_once: bool = False) -> None:
        """Take a job off the queue or end it; by SIGKILL if `at_once`. Nothing happens if it has
        ended.
        """
        ...

    def last_line(self, id: str) -> str:
        """The last line that a job left in the cluster's own log: why it could not even start. Empty
        if there is none.
        """
        ...

    def nodes(self) -> list[Node]:
        """The machines."""
        ...

    def page(self) -> str | None:
        """The address of the cluster's own page about its jobs, if it has one."""
        ...
