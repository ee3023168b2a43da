"""`submit`: start a run in the background."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from engine.cli import train
from engine.progress import Progress
from engine.settings import COMMAND

if TYPE_CHECKING:
    from engine.lab import Lab

HELP = "start a recipe in the background, after the runs that wait already"


def arguments(parser: argparse.ArgumentParser) -> None:
    train.recipe_arguments(parser)


def run(lab: Lab, args: argparse.Namespace, progress: Progress) -> Any:
    return started(lab, lab.submit(train.recipe_of(lab, args), name=args.name))


def started(lab: Lab, run_id: str) -> dict[str, Any]:
    """The document of a run that was just started."""
    run = lab.run(run_id)
    return {
        "run_id": run_id,
        "name": run.status()["name"],
        "state": run.info().state,
        "folder": run.path,
    }


def show(document: Any) -> str:
    return (
        f"run {document['run_id']} is {document['state']}; `{COMMAND} runs"
        f" {document['run_id']}` shows how far it is"
    )
