"""Runs mirrored to a real MLflow server: everything arrives; one that was down gets what it missed."""

from __future__ import annotations

import json
import os
import shutil
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from clusters import Daemon, daemon, kill_trees
from made_lab import SMALL, furnish
from ports import free_port
from waiting import wait_until

from engine.files.atomic import read_json
from engine.lab import Lab
from engine.recipes.recipe import make_recipe
from engine.runs.run import Run
from engine.settings import ROOT

SECONDS = 900  # a server that starts, or a run, on a busy machine


class Server:
    """A real MLflow server with a database and artifacts in a folder; it can be ended and begun again."""

    def __init__(self, program: str, folder: Path) -> None:
        self.program, self.folder, self.port = program, folder, free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.process: Daemon | None = None
        self.begin()

    def begin(self) -> None:
        command = [
            self.program, "server", "--host", "127.0.0.1", "--port", str(self.port), "--workers",
            "1", "--backend-store-uri", f"sqlite:///{self.folder / 'mlflow.db'}",
            "--artifacts-destination", str(self.folder / "artifacts"),
        ]  # fmt: skip
        quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
        with open(self.folder / "server.log", "ab") as log:
            self.process = daemon(command, log, {**os.environ, **quiet})
        wait_until(self.answers, SECONDS)

    def answers(self) -> bool:
        with (
            suppress(OSError),
            urllib.request.urlopen(f"{self.address}/health", timeout=30) as said,
        ):
            return bool(said.status == 200)
        return False

    def end(self) -> None:
        if self.process:
            kill_trees(self.process.pid)
            self.process.wait()
            self.process = None

    def ask(self, path: str, body: Any = None) -> Any:
        request = urllib.request.Request(
            f"{self.address}/api/2.0/{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=900) as answer:
            return json.load(answer)

    def run_of(self, run: Run) -> dict[str, Any]:
        """The server's run for one of the lab's."""
        id = (read_json(run.path / "mirror.json") or {})["run_id"]
        return self.ask(f"mlflow/runs/get?run_id={id}")["run"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    beside = ROOT / ".venv" / "mlflow" / "bin" / "mlflow"
    program = os.environ.get("MLFLOW") or (str(beside) if beside.exists() else "")
    if not shutil.which(program):
        pytest.skip("needs an MLflow server: make test-cluster installs it, or name one in MLFLOW")
    found = Server(program, tmp_path_factory.mktemp("mlflow"))
    yield found
    found.end()


@pytest.fixture(scope="module")
def lab(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Lab:
    home = tmp_path_factory.mktemp("mirrored") / "home"
    furnish(home)
    settings = {"GLYPHLAB_HOME": str(home), "GLYPHLAB_DEVICE": "cpu", "GLYPHLAB_THREADS": "1"}
    return Lab.open({**settings, "GLYPHLAB_MLFLOW_URI": server.address})


def finished(lab: Lab) -> Run:
    run = lab.run(lab.submit(make_recipe({**SMALL, "name": "mirrored", "epochs": 3})))
    wait_until(lambda: not run.info().alive, SECONDS)
    assert run.info().state == "finished", run.info().error
    return run


def test_parameters_curves_files_and_the_end_arrive_at_a_real_server(
    lab: Lab, server: Server
) -> None:
    run = finished(lab)
    wait_until(lambda: (read_json(run.path / "mirror.json") or {}).get("complete"), SECONDS)
    found = server.run_of(run)
    assert found["info"]["status"] == "FINISHED" and found["info"]["run_name"] == "mirrored"
    assert {"key": "glyphlab.run", "value": run.id} in found["data"]["tags"]
    assert {"key": "data.name", "value": "shapes"} in found["data"]["params"]
    history = server.ask(
        "mlflow/metrics/get-history?metric_key=epoch/val_loss&run_id=" + found["info"]["run_id"]
    )["metrics"]
    rows = [row for row in run.metrics() if row["kind"] == "epoch"]
    assert [(point["step"], point["value"]) for point in history] == [
        (row["epoch"], row["val_loss"]) for row in rows
    ]
    kept = next((server.folder / "artifacts").rglob("checkpoint.json"))
    assert kept.read_bytes() == (run.best / "checkpoint.json").read_bytes()


def test_a_server_that_is_down_costs_the_run_nothing_and_gets_what_it_missed(
    lab: Lab, server: Server
) -> None:
    server.end()
    run = finished(lab)
    assert not (read_json(run.path / "mirror.json") or {})["complete"]
    server.begin()
    wait_until(lambda: (read_json(run.path / "mirror.json") or {}).get("complete"), SECONDS)
    found = server.run_of(run)
    assert found["info"]["status"] == "FINISHED"
    metrics = {point["key"]: point["value"] for point in found["data"]["metrics"]}
    assert metrics["test_accuracy"] == (run.final() or {})["test_accuracy"]
