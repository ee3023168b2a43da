"""`trash`: what was deleted, and can be put back."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from engine.cli.text import counted, table
from engine.progress import Progress

if TYPE_CHECKING:
    from engine.lab import Lab

HELP = "list what was deleted in the last week, restore it or delete it for good"


def arguments(parser: argparse.ArgumentParser) -> None:
    either = parser.add_mutually_exclusive_group()
    either.add_argument(
        "--restore", metavar="ID", help="restore an entry, with all that was deleted with it"
    )
    either.add_argument("--empty", action="store_true", help="delete everything in it for good")


def run(lab: Lab, args: argparse.Namespace, progress: Progress) -> Any:
    if args.restore:
        return {"restored": [entry.model_dump() for entry in lab.trash.restore(args.restore)]}
    if args.empty:
        return {"thrown_away": lab.trash.empty()}
    return {"entries": [entry.model_dump() for entry in lab.trash.entries()]}


def show(document: Any) -> str:
    if "thrown_away" in document:
        gone = document["thrown_away"]
        return f"{counted(gone, 'entry')} {'is' if gone == 1 else 'are'} deleted for good"
    if "restored" in document:
        return "\n".join(f"{one['kind']} {one['name']} is restored" for one in document["restored"])
    rows = [[one["id"], one["kind"], one["name"]] for one in document["entries"]]
    return table(rows, ("id", "what", "name")) if rows else "the trash is empty"
