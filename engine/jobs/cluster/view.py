"""A cluster as pages and the command line show it."""

from __future__ import annotations

from dataclasses import dataclass, field

from engine.jobs.cluster.base import Node
from engine.jobs.cluster.probe import Probe


@dataclass(frozen=True)
class ClusterView:
    """waiting, running: jobs that the cluster remembers, others' included. page: the address of its
    own page. error: why it can't be asked, empty if it can. probe: whether jobs see the home.
    """

    name: str
    nodes: list[Node] = field(default_factory=list)
    waiting: int = 0
    running: int = 0
    page: str | None = None
    error: str = ""
    probe: Probe | None = None
