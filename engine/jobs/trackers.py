"""The experiment trackers that runs can be mirrored to: one table from a name to its client."""

# pyright: reportMissingTypeStubs=false, reportMissingImports=false
# (Trackio is an optional requirement.)
from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from engine.errors import SettingsError
from engine.runs.run import Run

if TYPE_CHECKING:
    from engine.settings import Settings

EXPERIMENT = "glyphlab"
BATCH = 500  # metrics a request; MLflow takes at most 1,000
PARAMETERS = 100  # a request, of MLflow
STATES = {"finished": "FINISHED", "stopped": "KILLED", "failed": "FAILED"}
Points = Sequence[tuple[int, dict[str, float]]]  # (step, figures) each


class Client(Protocol):
    """What a mirror asks of a tracker. All may raise anything: the mirror tries again later."""

    def begin(self, run: Run) -> str:
        """Make the tracker's run and return its name there."""
        ...

    def parameters(self, name: str, run: Run, flat: Mapping[str, str]) -> None: ...

    def points(self, name: str, run: Run, points: Points) -> None:
        """Send figures; they are there when this returns."""
        ...

    def finish(self, name: str, run: Run) -> None: ...


class Tracker(NamedTuple):
    """address  where runs go by the settings; '' if they are not mirrored to it
    connect  the client for an address; raises GlyphlabError where its library is missing
    state    the file in a run's folder that says how far its mirror is, without '.json'
    """

    address: Callable[[Settings], str]
    connect: Callable[[str], Client]
    state: str


class _MLflow:
    def __init__(self, address: str) -> None:
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")  # we come back ourselves
        os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")
        from mlflow import MlflowClient

        self._client = MlflowClient(tracking_uri=address)

    def begin(self, run: Run) -> str:
        experiment = self._client.get_experiment_by_name(EXPERIMENT)
        number = (
            experiment.experiment_id if experiment else self._client.create_experiment(EXPERIMENT)
        )
        status = run.status()
        tags = {
            "glyphlab.run": run.id,
            "glyphlab.folder": run.path.name,
            "glyphlab.host": status.get("host"),
            "mlflow.source.git.commit": status.get("commit"),
        }
        named = {key: str(value) for key, value in tags.items() if value}
        return self._client.create_run(number, run_name=status["name"], tags=named).info.run_id

    def parameters(self, name: str, run: Run, flat: Mapping[str, str]) -> None:
        from mlflow.entities import Param

        rows = [Param(key, value) for key, value in flat.items()]
        for start in range(0, len(rows), PARAMETERS):
            self._client.log_batch(name, params=rows[start : start + PARAMETERS])

    def points(self, name: str, run: Run, points: Points) -> None:
        from mlflow.entities import Metric

        stamp = int(time.time() * 1000)
        rows = [
            Metric(key, value, stamp, step)
            for step, figures in points
            for key, value in figures.items()
        ]
        self._client.log_batch(name, metrics=rows)

    def finish(self, name: str, run: Run) -> None:
        for file in ("recipe.yaml", "status.json", "metrics.jsonl", "log.txt"):
            if (run.path / file).exists():
                self._client.log_artifact(name, str(run.path / file))
        if run.best.is_dir():
            self._client.log_artifacts(name, str(run.best), "best")
        self._client.set_terminated(name, STATES.get(run.info().state, "FINISHED"))


class _Trackio:
    """Figures and parameters; files stay in the run's folder. Where a project is kept, Trackio's own
    variables say: TRACKIO_DIR, or TRACKIO_SERVER_URL, or TRACKIO_SPACE_ID. What it can't deliver to
    a server it keeps itself, and sends with what comes next.
    """

    def __init__(self, address: str) -> None:
        try:
            import trackio
        except ImportError:
            raise SettingsError(
                "GLYPHLAB_TRACKIO is set and Trackio is not installed",
                hint="pip install 'glyphlab[trackio]', or pip install trackio.",
            ) from None
        self._trackio: Any = trackio
        self._project = address

    def begin(self, run: Run) -> str:
        return f"{run.status()['name']} {run.id}"

    def parameters(self, name: str, run: Run, flat: Mapping[str, str]) -> None:
        self._send(name, run, [(0, {})])

    def points(self, name: str, run: Run, points: Points) -> None:
        self._send(name, run, points)

    def finish(self, name: str, run: Run) -> None:
        last = max((figures_of_row(row)[0] for row in run.metrics()), default=0)
        self._send(name, run, [(last, {})])

    def _send(self, name: str, run: Run, points: Points) -> None:
        """One session of Trackio's: what was logged is written when it is finished, and with it all
        parameters, which take the place of the earlier ones.
        """
        session = self._trackio.init(
            project=self._project,
            name=name,
            config={
                **parameters_of(run.recipe().model_dump(mode="json")),
                "glyphlab.run": run.id,
                "glyphlab.state": run.info().state,
            },
            resume="allow",
            embed=False,
            auto_log_gpu=False,
            auto_log_cpu=False,
        )
        for step, figures in points:
            session.log(figures, step=step)
        session.finish()


TRACKERS: dict[str, Tracker] = {
    "mlflow": Tracker(lambda settings: settings.mlflow_uri, _MLflow, "mirror"),
    "trackio": Tracker(lambda settings: settings.trackio, _Trackio, "mirror-trackio"),
}


def parameters_of(recipe: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """A recipe flattened to a tracker's parameters: 'data.name' → 'digits'. Cut to the 500 characters
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
    """A metrics row as a tracker's (step, figures): steps by their number in the run, epochs by
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
