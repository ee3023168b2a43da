"""`evaluate`: a saved model on any data set."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from engine.cli.text import percent, table
from engine.progress import Progress

if TYPE_CHECKING:
    from engine.lab import Lab

HELP = "score a model on a data set, a folder or a zip; classes are matched by name"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", help="a run id, a checkpoint's folder or a name in checkpoints/")
    parser.add_argument(
        "--data",
        required=True,
        metavar="NAME_OR_PATH",
        help="a data set's name, a folder, a zip or an IDX file",
    )
    parser.add_argument(
        "--split", help="train, val, test or all (default: test of a named data set, all of a path)"
    )


def run(lab: Lab, args: argparse.Namespace, progress: Progress) -> Any:
    return lab.evaluate(args.model, args.data, args.split, progress)


def show(document: Any) -> str:
    low, high = document["interval"]
    rows = [
        ["model", document["model"]],
        ["data", f"{document['data']}, split {document['split']}"],
        ["images", f"{document['n']:,}"],
        [
            "accuracy",
            f"{percent(document['accuracy'])} (95% interval {percent(low)} to {percent(high)})",
        ],
    ]
    if "accuracy_ignoring_case" in document:
        rows.append(["ignoring case", percent(document["accuracy_ignoring_case"])])
    rows += [["top 3", percent(document["top3"])], ["calibration error", percent(document["ece"])]]
    classes = [
        [row["class"], percent(row["precision"]), percent(row["recall"]), row["n"]]
        for row in document["per_class"]
    ]
    notes = [
        *document["notes"],
        *([f"{len(document['skipped'])} files could not be read"] if document["skipped"] else []),
    ]
    return "\n".join(
        [
            table(rows),
            "",
            table(classes, ("class", "precision", "recall", "images")),
            *(f"\nnote: {note}" for note in notes),
        ]
    )
