"""`cluster`: the cluster on which runs are computed."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from engine.cli.text import table
from engine.files.atomic import plain
from engine.progress import Progress
from engine.settings import COMMAND

if TYPE_CHECKING:
    from engine.lab import Lab

HELP = "show the cluster's nodes and queue, and test whether its jobs see the lab's home"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--probe",
        action="store_true",
        help="submit a job that writes into the lab's home, and wait for its file",
    )


def run(lab: Lab, args: argparse.Namespace, progress: Progress) -> Any:
    if args.probe:
        lab.launcher.probe(progress)
    lab.launcher.refresh(wait=True)
    return plain(lab.launcher.cluster())


def show(document: Any) -> str:
    if document is None:
        return (
            "runs are computed on this machine; set GLYPHLAB_EXECUTOR to ray or slurm for a"
            f" cluster (`{COMMAND} settings`)"
        )
    probe = document["probe"]
    lines = [
        document["error"]
        or f"{document['name']}: {document['running']} jobs are running, {document['waiting']} wait",
        probe["message"]
        if probe
        else f"Whether jobs see the home was not tested: `{COMMAND} cluster --probe`.",
    ]
    if document["page"]:
        lines.append(document["page"])
    rows = [
        [
            node["name"],
            node["state"],
            _of(node["cpus_used"], node["cpus"]),
            _of(node["gpus_used"], node["gpus"]),
            "" if node["memory_gb"] is None else f"{node['memory_gb']:.1f}",
        ]
        for node in document["nodes"]
    ]
    if rows:
        lines += ["", table(rows, ("node", "state", "CPUs", "GPUs", "memory (GB)"))]
    return "\n".join(lines)


def _of(used: float | None, total: float) -> str:
    return f"{total:g}" if used is None else f"{used:g} of {total:g} in use"
