"""The command line: one document on stdout, one line for a mistake, a status that can be trusted."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from command import engine as command
from PIL import Image, ImageDraw
from trained import model_run
from waiting import wait_until

from engine.cli import COMMANDS, MEANT, load, overview, parser_of
from engine.cli.predict import pictures_at
from engine.cli.text import table
from engine.durations import duration
from engine.errors import GlyphlabError
from engine.lab import Lab
from engine.recognition.confusables import NOTHING
from engine.settings import SETTINGS

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def lab(tmp_path_factory) -> Lab:
    return Lab(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def model(lab) -> str:
    return model_run(lab).id


def environ_of(lab: Lab, **options: str) -> dict[str, str]:
    environ = {key: value for key, value in os.environ.items() if not key.startswith("GLYPHLAB_")}
    return environ | {"GLYPHLAB_HOME": str(lab.home), **options}


def engine(lab: Lab, *arguments: object, **options: str) -> subprocess.CompletedProcess[str]:
    return command(*arguments, environ=environ_of(lab, **options))


def started(lab: Lab, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command as a person starts it."""
    return subprocess.run(
        [sys.executable, "-m", "engine", *arguments],
        cwd=ROOT,
        env=environ_of(lab),
        capture_output=True,
        text=True,
    )


def document(lab: Lab, *arguments: object):
    ended = engine(lab, *arguments, "--json")
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command):
    module = load(command)
    assert module.HELP and not module.HELP.endswith(".")
    assert "--json" in parser_of(command).format_help() and f"  {command} " in overview()
    assert callable(module.run) and callable(module.show)


@pytest.mark.parametrize("command", ["datasets", "recipes", "models", "runs", "settings"])
def test_lists_are_arrays_of_objects_with_a_name(lab, model, command):
    rows = document(lab, command)
    assert rows and all(isinstance(row, dict) and row["name"] for row in rows)
    text = engine(lab, command)
    assert (
        text.returncode == 0 and all(row["name"] in text.stdout for row in rows) and not text.stderr
    )


def test_settings_are_the_table(lab):
    rows = document(lab, "settings")
    assert [row["name"] for row in rows] == [setting.name for setting in SETTINGS]
    assert next(row["value"] for row in rows if row["name"] == "GLYPHLAB_HOME") == str(lab.home)


MISTAKES = {
    "trian": "did you mean 'train'",
    "train": "the following arguments are required: recipe",
    "train quikc": "did you mean 'quick'",
    "train quick --set lrr=1": "did you mean 'lr'",
    "train quick --set lr": "Needed: key.path=value",
    "train quick --set epochs=0": "epochs",
    "train nowhere.yaml": "can't be read",
    "train quick --set data.name=digitz": "did you mean 'digits'",
    "runs zzzzzz": "there is no run 'zzzzzz'",
    "stop zzzzzz": "there is no run",
    "resume zzzzzz": "there is no run",
    "evaluate nobody --data digits": "model 'nobody' is not known",
    "predict nobody x.png": "model 'nobody' is not known",
    "export nobody": "model 'nobody' is not known",
    "runs --jsno": "unrecognized arguments",
    "sweep quick-sweep --show": "'quick-sweep' was not started here yet. `python -m engine sweep quick-sweep`",
    "sweep nobody --stop": "Known: none",
    "sweep quick-sweep --trials abc": "abc is not a whole number of 1 or more",
}


def test_what_a_command_is_called_elsewhere_leads_to_ours():
    assert not MEANT.keys() & COMMANDS.keys() and set(MEANT.values()) <= COMMANDS.keys()
    with pytest.raises(GlyphlabError, match="'doctor' is not known; did you mean 'damaged'"):
        load("doctor")


@pytest.mark.parametrize("line", MISTAKES)
def test_a_mistake_is_one_line_and_status_2(lab, line):
    ended = engine(lab, *line.split(), "--json")
    assert ended.returncode == 2 and ended.stdout == "" and ended.stderr.count("\n") == 1
    assert MISTAKES[line] in ended.stderr and "Traceback" not in ended.stderr


