"""The Draw page, without a browser; drawing itself is tested in one (test_browser.py)."""

from __future__ import annotations

import pytest
from weblab import add_run, open_page, texts

from engine.lab import Lab


@pytest.fixture
def lab(tmp_path, monkeypatch):
    monkeypatch.setenv("GLYPHLAB_HOME", str(tmp_path))
    return Lab(tmp_path)


def test_the_canvas_is_shown_with_the_model_of_the_address(lab):
    run = add_run(lab)
    page = open_page("draw", model=run.id)
    assert page.get("iframe")[0].proto.src.endswith(f"/canvas/?model={run.id}")


def test_the_api_is_explained_with_the_models_name(lab):
    run = add_run(lab)
    page = open_page("draw", model=run.id)
    assert not page.code  # only in the box once it is open
    page.session_state["program"] = True
    page.run()
    assert len(page.code) == 2
    assert all(run.id in snippet.value and "/canvas/" in snippet.value for snippet in page.code)


def test_a_program_is_told_of_the_key_that_a_lab_asks_for(lab, monkeypatch):
    for key, told in (("", False), ("secret-of-the-lab-0123456789", True)):
        monkeypatch.setenv("GLYPHLAB_KEY", key)
        page = open_page("draw", model="canvas-digits")
        page.session_state["program"] = True
        words = texts(page.run())
        assert ("Authorization: Bearer KEY" in words) == told and "secret-of" not in words


def test_a_model_that_is_gone_is_said_to_be_gone(lab):
    add_run(lab)
    page = open_page("draw", model="nosuch")
    assert "`nosuch`" in page.warning[0].value
    assert "model=" not in page.get("iframe")[0].proto.src
    page = open_page("draw", model="glyph-embedding")
    assert page.warning[0].value == (
        "The model `glyph-embedding` reads no drawings; the canvas shows the best one it has."
    )
    assert "model=" not in page.get("iframe")[0].proto.src


def test_words_stand_in_the_place_of_the_canvas_from_the_first_moment(lab):
    add_run(lab)
    page = open_page("draw")
    (words,) = [one.proto.body for one in page.get("html") if "gl-frame-waits" in one.proto.body]
    assert "The canvas is loading…" in words and "reload this page" in words
