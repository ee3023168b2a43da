"""The mirrors of runs in trackers: everything arrives; a server that is down costs the run nothing
and gets what it missed.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from ports import free_port
from trained import model_run
from waiting import wait_until

from engine.files.atomic import read_json
from engine.jobs.mirror import mirror, start_mirrors
from engine.jobs.processes import environment_of
from engine.jobs.trackers import figures_of_row, parameters_of
from engine.lab import Lab
from engine.settings import ROOT, read_settings


def lab_with(home: Path, uri: str) -> Lab:
    return Lab(home, read_settings({"GLYPHLAB_MLFLOW_URI": uri}))


def mirrored(lab: Lab, run) -> dict:
    start_mirrors(run, lab.settings)
    return wait_until(
        lambda: (state := read_json(run.path / "mirror.json")) and state["complete"] and state
    )


def test_parameters_metrics_and_artifacts_arrive(tmp_path):
    lab = lab_with(tmp_path / "home", f"file://{tmp_path / 'mlruns'}")
    run = model_run(lab)
    state = mirrored(lab, run)
    there = next((tmp_path / "mlruns").glob(f"*/{state['run_id']}"))
    assert (there / "params" / "data.name").read_text() == "digits" and (
        there / "tags" / "glyphlab.run"
    ).read_text() == run.id
    assert (there / "metrics" / "test_accuracy").read_text().split()[1:] == ["0.5", "1"]
    assert (there / "metrics" / "step" / "loss").read_text().split()[1:] == ["2.5", "1"]
    assert (there / "artifacts" / "best" / "checkpoint.json").read_bytes() == (
        run.best / "checkpoint.json"
    ).read_bytes()
    assert (there / "artifacts" / "recipe.yaml").exists()


RUN = {
    "info": {
        "run_id": "r1",
        "experiment_id": "1",
        "artifact_uri": "mlflow-artifacts:/1/r1/artifacts",
        "status": "RUNNING",
    },
    "data": {},
}


class Tracker(BaseHTTPRequestHandler):
    """As much of an MLflow server's REST interface as a mirror needs."""

    def do_GET(self) -> None:
        if "runs/get" in self.path:
            self.answer({"run": RUN})
        else:
            self.answer(
                {"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "no such experiment"}, 404
            )

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.files[self.path.rpartition("r1/artifacts/")[2]] = body
        self.answer({})

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        name = self.path.rpartition("mlflow/")[2]
        self.server.asked.append((name, asked))
        answers = {
            "experiments/create": {"experiment_id": "1"},
            "runs/create": {"run": RUN},
            "runs/update": {"run_info": RUN["info"]},
        }
        self.answer(answers.get(name, {}))

    def answer(self, document: dict, status: int = 200) -> None:
        text = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: object) -> None:
        pass


def test_a_server_that_is_down_is_given_up_on_and_gets_it_all_when_it_is_back(tmp_path):
    port = free_port()
    lab = lab_with(tmp_path, f"http://127.0.0.1:{port}")
    run = model_run(lab)
    before = {path: path.read_bytes() for path in run.path.iterdir() if path.is_file()}
    (run.path / "mirror.json").write_text(
        json.dumps({"uri": lab.settings.mlflow_uri, "run_id": None, "rows": 0, "complete": False})
    )
    without_patience = (
        "import sys; from pathlib import Path; from engine.jobs.mirror import mirror_all;"
        " from engine.runs.run import Run;mirror_all(Run(Path(sys.argv[1])), 'mlflow', sys.argv[2], 0)"
    )
    said = subprocess.run(
        [sys.executable, "-c", without_patience, run.path, lab.settings.mlflow_uri],
        cwd=ROOT,
        env=environment_of(lab.settings, os.environ),
        capture_output=True,
        text=True,
    )
    assert (
        said.returncode == 0
        and "Traceback" not in said.stderr
        and len(said.stdout.splitlines()) == 1
    )
    assert {path: path.read_bytes() for path in before} == before and run.info().state == "finished"

    server = ThreadingHTTPServer(("127.0.0.1", port), Tracker)
    server.asked, server.files = [], {}
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        later = model_run(lab)
        mirrored(lab, later)  # the next run's mirror brings along what is missing
        wait_until(lambda: read_json(run.path / "mirror.json")["complete"])
        sent = [
            metric["key"]
            for name, body in server.asked
            if name == "runs/log-batch"
            for metric in body.get("metrics", [])
        ]
        assert sent.count("test_accuracy") == sent.count("step/loss") == 2
        assert [body["status"] for name, body in server.asked if name == "runs/update"] == [
            "FINISHED",
            "FINISHED",
        ]
        assert server.files["best/checkpoint.json"] == (run.best / "checkpoint.json").read_bytes()
    finally:
        server.shutdown()
        server.server_close()


