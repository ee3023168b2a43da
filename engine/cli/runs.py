"""`runs`: what was trained, is being trained and waits."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from engine.cli.text import duration, percent, table
from engine.files.atomic import plain
from engine.progress import Progress
from engine.settings import COMMAND

if TYPE_CHECKING:
    from engine.lab import Lab

HELP = "list the runs, newest first, or show one with its figures and the end of its log"
LOG_LINES = 15


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", nargs="?", help="a run's id: show it")


def run(lab: Lab, args: argparse.Namespace, progress: Progress) -> Any:
    if not args.run:
        damaged = [
            {"id": entry.name, "state": "damaged", "error": entry.why}
            for entry in lab.store.damaged_runs()
        ]
        return [plain(info) for info in lab.runs()] + damaged
    found = lab.run(args.run)
    return {
        **plain(found.info()),
        "status": found.status(),
        "metrics": found.final(),
        "log": found.log_tail(LOG_LINES),
    }


def show(document: Any) -> str:
    if isinstance(document, dict):
        return _one(document)
    if not document:
        return f"no run yet; `{COMMAND} train quick` starts one"
    rows = [_row(info) for info in document]
    return table(rows, ("id", "name", "state", "epoch", "test", "time", "created (UTC)", ""))


def _row(info: dict[str, Any]) -> list[str]:
    if info["state"] == "damaged":
        return [info["id"], "", "damaged", "", "", "", "", info["error"]]
    return [
        info["id"],
        info["name"],
        info["state"] + (" (no progress for over 2 min)" if info["stale"] else ""),
        f"{info['epoch']}/{info['epochs']}",
        percent(info["accuracy"]),
        duration(info["seconds"]),
        info["created"][:16].replace("T", " "),
        info["error"] or info["message"] or info["what"],
    ]


def _one(info: dict[str, Any]) -> str:
    rows = [
        [key, info[key]]
        for key in (
            "id",
            "name",
            "recipe",
            "state",
            "error",
            "message",
            "created",
            "device",
            "folder",
        )
        if info[key]
    ]
    rows += [["epoch", f"{info['epoch']} of {info['epochs']}"], ["time", duration(info["seconds"])]]
    for key, value in (info["metrics"] or {}).items():
        if isinstance(value, float) and key.endswith(("accuracy", "top3", "gap")):
            rows.append([key.replace("_", " "), percent(value)])
    return table(rows) + (f"\n\n{info['log']}" if info["log"] else "")
