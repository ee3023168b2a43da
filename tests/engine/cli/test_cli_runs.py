"""The commands on runs and models: stop, resume, export, compare and study, each by what it does."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from compared import compared_run
from factories import shapes
from PIL import Image
from trained import model_run

from engine.cli import load, parser_of
from engine.compare.seeds import ONE_RUN
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
    assert (
        "p < 0.001, corrected for 3 pairs" in text and "one that was chosen first, lr 0.1;" in text
    )
    assert document["groups"] == [] and document["notes"] == []
    seeds = [compared_run(lab, wrong=range(n), changes={"seed": n, "lr": 0.4}) for n in (4, 11)]
    document, text = call(lab, "compare", *(run.id for run in seeds))
    (group,) = document["groups"]
    assert group["n"] == 2 and f"{100 * group['mean']:.2f}%" in text
    assert "STANDARD DEVIATION" in text and document["notes"] == [
        "These runs differ in their random seed alone. Their spread is shown."
    ]
    assert "in their random seed alone" in text
    twice = [compared_run(lab, changes={"lr": 0.5}).id for _ in range(2)]
    assert call(lab, "compare", *twice)[0]["notes"] == [ONE_RUN]
    alike = [compared_run(lab, changes={"seed": n, "lr": 0.6}).id for n in (1, 2)]
    (group,) = call(lab, "compare", *alike)[0]["groups"]  # that they agree makes nothing certain
    assert group["by"] == "images" and group["low"] < group["mean"] <= group["high"]
    for named in ([first.id], [first.id, first.id]):  # a run is not compared with itself
        with pytest.raises(RunError, match="nothing to compare"):
            call(lab, "compare", *named)
    for option in (("--split", "val"), ("--labels", "given")):
        with pytest.raises(RunError, match=f"^{option[0]} chooses images.*Name it with --data"):
            call(lab, "compare", first.id, second.id, *option)


def test_compare_says_which_runs_have_nothing_to_compare_yet(lab: Lab) -> None:
    first, second = (compared_run(lab, changes={"lr": lr}) for lr in (0.1, 0.2))
    queued = compared_run(lab, curve=(), state="failed")
    with queued.take_lock():
        queued.write_status(state="queued", finished=None)
        document, text = call(lab, "compare", first.id, queued.id, second.id)
        words = f"({queued.id}) is queued and has not ended an epoch: it is left out"
        assert words in document["notes"][0] and words in text
        with pytest.raises(RunError, match=re.escape(words)):
            call(lab, "compare", first.id, queued.id)
    assert call(lab, "compare", first.id, second.id)[0]["notes"] == []


def test_compare_says_which_runs_are_still_training(lab: Lab) -> None:
    ended, other = compared_run(lab), compared_run(lab, state="stopped", changes={"lr": 0.2})
    assert "still training" not in call(lab, "compare", ended.id, other.id)[1]
    with other.take_lock():
        other.write_status(state="running")
        document, text = call(lab, "compare", ended.id, other.id)
        assert f"({other.id}) is still training" in text and len(document["notes"]) == 1
    one, two = model_run(lab, seed=1), model_run(lab, seed=2)
    said = f"{two.id} is still training"
    assert said not in call(lab, "compare", one.id, two.id, "--data", "digits")[1]
    with two.take_lock():
        two.write_status(state="running")
        assert said in call(lab, "compare", one.id, two.id, "--data", "digits")[1]
        assert said not in call(lab, "compare", one.id, "canvas-digits", "--data", "digits")[1]


def test_study_lists_every_published_experiment_and_shows_one_alone(lab: Lab) -> None:
    document, text = call(lab, "study")
    names = [name for study in STUDIES.values() for name in study.recipes]
    assert [row["name"] for row in document] == names and all(name in text for name in names)
    row, alone = call(lab, "study", "task3-convnet-flat")
    assert row["name"] == "task3-convnet-flat" and row["published"] == pytest.approx(0.0099)
    assert "reported" in alone.lower() and "0.99%" in alone
    ours = lab.study.row("digits-resnet18").ours  # recorded over several splits
    assert ours is not None and ours.spread is not None and ours.spread.deviation is not None
    [listed] = [line for line in text.splitlines() if line.startswith("C  digits-resnet18 ")]
    assert f"mean of {ours.spread.n}, ± {100 * ours.spread.deviation:.2f} points" in listed
    legend = " ".join(text.split("\n\n")[-1].split())
    assert "chance may explain, which does not show that there is none" in legend
    assert "A shipped model of that name may have another figure" in legend
    spread, alone = ours.spread, call(lab, "study", "digits-resnet18")[1]
    assert spread.n >= 5 and ours.value == pytest.approx(spread.mean)
    origins = "recorded 2026-11-25 at commit e31a6d4 and 2026-11-30 at commit dddbaef"
    assert origins in call(lab, "study", "mnist-resnet18-pretrained")[1], "of the best, mnist-best"
    assert f"{spread.n} runs: mean" in alone and f"± {100 * spread.deviation:.2f} points" in alone
    with pytest.raises(RecipeError, match="task3-convnet-flat"):
        call(lab, "study", "task3-convnet-flatt")


def test_gaps_are_in_points_as_on_the_page(lab: Lab) -> None:
    runs = [
        compared_run(lab, changes={"lr": lr}, figures={"generalisation_gap": gap})
        for lr, gap in ((0.4, 0.0123), (0.5, -0.002))
    ]
    _, text = call(lab, "compare", *(run.id for run in runs))
    assert "  1.23 points  " in text and "  -0.20 points  " in text
    assert "generalisation gap  1.23 points" in call(lab, "runs", runs[0].id)[1]


def test_the_best_of_small_networks_is_said_to_be_of_such_alone(lab: Lab) -> None:
    compared_run(lab, "mnist-tiny-step1", wrong=range(9))
    row, alone = call(lab, "study", "mnist-tiny-step2")
    limit = "of networks with fewer than 8,000 parameters"
    assert row["best_of_what"] == limit and f"the best {limit}" in alone
    assert f"for study D {limit}" in " ".join(call(lab, "study")[1].split())


def test_the_time_in_all_and_that_of_the_training_have_names_of_their_own(lab: Lab) -> None:
    first, second = compared_run(lab), compared_run(lab, changes={"lr": 0.2})
    for arguments in (("runs",), ("runs", first.id)):
        assert "time in all" in call(lab, *arguments)[1].lower()
    document, text = call(lab, "compare", first.id, second.id)
    assert "TRAINING TIME" in text and [row["seconds"] for row in document["runs"]] == [6.0, 6.0]


def test_a_damaged_run_is_listed_with_the_reason(lab: Lab) -> None:
    run = model_run(lab)
    (run.path / "status.json").write_text('{"state": 5}')
    listed, text = call(lab, "runs")
    assert [(each["id"], each["state"]) for each in listed] == [(run.id, "damaged")]
    assert run.id in text and "state" in listed[0]["error"]


def test_a_diagnosis_says_how_many_files_were_not_read(lab: Lab, tmp_path: Path) -> None:

    data, folder = shapes(60, seed=3), tmp_path / "shapes"
    for number, (image, label) in enumerate(zip(data.images, data.labels, strict=True)):
        path = folder / data.classes[label] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image[0]).save(path)
    (path.parent / "broken.png").write_bytes(b"no picture")
    document, text = call(lab, "noise", str(folder), "--effort", "brief")
    assert document["n"] == 60 and document["skipped"] == 1
    assert "not read    1 of the files" in text
    (said,) = [at for at, line in enumerate(text.splitlines()) if "the first suspects" in line]
    lines = text.splitlines()[said + 1 :][:10]
    assert [line.split()[0] for line in lines] == [row["file"] for row in document["suspects"]]
    assert all("→" in line for line in lines) and len(document["suspects"]) == 10


def test_a_long_error_is_a_short_line_of_the_table_and_whole_in_the_run(lab: Lab) -> None:
    run = model_run(lab, state="failed")
    run.write_status(state="failed", error="loss 'x' is not known. Known: " + "ArcFaceLoss, " * 40)
    _, text = call(lab, "runs")
    assert max(map(len, text.splitlines())) < 250 and text.endswith("…")
    assert "ArcFaceLoss, " * 39 in " ".join(call(lab, "runs", run.id)[1].split()) + " "
