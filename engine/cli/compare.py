"""`compare`: several runs, what each came to, and whether a difference is real."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from engine.cli.text import duration, percent, table
from engine.errors import RunError
from engine.progress import Progress

if TYPE_CHECKING:
    from engine.lab import Lab

HELP = "compare runs: figures, tests of the difference on the same images, and the verdict"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", nargs="+", help="run ids, two or more")


def run(lab: Lab, args: argparse.Namespace, progress: Progress) -> Any:
    subjects = lab.compare.subjects(args.run)
    if len(subjects) < 2:
        raise RunError(
            "there is nothing to compare",
            expected="two runs that have finished an epoch",
            got=len(subjects),
        )
    return {
        "runs": lab.compare.table(subjects),
        "tests": lab.compare.tests(subjects),
        "differences": lab.compare.differences(subjects),
        "answers": [sentence.replace("*", "") for sentence in lab.compare.answers(subjects)],
    }


def show(document: Any) -> str:
    rows = [
        [
            row["name"],
            row["run"],
            percent(row["accuracy"]),
            f"{percent(row['low'])} – {percent(row['high'])}",
            percent(row["gap"]),
            row["epochs"],
            duration(row["seconds"]),
            row["scored_on"],
        ]
        for row in document["runs"]
    ]
    parts = [
        table(rows, ("run", "id", "accuracy", "95% interval", "gap", "epochs", "time", "scored on"))
    ]
    if document["tests"]:
        tests = [
            [
                row["first"],
                row["second"],
                row["only_first"],
                row["only_second"],
                f"{row['p_corrected']:.3g}",
            ]
            for row in document["tests"]
        ]
        parts.append(
            table(tests, ("first", "second", "only first right", "only second right", "p"))
        )
    return "\n\n".join([*parts, *document["answers"]])
