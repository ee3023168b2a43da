"""`again`: a run's recipe once more, on labels that people mended since or with a test split."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from engine.cli import train
from engine.jobs.again import on_mended_labels, with_test_split
from engine.progress import Progress
from engine.settings import COMMAND

if TYPE_CHECKING:
    from engine.lab import Lab

HELP = "train a run's recipe again, on the mended labels of its data or with a test split, in the foreground"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", help="a run id")
    parser.add_argument(
        "--fine-tune", action="store_true", help="start from the run's weights, not from scratch"
    )
    parser.add_argument(
        "--test",
        type=float,
        metavar="SHARE",
        help="instead: on the labels that it had, with this share of the images held out as test split",
    )


def run(lab: Lab, args: argparse.Namespace, progress: Progress) -> Any:
    before = lab.run(args.run).id
    if args.test is None:
        recipe, name = on_mended_labels(lab.store, before, args.fine_tune)
    else:
        recipe, name = with_test_split(lab.store, before, args.test)
    made = train.outcome(lab.train(recipe, progress, name=name, before=before))
    return {**made, "before": before, "data": recipe.data.name}


def show(document: Any) -> str:
    compare = (
        f"{COMMAND} compare {document['before']} {document['run_id']} --data {document['data']}"
    )
    return f"{train.show(document)}\n\nBefore and after: `{compare}`"
