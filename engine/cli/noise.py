"""`noise`: what is wrong with a data set's labels, and which of them are suspect."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.errors import GlyphlabError
from engine.noise.config import CONFIG
from engine.progress import Progress

if TYPE_CHECKING:
    from engine.lab import Lab

HELP = "find what is wrong with a data set's labels, and rank them by suspicion"
FIRST = 10  # suspects that are printed
MOST_CLASSES = 12  # up to which the transition matrix is printed as a table


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "dataset",
        metavar="DATASET",
        help="a data set's name, or the path of a folder, zip or IDX file",
    )
    parser.add_argument(
        "--split", default="all", help="which images: all, train, val or test (default: all)"
    )
    parser.add_argument(
        "--effort",
        choices=tuple(CONFIG.efforts),
        default="full",
        help=(
            "full (the default): about 10 minutes for 60,000 images on two cores, half an hour"
            " where each label names a class that its image does not belong to (complementary);"
            " quick: a fifth of it or less, and rougher; brief: half of that, for a thousand easy images"
        ),
    )
    parser.add_argument(
        "--csv",
        metavar="FILE",
        type=Path,
        help="write a row an image: file, index, given, likely, suspicion (0 to 1, the estimated probability"
        " that the given label is wrong; empty where likely is not decided); the images to look at"
        " first come first",
    )


def run(lab: Lab, args: argparse.Namespace, progress: Progress) -> Any:
    if args.csv is not None and not args.csv.absolute().parent.is_dir():
        raise GlyphlabError(
            f"{args.csv} can't be written", hint=f"There is no folder {args.csv.absolute().parent}."
        )

    def in_percent(done: int, total: int, what: str) -> None:
        progress(100 * done // max(total, 1), 100, f"{what}, percent")

    found = lab.noise.diagnose(args.dataset, args.split, args.effort, in_percent)
    if args.csv is not None:
        from engine.noise.explanation import write_suspects

        with open(args.csv, "w", encoding="utf-8", newline="") as file:
            write_suspects(found, file)
    from engine.noise.explanation import rows_to_show

    first = rows_to_show(found)[:FIRST]
    skipped = len(lab.noise.data(args.dataset).skipped)
    csv = None if args.csv is None else str(args.csv)
    return {**found.document, "csv": csv, "skipped": skipped, "suspects": first}


def show(document: Any) -> str:
    low, high = document["noise_rate_interval"]
    lines = [
        f"{document['name']}: {document['headline']}",
        "",
        document["summary"],
        "",
        (
            f"noise rate  between {_share(low)} and {_share(high)}, {document['n']:,} images"
            if document["regime"] == "undecided"
            else f"noise rate  {_share(document['noise_rate'])}  (95% interval {_share(low)} to"
            f" {_share(high)}), {document['n']:,} images"
        ),
        *_estimates(document),
        *([f"not read    {document['skipped']:,} of the files"] if document["skipped"] else []),
        "",
        "evidence",
        *(f"  - {sentence}" for sentence in document["evidence"]),
        "",
        "what these data can't tell",
        *(f"  - {sentence}" for sentence in document["unknowable"]),
        "",
    ]
    if len(document["classes"]) <= MOST_CLASSES:
        lines += [
            "T (row: true class, column: given label, percent)",
            *_table(document["classes"], document["transition"]),
        ]
    elif document["pairs"]:
        named = (
            f"  {pair['true']} → {pair['given']}  {_share(pair['share'])}"
            for pair in document["pairs"][:15]
        )
        lines += ["most confused (true → given)", *named]
    lines += ["", *_suspects(document["suspects"])]
    if document["csv"]:
        order = "likeliest correct" if document["regime"] == "complementary" else "most suspect"
        lines += ["", f"every image, {order} first: {document['csv']}"]
    return "\n".join(lines)


def _estimates(document: Any) -> list[str]:
    """How the estimate, the sum of the suspicions and T differ, in the words of the page."""
    from engine.noise.shares import two_counts, two_estimates

    said = [two_counts(document)]
    if len(document["classes"]) <= MOST_CLASSES:
        (low, high), rate = document["noise_rate_interval"], document["noise_rate"]
        said.append(two_estimates(rate, low, high, document["transition"], document["regime"]))
    return [one for one in said if one]


def _suspects(rows: list[dict[str, Any]]) -> list[str]:
    """The first suspects, one a line, in columns."""
    wide = max((len(str(row["file"])) for row in rows), default=0)
    return ["the first suspects (file, given → likely, suspicion from 0 to 1)"] + [
        f"  {row['file']:<{wide}}  {row['given']} → {row['likely']}"
        + (f"  {row['suspicion']:.3f}" if row["suspicion"] != "" else "")
        for row in rows
    ]


def _share(value: float) -> str:
    from engine.noise.shares import share

    return share(value)


def _table(classes: list[str], matrix: list[list[float]]) -> list[str]:
    wide = max(6, *(len(name) + 1 for name in classes))
    head = " " * wide + "".join(f"{name:>{wide}}" for name in classes)
    rows = zip(classes, matrix, strict=True)
    return [
        head,
        *(
            f"{name:>{wide}}" + "".join(f"{100 * value:>{wide}.1f}" for value in row)
            for name, row in rows
        ),
    ]
