"""`stop`: end a run and keep its best model."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from engine.progress import Progress

if TYPE_CHECKING:
    from engine.lab import Lab

HELP = "stop a run and keep its best model, once an epoch has ended; a run that waits is taken out of the queue"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", help="a run's id")
    parser.add_argument(
        "--kill", action="store_true", help="end its process at once, without the final figures"
    )


def run(lab: Lab, args: argparse.Namespace, progress: Progress) -> Any:
    lab.stop(args.run, at_once=args.kill)
    info = lab.run(args.run).info()
    return {"run_id": info.id, "name": info.name, "state": info.state}


def show(document: Any) -> str:
    return f"run {document['run_id']} is {document['state']}"
