"""A run on a page: its state as a badge, its line in a list, how far it is."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import streamlit as st

from app.charts.learning import epochs_of, steps_of
from app.charts.words import ago, literal, number, of_images, seconds
from app.widgets.links import link
from engine.errors import DataError
from engine.runs.run_info import VISIT
from engine.runs.times import seconds_between
from engine.store.labels import changed_images

if TYPE_CHECKING:
    from engine.lab import Lab
    from engine.people.person import Person
    from engine.runs.run_info import RunInfo

Colour = Literal["gray", "blue", "green", "orange", "red"]

# state → colour and icon of its badge
STATES: dict[str, tuple[Colour, str]] = {
    "queued": ("gray", ":material/hourglass_empty:"),
    "running": ("blue", ":material/play_circle:"),
    "stopping": ("orange", ":material/pause_circle:"),
    "finished": ("green", ":material/check_circle:"),
    "stopped": ("orange", ":material/stop_circle:"),
    "pruned": ("gray", ":material/content_cut:"),
    "failed": ("red", ":material/error:"),
}


WAITING = "Waiting for its turn."


def state_badge(run: RunInfo) -> None:
    """The state in a coloured badge; a live run that has not reported progress for long says so, and
    since when: its process lives, or the state would be 'failed'.
    """
    if not run.stale:
        colour, icon = STATES[run.outcome]
        st.badge(run.outcome, color=colour, icon=icon)
        return
    silent = seconds(seconds_between(run.heartbeat))
    st.badge(
        f"{run.state} · no progress for {silent}",
        color="orange",
        icon=":material/hourglass_empty:",
        help=(
            "Its process is alive but has not reported progress: a slow step, a busy machine, or a"
            f" program that hangs. Last reported: {run.what or 'nothing yet'}."
        ),
    )


def whose(run: RunInfo, person: Person, mode: str) -> str:
    """Whose run it is, to somebody who looks at those of several people: 'yours', 'by Mia'; '' in a
    lab of one's own. Markdown. mode: of the lab.
    """
    if mode == "own":
        return ""
    if run.owner == person.mark and (person.mark or person.leads):
        return "yours"
    if run.owner:
        return f"by {literal(run.by)}" if run.by else "somebody else's"
    return "by the teacher" if mode == "class" else "by the owner of this lab"


def run_line(run: RunInfo, rows: Sequence[Mapping[str, Any]] = ()) -> None:
    """One row of a list: state, name as a link to where it is watched, and what came of it. rows: its
    metrics, of one that is alive.
    """
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        state_badge(run)
        link("train", literal(run.name), icon=":material/show_chart:", run=run.id)
        st.caption(summary(run, rows))


def latest_lines(ended: Sequence[RunInfo], most: int, sweeps: Collection[str]) -> None:
    """The `most` latest results: a line each run, and one for all trials of a sweep.

    ended   runs that have ended, newest first
    sweeps  names of the sweeps that are there
    """
    trials: dict[str, list[RunInfo]] = {}
    lines: list[RunInfo | str] = []
    for run in ended:
        if not run.sweep:
            lines.append(run)
        elif run.sweep in trials:
            trials[run.sweep].append(run)
        else:
            trials[run.sweep] = [run]
            lines.append(run.sweep)
    for line in lines[:most]:
        if isinstance(line, str):
            _sweep_line(line, trials[line], line in sweeps)
        else:
            run_line(line)


def _sweep_line(name: str, trials: Sequence[RunInfo], there: bool) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.badge("sweep", color="gray", icon=":material/tune:")
        if there:
            link("sweeps", literal(name), sweep=name)
        else:
            link("runs", literal(name), find=name)
        pruned = sum(run.outcome == "pruned" for run in trials)
        finished = [run for run in trials if run.state == "finished"]
        best = max(finished, key=lambda run: run.val_accuracy or 0, default=None)
        parts = [f"{number(len(trials))} trial{'' if len(trials) == 1 else 's'} ended"]
        if pruned:
            parts.append(f"{number(pruned)} pruned")
        if best and best.val_accuracy is not None:
            parts.append(f"best {of_images(best.val_accuracy, best.val_n, 'validation')}")
        parts += [literal(trials[0].data), ago(trials[0].finished or trials[0].created)]
        st.caption(" · ".join(parts))


def summary(run: RunInfo, rows: Sequence[Mapping[str, Any]] = ()) -> str:
    """What a run came to, or how far it is, in one line. rows: its metrics, of one that is alive."""
    parts = [progress(run, rows)[1].removesuffix(".")] if run.alive else []
    if run.accuracy is not None and not run.sweep:
        share, rest = of_images(run.accuracy, run.test_n, "test").split(" ", 1)
        parts.append(f"**{share}** {rest}")
    elif run.val_accuracy is not None:
        parts.append(of_images(run.val_accuracy, run.val_n, "validation"))
    parts += [f"{literal(run.data)} · {literal(run.model)}"]
    if run.by:
        parts.append(f"by {literal(run.by)}")
    if run.seconds is not None and not run.alive:
        parts.append(f"{seconds(run.seconds)} in all")
    parts.append(ago(run.created if run.alive else run.finished or run.created))
    return " · ".join(parts)


def labels_of(run: RunInfo) -> str:
    """Which labels a run is trained on: 'given labels', or 'mended labels (journal entry 12)'."""
    if run.labels == "given":
        return "given labels"
    return f"mended labels (journal entry {', '.join(map(number, run.journal))})"


def changes_since(lab: Lab, run: RunInfo) -> int:
    """How many images of a run's data have another label now than the one it was trained on; 0 if
    the data set is not here any more.
    """
    try:
        return changed_images(lab.home, run.data, run.journal, lab.labels.given)
    except DataError:
        return 0


def progress(run: RunInfo, rows: Sequence[Mapping[str, Any]]) -> tuple[float, str]:
    """How far a run is, or came: a share 0..1 and the words beside the bar."""
    if not run.alive:
        return _came(run, rows)
    if run.state == "queued":
        # The badge beside it says that it is queued.
        return 0.0, f"{run.message[:1].upper()}{run.message[1:]}." if run.message else WAITING
    epochs, steps = epochs_of(rows), steps_of(rows)
    done = float(epochs[-1]["epoch"]) if epochs else 0.0
    last = steps[-1] if steps else None
    inside, epoch = "", None
    if last and last["epoch"] > done:
        epoch = last["epoch"]  # its last step is still a step of it
        done = last["epoch"] - 1 + last["step"] / max(last["steps"], 1)
        inside = f", step {number(last['step'])} of {number(last['steps'])}"
    if not rows:
        what = run.what or "Starting"
        share = run.done / run.total if run.total else 0.0
        return (
            min(share, 1.0),
            f"{what[:1].upper()}{what[1:]}: {number(run.done)} of {number(run.total)}"
            if run.total
            else f"{what[:1].upper()}{what[1:]}…",
        )
    if run.epochs and epoch is None and done >= run.epochs:
        return 1.0, "Measuring the model…"
    epoch = epoch or (min(int(done) + 1, run.epochs) if run.epochs else int(done) + 1)
    # One that is stopping ends before its last epoch: no time is left that could be named.
    left = " · stopping" if run.state == "stopping" else _left(done, run, rows)
    return (
        min(done / run.epochs, 1.0) if run.epochs else 0.0
    ), f"Epoch {epoch} of {run.epochs}{inside}{left}"


def without_tracebacks(log: str) -> str:
    """A run's log as a person reads it: of each traceback only the error at its end."""
    out: list[str] = []
    inside = False
    for line in log.splitlines():
        if line.startswith("Traceback (most recent call last)"):
            inside = True
        elif not inside:
            out.append(line)
        elif line and not line[0].isspace():
            inside = False
            out.append(line)
    return "\n".join(out)


