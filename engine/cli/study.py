"""`study`: every experiment of the studies, its figure beside ours."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from engine.cli.text import percent, table
from engine.durations import duration
from engine.progress import Progress

if TYPE_CHECKING:
    from engine.compare.statistics import Spread
    from engine.lab import Lab

LEGEND = (
    "reported:  after the last epoch where the study says it, otherwise the one figure that it gives\n"
    "           in words: the study gives no figure for it; `study NAME` shows what it says\n"
    "ours:      the best full-size run of the same recipe, after its last epoch; those of studies A, B and E,\n"
    "           characters-resnet18-progressive and digits-resnet18 keep the epoch that is best on validation\n"
    "           images; of several recorded seeds or splits their mean\n"
    "runs:      of how many runs ours is the mean or the best, ± their standard deviation\n"
    "points:    ours minus reported, as both are shown; ~ a difference that chance may explain, which does not\n"
    "           show that there is none: one lies within the other's 95% interval (Wilson, over the images\n"
    "           that it is of: wide where these are few; of a mean at least Student's t over its runs; `study NAME`\n"
    "           shows ours)\n"
    "best:      of any recipe on the same data set and classes, and for study D of networks with fewer than\n"
    "           8,000 parameters; where a data set has no test split, each recipe holds back other images\n"
    "by:        the recipe of this lab whose figure that is: the highest of its best run here, the mean of its\n"
    "           recorded runs, and the shipped model's. A shipped model of that name may have another figure;\n"
    "           `study NAME` shows of which runs it is"
)
HELP = "list the experiments of five studies, their figures beside this lab's"


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
            "best_of_what": row.best_of_what,
            "needs": row.needs,
        }
        for row in rows
    ]
    return document[0] if args.experiment else document


def _published(row: dict[str, Any]) -> str:
    return "in words" if row["compared_with"] is None else percent(row["compared_with"])


def _points(row: dict[str, Any]) -> str:
    if row["difference"] is None:
        return "–"
    from engine.services.study_results import points_between

    points = points_between(row["ours"].value, row["compared_with"])
    return f"{'~ ' if row['may_be_chance'] else ''}{points:+.2f}"


def _several(spread: Spread) -> str:
    """Of how many runs a figure is the mean, or the best, and their standard deviation in points."""
    by = "" if spread.deviation is None else f" ± {100 * spread.deviation:.2f} points"
    return f"{spread.n} runs: mean {percent(spread.mean)}{by}"


def show(document: Any) -> str:
    from engine.files.atomic import plain

    if isinstance(document, list):
        rows = [
            [
                row["study"],
                row["name"],
                _published(row),
                row["published_epoch"] or "–",
                percent(row["ours"].value) if row["ours"] else "not run at full size",
                row["ours"].runs if row["ours"] else "–",
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
            "reported",
            "its epoch",
            "ours",
            "runs",
            "points",
            "best",
            "by",
            "measure",
        )
        return f"{table(rows, head)}\n\n{LEGEND}"
    epoch = f"its epoch: {document['published_epoch']}" if document["published_epoch"] else ""
    figure = document["compared_with"]
    said = [percent(figure) if figure is not None else "no figure", epoch, document["note"]]
    reported = "; ".join(part for part in said if part)
    rows = [
        ["experiment", document["name"]],
        ["measure", document["metric"]],
        ["reported", reported],
    ]
    for label, key in (
        ("ours, full size", "ours"),
        ("small version", "small"),
        ("best on the task", "best"),
    ):
        if result := plain(document[key]):
            origin = [
                result["recipe"],
                document[key].recorded or f"{result['kind']} {result['ref']}",
                result["hardware"],
                document[key].took or duration(None),
            ]
            of = f"; its epoch: {document['our_epoch']}" if key == "ours" else ""
            other = (
                f" on {document['small_data']}" if key == "small" and document["small_data"] else ""
            )
            limit = f", the best {document['best_of_what']}" if document["best_of_what"] else ""
            of = limit if key == "best" else of
            if several := document[key].spread:
                origin.insert(0, _several(several))
            rows.append([label, f"{percent(result['value'])}{other} ({', '.join(origin)}){of}"])
    if document["ours"] and document["difference"] is not None:
        rows.append(["points", _points(document)])
    if document["ours"] and (ends := document["ours"].interval):
        words = f"{percent(ends[0])} to {percent(ends[1])} over {document['ours'].interval_of}"
        rows.append(["95% interval of ours", words])
    return table(rows)
