"""`datasets`: what there is to train on, what one of them holds, and fetching one."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from engine.cli.text import table
from engine.files import plain
from engine.progress import Progress

if TYPE_CHECKING:
    from engine.lab import Lab

HELP = "list the data sets, show what one holds, fetch one from its public source"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "name",
        nargs="?",
        help="a data set's name, a folder or a zip: show its classes, counts and skipped files",
    )
    parser.add_argument(
        "--fetch",
        metavar="NAME",
        help="download this data set first (it is checked, and resumed after a break)",
    )


def run(lab: Lab, args: argparse.Namespace, progress: Progress) -> Any:
    if args.fetch:
        path = lab.data.fetch(args.fetch, progress)
        return {"name": args.fetch, "path": path}
    if args.name:
        found = lab.data.contents(args.name, progress=progress)
        classes = [
            {"name": name, "train": int(train), "val": int(val), "test": int(test)}
            for name, (train, val, test) in zip(found.classes, found.counts.T, strict=True)
        ]
        skipped = [{"name": name, "reason": reason} for name, reason in found.skipped]
        return {
            "name": args.name,
            "kind": found.kind,
            "images": int(found.counts.sum()),
            "classes": classes,
            "splits": found.splits,
            "skipped": skipped,
            "notes": found.notes,
        }
    return [plain(info) for info in lab.datasets()]


def show(document: Any) -> str:
    if isinstance(document, list):
        rows = [
            [
                info["name"],
                info["title"],
                _where(info),
                info["images"] or None,
                info["classes"] or None,
                info["about"],
            ]
            for info in document
        ]
        return table(rows, ("name", "title", "where", "images", "classes", "about"))
    if "classes" not in document:
        return f"{document['name']} is in {document['path']}"
    sizes = ", ".join(f"{name} {count:,}" for name, count in document["splits"].items())
    classes = document["classes"]
    columns = [split for split in ("train", "val", "test") if any(row[split] for row in classes)]
    return "\n".join(
        [
            (
                f"{document['name']}: {document['images']:,} images ({document['kind']}) of"
                f" {len(classes)} classes; {sizes}"
            ),
            "",
            table(
                [[row["name"], *(row[split] for split in columns)] for row in classes],
                ("class", *columns),
            ),
            *(f"skipped {row['name']}: {row['reason']}" for row in document["skipped"]),
        ]
    )


def _where(info: dict[str, Any]) -> str:
    if info["here"]:
        return str(info["path"] or "built in")
    return "can be fetched" if info["fetchable"] else "not here"
