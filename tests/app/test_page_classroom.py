"""The Classroom page, without a browser: as the teacher has it, and as a student does."""

from __future__ import annotations

import csv
import io

import pytest
from weblab import add_run, run_part, texts

from app.charts.report import as_csv
from app.people.presence import note
from app.sections.classroom.standings import as_file
from app.shared_lab import open_lab_here
from engine.lab import Lab


@pytest.fixture
def lab(tmp_path, monkeypatch) -> Lab:
    """The class that this process's pages show."""
    monkeypatch.setenv("GLYPHLAB_HOME", str(tmp_path))
    monkeypatch.setenv("GLYPHLAB_MODE", "class")
    lab = open_lab_here()
    lab.mia = lab.classroom.join(lab.classroom.now().code, "Mia")
    return lab


def ended(lab: Lab) -> str:
    """A finished run of Mia's."""
    run = add_run(lab)
    run.write_status(owner=lab.mia.id, by="Mia")
    return run.id


def the_teachers_form() -> None:
    from app.sections.classroom.assigning import hand_out
    from app.shared_lab import open_lab_here
    from engine.people.person import TEACHER

    hand_out(open_lab_here().for_person(TEACHER))


def test_the_target_that_is_proposed_is_not_reached_by_changing_nothing(lab):
    page = run_part(the_teachers_form)
    assert page.number_input[0].value == 97.0
    assert "whoever changes nothing gets the same figure" in texts(page)
    add_run(lab)  # 360 of 364
    page = run_part(the_teachers_form)
    assert page.number_input[0].value == 99.18
    said = texts(page)
    assert "As it is, `quick` reached 98.90% of 364 test images." in said
    assert "a target above 98.96% lies within the interval of even 100%" in said
    page.selectbox[0].select("few-scratch").run()
    assert page.number_input[0].value == 97.0, "of another recipe nothing is known"
    page.button[0].click().run()
    assert (lab.lessons.assignment().recipe, lab.lessons.assignment().target) == (
        "few-scratch",
        0.97,
    )


def the_teachers_leaderboard() -> None:
    from app.sections.classroom.standings import leaderboard
    from app.shared_lab import open_lab_here
    from engine.people.person import TEACHER

    leaderboard(open_lab_here().for_person(TEACHER))


def a_students_leaderboard() -> None:
    from app.sections.classroom.standings import leaderboard
    from app.shared_lab import open_lab_here
    from engine.people.person import Person

    lab = open_lab_here()
    (mia,) = lab.classroom.now().students
    leaderboard(lab.for_person(Person(mia.id, mia.name, "student")))


def test_the_teacher_has_the_leaderboard_as_a_file_also_when_the_lesson_has_ended(lab):
    lab.lessons.hand_out("quick", 0.97)
    run = ended(lab)
    page = run_part(a_students_leaderboard)
    assert page.dataframe[0].value["name"].tolist() == ["Mia"]
    assert not page.get("download_button"), "it is the teacher's"
    for over in (False, True):
        if over:
            lab.lessons.end()
        page = run_part(the_teachers_leaderboard)
        assert page.dataframe[0].value["name"].tolist() == ["Mia"]
        assert [one.proto.label for one in page.get("download_button")] == ["Download (CSV)"]
    (row,) = csv.DictReader(io.StringIO(as_file(lab.lessons.leaderboard())))
    assert (row["name"], row["run"], row["test_images"]) == ("Mia", run, "364")
    assert float(row["interval_low"]) < 0.989 < float(row["interval_high"])
    assert row["target"] == "reached"


def the_codes() -> None:
    from app.sections.classroom.returning import all_back_in
    from app.shared_lab import open_lab_here
    from engine.people.person import TEACHER

    all_back_in(open_lab_here().for_person(TEACHER))


def test_codes_for_a_whole_class_are_made_at_once_as_a_table_and_a_file(lab):
    ada = lab.classroom.join(lab.classroom.now().code, "Ada")
    lab.classroom.dismiss({lab.mia.id, ada.id})
    page = run_part(the_codes)
    assert not page.dataframe
    page.button(key="codes-for-all").click().run()
    table = page.dataframe[0].value
    assert list(table["Name"]) == ["Ada", "Mia"]
    code = dict(zip(table["Name"], table["Code"], strict=True))["Mia"]
    assert len(code) == 9 and page.get("download_button")[0].proto.label == "Codes (CSV)"
    assert lab.classroom.join(code, "Mia") == lab.mia
    assert dict(zip(table["Name"], table["Last here"], strict=True))["Mia"] == "joined just now"
    note(lab.mia, "Train")
    page.button(key="codes-for-all").click().run()
    assert list(page.dataframe[0].value["Last here"])[1] == "just now"
    rows = [{"Name": "=1+1", "Code": "aaaa-bbbb", "Last here": ""}]
    assert list(csv.reader(io.StringIO(as_csv(rows))))[1][0] == "'=1+1"


def the_wall() -> None:
    from app.sections.classroom.teacher import wall
    from app.shared_lab import open_lab_here
    from engine.people.person import TEACHER

    wall(open_lab_here().for_person(TEACHER))


def test_an_empty_wall_says_whether_anybody_was_in(lab):
    add_run(lab).write_status(owner=lab.mia.id, by="Mia")
    lab.lessons.end()
    said = texts(run_part(the_wall))
    assert "Nobody is in since the lesson ended." in said and "joined yet" not in said


def test_before_anybody_came_the_wall_says_so(tmp_path, monkeypatch):
    monkeypatch.setenv("GLYPHLAB_HOME", str(tmp_path / "other"))
    monkeypatch.setenv("GLYPHLAB_MODE", "class")
    assert "Nobody has joined yet." in texts(run_part(the_wall))
