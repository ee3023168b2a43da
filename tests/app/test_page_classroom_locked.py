"""What a locked class shows to those who would join it."""

from __future__ import annotations

import pytest
from class_with_mia import class_with_mia
from weblab import run_part, texts

from engine.lab import Lab

NOBODY = "Nobody new can join until the class is unlocked."


@pytest.fixture
def lab(tmp_path, monkeypatch) -> Lab:
    return class_with_mia(tmp_path, monkeypatch)


def the_teachers_page() -> None:
    from app.sections.classroom.teacher import teacher
    from app.shared_lab import open_lab_here
    from engine.people.person import TEACHER

    teacher(open_lab_here().for_person(TEACHER))


def test_a_locked_class_shows_no_code_on_the_projector_but_that_it_is_locked(lab):
    code = lab.classroom.now().code
    large = f"{code[:4]}-{code[4:]}"
    page = run_part(the_teachers_page)
    assert NOBODY not in texts(page)
    page.button(key="join-shown").click().run()
    assert large in [title.value for title in page.title] and NOBODY not in texts(page)
    lab.classroom.lock(True)
    page = run_part(the_teachers_page)
    assert NOBODY in texts(page), "beside the code too"
    page.button(key="join-shown").click().run()
    assert not page.exception
    assert [title.value for title in page.title] == [NOBODY]


def a_students_page() -> None:
    from app.sections.classroom.student import student
    from app.shared_lab import open_lab_here
    from engine.people.person import Person

    lab = open_lab_here()
    one = lab.classroom.now().students[0]
    person = Person(one.id, one.name, "student")
    student(lab.for_person(person), person)


def test_a_student_of_a_locked_class_is_not_told_that_runs_can_be_started_now(lab):
    may = "You may have 2 runs waiting or training at once"
    assert may in texts(run_part(a_students_page))
    lab.classroom.lock(True)
    page = run_part(a_students_page)
    assert not page.exception and may not in texts(page)
    assert (
        "While the class is locked, you can start no run. Once it is unlocked, you may have 2"
        in (texts(page))
    )
