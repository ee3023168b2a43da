"""`study`: every published experiment, its figure beside ours."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from engine.cli.text import percent, table
from engine.durations import duration
from engine.progress import Progress

if TYPE_CHECKING:
    from engine.lab import Lab

LEGEND = (
    "published: after the last epoch where the study says it, otherwise the one figure that it gives\n"
    "ours:      the best full-size run of the same recipe, after its last epoch; recipes A, B, C1, C2 and E\n"
    "           keep the epoch that is best on validation images\n"
    "points:    ours minus published; ~ within the 95% interval of either, which is no difference\n"
    "best:      of any recipe on the same data set and classes; where a data set has no test split, each\n"
    "           recipe holds back other images"
)
HELP = "list the published experiments, their figures beside this lab's"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("experiment", nargs="?", help="the name of one of them: show it alone")


def run(lab: Lab, args: argparse.Namespace, progress: Progress) -> Any:
    rows = [lab.study.row(args.experiment)] if args.experiment else lab.study.rows()
    document = [
        {
            "name": row.name,
            "study": row.study,
            "title": row.title,
            "metric": row.metric,
            "published": row.published,
            "published_at_end": row.at_end,
            "compared_with": row.judged_by,
            "published_epoch": row.published_epoch,
            "our_epoch": row.our_epoch,
            "may_be_chance": row.may_be_chance,
            "small_data": row.small_data,
            "source": row.source,
            "note": row.note,
            "ours": row.ours,
            "difference": row.difference,
            "small": row.small,
            "best": row.best,
            "needs": row.needs,
        }
        for row in rows
    ]
    return document[0] if args.experiment else document


def _points(row: dict[str, Any]) -> str:
    if row["difference"] is None:
        return "–"
    return f"{'~ ' if row['may_be_chance'] else ''}{100 * row['difference']:+.2f}"


def show(document: Any) -> str:
    from engine.files.atomic import plain

    if isinstance(document, list):
        rows = [
            [
                row["study"],
                row["name"],
                percent(row["compared_with"]),
                row["published_epoch"] or "–",
                percent(row["ours"].value) if row["ours"] else "not run at full size",
                _points(row),
                percent(row["best"].value) if row["best"] else "–",
                row["best"].recipe if row["best"] else "",
                row["metric"],
            ]
            for row in document
        ]
        head = (
            "",
            "experiment",
            "published",
            "its epoch",
            "ours",
            "points",
            "best",
            "by",
            "measure",
        )
        return f"{table(rows, head)}\n\n{LEGEND}"
    epoch = f"its epoch: {document['published_epoch']}" if document["published_epoch"] else ""
    said = [percent(document["compared_with"]), epoch, document["note"]]
    published = "; ".join(part for part in said if part)
    rows = [
        ["experiment", document["name"]],
        ["measure", document["metric"]],
        ["published", published],
    ]
    for label, key in (
        ("ours, full size", "ours"),
        ("small version", "small"),
        ("best on the task", "best"),
    ):
        if result := plain(document[key]):
            origin = [
                result["recipe"],
                f"{result['kind']} {result['ref']}",
                result["hardware"],
                duration(result["seconds"]),
            ]
            of = f"; its epoch: {document['our_epoch']}" if key == "ours" else ""
            other = (
                f" on {document['small_data']}" if key == "small" and document["small_data"] else ""
            )
            rows.append([label, f"{percent(result['value'])}{other} ({', '.join(origin)}){of}"])
    if document["ours"] and document["difference"] is not None:
        rows.append(["points", _points(document)])
    return table(rows)
