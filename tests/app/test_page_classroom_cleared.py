"""Whose work the teacher clears is chosen and named, and who had some is told of it once."""

from __future__ import annotations

import pytest
from class_with_mia import class_with_mia
from hands import drawn, png
from teaching_tabs import tabs
from weblab import add_run, run_part, texts

from app.canvas_tabs.teach import CLEARED
from app.people.asking import asked_by
from app.widgets.cleared import TOLD
from engine.errors import RightsError
from engine.lab import Lab


@pytest.fixture
def lab(tmp_path, monkeypatch) -> Lab:
    lab = class_with_mia(tmp_path, monkeypatch)
    lab.ben = lab.classroom.join(lab.classroom.now().code, "Ben")
    for one in (lab.mia, lab.ben):
        add_run(lab).write_status(owner=one.id, by=one.name)
    return lab


def the_question() -> None:
    from app.sections.classroom.clearing import question
    from app.shared_lab import open_lab_here
    from engine.people.person import TEACHER

    lab = open_lab_here().for_person(TEACHER)
    question(lab, lab.classroom.now())


def owners(lab: Lab) -> set[str]:
    return {run.owner for run in lab.runs()}


def test_nothing_is_cleared_before_somebody_or_everybody_is_chosen(lab):
    page = run_part(the_question)
    button = page.button(key="clear")
    assert button.disabled and button.label == "Choose whose work to clear"
    with pytest.raises(RightsError, match="nobody was chosen"):
        lab.lessons.clear(())
    assert owners(lab) == {lab.mia.id, lab.ben.id}
    page.multiselect(key="clear-whose").select(lab.mia.id).run()
    assert page.button(key="clear").label == "Clear the work of Mia"
    page.multiselect(key="clear-whose").select(lab.ben.id).run()
    assert page.button(key="clear").label == "Clear the work of Mia and Ben"
    page.multiselect(key="clear-whose").unselect(lab.ben.id).run()
    page.button(key="clear").click().run()
    assert not page.exception and owners(lab) == {lab.ben.id}


def test_everybodys_work_is_cleared_when_that_is_ticked(lab):
    page = run_part(the_question)
    page.checkbox(key="clear-all").check().run()
    assert page.checkbox(key="clear-all").label == "Everybody: 2 in the class"
    button = page.button(key="clear")
    assert button.label == "Clear everybody's work" and not button.disabled
    button.click().run()
    assert not owners(lab)


def the_teachers_page() -> None:
    from app.sections.classroom.teacher import teacher
    from app.shared_lab import open_lab_here
    from engine.people.person import TEACHER

    teacher(open_lab_here().for_person(TEACHER))


def test_that_there_was_nothing_to_clear_is_said(lab):
    lab.lessons.clear()
    page = run_part(the_teachers_page)
    page.session_state["clear-all"] = True
    page.button(key="ask-clear").click().run()
    page.button(key="clear").click().run()
    assert "There was nothing to clear." in texts(page) and "In the trash" not in texts(page)
    assert "undo-clear" not in [button.key for button in page.button]
    assert "There was nothing to clear." not in texts(page.run()), "it is said once"


def test_who_had_work_that_was_cleared_is_told_until_they_have_read_it(lab):
    ada = lab.classroom.join(lab.classroom.now().code, "Ada")  # has made nothing
    batch, _ = lab.lessons.clear([lab.mia.id, ada.id])
    told = lab.lessons.is_to_be_told
    assert told(lab.mia.id) and not told(lab.ben.id) and not told(ada.id)
    lab.lessons.undo_clear(batch)
    assert not told(lab.mia.id), "it is back"
    lab.lessons.clear()
    assert told(lab.mia.id) and told(lab.ben.id)
    lab.lessons.was_told(lab.mia.id)
    assert not told(lab.mia.id) and told(lab.ben.id)
    lab.lessons.end()
    assert not told(lab.ben.id), "whose name is forgotten"


def a_students_notice() -> None:
    from app.shared_lab import open_lab_here
    from app.widgets import cleared
    from engine.people.person import Person

    mia = next(one for one in open_lab_here().classroom.now().students if one.name == "Mia")
    cleared.notice_for(Person(mia.id, mia.name, "student"))


def test_the_notice_stands_on_the_page_until_it_is_closed(lab):
    assert TOLD not in texts(run_part(a_students_notice))
    lab.lessons.clear([lab.mia.id])
    page = run_part(a_students_notice)
    assert TOLD in texts(page) and TOLD in texts(page.run()), "a page is drawn again by itself"
    page.button(key="cleared-read").click().run()
    assert not page.exception and TOLD not in texts(page)
    assert TOLD not in texts(run_part(a_students_notice)), "nor in another browser"


def test_the_canvas_says_why_symbols_and_drawings_are_gone(lab):
    _, calls = tabs(lab)
    lab.for_person(lab.mia).drawings.save(png(drawn("7")), "7")
    with asked_by(lab.mia):
        assert calls["collected"]("Saved as **7**.")[3] == "Saved as **7**."
        lab.lessons.clear([lab.mia.id])
        _, _, _, still, *symbols = calls["collected"]("Saved as **7**.")
    assert still == symbols[-1] == CLEARED
    with asked_by(lab.ben):
        assert calls["collected"]("")[3] == ""
