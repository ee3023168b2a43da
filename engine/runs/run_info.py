"""What a run's status means to somebody who looks at it: its state as it really is, how far it is,
what came of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

from pydantic import AfterValidator, Field

from engine.files.checked import Document
from engine.runs.times import seconds_between, seconds_of

if TYPE_CHECKING:
    from engine.recipes.recipe import Recipe

ALIVE = ("queued", "running", "stopping")
ENDED = ("finished", "stopped", "failed")
VISIT = "visit-"  # begins the mark of a visitor's run; with the visit it is deleted for good
SHOWN_NODES = 4  # names of the nodes of one run
STALE_SECONDS = 120  # a live process that has said nothing for so long is shown as stale
KILLED = "its process was killed or the machine went down; it can be resumed"
PREDICTIONS = "predictions.npz"  # in a run's folder: of its best model, on held-out images
FIGURES = (
    "test_accuracy",
    "test_top3",
    "test_n",
    "val_accuracy",
    "val_n",
    "knn_accuracy",
    "parameters",
    "seconds",
)  # final metrics that lists show


@dataclass(frozen=True)
class RunInfo:
    """A run as lists show it. Times are ISO 8601 in UTC; `share` and accuracies are fractions in
    0..1; `accuracy` is the test split's, of `test_n` images, `val_accuracy` the validation split's, of
    `val_n`; while it trains, that of the best epoch so far, and no test split's.

    stale   its process lives but has said nothing for two minutes
    seconds how long it took, all attempts of a resumed one together, without those in the queue; started
            is when the last attempt began
    saved   it has a checkpoint in best/
    where   of a cluster's job: which one, and on which node; empty on this machine
    epoch   how many epochs have ended, of `epochs`
    done, total, what   the current work: images decoded, steps trained
    labels  'given' or 'mended': which labels of its data it is trained on; journal: of mended ones,
            up to which position of the label journal of each data set
    pruned  its sweep ended it early, since it lagged behind the other trials
    before  the run that this one repeats on labels mended since
    owner   mark of the student or visitor who started it, and by: that person's name; '' of whoever
            leads the lab
    """

    id: str
    folder: Path
    state: str
    error: str | None
    alive: bool
    stale: bool
    saved: bool
    seconds: float | None
    device: str | None
    accuracy: float | None
    val_accuracy: float | None
    test_n: int | None
    val_n: int | None
    where: str
    name: str = ""
    recipe: str = ""
    title: str = ""
    data: str = ""
    model: str = ""
    method: str = ""
    created: str = ""
    started: str | None = None
    finished: str | None = None
    heartbeat: str | None = None
    epoch: int = 0
    epochs: int = 0
    share: float = 0.0
    done: int = 0
    total: int = 0
    what: str = ""
    message: str = ""
    resumed: int = 0
    sweep: str | None = None
    pruned: bool = False
    labels: str = "given"
    journal: Sequence[int] = ()
    before: str | None = None
    owner: str = ""
    by: str = ""

    @property
    def outcome(self) -> str:
        """The state as lists show it: 'pruned' of a trial that its sweep stopped, otherwise `state`."""
        return "pruned" if self.pruned and self.state == "stopped" else self.state


_PLAIN = tuple(
    field.name for field in fields(RunInfo) if field.default is not MISSING
)  # taken from status.json as they are


def _time(text: str) -> str:
    if datetime.fromisoformat(text).tzinfo is None:
        raise ValueError("a time needs its zone")
    return text


_Time = Annotated[str, AfterValidator(_time)]
_Count = Annotated[int, Field(ge=0, le=10**12)]


class _Machine(Document):
    device: str | None = None
    processes: _Count | None = None
    nodes: _Count | None = None
    backend: str | None = None


class Status(Document):
    """What is read of a run's status.json by anyone."""

    state: Literal["queued", "running", "stopping", "finished", "stopped", "failed"]
    name: str = ""
    recipe: str = ""
    title: str = ""
    data: str = ""
    model: str = ""
    scale: str = ""
    method: str = ""
    classes: list[str] | None = None
    test_on: str | None = None
    created: _Time | None = None
    started: _Time | None = None
    finished: _Time | None = None
    heartbeat: _Time | None = None
    test_reads: _Count = 0
    earlier_seconds: float | None = Field(None, ge=0, le=10**12)
    epoch: _Count | None = None
    epochs: _Count | None = None
    done: _Count | None = None
    total: _Count | None = None
    resumed: _Count | None = None
    share: float | None = Field(None, ge=0, le=1)
    what: str | None = None
    message: str | None = None
    error: str | None = None
    sweep: str | None = None
    pruned: bool | None = None
    labels: str | None = None
    journal: list[Annotated[int, Field(ge=0)]] | None = None
    before: str | None = None
    owner: str | None = None
    by: str | None = None
    most_memory_gb: float | None = Field(None, gt=0, le=100_000)
    most_minutes: int | None = Field(None, ge=1, le=100_000)
    cwd: str | None = None
    host: str | None = None
    nodes: list[str] | None = None
    attempt: str | None = None
    job: dict[str, str] | None = None
    pid: int | None = Field(None, ge=1, le=2**31)
    mistake: bool | None = None
    figures: dict[str, float | None] | None = None
    machine: _Machine | None = None


