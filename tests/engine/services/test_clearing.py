"""Clearing: what is moved at once, what follows, what is forgotten, and the way back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hands import drawn, png
from weblab import add_run

from engine.errors import GlyphlabError, RunError
from engine.lab import Lab
from engine.people.request_log import may_be_logged, request_log
from engine.people.started import Started
from engine.runs.run import create_run
from engine.services.class_drawings import GATHERED
from engine.settings import read_settings


@pytest.fixture
def lab(tmp_path) -> Lab:
    settings = read_settings({"GLYPHLAB_HOME": str(tmp_path), "GLYPHLAB_MODE": "class"})
    lab = Lab(tmp_path, settings)
    lab.ada, lab.ben = (lab.classroom.join(lab.classroom.now().code, n) for n in ("Ada", "Ben"))
    return lab


def run_of(lab: Lab, who) -> str:
    run = add_run(lab)
    run.write_status(owner=who.id, by=who.name)
    return run.id


def alive(lab: Lab, who):
    """A run that computes until its lock is released."""
    run = create_run(lab.home, lab.recipe("quick"), owner=who.id, by=who.name)
    return run, run.take_lock()


def request(lab: Lab, who: str) -> None:
    log = request_log(lab.home)
    log.add(json.dumps({"id": "0123456789ab", "who": who, "door": "/train", "status": 200}))
    log.close()


def files_that_name(home: Path, *words: str) -> list[str]:
    found = (path for path in home.rglob("*") if path.is_file())
    return [
        path.relative_to(home).as_posix()
        for path in found
        if any(word in path.as_posix() or word.encode() in path.read_bytes() for word in words)
    ]


def test_a_run_that_still_stops_is_cleared_by_itself_and_the_whole_can_be_undone(lab):
    ended = run_of(lab, lab.ada)
    run, lock = alive(lab, lab.ada)
    batch, left = lab.lessons.clear([lab.ada.id])
    assert left == lab.lessons.still_stopping(batch) == 1 and run.stop_wanted
    assert [one.id for one in lab.runs()] == [run.id]
    lab.lessons.go_on_clearing()
    assert [one.id for one in lab.runs()] == [run.id], "it is alive"
    lock.release()
    Lab(lab.home, lab.settings).lessons.go_on_clearing()  # after a restart of the lab, say
    assert lab.runs() == [] and lab.lessons.still_stopping(batch) == 0
    lab.lessons.undo_clear(batch)
    assert {one.id for one in lab.runs()} == {ended, run.id}
    lab.lessons.go_on_clearing()
    assert len(lab.runs()) == 2, "it is not cleared again"
    with pytest.raises(RunError):
        lab.lessons.undo_clear(batch)


def test_what_is_undone_before_a_run_has_stopped_leaves_that_run(lab):
    ended = run_of(lab, lab.ada)
    run, lock = alive(lab, lab.ada)
    batch, _ = lab.lessons.clear()
    lab.lessons.undo_clear(batch)
    lock.release()
    lab.lessons.go_on_clearing()
    assert {one.id for one in lab.runs()} == {ended, run.id}
    run, lock = alive(lab, lab.ben)
    batch, left = lab.lessons.clear([lab.ben.id])
    assert left == 1
    lab.lessons.undo_clear(batch)  # nothing was moved yet
    lock.release()
    lab.lessons.go_on_clearing()
    assert run.id in {one.id for one in lab.runs()}


def test_a_run_that_was_resumed_meanwhile_is_stopped_again(lab):
    run, lock = alive(lab, lab.ada)
    lab.lessons.clear()
    lock.release()
    (run.path / "stop").unlink()  # as resuming does
    with run.take_lock():
        assert not run.stop_wanted
        lab.lessons.go_on_clearing()
        assert run.stop_wanted
    lab.lessons.go_on_clearing()
    assert lab.runs() == []


def test_nothing_is_cleared_where_there_is_nothing(lab):
    assert lab.lessons.clear([lab.ben.id]) == ("", 0)


def test_a_damaged_list_of_what_is_to_be_cleared_is_said(lab):
    (lab.home / "people" / "clearing.json").write_text("{", encoding="utf-8")
    with pytest.raises(GlyphlabError, match="clear again"):
        lab.lessons.go_on_clearing()


def test_clearing_takes_the_persons_requests_out_of_the_log_and_leaves_the_others(lab):
    for who in (lab.ada.id, lab.ben.id, "teacher", lab.ada.id):
        request(lab, who)
    lab.lessons.clear([lab.ada.id])
    rows = [json.loads(line) for line in request_log(lab.home).file.read_text().splitlines()]
    assert [row["who"] for row in rows] == [lab.ben.id, "teacher"]
    lab.lessons.end()
    rows = [json.loads(line) for line in request_log(lab.home).file.read_text().splitlines()]
    assert [row["who"] for row in rows] == ["teacher"], "Ben made nothing, and is forgotten"


def test_a_line_that_ends_after_the_lesson_names_no_student_who_is_forgotten(lab):
    run_of(lab, lab.ada)
    lab.lessons.end()
    assert may_be_logged(lab.classroom, lab.ada.id) and may_be_logged(lab.classroom, "teacher")
    assert not may_be_logged(lab.classroom, lab.ben.id)


def test_after_clearing_and_the_lessons_end_nothing_but_the_trash_names_a_student(lab):
    """What the page to join by promises (app.people.routes)."""
    for who in (lab.ada, lab.ben):
        own = lab.for_person(who)
        own.taught.add("heart", png(drawn("♥")))
        own.drawings.save(png(drawn("7")), "7")
        run_of(lab, who)
        request(lab, who.id)
        Started(lab.home).add(who.id)
    lab.lessons.gather()
    run, lock = alive(lab, lab.ada)
    lab.lessons.clear()
    lab.lessons.end()
    lock.release()
    lab.lessons.go_on_clearing()
    words = lab.ada.id, lab.ben.id, '"Ada"', '"Ben"'
    named = files_that_name(lab.home, *words)
    assert named and all(name.startswith("trash/") for name in named)
    assert lab.classroom.now().gone == [], "a run that was still stopping keeps no name"
    lab.trash.empty()
    assert files_that_name(lab.home, *words) == []
    assert len(lab.data.listing(GATHERED).files) == 2, "copies stay, without a name"


@pytest.mark.parametrize("way", ["undo", "trash"])
def test_whose_work_is_put_back_after_the_lessons_end_can_be_let_back_in(lab, way):
    mine = run_of(lab, lab.ada)
    run, lock = alive(lab, lab.ben)
    batch, _ = lab.lessons.clear()
    lab.lessons.end()
    lock.release()
    lab.lessons.go_on_clearing()
    assert lab.classroom.now().gone == [], "their names are in the trash only"
    if way == "undo":
        lab.lessons.undo_clear(batch)
    else:
        lab.trash.restore(batch)
        lab.lessons.go_on_clearing()
    assert {one.id for one in lab.runs()} == {mine, run.id}
    assert {one.name for one in lab.classroom.now().gone} == {"Ada", "Ben"}
    assert lab.classroom.join(lab.classroom.back_code(lab.ada.id), "Ada") == lab.ada
    lab.lessons.go_on_clearing()
    assert len(lab.classroom.now().gone) == 1 and not lab.trash.entries()


def test_a_name_leaves_the_trash_with_the_work_that_it_belongs_to(lab):
    run_of(lab, lab.ada)
    lab.lessons.clear()
    lab.lessons.end()
    work, name = sorted(lab.trash.entries(), key=lambda entry: entry.kind, reverse=True)
    assert (work.kind, name.kind, name.name) == ("run", "name", "Ada")
    assert work.at == name.at and work.batch == name.batch
