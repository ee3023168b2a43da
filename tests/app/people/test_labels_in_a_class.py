"""What a student is told of labels: whose they are, and what there is for a student to label."""

from __future__ import annotations

from pathlib import Path

import pytest
from class_with_mia import class_with_mia
from scans import add_scans
from weblab import ROOT, run_part, texts

from engine.data.choices import Choices
from engine.lab import Lab
from engine.people.rights import DEEDS


@pytest.fixture
def lab(tmp_path: Path, monkeypatch) -> Lab:
    return class_with_mia(tmp_path, monkeypatch)


def a_students_label_page() -> None:
    from app.sections.label import label
    from app.shared_lab import open_lab_here
    from engine.people.person import Person

    lab = open_lab_here()
    (mia,) = lab.classroom.now().students
    label(lab.for_person(Person(mia.id, mia.name, "student")))


def a_students_corner() -> None:
    from app.sections.classroom.student import student
    from app.shared_lab import open_lab_here
    from engine.people.person import Person

    lab = open_lab_here()
    (mia,) = lab.classroom.now().students
    person = Person(mia.id, mia.name, "student")
    student(lab.for_person(person), person)


@pytest.mark.parametrize("something", [False, True])
def test_the_label_page_leads_a_student_on_whether_or_not_something_is_unlabelled(lab, something):
    assert "student" not in DEEDS["label"].others and "student" in DEEDS["collect"].others
    if something:
        add_scans(lab, "bare", Choices(unlabelled=True))
    page = run_part(a_students_label_page)
    said = texts(page)
    assert "On this page your teacher gives labels to images that have none." in said
    assert "A label counts for the whole class" in said
    assert "labelled images of your own" in said and "](/draw)" in said
    assert "Every image of" not in said and "add or delete a data set" not in said
    assert not page.selectbox and not page.button


def test_a_student_reads_beforehand_that_labels_are_not_theirs(lab):
    said = texts(run_part(a_students_corner))
    assert "Labels, data sets and sweeps are your teacher's to change" in said
    guide = " ".join((ROOT / "docs" / "deploy.md").read_text("utf-8").split())
    assert "They change no labels: these count for the whole class" in guide