def info_of(
    id: str, folder: Path, status: Mapping[str, Any], alive: bool, stop_wanted: bool
) -> RunInfo:
    """The run whose status.json says `status`; `alive` is whether its process lives."""
    state, error = status.get("state", "failed"), status.get("error")
    if state in ALIVE and not alive:
        state, error = "failed", KILLED
    elif state in ALIVE and stop_wanted:
        state = "stopping"
    said = (seconds_between(status.get(when)) for when in ("heartbeat", "started"))
    silent = min((seconds for seconds in said if seconds is not None), default=0)
    job: dict[str, str] = status.get("job") or {}
    ended = status.get("finished") or (
        None if alive and not job else status.get("heartbeat")  # by the clock of `started`
    )
    figures: dict[str, Any] = status.get("figures") or {}
    machine: dict[str, Any] = status.get("machine") or {}
    return RunInfo(
        id=id,
        folder=folder,
        state=state,
        error=error,
        alive=alive,
        # Of a cluster's job the executor sees the silence; here two machines' clocks would be compared.
        stale=alive and state != "queued" and silent > STALE_SECONDS and not job,
        saved=(folder / "best" / "checkpoint.json").exists(),
        seconds=seconds_of(status, ended),
        device=_device(machine),
        accuracy=figures.get("test_accuracy"),
        val_accuracy=figures.get("val_accuracy"),
        test_n=figures.get("test_n"),
        val_n=figures.get("val_n"),
        where=" · ".join(
            part
            for part in (f"{job['cluster']} job {job['id']}", f"on {_places(status)}")
            if not part.endswith(" ")
        )
        if job.keys() >= {"cluster", "id"}
        else "",
        **{field: status[field] for field in _PLAIN if status.get(field) is not None},
    )


def _device(machine: Mapping[str, Any]) -> str | None:
    """'cpu'; of several processes: 'cpu, 2 processes (gloo)', 'cpu, 2 processes on 2 nodes (gloo)'."""
    device, count = machine.get("device"), machine.get("processes")
    if not device or not count:
        return device
    nodes = machine.get("nodes") or 1
    where = f" on {nodes} nodes" if nodes > 1 else ""
    return f"{device.partition(':')[0]}, {count} processes{where} ({machine.get('backend')})"


def _places(status: Mapping[str, Any]) -> str:
    """The node on which a run is computed, or all of them: 'a', 'a, b', 'a, b, c and 5 more'."""
    names: list[str] = status.get("nodes") or [status.get("host") or ""]
    more = f" and {len(names) - SHOWN_NODES} more" if len(names) > SHOWN_NODES else ""
    return ", ".join(names[:SHOWN_NODES]) + more


def figures_of(final: Mapping[str, Any]) -> dict[str, Any]:
    """The few final metrics that lists show."""
    return {key: final[key] for key in FIGURES if final.get(key) is not None}


def figures_so_far(
    rows: Sequence[Mapping[str, Any]], before: Mapping[str, Any] | None
) -> dict[str, Any]:
    """What lists show of a run that goes on: the validation accuracy of the epoch whose weights are
    kept, by its `rows`. The test images are read again at its end: what they gave `before` is of weights
    that are replaced.
    """
    kept = [row for row in rows if row.get("kind") == "epoch" and row.get("best")]
    share = kept[-1].get("val_accuracy") if kept else None
    figures = {"val_accuracy": share, "val_n": (before or {}).get("val_n")}
    return {} if share is None else {key: n for key, n in figures.items() if n is not None}


class Facts(NamedTuple):
    """What a recipe is about, as run folders keep it in status.json: lists and figures of many runs
    need not read a recipe each.
    """

    recipe: str
    scale: str
    method: str
    model: str
    data: str
    classes: tuple[str, ...] | None
    test_on: str | None


def facts_of(recipe: Recipe) -> Facts:
    """What this recipe is about."""
    return Facts(
        recipe=recipe.name,
        scale=recipe.scale,
        method=recipe.method,
        model=recipe.model.name,
        data=recipe.data.name,
        classes=recipe.data.classes,
        test_on=recipe.data.test_on,
    )


def facts_in(status: Mapping[str, Any]) -> Facts | None:
    """What status.json says of the run's recipe; None in a folder of an earlier version."""
    if any(field not in status for field in Facts._fields):
        return None
    classes = status["classes"]
    return Facts(**{field: status[field] for field in Facts._fields})._replace(
        classes=None if classes is None else tuple(classes)
    )
