"""A lab for page tests: runs in every state and a saved model, written by the engine's own
functions in milliseconds; and a real server.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from ports import free_port
from priorities import usual
from streamlit.testing.v1 import AppTest
from waiting import PATIENCE_SECONDS, wait_until

from app.widgets.explain import FULL
from engine.errors import RunError
from engine.lab import Lab
from engine.models.catalog import build_model
from engine.models.checkpoint import save_checkpoint
from engine.runs.run import Run, create_run
from engine.runs.run_info import figures_of

ROOT = Path(__file__).parents[2]
DIGITS = tuple("0123456789")


def learning_rows(epochs: int = 3, steps: int = 4) -> list[dict[str, Any]]:
    """Rows of a metrics.jsonl: live points and epochs of a run that learns."""
    rows: list[dict[str, Any]] = []
    for epoch in range(1, epochs + 1):
        spent = (epoch - 1) * 2.0
        for step in range(1, steps + 1):
            rows.append(
                {
                    "kind": "step",
                    "stage": 1,
                    "epoch": epoch,
                    "step": step,
                    "steps": steps,
                    "loss": 2 / (epoch + step / steps),
                    "lr": 0.001,
                    "images_per_second": 900.0,
                    "images_seen": 100 * epoch,
                    "seconds": spent + step / 2,
                }
            )
        rows.append(
            {
                "kind": "epoch",
                "stage": 1,
                "epoch": epoch,
                "epochs": epochs,
                "train_loss": 2 / (epoch + 1),
                "train_accuracy": 1 - 0.5 / epoch,
                "val_loss": 2.1 / (epoch + 1),
                "val_accuracy": 1 - 0.4 / epoch,
                "lr": 0.001,
                "images_per_second": 900.0,
                "images_seen": 100 * epoch,
                "seconds": spent + 2.0,
                "size": 28,
                "best": True,
            }
        )
    return rows


def add_run(
    lab: Lab,
    state: str = "finished",
    *,
    recipe: str = "quick",
    name: str | None = None,
    model: bool = True,
    error: str | None = None,
) -> Run:
    """A run of three epochs that ended in `state`, with a model of random weights in best/ unless
    `model` is False.
    """
    resolved = lab.recipe(recipe)
    run = create_run(lab.home, resolved, name)
    with run.take_lock():
        run.own()
        run.write_status(state="running", started=run.status()["created"])
        for row in learning_rows(resolved.epochs):
            run.append_metrics(row)
        confusion = [[0] * 10 for _ in range(10)]
        for digit in range(10):
            confusion[digit][digit] = 36
        confusion[7][1] = 4
        final = {
            "test_accuracy": 0.989,
            "test_top3": 1.0,
            "test_n": 364,
            "test_ece": 0.012,
            "test_data": "digits",
            "test_split": "test",
            "val_accuracy": 0.98,
            "confusion": confusion,
            "parameters": 147_290,
            "seconds": 6.0,
            "images_per_second": 900.0,
            "epochs": resolved.epochs,
        }
        if state == "finished":
            run.append_metrics({"kind": "final", **final})
        if model:
            with (
                torch.random.fork_rng()
            ):  # other weights than the last run's, and the same each time
                torch.manual_seed(len(lab.runs()))
                network = build_model(resolved.model.name, resolved.model.options, 1, 10, 28)
            save_checkpoint(
                run.best,
                network.state_dict(),
                resolved,
                DIGITS,
                final,
                style="digit",
                input_size=28,
            )
        run.end(state, error=error, figures=figures_of(final) if state == "finished" else {})
    return run


def open_page(name: str, *, full: bool = True, **query: str) -> AppTest:
    """The page in pages/`name`.py, run once with `query` in its address, with all statistics if
    `full`; nothing may have gone wrong in it.
    """
    page = AppTest.from_file(str(ROOT / "pages" / f"{name}.py"), default_timeout=PATIENCE_SECONDS)
    page.session_state[FULL] = full
    for key, value in query.items():
        page.query_params[key] = value
    page.run()
    assert not page.exception, page.exception[0].message
    return page


def run_part(draw: Callable[[], None]) -> AppTest:
    """A part of a page, drawn by a function that imports what it needs; nothing may have gone wrong."""
    page = AppTest.from_function(draw, default_timeout=PATIENCE_SECONDS).run()
    assert not page.exception, page.exception[0].message
    return page


def texts(page: AppTest) -> str:
    """Everything that the page says in markdown, captions and boxes."""
    kinds = (
        page.markdown,
        page.caption,
        page.error,
        page.info,
        page.warning,
        page.success,
        page.subheader,
    )
    return "\n".join(element.value for kind in kinds for element in kind)


def thumbnails(page: AppTest, key: str = "") -> list[dict[str, Any]]:
    """The thumbnails on the page that lead to their images' own pages, of the grid of this key."""
    return [
        item
        for element in page.get("bidi_component")
        if element.proto.component_name.endswith("glyphlab_thumbs") and key in element.proto.id
        for item in json.loads(element.proto.json)["items"]
    ]


def charts(page: AppTest) -> list[Any]:
    """The figures on the page, as a browser is given them: those of plotly's basic bundle."""
    return [
        json.loads(json.loads(element.proto.json)["figure"])
        for element in page.get("bidi_component")
        if element.proto.component_name.endswith("glyphlab_live_chart")
        and "figure" in json.loads(element.proto.json)
    ]


def end_at_once(lab: Lab, *runs: str) -> None:
    """End the processes of these runs, which may have ended by themselves by now."""
    for run in runs:
        with suppress(RunError):
            lab.stop(run, at_once=True)


def command(home: Path, port: int, **more: str) -> tuple[list[str], dict[str, str]]:
    environ = {
        **os.environ,
        "GLYPHLAB_HOME": str(home),
        "GLYPHLAB_PORT": str(port),
        "GLYPHLAB_HOST": "127.0.0.1",
        **more,
    }
    return [sys.executable, "-m", "app"], environ


class Server:
    """A running lab: `python -m app` in a process of its own, on a free port or on `port`. alone: in a
    session of its own, at the usual priority, as a service is started.
    """

    def __init__(
        self, home: Path, port: int | None = None, *, alone: bool = False, **environ: str
    ) -> None:
        self.port, self.home = port or free_port(), home
        self.address = f"http://127.0.0.1:{self.port}"
        self.log = open(home / "server.log", "w+", encoding="utf-8")  # noqa: SIM115
        arguments, environ = command(home, self.port, **environ)
        self.process = subprocess.Popen(
            usual(arguments) if alone else arguments,
            cwd=ROOT,
            env=environ,
            stdout=self.log,
            stderr=self.log,
            start_new_session=alone,
        )
        try:
            wait_until(self.health)
        except AssertionError:
            self.close()
            raise

    def get(self, path: str, accept: str = "*/*") -> tuple[int, str, str]:
        """Status, final address, body."""
        request = urllib.request.Request(self.address + path, headers={"Accept": accept})
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as answer:
                return answer.status, answer.url, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.url, error.read().decode()

    def health(self) -> dict | None:
        try:
            return json.loads(self.get("/healthz")[2])
        except OSError:
            assert self.process.poll() is None, self.output()
            return None

    def output(self) -> str:
        self.log.seek(0)
        return self.log.read()

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(timeout=PATIENCE_SECONDS)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self.log.close()