def test_a_command_comes_to_the_same_however_its_process_began(lab, model):
    for line in ("train quikc --json", "runs"):
        forked, whole = engine(lab, *line.split()), started(lab, *line.split())
        assert (forked.returncode, forked.stdout, forked.stderr) == (
            whole.returncode,
            whole.stdout,
            whole.stderr,
        )
        assert whole.stdout or whole.returncode == 2


def test_a_setting_that_can_not_be_used_is_a_mistake(lab):
    ended = engine(lab, "runs", GLYPHLAB_PORT="seven")
    assert (
        ended.returncode == 2 and "GLYPHLAB_PORT" in ended.stderr and ended.stderr.count("\n") == 1
    )


def test_pictures_are_classified_from_files_folders_and_patterns(lab, model, tmp_path):
    page = np.full((60, 40), 255, np.uint8)
    Image.fromarray(page).save(tmp_path / "blank.png")
    page[10:50, 18:24] = 0
    Image.fromarray(page).save(tmp_path / "one.png")
    rows = document(lab, "predict", model, tmp_path, "--top", 3)
    assert [Path(row["name"]).name for row in rows] == ["blank.png", "one.png"] and [
        row["blank"] for row in rows
    ] == [True, False]
    blank = {key: rows[0][key] for key in ("label", "probability", "top", "verdict")}
    assert blank == {"label": NOTHING, "probability": None, "top": [], "verdict": "blank"}
    assert NOTHING == "nothing drawn", "as docs/api.md says, and the canvas answers"
    assert len(rows[1]["top"]) == 3 and rows[1]["top"][0] == {
        "class": rows[1]["label"],
        "probability": rows[1]["probability"],
    }
    assert load("predict").show(rows).splitlines()[0].endswith("blank.png: nothing is drawn")
    assert (
        pictures_at(str(tmp_path / "o*.png")) == [tmp_path / "one.png"]
        and len(pictures_at(str(tmp_path))) == 2
    )
    (tmp_path / "broken.png").write_bytes(b"x")
    (tmp_path / "empty").mkdir()
    for what, why in (
        ("none.png", "does not exist"),
        ("n*.png", "no file matches"),
        ("empty", "no pictures"),
        ("broken.png", "not a picture"),
    ):
        ended = engine(lab, "predict", model, tmp_path / what)
        assert ended.returncode == 2 and why in ended.stderr and ended.stderr.count("\n") == 1


def test_a_picture_unlike_the_training_images_is_named_with_a_doubt(lab, tmp_path):
    page = Image.new("L", (480, 360), 255)
    ImageDraw.Draw(page).polygon([(160, 90), (290, 70), (330, 180), (270, 280), (170, 250)], fill=0)
    page.save(tmp_path / "blot.png")
    rows = document(lab, "predict", "canvas-digits", tmp_path / "blot.png")
    assert rows[0]["verdict"] == "unlike" and rows[0]["probability"] > 0.5
    said = load("predict").show(rows)
    assert "not sure: unlike the training images" in said and "%" not in said
    likeliest = [{"class": "7", "probability": 0.5}, {"class": "1", "probability": 0.00001}]
    row = {"name": "7.png", "label": "7", "blank": False, "top": likeliest}
    for verdict, words in (
        ("sure", ""),
        ("unsure", "not sure: "),
        ("several", "more than one character: "),
    ):
        shown = load("predict").show([{**row, "verdict": verdict}])
        assert shown == f"7.png: {words}7 50%  1 <0.1%"


