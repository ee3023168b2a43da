"""The commands on runs and models: stop, resume, export, compare and study, each by what it does."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from compared import compared_run
from trained import model_run

from engine.cli import load, parser_of
from engine.errors import RecipeError, RunError
from engine.files.atomic import plain
from engine.lab import Lab
from engine.progress import no_progress
from engine.runs.run import Run
from engine.services.study import STUDIES


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(tmp_path)


def call(lab: Lab, command: str, *arguments: str):
    """A command's document as JSON holds it, and the text that a person sees."""
    module = load(command)
    document = module.run(lab, parser_of(command).parse_args(arguments), no_progress)
    return json.loads(json.dumps(plain(document))), module.show(document)


class Recorder:
    """An executor that notes which runs it was told to start, and starts none."""

    def __init__(self) -> None:
        self.started: list[str] = []

    def start(self, run: Run) -> None:
        self.started.append(run.id)
        run.write_status(state="queued")


def test_stop_asks_a_live_run_to_stop_and_refuses_one_that_has_ended(lab: Lab) -> None:
    run = model_run(lab, state="stopped")
    with run.take_lock():
        run.write_status(state="running")
        document, text = call(lab, "stop", run.id)
        assert (run.path / "stop").exists()
    assert document == {"run_id": run.id, "name": "quick", "state": "stopping"}
    assert text == f"run {run.id} is stopping"
    ended = model_run(lab)
    with pytest.raises(RunError, match="is not running"):
        call(lab, "stop", ended.id)


def test_resume_starts_a_stopped_run_in_its_own_folder_and_refuses_a_finished_one(
    lab: Lab,
) -> None:
    run = model_run(lab, state="stopped")
    recorder = lab.launcher.executor = Recorder()
    document, text = call(lab, "resume", run.id)
    assert recorder.started == [run.id] and run.status()["resumed"] == 1
    assert document["run_id"] == run.id and document["folder"] == str(run.path)
    assert f"python -m engine runs {run.id}" in text
    with pytest.raises(RunError, match="has finished"):
        call(lab, "resume", model_run(lab).id)
    assert recorder.started == [run.id]


def test_resume_goes_on_over_another_number_of_devices_and_changes_nothing_else(lab: Lab) -> None:
    run = model_run(lab, state="stopped")
    recorder = lab.launcher.executor = Recorder()
    call(lab, "resume", run.id, "--set", "resources.processes=2", "--set", "resources.cpus=4")
    resources = run.recipe().resources
    assert recorder.started == [run.id] and (resources.processes, resources.cpus) == (2, 4)
    with pytest.raises(RecipeError, match="a run that goes on keeps its lr"):
        call(lab, "resume", run.id, "--set", "lr=1")
    assert recorder.started == [run.id]


def test_export_writes_the_model_where_it_is_told(lab: Lab, tmp_path: Path) -> None:
    file = tmp_path / "model.onnx"
    document, text = call(lab, "export", model_run(lab).id, "--onnx", str(file))
    assert document["onnx"] == str(file) and document["size_bytes"] == file.stat().st_size > 1000
    assert text == f"{file} ({document['size_bytes'] / 1e3:.0f} kB)"


def test_compare_gives_each_runs_score_and_the_test_between_them(lab: Lab) -> None:
    first = compared_run(lab, wrong=range(5), changes={"lr": 0.1})
    second = compared_run(lab, wrong=range(40), changes={"lr": 0.2})
    document, text = call(lab, "compare", first.id, second.id)
    assert [row["run"] for row in document["runs"]] == [first.id, second.id]
    (test,) = document["tests"]
    assert (test["only_first"], test["only_second"]) == (35, 0) and test["p"] < 0.001
    assert "lr" in json.dumps(document["differences"])
    assert any("lr 0.1 is significantly better" in sentence for sentence in document["answers"])
    assert "*" not in "".join(document["answers"]) and "ONLY FIRST CORRECT" in text
    assert "Holm" not in text
    third = compared_run(lab, wrong=range(9), changes={"lr": 0.3})
    _, text = call(lab, "compare", first.id, second.id, third.id)
    assert "P, CORRECTED" in text and "p is corrected for the 3 pairs (Holm)." in text
    with pytest.raises(RunError, match="nothing to compare"):
        call(lab, "compare", first.id)


def test_study_lists_every_published_experiment_and_shows_one_alone(lab: Lab) -> None:
    document, text = call(lab, "study")
    names = [name for study in STUDIES.values() for name in study.recipes]
    assert [row["name"] for row in document] == names and all(name in text for name in names)
    row, alone = call(lab, "study", "task3-convnet-flat")
    assert row["name"] == "task3-convnet-flat" and row["published"] == pytest.approx(0.0099)
    assert "published" in alone.lower() and "0.99%" in alone
    with pytest.raises(RecipeError, match="task3-convnet-flat"):
        call(lab, "study", "task3-convnet-flatt")


def test_a_damaged_run_is_listed_with_the_reason(lab: Lab) -> None:
    run = model_run(lab)
    (run.path / "status.json").write_text('{"state": 5}')
    listed, text = call(lab, "runs")
    assert [(each["id"], each["state"]) for each in listed] == [(run.id, "damaged")]
    assert run.id in text and "state" in listed[0]["error"]