def trackio_here() -> bool:
    return importlib.util.find_spec("trackio") is not None


@pytest.mark.skipif(not trackio_here(), reason="trackio is an optional requirement")
def test_parameters_metrics_and_the_end_arrive_in_trackio(tmp_path, monkeypatch):
    monkeypatch.setenv("TRACKIO_DIR", str(tmp_path / "trackio"))
    lab = Lab(tmp_path / "home", read_settings({"GLYPHLAB_TRACKIO": "letters"}))
    run = model_run(lab)
    start_mirrors(run, lab.settings)
    state = wait_until(
        lambda: (kept := read_json(run.path / "mirror-trackio.json")) and kept["complete"] and kept,
    )
    read = (
        "import json, sys; from trackio.sqlite_storage import SQLiteStorage as S;"
        " print(json.dumps([S.get_logs('letters', sys.argv[1]), S.get_run_config('letters', sys.argv[1])]))"
    )
    said = subprocess.run(
        [sys.executable, "-c", read, state["run_id"]], capture_output=True, text=True, check=True
    )
    logs, config = json.loads(said.stdout.splitlines()[-1])
    assert config["data.name"] == "digits" and config["glyphlab.run"] == run.id
    assert config["glyphlab.state"] == "finished"
    points = {(row["step"], key): row[key] for row in logs for key in row}
    assert points[1, "step/loss"] == 2.5 and points[1, "test_accuracy"] == 0.5
    assert sum("step/loss" in row for row in logs) == 1


@pytest.mark.skipif(trackio_here(), reason="Trackio is installed")
def test_trackio_that_is_not_installed_is_said_in_the_log_and_costs_the_run_nothing(
    tmp_path, capsys
):
    run = model_run(Lab(tmp_path))
    (run.path / "mirror-trackio.json").write_text('{"uri": "x", "run_id": null, "rows": 0}')
    assert mirror(run, "trackio", "x", 0) is False
    assert "pip install 'glyphlab[trackio]'" in capsys.readouterr().out
    assert run.info().state == "finished"


def test_two_mirrors_of_one_run_do_not_meet(tmp_path):
    from engine.files.locks import Lock

    run = model_run(Lab(tmp_path))
    with Lock.take(run.path / "mirror.lock"):
        assert mirror(run, "mlflow", "http://127.0.0.1:9", 0) is False


@pytest.mark.parametrize(
    "row, said",
    [
        (
            {"kind": "step", "epoch": 3, "step": 2, "steps": 10, "loss": 0.5, "seconds": 1},
            (22, {"step/loss": 0.5, "step/seconds": 1.0}),
        ),
        (
            {
                "kind": "epoch",
                "epoch": 3,
                "epochs": 5,
                "val_loss": 0.25,
                "best": True,
                "val_accuracy": None,
            },
            (3, {"epoch/val_loss": 0.25}),
        ),
        (
            {"kind": "final", "epochs": 5, "test_accuracy": 0.75, "confusion": [[1]]},
            (5, {"test_accuracy": 0.75}),
        ),
    ],
)
def test_rows_become_steps_and_figures(row, said):
    assert figures_of_row(row) == said


def test_a_recipe_becomes_flat_parameters():
    assert parameters_of({"a": {"b": 1, "c": None}, "d": "x" * 600, "e": {}}) == {
        "a.b": "1",
        "d": "x" * 500,
    }
