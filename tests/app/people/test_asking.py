"""Whom a page or a question is for, and how people find the door."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient
from weblab import open_page, texts

from app.doors.admission import admission_of, cookie_name
from app.font import FONT, font_file
from app.people.asking import person_of_request
from app.people.presence import MOST, may_be_here, note, seen, was_here
from app.people.qr import qr_svg
from app.people.routes import routes
from app.people.welcome import welcome
from app.shared_lab import open_lab_here
from app.theme import DARK, LIGHT
from engine.errors import RightsError
from engine.lab import Lab
from engine.people.person import NOBODY, TEACHER, Person
from engine.settings import read_settings


@pytest.fixture
def lab(tmp_path, monkeypatch):
    """The class that this process's pages show."""
    monkeypatch.setenv("GLYPHLAB_HOME", str(tmp_path))
    monkeypatch.setenv("GLYPHLAB_MODE", "class")
    lab = open_lab_here()
    lab.ada = lab.classroom.join(lab.classroom.now().code, "Ada *star*")
    return lab


def request(lab, person: Person | None = None, **scope) -> SimpleNamespace:
    cookies = {cookie_name(7860): lab.classroom.pass_of(person)} if person else {}
    return SimpleNamespace(cookies=cookies, scope=scope)


def test_a_question_is_of_whom_the_door_saw_or_the_cookie_says(lab):
    assert person_of_request(lab, request(lab, lab.ada)) == lab.ada
    assert person_of_request(lab, request(lab, **{"glyphlab.person": TEACHER})) == TEACHER
    assert seen(lab.ada.id).page == "Draw"
    with pytest.raises(RightsError, match="not in the class"):
        person_of_request(lab, request(lab))
    assert person_of_request(lab, None) == NOBODY


def test_a_page_in_a_browser_without_a_pass_is_nobodys(lab):
    page = open_page("classroom")
    assert "You are not in the class any more." in page.info[0].value and not page.error
    assert "Join again" in page.get("html")[0].proto.body
    assert lab.classroom.now().code not in texts(page)


def test_the_start_prints_how_people_come_in(lab, tmp_path):
    lines = welcome(lab.classroom, lab.settings).splitlines()
    assert lines[0].endswith(f":7860/?token={lab.classroom.key}")
    assert lines[1].endswith(f"/join?code={lab.classroom.now().code}")
    assert len(lines) == 2, "one address needs no order"
    found = {
        "GLYPHLAB_MODE": "class",
        "GLYPHLAB_ALLOWED_HOSTS": "lab.example",
        "GLYPHLAB_HOST": "::",
    }
    several = welcome(lab.classroom, read_settings({**found, "GLYPHLAB_HOME": str(tmp_path)}))
    *_, last = several.splitlines()
    assert "students:    http://lab.example:7860/join" in several.splitlines()[1]
    assert several.count("/join?code=") > 1 and "On a phone, try the first of these" in last
    alone = Lab(tmp_path / "own")
    assert welcome(alone.classroom, alone.settings) == ""
    assert qr_svg("http://a/").startswith(b"<svg") and qr_svg("http://a/") != qr_svg("http://b/")


def test_what_a_form_holds_beside_its_fields_changes_nothing_and_who_leaves_is_out(lab):
    admission = admission_of(lab.classroom, lab.settings, {})
    client = TestClient(Starlette(routes=routes(admission, lab.settings)), follow_redirects=False)
    asked = client.get("/join").text
    assert "or on your slip" in asked and "with the name you had" in asked
    wrong = client.post("/join", data={"code": "x", "name": "<b>", "status": "1", "wrong": "x"})
    assert wrong.status_code == 403 and "&lt;b&gt;" in wrong.text
    code = lab.classroom.now().code
    joined = client.post("/join", data={"code": code, "name": "Ben", "status": "500"})
    assert joined.status_code == 303
    shown = joined.cookies[admission.cookie_name]
    assert lab.classroom.person_of(shown).name == "Ben"
    client.post("/leave")
    assert lab.classroom.person_of(shown) is None
    assert [desk.student.name for desk in lab.lessons.wall()] == ["Ada *star*"], "Ben left the wall"
    assert client.post("/join", data={"code": code, "name": "ben"}).status_code == 303


def test_the_join_page_looks_like_the_lab(lab):
    admission = admission_of(lab.classroom, lab.settings, {})
    client = TestClient(Starlette(routes=routes(admission, lab.settings)))
    asked = client.get("/join").text
    for colours in (LIGHT, DARK):
        for name in ("primaryColor", "backgroundColor", "textColor", "linkColor"):
            assert colours[name] in asked, name
    assert f'font-family:"{FONT}"' in asked and 'url("font.woff2")' in asked
    font = client.get("/font.woff2")
    assert font.status_code == 200 and font.content == font_file().read_bytes()
    assert font.headers["content-type"] == "font/woff2"


def test_only_the_last_pages_of_people_are_remembered():
    for number in range(MOST + 5):
        note(Person(f"{number:016x}", "x", "student"), "Train")
    note(NOBODY, "Train")
    assert seen(f"{0:016x}") is None and seen(f"{MOST:016x}").page == "Train" and seen("") is None
    assert may_be_here(f"{0:016x}", 60), "whoever was pushed out may be here still"
    assert not may_be_here(f"{0:016x}", 0) and not was_here(f"{0:016x}", 60)


def test_the_canvas_alone_has_no_class_and_is_not_open_to_all(lab, monkeypatch, capsys):
    from app.canvas import main

    assert main() == 2 and "no class" in capsys.readouterr().err
    monkeypatch.setenv("GLYPHLAB_MODE", "own")
    monkeypatch.setenv("GLYPHLAB_HOST", "0.0.0.0")
    assert main() == 2 and "GLYPHLAB_KEY" in capsys.readouterr().err


def test_the_lab_says_in_one_line_why_it_does_not_listen_to_everybody(
    monkeypatch, tmp_path, capsys
):
    from app.server import serve

    environ = {"GLYPHLAB_HOME": str(tmp_path), "GLYPHLAB_HOST": "0.0.0.0"}
    assert serve(environ) == 2
    said = capsys.readouterr().err
    assert "open to all" in said and "GLYPHLAB_MODE" in said and said.count("\n") == 1
