"""`delete`: move runs to the trash."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from engine.progress import Progress
from engine.settings import COMMAND

if TYPE_CHECKING:
    from engine.lab import Lab

HELP = "move runs and models fetched from the Hub to the trash, for a week"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "runs", nargs="+", metavar="RUN", help="a run's id, or the name of a fetched model"
    )


def run(lab: Lab, args: argparse.Namespace, progress: Progress) -> Any:
    fetched = {model.name for model in lab.models() if model.where == "hub"}
    out = []  # all known, before the first is gone
    for name in dict.fromkeys(args.runs):
        if name in fetched:
            out.append({"name": name, "run_id": None})
        else:
            run = lab.run(name)
            if run.id not in [row["run_id"] for row in out]:
                out.append({"name": run.status().get("name"), "run_id": run.id})
    batch = ""  # restored together
    for row in out:
        if row["run_id"]:
            entry = lab.store.delete_run(row["run_id"], batch)
            batch = batch or (entry.batch if entry else "")
            row["in_trash"] = entry is not None
        else:
            lab.delete(row["name"])
            row["in_trash"] = True
    return out


def show(document: Any) -> str:
    lines = [
        (f"run {row['run_id']} ({row['name']})" if row["run_id"] else f"model {row['name']}")
        + (" is in the trash" if row["in_trash"] else " is deleted for good")
        for row in document
    ]
    if any(row["in_trash"] for row in document):
        lines.append(f"`{COMMAND} trash` lists it for a week; `--restore ID` puts it back")
    return "\n".join(lines)