def _came(run: RunInfo, rows: Sequence[Mapping[str, Any]]) -> tuple[float, str]:
    epoch = max((row["epoch"] for row in epochs_of(rows)), default=0)
    share = epoch / run.epochs if run.epochs else 0.0
    if run.state == "finished":
        # The epochs that patience skips are counted on over: those of the next stage go on after them.
        trained = len({row["epoch"] for row in epochs_of(rows)})
        early = "; patience ended it early" if trained < run.epochs else ""
        return 1.0, f"Finished: {number(trained)} of {number(run.epochs)} epochs{early}"
    words = run.message or run.state + (
        f" in epoch {min(epoch + 1, run.epochs)} of {run.epochs}"
        if rows
        else " before the training began"
    )
    return min(share, 1.0), words[:1].upper() + words[1:]


def _left(done: float, run: RunInfo, rows: Sequence[Mapping[str, Any]]) -> str:
    # Epochs of one stage take alike; of the time so far, the first seconds of decoding and loading
    # are no guide and are left out.
    spent = next((row["seconds"] for row in reversed(rows) if row.get("seconds") is not None), 0.0)
    return (
        f" · about {seconds(spent / done * (run.epochs - done))} left"
        if done > 0.05 and spent > 1 and run.epochs
        else ""
    )


def once_deleted(lab: Lab, runs: Sequence[RunInfo]) -> str:
    """What becomes of runs that are deleted: of visitors' nothing is kept."""
    visits = sum(run.owner.startswith(VISIT) for run in runs)
    if visits and visits == len(runs):
        return "That can't be undone."
    kept = "The trash keeps" if lab.may("restore") else "Your teacher can restore"
    what = "it" if len(runs) == 1 else "them"
    return f"{kept} {what} for a week{', but not those of visitors' if visits else ''}."
