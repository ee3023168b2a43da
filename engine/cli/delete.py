"""`delete`: move runs to the trash."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from engine.progress import Progress

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
    for name in args.runs:
        if name in fetched:
            out.append({"name": name, "run_id": None})
        else:
            run = lab.run(name)
            out.append({"name": run.status().get("name"), "run_id": run.id})
    batch = ""  # put back together
    for row in out:
        if row["run_id"]:
            entry = lab.store.delete_run(row["run_id"], batch)
            batch = batch or (entry.batch if entry else "")
        else:
            lab.delete(row["name"])
    return out


def show(document: Any) -> str:
    return "\n".join(
        f"run {row['run_id']} ({row['name']}) is gone"
        if row["run_id"]
        else f"model {row['name']} is gone"
        for row in document
    )
