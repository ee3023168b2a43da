"""Collect says whose the saved drawings are, and what can be done with them there."""

from __future__ import annotations

import pytest
from hands import drawn, png
from teaching_tabs import tabs

from app.people.asking import asked_by
from engine.lab import Lab
from engine.people.person import TEACHER, Person
from engine.runs.run import create_run
from engine.settings import read_settings

DATA_SET = "are the data set `drawings`"


def lab_of(home, mode: str) -> Lab:
    return Lab(home, read_settings({"GLYPHLAB_HOME": str(home), "GLYPHLAB_MODE": mode}))


def test_the_owner_has_a_data_set_of_drawings(tmp_path):
    lab = Lab(tmp_path)
    page, calls = tabs(lab)
    assert DATA_SET in calls["collected"]("")[0].value
    assert "drawings" in {info.name for info in lab.datasets()}
    (block,) = [b for b in page.fns.values() if b.fn.__name__ == "collected"]
    assert block.targets[0][1] == "load", "it is said when the page is opened"


@pytest.mark.parametrize("mode", ["class", "public"])
def test_who_does_not_lead_is_not_sent_to_a_data_set_that_holds_none_of_their_drawings(
    tmp_path, mode
):
    lab = lab_of(tmp_path, mode)
    if mode == "class":
        person = lab.classroom.join(lab.classroom.now().code, "Ada")
    else:
        person = Person("0123456789abcdef", "A visitor", "visitor")
    _, calls = tabs(lab)
    with asked_by(person):
        about, _, start, *_ = calls["collected"]("")
    assert DATA_SET not in about.value and "browse it" not in about.value
    assert "for you alone, and are no data set on *Data*" in about.value
    assert start.visible == ("fine-tune" in about.value) == (mode == "class")


def test_the_teacher_is_told_that_students_drawings_are_not_among_them(tmp_path):
    _, calls = tabs(lab_of(tmp_path, "class"))
    with asked_by(TEACHER):
        words = calls["collected"]("")[0].value
    assert DATA_SET in words and "those of your students are gathered on Classroom" in words


def test_a_model_that_learns_from_drawings_alone_is_said_to_know_no_other_character(tmp_path):
    lab = Lab(tmp_path)
    for number, label in enumerate("77114"):
        lab.drawings.save(png(drawn("7", number)), label)
    _, calls = tabs(lab)
    done = run_of(lab, "canvas-digits", {"data.name": "drawings"})
    said, _ = calls["follow"]({"run": done, "model": "canvas-digits"})
    assert f"Choose `{done}` above" in said and "knows only the characters" in said
    pooled = run_of(lab, "canvas-digits", {"data.name": "digits+drawings"})
    said, _ = calls["follow"]({"run": pooled, "model": "no-such-model"})
    assert said.startswith("Fine-tuning has finished.") and f"Choose `{pooled}` above" in said
    assert "knows only" not in said


def run_of(lab: Lab, model: str, changes: dict) -> str:
    """A run that has finished, without its training."""
    run = create_run(lab.home, lab.drawings.recipe(model, changes), None)
    with run.take_lock():
        run.own()
        run.write_status(state="finished")
    return run.id


def test_a_student_may_fine_tune_a_model_on_their_own_drawings(tmp_path):
    lab = lab_of(tmp_path, "class")
    own = lab.for_person(lab.classroom.join(lab.classroom.now().code, "Ada"))
    for number, label in enumerate("77114"):
        own.drawings.save(png(drawn("7", number)), label)
    recipe = own.drawings.recipe("canvas-digits")
    assert own.why_not_submit(recipe) == ""
