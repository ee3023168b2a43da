"""`runs`: what was trained, is being trained and waits."""

from __future__ import annotations

import argparse
from textwrap import shorten
from typing import TYPE_CHECKING, Any

from engine.cli.text import KINDS, on_images, percent, points, table
from engine.durations import duration
from engine.errors import RunError, unknown
from engine.files.atomic import plain
from engine.progress import Progress
from engine.runs.notes import check_tag
from engine.runs.run_info import ALIVE, ENDED
from engine.settings import COMMAND

if TYPE_CHECKING:
    from engine.lab import Lab
    from engine.runs.notes import Note
    from engine.runs.run_info import RunInfo

HELP = "list the runs, newest first, show one with its figures and the end of its log, tag and note them"
LOG_LINES, WORDS = 15, 100  # lines of the log; letters of a message in a table
LONGEST = 60  # letters of a name in a table
TRIALS = (
    "Test accuracies of a sweep's trials stand in `runs RUN` only: choose by validation accuracy, or the"
    " test images no longer tell how the best does on new ones."
)
STATES = (*ALIVE, *ENDED, "pruned", "damaged")
TRIAL = "A trial of a sweep: choose among them by validation accuracy, not by test accuracy."


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("runs", nargs="*", metavar="RUN", help="a run's id: show it")
    parser.add_argument(
        "--tag", metavar="TAG", action="append", help="put a tag on the runs given; may be repeated"
    )
    parser.add_argument(
        "--untag", metavar="TAG", action="append", help="take a tag off them; may be repeated"
    )
    parser.add_argument("--note", metavar="TEXT", help="note this about them; '' takes a note away")
    parser.add_argument("--tagged", metavar="TAG", help="list only runs with this tag")
    parser.add_argument(
        "--state", metavar="STATE", help=f"list only runs in this state: {', '.join(STATES)}"
    )


class Listed(list[dict[str, Any]]):
    """The runs that were asked for, and of how many."""

    of = 0


def run(lab: Lab, args: argparse.Namespace, progress: Progress) -> Any:
    if args.state not in (None, *STATES):
        raise RunError(unknown("state", args.state, STATES))
    if args.runs:
        _change(lab, args)
    elif any(value is not None for value in (args.tag, args.untag, args.note)):
        raise RunError("no run is given", hint="Name the runs to tag or note.")
    notes = lab.notes.all()
    if len(args.runs) != 1:
        damaged = [
            {"id": entry.name, "state": "damaged", "error": entry.why}
            for entry in lab.store.damaged_runs()
        ]
        rows = [*(_with_note(info, notes) for info in lab.runs()), *damaged]
        listed = Listed(row for row in rows if _wanted(row, args))
        listed.of = len(rows)
        return listed
    found = lab.run(args.runs[0])
    return {
        **_with_note(found.info(), notes),
        "status": found.status(),
        "metrics": found.final(),
        "log": found.log_tail(LOG_LINES),
    }


def _change(lab: Lab, args: argparse.Namespace) -> None:
    for tag in args.tag or ():
        check_tag(tag)  # all of them before the first is put on
    for tag in args.tag or ():
        lab.notes.tag(args.runs, tag)
    for tag in args.untag or ():
        lab.notes.untag(args.runs, tag)
    if args.note is not None:
        lab.notes.write(args.runs, args.note)


def _with_note(info: RunInfo, notes: dict[str, Note]) -> dict[str, Any]:
    noted = notes.get(info.id)
    return {
        **plain(info),
        "note": noted.note if noted else "",
        "tags": list(noted.tags) if noted else [],
    }


def _wanted(row: dict[str, Any], args: argparse.Namespace) -> bool:
    return (
        (not args.runs or row["id"] in args.runs)
        and args.tagged in (None, *row.get("tags", ()))
        and args.state in (None, row["state"], _outcome(row))
    )


def show(document: Any) -> str:
    if isinstance(document, dict):
        return _one(document)
    if not document:
        return _none(getattr(document, "of", 0))
    rows = [_row(info) for info in document]
    return table(
        rows,
        (
            *("id", "name", "state", "epoch", "validation", "test", "time in all"),
            *("created (UTC)", "tags", ""),
        ),
    ) + ("\n\n" + TRIALS if any(info.get("sweep") for info in document) else "")


def _none(of: int) -> str:
    if of:
        return f"none of {of:,} run{'s' * (of > 1)} is as asked for"
    return f"no run; `{COMMAND} train quick` starts one"


def _row(info: dict[str, Any]) -> list[str]:
    if info["state"] == "damaged":
        return [info["id"], "", "damaged", "", "", "", "", "", "", _short(info["error"])]
    return [
        info["id"],
        info["name"] if len(info["name"]) <= LONGEST else f"{info['name'][: LONGEST - 1]}…",
        _outcome(info) + (" (no progress for over 2 min)" if info["stale"] else ""),
        f"{info['epoch']}/{info['epochs']}",
        percent(info["val_accuracy"]),
        percent(None if info["sweep"] else info["accuracy"]),
        duration(info["seconds"]),
        info["created"][:16].replace("T", " "),
        " ".join(info["tags"]),
        _short(info["error"] or info["note"] or info["message"] or info["what"]),
    ]


def _short(words: str | None) -> str:
    """Words in a line of the table; `runs RUN` has all of them."""
    return shorten(words or "", WORDS, placeholder=" …")


def _outcome(info: dict[str, Any]) -> str:
    return "pruned" if info.get("pruned") and info["state"] == "stopped" else info["state"]


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
            "note",
            "created",
            "device",
            "folder",
        )
        if info[key]
    ]
    if info["tags"]:
        rows.append(["tags", " ".join(info["tags"])])
    rows += [
        ["epoch", f"{info['epoch']} of {info['epochs']}"],
        ["time in all", duration(info["seconds"])],
    ]
    metrics = info["metrics"] or {}
    for key, value in metrics.items():
        if isinstance(value, float) and key.endswith(("accuracy", "top3", "gap")):
            share = points(value) if key.endswith("gap") else percent(value)
            figure = on_images(metrics, key) if key in KINDS else share
            rows.append([key.replace("_", " "), figure])
    return (
        table(rows)
        + (f"\n\n{TRIAL}" if info["sweep"] else "")
        + (f"\n\n{info['log']}" if info["log"] else "")
    )
