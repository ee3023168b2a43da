"""`delete`: remove runs."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from engine.progress import Progress

if TYPE_CHECKING:
    from engine.lab import Lab

HELP = "remove runs with everything in their folders, models included"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("runs", nargs="+", metavar="RUN", help="a run's id")


def run(lab: Lab, args: argparse.Namespace, progress: Progress) -> Any:
    found = [lab.run(name) for name in args.runs]  # all known, before the first is gone
    out = []
    for run in found:
        out.append({"name": run.status().get("name"), "run_id": run.id})
        run.delete()
    return out


def show(document: Any) -> str:
    return "\n".join(f"run {row['run_id']} ({row['name']}) is gone" for row in document)
