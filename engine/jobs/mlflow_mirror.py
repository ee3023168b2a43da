"""Runs mirrored to an MLflow server, for teams that have one, by a process that only reads the
run's folder.

The run never waits for it and never hears of it: a server that is slow or down costs the run
nothing. What could not be sent stays in the folder, and is sent when the server is back: while the
run lasts, ten minutes longer, or along with the next run. `<run>/mirror.json` says how far it is,
`<run>/mirror.log` what went wrong.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.errors import GlyphlabError
from engine.files.atomic import read_json, write_json
from engine.files.locks import Lock
from engine.jobs.processes import spawn
from engine.runs.index import all_runs
from engine.runs.run import Run

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from engine.settings import Settings

EXPERIMENT = "glyphlab"
POLL_SECONDS = 2.0
PATIENCE_SECONDS = 600  # after the run's end
BATCH = 500  # metrics a request; MLflow takes at most 1,000
STATES = {"finished": "FINISHED", "stopped": "KILLED", "failed": "FAILED"}


def start_mirror(run: Run, settings: Settings) -> None:
    """Start the mirror's process for a run that has begun. Never raises: a run does not fail for
    its mirror.
    """
    with suppress(GlyphlabError, OSError):
        state = read_json(run.path / "mirror.json") or {}
        if state.get("uri") != settings.mlflow_uri:
            state = {"uri": settings.mlflow_uri, "run_id": None, "rows": 0}
        write_json(run.path / "mirror.json", {**state, "complete": False})
        spawn(["_mirror", str(run.path)], settings, run.path / "mirror.log")


def mirror_all(run: Run, uri: str, patience_seconds: float = PATIENCE_SECONDS) -> None:
    """What the process does: mirror this run to its end, then what earlier runs could not deliver."""
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")  # we come back ourselves
    os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")
    if not mirror(run, uri, patience_seconds):
        return
    for other in all_runs(run.path.parent.parent):
        state = read_json(other.path / "mirror.json")
        if state and state["uri"] == uri and not state["complete"] and not other.alive:
            mirror(other, uri, 0)


def mirror(run: Run, uri: str, patience_seconds: float = PATIENCE_SECONDS) -> bool:
    """Send the run's parameters, metrics as they come, and at its end its artifacts. False if the
    server could not be reached in time.
    """
    lock = Lock.take(run.path / "mirror.lock")
    if lock is None:
        return False
    with lock:
        pause, ended = POLL_SECONDS, None
        while run.path.exists():
            alive = run.alive
            try:
                _send(run, uri, alive)
                pause = POLL_SECONDS
                if not alive:
                    return True
            except Exception as error:  # whatever a server, a proxy or a library may think of
                print(
                    f"{time.strftime('%Y-%m-%d %H:%M:%S')} {type(error).__name__}:"
                    f" {str(error)[:300]}",
                    flush=True,
                )
                pause = min(pause * 2, 60)
            ended = None if alive else ended or time.monotonic()
            if ended is not None and time.monotonic() + pause - ended > patience_seconds:
                return False
            _sleep_while(run, alive, pause)
    return False


def _sleep_while(run: Run, alive: bool, seconds: float) -> None:
    """Sleep, but wake soon after the run has ended."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and (not alive or run.alive):
        time.sleep(min(0.5, seconds))


def _send(run: Run, uri: str, alive: bool) -> None:
    """Everything that is new since the last time. Each step is written down when the server has
    confirmed it.
    """
    from mlflow import MlflowClient
    from mlflow.entities import Metric, Param

    state = read_json(run.path / "mirror.json")

    def done(**changes: Any) -> None:
        state.update(changes)
        write_json(run.path / "mirror.json", state)

    client = MlflowClient(tracking_uri=uri)
    if not state["run_id"]:
        done(run_id=_begin(client, run))
    if not state.get("parameters"):
        flat = [
            Param(key, value)
            for key, value in parameters_of(run.recipe().model_dump(mode="json")).items()
        ]
        for start in range(0, len(flat), 100):
            client.log_batch(state["run_id"], params=flat[start : start + 100])
        done(parameters=True)
    rows = run.metrics()
    if (
        len(rows) < state["rows"]
    ):  # the run went on from its last checkpoint and repeats what came after it
        done(rows=len(rows))
    stamp = int(time.time() * 1000)
    while state["rows"] < len(rows):
        sent, metrics = state["rows"], []
        while sent < len(rows) and len(metrics) < BATCH:
            step, figures = figures_of_row(rows[sent])
            metrics += [Metric(key, value, stamp, step) for key, value in figures.items()]
            sent += 1
        client.log_batch(state["run_id"], metrics=metrics)
        done(rows=sent)
    if not alive:
        _finish(client, run, state["run_id"])
        done(complete=True)


def _begin(client: MlflowClient, run: Run) -> str:
    experiment = client.get_experiment_by_name(EXPERIMENT)
    number = experiment.experiment_id if experiment else client.create_experiment(EXPERIMENT)
    status = run.status()
    tags = {
        "glyphlab.run": run.id,
        "glyphlab.folder": run.path.name,
        "glyphlab.host": status.get("host"),
    }
    tags["mlflow.source.git.commit"] = status.get("commit")
    return client.create_run(
        number,
        run_name=status["name"],
        tags={key: str(value) for key, value in tags.items() if value},
    ).info.run_id


def _finish(client: MlflowClient, run: Run, run_id: str) -> None:
    for name in ("recipe.yaml", "status.json", "metrics.jsonl", "log.txt"):
        if (run.path / name).exists():
            client.log_artifact(run_id, str(run.path / name))
    if run.best.is_dir():
        client.log_artifacts(run_id, str(run.best), "best")
    client.set_terminated(run_id, STATES.get(run.info().state, "FINISHED"))


def parameters_of(recipe: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """A recipe flattened to MLflow's parameters: 'data.name' → 'digits'. Cut to the 500 characters
    that every server takes.
    """
    flat: dict[str, str] = {}
    for key, value in recipe.items():
        if isinstance(value, Mapping) and value:
            flat.update(parameters_of(value, f"{prefix}{key}."))
        elif value not in (None, "", {}, []):
            flat[prefix + key] = str(value)[:500]
    return flat


def figures_of_row(row: Mapping[str, Any]) -> tuple[int, dict[str, float]]:
    """A metrics row as MLflow's (step, figures): steps by their number in the run, epochs by
    theirs, names as 'epoch/val_accuracy'.
    """
    kind = row.get("kind", "")
    skipped = ("epoch", "epochs", "step", "steps", "stage", "best", "size")
    figures = {
        key if kind == "final" else f"{kind}/{key}": float(value)
        for key, value in row.items()
        if isinstance(value, int | float) and key not in skipped
    }
    epoch = int(row.get("epoch") or row.get("epochs") or 0)
    return (epoch - 1) * int(row["steps"]) + int(row["step"]) if kind == "step" else epoch, figures


def main(folder: Path, settings: Settings) -> None:
    """The process: `python -m engine _mirror RUN`."""
    mirror_all(Run(folder), settings.mlflow_uri)
