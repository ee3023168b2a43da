"""A run over several nodes of a Ray cluster: the entrypoint of its job, on the head node, has Ray keep
room on all of them at once, starts the run's process on the first and the processes that join it on
the others, and waits. With it, and with Ray's worker of each node, they end.
"""

from __future__ import annotations

import importlib
import json
import logging
import secrets
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from typing import Any

from engine.jobs.place import Place, at_place
from engine.jobs.resources import Resources

GB = 10**9
LEAVE_SECONDS = 60.0  # for the other nodes when one has ended: they notice by themselves


def arguments_of(job: Sequence[str], resources: Resources, log: str) -> tuple[str, ...]:
    """The arguments of the entrypoint for a job whose own are `job`: '_job' and a run's folder."""
    return ("_spread", json.dumps(asdict(resources)), log, *job)


def spread(resources: str, log: str, job: Sequence[str]) -> int:
    """Bring a job over several nodes to its end; returns the exit status of its first process. Waits
    until so many nodes are free.
    """
    ray: Any = importlib.import_module("ray")  # which is installed on a cluster's nodes alone
    strategies: Any = importlib.import_module("ray.util.scheduling_strategies")
    asked = Resources(**json.loads(resources))
    of_each = {"CPU": asked.cpus, "GPU": asked.gpus, "memory": int(asked.memory_gb * GB)}
    ray.init(address="auto", log_to_driver=False, logging_level=logging.ERROR)
    kept = ray.util.placement_group(
        [{kind: much for kind, much in of_each.items() if much}] * asked.nodes, "STRICT_SPREAD"
    )
    ray.get(kept.ready())
    machines = {node["NodeID"]: node for node in ray.nodes()}
    chosen = ray.util.placement_group_table(kept)["bundles_to_node_id"]
    nodes = [machines[chosen[number]] for number in range(asked.nodes)]
    names = tuple(str(node["NodeManagerHostname"]) for node in nodes)
    addresses = [str(node["NodeManagerAddress"]) for node in nodes]
    attempt = secrets.token_hex(6)
    work = ray.remote(
        num_cpus=asked.cpus, num_gpus=asked.gpus, memory=of_each["memory"], max_retries=0
    )(on_node)
    tasks = []
    for number in range(asked.nodes):
        place = Place(number, names, addresses[0 if number else 1], attempt)
        where = strategies.PlacementGroupSchedulingStrategy(
            kept, placement_group_bundle_index=number
        )
        arguments = at_place(job, place)
        tasks.append(work.options(scheduling_strategy=where).remote(arguments, log))
    return _first_status(ray, tasks)


def _first_status(ray: Any, tasks: list[Any]) -> int:
    ended, _ = ray.wait(tasks, num_returns=1)
    if ended[0] != tasks[0]:
        ray.wait(tasks[:1], timeout=LEAVE_SECONDS)
    else:
        ray.wait(tasks, num_returns=len(tasks), timeout=LEAVE_SECONDS)
    with suppress(Exception):  # Ray's own kinds of error: its node was lost, or it does not end
        return int(ray.get(tasks[0], timeout=0))
    return 1


def on_node(arguments: Sequence[str], log: str) -> int:
    """What Ray's worker of a node does: start a process there and wait for it; returns its status.
    The process ends with the worker.
    """
    with open(log, "ab") as output:
        child = subprocess.Popen(
            [sys.executable, "-P", "-m", "engine", "_tied", *arguments],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    code = child.wait()
    return 128 - code if code < 0 else code  # as a shell says that a signal has ended it
