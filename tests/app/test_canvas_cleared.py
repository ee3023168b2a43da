"""What Teach and Collect show after somebody else has changed what is there."""

from __future__ import annotations

import base64
import io
import json
import zipfile
from pathlib import Path

import gradio as gr
import pytest
from hands import drawn, png
from own_loop import run
from teaching_tabs import tabs

from app.canvas_tabs.files import friendly
from app.canvas_tabs.reader import Reader
from app.canvas_tabs.tables import NOTHING_TAUGHT, symbols_table
from app.canvas_tabs.teach import LOOK_SECONDS
from app.people.asking import asked_by
from engine.errors import RightsError
from engine.lab import Lab
from engine.settings import read_settings


def as_uri(picture: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(picture).decode()


def test_what_was_cleared_is_no_longer_said_to_be_kept(tmp_path):
    lab = Lab(tmp_path)
    _, calls = tabs(lab)
    said = calls["save"](json.dumps({"picture": as_uri(png(drawn("7"))), "model": ""}), "7")[1]
    _, table, _, still, *symbols = calls["collected"](said)
    assert said == still == "Saved as **7**." and "1 drawing of 1 character" in table
    assert symbols[0] == NOTHING_TAUGHT and symbols[2] == ""
    words, table = calls["delete_last"]()
    assert "**7**, is deleted" in words and "No drawing has been saved yet" in table
    _, table, _, still, *_ = calls["collected"](said)
    assert still == "" and "No drawing has been saved yet" in table
    words, _ = calls["delete_last"]()
    assert words == "There is no drawing to delete.", "a sentence, not an error on three fields"
    lab.taught.add("heart", png(drawn("♥")))
    *_, symbols, _, _ = calls["collected"]("")
    assert symbols != NOTHING_TAUGHT, "what is taught is left as it is"


def test_symbols_and_drawings_are_handed_out_as_zips(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "handed-out"))
    lab = Lab(tmp_path)
    _, calls = tabs(lab)
    for export in ("export", "export_drawings"):
        with pytest.raises(gr.Error):
            calls[export]()
    lab.taught.add("heart", png(drawn("♥")))
    lab.drawings.save(png(drawn("7")), "7")
    for export, start in (("export", "taught/"), ("export_drawings", "drawings/")):
        file = calls[export]()
        assert file.visible
        with zipfile.ZipFile(io.BytesIO(Path(file.value["path"]).read_bytes())) as found:
            pictures = [name for name in found.namelist() if name.endswith(".png")]
            assert len(pictures) == 1 and pictures[0].startswith(start)


def test_what_is_left_to_draw_is_said_alike_beside_the_button_and_in_the_table(tmp_path):
    lab = Lab(tmp_path)
    _, calls = tabs(lab)
    value = json.dumps({"picture": as_uri(png(drawn("♥"))), "model": "canvas-digits"})
    for left in (2, 1):
        said = run(calls["add"](value, "heart"))[1]
        assert said.endswith(f" Draw {left} more.")
        if left == 2:  # of two, each can be recognised by the other
            assert "Draw 2 more.</td>" in symbols_table(Reader(lab), value)
    run(calls["add"](value, "arrow"))
    chosen = run(calls["add"](value, "heart"))[-1]
    assert chosen.value == "heart", "the last example to forget is of what was just taught"
    assert "needs" not in symbols_table(Reader(lab), value)


def test_a_students_page_looks_by_itself(tmp_path):
    for mode in ("own", "class"):
        settings = read_settings({"GLYPHLAB_HOME": str(tmp_path), "GLYPHLAB_MODE": mode})
        page, _ = tabs(Lab(tmp_path, settings))
        timers = [one for one in page.blocks.values() if isinstance(one, gr.Timer)]
        assert (LOOK_SECONDS in [one.value for one in timers]) is (mode == "class")


def test_a_locked_class_is_told_before_anything_is_drawn(tmp_path):
    settings = read_settings({"GLYPHLAB_HOME": str(tmp_path), "GLYPHLAB_MODE": "class"})
    lab = Lab(tmp_path, settings)
    ada = lab.classroom.join(lab.classroom.now().code, "Ada")
    page, _ = tabs(lab)
    held = [block for block in page.fns.values() if block.fn.__name__ == "held"]
    assert {one.targets[0][1] for one in held} == {"load", "tick"}, "at once, and when it changes"
    for locked in (True, False):
        lab.classroom.lock(locked)
        with asked_by(ada):
            shown = [block.fn() for block in held]
        for words, *controls in shown:
            assert words.visible is locked and ("The class is locked." in words.value) is locked
            assert controls and {one.interactive for one in controls} == {not locked}


def test_a_refusal_is_one_message_that_begins_with_a_capital():
    with pytest.raises(gr.Error) as raised, friendly():
        raise RightsError("the class is locked", hint="Look and draw.")
    assert raised.value.message == "The class is locked. Look and draw."


def test_what_is_refused_is_not_marked_on_every_field_it_would_have_changed(tmp_path):
    page, _ = tabs(Lab(tmp_path))
    deeds = ("add", "forget", "undo", "take_in", "save", "delete_last", "tune")
    for block in page.fns.values():
        if block.fn.__name__ in deeds:
            assert block.show_progress_on and {type(one) for one in block.show_progress_on} <= {
                gr.Button,
                gr.UploadButton,
            }
