"""`resume`: go on with a run that was stopped or killed."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from engine.cli import submit
from engine.progress import Progress

if TYPE_CHECKING:
    from engine.lab import Lab

HELP = "go on with a stopped or failed run from its last checkpoint, in the background"
show = submit.show


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", help="a run's id or folder")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="resources.KEY=VALUE",
        help="over how many devices, e.g. resources.gpus=1; may be repeated",
    )


def run(lab: Lab, args: argparse.Namespace, progress: Progress) -> Any:
    run_id = lab.run(args.run).id
    from engine.recipes.recipe import parse_changes

    lab.resume(args.run, parse_changes(args.set))
    return submit.started(lab, run_id)
