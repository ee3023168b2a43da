"""What the Classroom page says of clearing, stopping and ending, and how a run is named on it."""

from __future__ import annotations

import pytest
from class_with_mia import class_with_mia
from waiting import wait_until
from weblab import Server, add_run, run_part, texts

from app.sections.classroom.student import MOST_OWN
from engine.lab import Lab
from engine.runs.run import create_run
from engine.settings import read_settings


@pytest.fixture
def lab(tmp_path, monkeypatch) -> Lab:
    return class_with_mia(tmp_path, monkeypatch)


def alive(lab: Lab):
    """A run of Mia's that computes until its lock is released."""
    run = create_run(lab.home, lab.recipe("quick"), owner=lab.mia.id, by="Mia")
    return run, run.take_lock()


def the_teachers_page() -> None:
    from app.sections.classroom.teacher import teacher
    from app.shared_lab import open_lab_here
    from engine.people.person import TEACHER

    teacher(open_lab_here().for_person(TEACHER))


def test_a_run_that_is_still_stopping_is_said_to_be_cleared_by_itself(lab):
    add_run(lab).write_status(owner=lab.mia.id, by="Mia")
    run, lock = alive(lab)
    page = run_part(the_teachers_page)
    page.session_state["clear-all"] = True  # ticked; here any second request closes the dialog
    page.button(key="ask-clear").click().run()
    page.button(key="clear").click().run()
    assert "clear" not in [button.key for button in page.button]  # what was done is not offered on
    said = texts(page)
    assert "1 run is still stopping and goes to the trash by itself after that." in said
    assert "once more" not in said and not page.error
    lock.release()
    lab.lessons.go_on_clearing()  # as the lab's process does
    assert "In the trash now." in texts(page.run()) and lab.runs() == []
    page.button(key="undo-clear").click().run()
    assert not page.error and len(lab.runs()) == 2
    assert "In the trash now." not in texts(page)


def test_the_lab_clears_by_itself_what_has_stopped(tmp_path):
    environ = {"GLYPHLAB_HOME": str(tmp_path), "GLYPHLAB_MODE": "class"}
    lab = Lab(tmp_path, read_settings(environ))
    lab.mia = lab.classroom.join(lab.classroom.now().code, "Mia")
    run, lock = alive(lab)
    lab.lessons.clear()
    server = Server(tmp_path, GLYPHLAB_MODE="class", GLYPHLAB_KEY="the-key-of-a-test")
    try:
        lock.release()
        wait_until(lambda: not run.path.exists())
        assert [entry.kind for entry in lab.trash.entries()] == ["run"]
    finally:
        server.close()


def test_what_clearing_leaves_is_said_beside_it(lab):
    said = texts(run_part(the_teachers_page).button(key="ask-clear").click().run())
    assert "Runs, symbols and drawings go to the trash for a week." in said
    assert "Drawings that you gathered stay: delete that data set on" in said


def test_no_run_is_promised_a_model_that_it_may_not_have(lab):
    page = run_part(the_teachers_page)
    words = "the model so far, where there is one"
    assert words in page.button(key="stop-all").proto.help
    page.button(key="ask-end").click().run()
    assert f"Runs stop and keep {words}" in texts(page)


def a_students_page() -> None:
    from app.sections.classroom.student import student
    from app.shared_lab import open_lab_here
    from engine.people.person import Person

    lab = open_lab_here()
    (mia,) = lab.classroom.now().students
    person = Person(mia.id, mia.name, "student")
    student(lab.for_person(person), person)


def test_a_run_is_as_far_for_its_student_as_for_the_teacher(lab):
    run, lock = alive(lab)
    with lock:
        run.write_status(state="running", started=run.status()["created"], what="starting")
        for rows, words in (
            ([], "Starting…"),
            ([{"kind": "epoch", "epoch": 1, "seconds": 9.0}], "Epoch 2 of 10 · about"),
        ):
            for row in rows:
                run.append_metrics(row)
            (bar,) = run_part(the_teachers_page).get("progress")
            assert bar.proto.text.startswith(words)
            said = texts(run_part(a_students_page))
            assert bar.proto.text in said and "in all" not in said


def test_a_student_is_told_of_the_runs_that_the_list_leaves_out(lab):
    for _ in range(MOST_OWN):
        add_run(lab, model=False).write_status(owner=lab.mia.id, by="Mia")
    assert "earlier." not in texts(run_part(a_students_page))
    for _ in range(2):
        add_run(lab, model=False).write_status(owner=lab.mia.id, by="Mia")
    said = texts(run_part(a_students_page))
    assert "And 2 earlier." in said and "/runs" in said
