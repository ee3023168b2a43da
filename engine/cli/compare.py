"""`compare`: several runs, what each came to, and whether a difference is real."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from engine.cli.text import percent, points, table
from engine.compare.seeds import mixed, of_one_recipe
from engine.durations import duration
from engine.errors import RunError
from engine.progress import Progress
from engine.settings import COMMAND

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.compare.subjects import Subject
    from engine.lab import Lab

HELP = "compare runs: figures, tests and the verdict; with --data any models on one common set"


INTERVAL = ("low", "high", "by")  # as engine.compare.statistics.Interval
SPREAD = ("mean", "deviation")  # of the scores of several seeds
CHANGED = 40  # images that are printed; --json has more of them


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", nargs="+", help="run ids, or with --data models; two or more")
    parser.add_argument(
        "--data", metavar="SET", help="score them all on the same images of this data set"
    )
    parser.add_argument(
        "--split",
        help=(
            "with --data: train, val, test or all (default: test, or else the images that none was"
            " trained on)"
        ),
    )
    parser.add_argument("--labels", help="with --data: mended or given (default: mended)")


def run(lab: Lab, args: argparse.Namespace, progress: Progress) -> Any:
    if args.data:
        from engine.services.together import score_together

        labels = args.labels or "mended"
        return score_together(lab.store, args.run, args.data, args.split, labels, progress)
    for option in ("split", "labels"):
        if getattr(args, option) is not None:
            raise RunError(
                f"--{option} chooses images to score on, and no data set is named",
                hint="Name it with --data; without, runs are compared by the scores of their training.",
            )
    subjects = lab.compare.subjects(list(dict.fromkeys(args.run)))
    left_out = lab.compare.left_out(args.run, subjects)
    if len(subjects) < 2:
        raise RunError(
            "there is nothing to compare",
            expected="two runs that have finished an epoch",
            got=len(subjects),
            hint=" ".join(left_out),
        )
    groups = lab.compare.groups(subjects)
    alone = (
        [of_one_recipe(groups[0])]
        if len(groups) == 1
        else [sentence.replace("*", "") for sentence in map(mixed, groups) if sentence]
    )
    return {
        "runs": lab.compare.table(subjects),
        "tests": lab.compare.tests(subjects),
        "differences": lab.compare.differences(subjects),
        "groups": [
            {
                "name": group.label,
                "n": found.n,
                **dict(zip(SPREAD, found[:2], strict=True)),
                # the wider of that by seeds and by images, as the page has it
                **dict(zip(INTERVAL, group.interval or found[2:4], strict=False)),
            }
            for group in groups
            if (found := group.spread) and found.n > 1
        ],
        "answers": _answers(lab, subjects),
        "notes": alone
        + left_out
        + [
            f"{one.label} ({one.id}) is still training: its figures are those of its epochs until now."
            for one in subjects
            if lab.run(one.id).info().alive
        ],
    }


def _answers(lab: Lab, subjects: Sequence[Subject]) -> list[str]:
    """The verdict's sentences as plain text, in which what is advised is a command."""
    from engine.compare.verdicts import SCORE_TOGETHER

    ids, data = " ".join(one.id for one in subjects), subjects[0].test_spec().name
    command = f"{COMMAND} compare {ids} --data {data} scores them by the same labels."
    return [
        sentence.replace(SCORE_TOGETHER, command).replace("*", "")
        for sentence in lab.compare.answers(subjects)
    ]


def show(document: Any) -> str:
    return _common(document) if "changed" in document else _runs(document)


def _common(document: Any) -> str:
    head = (
        f"{document['n']:,} images of {document['data']}, {document['split']},"
        f" {document['labels']} labels"
    )
    rows = [
        [
            row["model"],
            percent(row["accuracy"]),
            f"{percent(row['low'])} – {percent(row['high'])}",
            row["right"],
        ]
        for row in document["models"]
    ]
    changed = [
        [row["image"], row["label"], " → ".join(row["predicted"]), row["change"]]
        for row in document["changed"][:CHANGED]
    ]
    parts = [head, table(rows, ("model", "accuracy", "95% interval", "right")), _tests(document)]
    if changed:
        parts.append(_how_many(document))
        parts.append(table(changed, ("image", "label", "predicted", "change")))
    return "\n\n".join([*parts, *document["notes"]])


def _how_many(document: Any) -> str:
    """How many images changed, and how many of them are printed and are in the document."""
    count, there = document["n_changed"], len(document["changed"])
    images = "1 image is" if count == 1 else f"{count:,} images are"
    by = " by the first and the last model" if len(document["models"]) > 2 else ""
    said = f"{images} assigned different classes{by}"
    if count <= CHANGED:
        return f"{said}:"
    more = "all" if there == count else f"the first {there:,}"
    return (
        f"{said}. The first {CHANGED} of them, those that became right first (--json has {more}):"
    )


def _tests(document: Any) -> str:
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
    several = len(tests) > 1
    p = "p, corrected" if several else "p"
    found = table(tests, ("first", "second", "only first correct", "only second correct", p))
    how = f"McNemar's test; p is corrected for the {len(tests)} pairs (Holm)."
    return f"{found}\n{how}" if several else found


def _groups(groups: list[dict[str, Any]]) -> str:
    """Recipes with several seeds: the mean of their scores and how far these differ."""
    rows = [
        [
            group["name"],
            percent(group["mean"]),
            f"{100 * group['deviation']:.2f} points",
            f"{percent(max(group['low'], 0.0))} – {percent(min(group['high'], 1.0))}",
        ]
        for group in groups
    ]
    return table(rows, ("recipe", "mean", "standard deviation", "95% interval of the mean"))


def _runs(document: Any) -> str:
    rows = [
        [
            row["name"],
            row["run"],
            percent(row["accuracy"]),
            "–" if row["accuracy"] is None else f"{percent(row['low'])} – {percent(row['high'])}",
            points(row["gap"]),
            row["epochs"],
            duration(row["seconds"]),
            "not yet" if row["accuracy"] is None else row["scored_on"],
        ]
        for row in document["runs"]
    ]
    parts = [
        table(
            rows,
            (
                *("run", "id", "accuracy", "95% interval", "gap", "epochs"),
                *("training time", "scored on"),
            ),
        )
    ]
    if document["groups"]:
        parts.append(_groups(document["groups"]))
    if document["tests"]:
        parts.append(_tests(document))
    return "\n\n".join([*parts, *document["answers"], *document["notes"]])
