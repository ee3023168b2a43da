"""The index of runs: what has not changed is not read again, and what has is seen at the next look,
whoever changed it and however soon.
"""

from __future__ import annotations

import gc
import json
import os
import shutil
import subprocess
import sys
import weakref
from pathlib import Path

import pytest
from opened_files import opened_files

from engine.errors import GlyphlabError, RunError
from engine.recipes.recipe import make_recipe
from engine.runs.index import all_runs, find_run, index_of, known_runs, one_look
from engine.runs.run import Run, create_run

RECIPE = make_recipe(
    {"name": "quick", "epochs": 3, "data": {"name": "digits", "classes": ["1", "2"]}}
)


@pytest.fixture
def settled(tmp_path):
    """Have every file of the home count as written long before it is read."""
    index_of(tmp_path, tick_ns=-(10**12))


def ended(home: Path, state: str = "finished", name: str | None = None) -> Run:
    run = create_run(home, RECIPE, name)
    with run.take_lock():
        run.own()
        run.append_metrics({"kind": "epoch", "epoch": 1, "val_accuracy": 0.5})
        if state == "finished":
            run.append_metrics({"kind": "final", "test_accuracy": 0.75, "confusion": [[1]]})
        run.end(state, figures={"test_accuracy": 0.75})
    return run


def look(home: Path) -> list[tuple]:
    """All that lists and figures of many runs ask of each."""
    return [
        (known.info(), known.facts, dict(known.figures), find_run(home, known.run.id).path)
        for known in known_runs(home)
    ]


def test_a_second_look_at_two_hundred_ended_runs_opens_no_file(tmp_path, settled):
    first = ended(tmp_path)
    for number in range(199):
        folder = first.path.with_name(f"{first.path.name[:-6]}{number:06d}")
        shutil.copytree(first.path, folder)
    with opened_files(tmp_path) as read:
        before = look(tmp_path)
    assert len(before) == 200 and len(read) >= 400  # status.json and metrics.jsonl
    assert not any(name.endswith("recipe.yaml") for name in read)  # status.json says what it is
    with opened_files(tmp_path) as read:
        assert look(tmp_path) == before
    assert read == []


def test_a_view_shows_one_moment_but_for_runs_that_are_made_or_deleted_meanwhile(tmp_path, settled):
    run = ended(tmp_path)
    status = json.loads((run.path / "status.json").read_text())
    with one_look():
        before = known_runs(tmp_path)
        (run.path / "status.json").write_text(json.dumps({**status, "message": "changed"}))
        assert known_runs(tmp_path) is before and before[0].info().message == ""
        second = ended(tmp_path)
        assert {known.run.id for known in known_runs(tmp_path)} == {run.id, second.id}
        shutil.rmtree(run.path)
        assert [known.run.id for known in known_runs(tmp_path)] == [second.id]
    (second.path / "status.json").write_text(json.dumps({**status, "message": "later"}))
    assert known_runs(tmp_path)[0].info().message == "later"


def test_a_change_by_another_process_in_the_same_second_is_seen(tmp_path):
    run = ended(tmp_path)
    assert [known.info().message for known in known_runs(tmp_path)] == [""]
    code = "import sys; from engine.runs.run import Run; Run(sys.argv[1]).write_status(message=sys.argv[2])"
    for message in ("one", "two"):  # as long: times alone tell them apart
        subprocess.run([sys.executable, "-c", code, run.path, message], check=True)
        assert [known.info().message for known in known_runs(tmp_path)] == [message]


def test_a_status_written_within_one_tick_of_the_clock_is_read_again(tmp_path):
    """Its next content might have the same times."""
    index, run = index_of(tmp_path, tick_ns=10**15), ended(tmp_path)
    with opened_files(tmp_path) as read:
        assert [known.info().accuracy for known in index.all() + index.all()] == [0.75, 0.75]
    assert read == [f"runs/{run.path.name}/status.json"] * 2


def test_a_run_that_is_deleted_and_made_again_is_another(tmp_path, settled):
    run = ended(tmp_path)
    kept = tmp_path / "kept"
    shutil.copytree(run.path, kept)
    assert known_runs(tmp_path)[0].figures["test_accuracy"] == 0.75
    run.delete()
    assert known_runs(tmp_path) == [] and all_runs(tmp_path) == []
    with pytest.raises(RunError, match="there is no run.*There is none yet"):
        find_run(tmp_path, run.id)
    status = json.loads((kept / "status.json").read_text()) | {"name": "again"}
    (kept / "status.json").write_text(json.dumps(status))
    (kept / "metrics.jsonl").write_text('{"kind": "final", "test_accuracy": 0.5}\n')
    os.rename(kept, run.path)
    known = known_runs(tmp_path)[0]
    assert (known.info().name, known.figures["test_accuracy"]) == ("again", 0.5)
    assert find_run(tmp_path, run.id).path == run.path


def test_a_folder_that_becomes_a_run_later_is_seen_then(tmp_path, settled):
    run = ended(tmp_path)
    copy = run.path.with_name(f"{run.path.name[:-6]}aaaaaa")
    copy.mkdir()
    assert len(known_runs(tmp_path)) == 1
    for file in ("recipe.yaml", "status.json"):  # inside: the folder of runs does not change
        shutil.copy(run.path / file, copy)
    assert {known.run.id for known in known_runs(tmp_path)} == {run.id, "aaaaaa"}


def test_a_run_of_an_earlier_version_says_what_it_is_by_its_recipe(tmp_path):
    run = ended(tmp_path)
    facts = known_runs(tmp_path)[0].facts
    assert (facts.recipe, facts.classes, facts.scale) == ("quick", ("1", "2"), "full")
    status = json.loads((run.path / "status.json").read_text())
    for key in ("scale", "method", "classes", "test_on"):
        del status[key]
    (run.path / "status.json").write_text(json.dumps(status))
    assert known_runs(tmp_path)[0].facts == facts


def test_what_is_known_of_deleted_runs_and_of_many_homes_is_forgotten(tmp_path, settled):
    run = ended(tmp_path)
    ended(tmp_path)
    known = next(known for known in known_runs(tmp_path) if known.run.id == run.id)
    known.info()
    there = weakref.ref(known)
    del known
    run.delete()
    known_runs(tmp_path)
    gc.collect()
    assert there() is None
    first = weakref.ref(index_of(tmp_path))
    for number in range(20):
        index_of(tmp_path / str(number))
    gc.collect()
    assert first() is None


def test_a_stopped_run_has_no_figures_and_a_running_one_is_asked_each_time(tmp_path, settled):
    stopped = ended(tmp_path, "stopped")
    assert known_runs(tmp_path)[0].figures == {}
    with stopped.take_lock():
        stopped.write_status(state="running")
        assert known_runs(tmp_path)[0].info().alive
        stopped.ask_to_stop()
        assert known_runs(tmp_path)[0].info().state == "stopping"
    assert known_runs(tmp_path)[0].info().state == "failed"


def test_a_file_in_the_place_of_the_folder_of_runs_is_no_run_and_is_named_when_one_is_made(
    tmp_path,
):
    (tmp_path / "runs").write_text("x")
    assert known_runs(tmp_path) == []
    with pytest.raises(GlyphlabError, match="runs"):
        create_run(tmp_path, RECIPE)
