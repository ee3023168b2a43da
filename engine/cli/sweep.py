"""`sweep`: try the values of a search space, trial by trial; start, join, watch, pause, stop."""

from __future__ import annotations

import argparse
import signal
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.errors import RecipeError, unknown
from engine.settings import COMMAND

if TYPE_CHECKING:
    from engine.lab import Lab
    from engine.progress import Progress
    from engine.sweep.spec import SweepSpec

HELP = "try a search space trial by trial, or go on with a sweep; without a name, list the sweeps"


def arguments(parser: argparse.ArgumentParser) -> None:
    """FILE or NAME; started again it goes on, started twice at once it is shared."""
    parser.add_argument(
        "sweep",
        nargs="?",
        metavar="FILE|NAME",
        help="a sweep's YAML file, one that comes with the lab, or one of this lab",
    )
    parser.add_argument(
        "--trials",
        type=_count,
        metavar="N",
        help="go on until N trials have ended (default: the sweep's own number)",
    )
    parser.add_argument(
        "--name", help="another name for the sweep, for instance with other changes"
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY.PATH=VALUE",
        dest="changes",
        help="change the recipe in every trial; may be repeated",
    )
    parser.add_argument(
        "--storage",
        metavar="URL",
        help="share the sweep with other machines: a file on a shared disk, or a database URL",
    )
    parser.add_argument(
        "--parallel",
        type=_count,
        metavar="N",
        help="N trials at a time, wherever runs are computed (default: 1)",
    )
    parser.add_argument(
        "--background",
        type=_count,
        nargs="?",
        const=0,
        metavar="WORKERS",
        help="leave the work to so many background workers (default: --parallel), and return",
    )
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--show", action="store_true", help="only show how the sweep stands")
    group.add_argument(
        "--pause", action="store_true", help="finish the running trials, and start no more"
    )
    group.add_argument(
        "--stop", action="store_true", help="stop at once; the running trials can be resumed"
    )


def run(lab: Lab, args: argparse.Namespace, progress: Progress) -> Any:
    if args.sweep is None:
        return [asdict(info) for info in lab.sweeps.list()]
    if args.show or args.pause or args.stop:
        name = args.name or Path(args.sweep).stem
        _check_begun(lab, name, args)
        if args.pause or args.stop:
            (lab.sweeps.pause if args.pause else lab.sweeps.stop)(name)
        return document(lab, name)
    name = _prepared(lab, args)
    parallel = args.parallel or 1
    if args.background is not None:
        lab.sweeps.start(name, args.trials, args.background or parallel)
        return document(lab, name)

    def interrupt(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        lab.sweeps.work(name, args.trials, progress, parallel)
    finally:
        signal.signal(signal.SIGTERM, before)
    return document(lab, name)


def document(lab: Lab, name: str) -> dict[str, Any]:
    """How a sweep stands: its counts, its trials and the best of them."""
    info, best = lab.sweeps.info(name), lab.sweeps.trials_store(name).best()
    trials = [_row(trial) for trial in lab.sweeps.trials(name)]
    counts = {
        key: value
        for key, value in asdict(info).items()
        if key not in ("trials", "best", "best_trial")
    }
    return {**counts, "wanted": info.trials, "best": _row(best) if best else None, "trials": trials}


def show(document: Any) -> str:
    if isinstance(document, list):
        lines = [
            f"{s['name']:<24} {s['state']:<12} {s['done']:>4} of {s['trials']:<4}"
            f" {_figure(s['best'])}  {s['title']}"
            for s in document
        ]
        return (
            "\n".join(lines)
            or f"There are no sweeps yet: `{COMMAND} sweep FILE --trials 20` starts one."
        )
    lines = [
        f"{document['name']}: {document['state']}, {document['done']} of {document['wanted']}"
        f" trials ended, by {document['metric']}"
    ]
    for trial in document["trials"]:
        values = ", ".join(
            f"{path.rpartition('.')[2]} {value}" for path, value in trial["values"].items()
        )
        run = f"run {trial['run_id'] or '-':<8}"
        lines.append(
            f"  {trial['name']}  {trial['state']:<8} {_figure(trial['value'])}  {run} {values} "
            f" {trial['error']}".rstrip()
        )
    if best := document["best"]:
        tied = [
            trial["name"]
            for trial in document["trials"]
            if (trial["state"], trial["value"]) == ("finished", best["value"])
            and trial["name"] != best["name"]
        ]
        as_good = f"; as good: {', '.join(tied)}" if tied else ""
        lines.append(
            f"best: trial {best['name']}, run {best['run_id']}, {_figure(best['value'])}{as_good}"
        )
    return "\n".join(lines)


def _prepared(lab: Lab, args: argparse.Namespace) -> str:
    """The name of the sweep that is meant, written down if it is new."""
    from engine.recipes.recipe import parse_changes
    from engine.sweep.spec import make_sweep

    spec = _spec(lab, args.sweep)
    if spec is None:
        if args.changes or args.storage or args.name:
            raise RecipeError(
                f"sweep {args.sweep} is there already; its changes, storage and name stay",
                hint="Give its file to start another.",
            )
        return args.sweep
    changes = {**spec.changes, **parse_changes(args.changes)}
    fields = {
        "name": args.name or spec.name,
        "changes": changes,
        "storage": args.storage or spec.storage,
        "trials": args.trials or spec.trials,
    }
    return lab.sweeps.create(make_sweep({**spec.model_dump(mode="json"), **fields}))


def _check_begun(lab: Lab, name: str, args: argparse.Namespace) -> None:
    """Raise RecipeError for a sweep that could be started, and has not been."""
    from engine.sweep.spec import shipped_sweeps

    if name in [info.name for info in lab.sweeps.list()]:
        return
    if args.sweep in shipped_sweeps() or Path(args.sweep).is_file():
        called = f" --name {name}" if args.name else ""
        raise RecipeError(
            f"sweep '{name}' was not started here yet",
            hint=f"`{COMMAND} sweep {args.sweep}{called}` starts it.",
        )


def _spec(lab: Lab, given: str) -> SweepSpec | None:
    """The sweep in a file or that comes with the lab; None if it is one of this lab."""
    from engine.sweep.spec import read_sweep, shipped_sweeps

    if given.endswith((".yaml", ".yml")) or Path(given).is_file():
        return read_sweep(Path(given))
    if given in shipped_sweeps():
        return read_sweep(shipped_sweeps()[given])
    known = [info.name for info in lab.sweeps.list()]
    if given in known:
        return None
    raise RecipeError(
        unknown("sweep", given, {*known, *shipped_sweeps()}),
        hint="A path to a YAML file works too.",
    )


def _row(trial: Any) -> dict[str, Any]:
    fields = {
        "name": trial.name,
        "state": trial.state,
        "value": trial.value,
        "values": trial.values,
        "run_id": trial.run,
    }
    return {
        **fields,
        "epochs": trial.epochs,
        "seconds": trial.seconds,
        "retries": trial.retries,
        "error": trial.error,
    }


def _figure(value: float | None) -> str:
    return f"{value:8.4f}" if value is not None else "       -"


def _count(text: str) -> int:
    number = int(text) if text.isdecimal() else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a whole number of 1 or more")
    return number