def test_one_bad_picture_costs_only_itself(lab, model, tmp_path):
    Image.fromarray(np.zeros((28, 28), np.uint8)).save(tmp_path / "1.png")
    Image.fromarray(np.zeros((28, 28), np.uint8)).save(tmp_path / "2.pgm")
    for name in ("0.png", "._1.png", "__MACOSX/._2.png", "notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    old = os.fsencode(tmp_path) + b"/caf\xe9.png"
    Path(os.fsdecode(old)).write_bytes((tmp_path / "1.png").read_bytes())
    ended = engine(lab, "predict", model, tmp_path, "--json")
    rows = json.loads(ended.stdout)
    assert ended.returncode == 1 and "1 of 4 pictures can't be read" in ended.stderr
    assert [Path(row["name"]).name for row in rows] == ["0.png", "1.png", "2.pgm", "caf\ufffd.png"]
    assert "is not a picture that can be read" in rows[0]["error"]
    assert all("error" not in row and row["blank"] for row in rows[1:])
    (tmp_path / "1.png").unlink()
    for name in ("2.pgm", os.fsdecode(old)):
        (tmp_path / name).write_bytes(b"")
    ended = engine(lab, "predict", model, tmp_path)
    assert ended.returncode == 2 and "none of 3 pictures can be read" in ended.stderr
    assert len(ended.stdout.splitlines()) == 3


def test_a_model_is_scored(lab, model):
    scored = document(lab, "evaluate", model, "--data", "digits")
    assert {"accuracy", "top3", "n", "per_class"} <= set(scored) and scored["n"] == sum(
        row["n"] for row in scored["per_class"]
    )
    assert "95% interval" in load("evaluate").show(scored)


def test_training_ends_with_the_run_its_checkpoint_and_its_figures(lab, tmp_path):
    tiny = (
        "--set",
        "data.limit=200",
        "--set",
        "epochs=1",
        "--set",
        "model.options={width: 4}",
        "--name",
        "first try",
    )
    result = document(lab, "train", "quick", *tiny)
    assert (
        lab.run(result["run_id"]).info().state == result["state"] == "finished"
        and result["name"] == "first try"
    )
    assert (Path(result["checkpoint"]) / "checkpoint.json").exists() and 0 <= result["metrics"][
        "test_accuracy"
    ] <= 1
    assert document(lab, "runs", result["run_id"])["metrics"] == result["metrics"]
    gone = document(lab, "delete", result["run_id"])
    assert gone == [{"name": "first try", "run_id": result["run_id"], "in_trash": True}]
    assert result["run_id"] not in [info.id for info in lab.runs()]


def test_a_run_that_fails_gives_its_document_and_status_2(lab):
    ended = engine(lab, "train", "quick", "--set", "lr=[1,1,1,1,1,1]", "--json")
    assert (
        ended.returncode == 2
        and json.loads(ended.stdout)["state"] == "failed"
        and "one a layer group" in json.loads(ended.stdout)["error"]
    )
    assert "one a layer group" in ended.stderr.splitlines()[-1] and "Traceback" not in ended.stderr


def test_ctrl_c_stops_the_training_and_keeps_the_best(tmp_path):
    lab = Lab(tmp_path)
    command = [
        sys.executable,
        "-m",
        "engine",
        "train",
        "quick",
        "--set",
        "epochs=900",
        "--set",
        "data.limit=200",
        "--json",
    ]
    child = subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, "GLYPHLAB_HOME": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_until(lambda: lab.runs() and lab.runs()[0].saved)
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=900)
    assert child.returncode == 130 and "the model so far is kept" in err
    result = json.loads(out)
    assert (
        result["state"] == "stopped"
        and result["metrics"]["test_accuracy"] > 0
        and Path(result["checkpoint"]).is_dir()
    )


def test_a_reader_who_leaves_early_is_no_error(lab):
    environ = {**os.environ, "GLYPHLAB_HOME": str(lab.home)}
    ended = subprocess.run(
        ["sh", "-c", f"{sys.executable} -m engine recipes | true"],
        cwd=ROOT,
        env=environ,
        capture_output=True,
        text=True,
    )
    assert ended.stderr == ""


def test_tables_align_numbers_right_and_durations_read_well():
    assert table([["a", 1], ["bb", 1000]], ("name", "n")) == "NAME      N\na         1\nbb    1,000"
    assert table([["0\u202elive\n", 1]]) == "0\\u202elive   1"
    assert [duration(seconds) for seconds in (None, 12.4, 185, 7800)] == [
        "–",
        "12 s",
        "3 min 05 s",
        "2 h 10 min",
    ]
