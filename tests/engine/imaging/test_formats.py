"""One list of picture formats: all that Pillow and pillow-heif can open."""

from __future__ import annotations

import io
import os

import pillow_heif
import pytest
from pictures import small_page
from PIL import Image

from engine.errors import ImageError
from engine.imaging.formats import FORMATS, NOT_READ, PICTURES, is_hidden, is_picture
from engine.imaging.images import open_picture


def test_the_list_is_pillows():
    Image.init()
    known = {ending for ending, form in Image.registered_extensions().items() if form in Image.OPEN}
    assert known - set(NOT_READ) <= set(PICTURES)
    assert set(PICTURES) - known <= {".heic", ".heif", ".heics", ".heifs", ".hif", ".pnm", ".jpe"}


def test_photographs_of_a_phone_are_read():
    page = small_page("2").convert("RGB").resize((240, 180))
    stream = io.BytesIO()
    pillow_heif.from_pillow(page).save(stream)
    assert open_picture(stream.getvalue()).size == page.size


def test_what_is_no_picture_and_what_nobody_means():
    assert is_picture("a/B.HEIC") and is_picture("x.JP2") and not is_picture("a.png.bak")
    for name in ("._1.png", "__MACOSX/a/1.png", "a/.git/1.png", "a/Thumbs.db", "a/@eaDir/1.png"):
        assert is_hidden(name), name
    assert not is_hidden("./a/1.png") and not is_hidden("a..b/1.png")


def test_no_picture_runs_a_program(tmp_path, monkeypatch):
    """PostScript under the name of a picture: Pillow hands it to Ghostscript, whose first part it is."""
    ran = tmp_path / "ran"
    program = tmp_path / "gs"
    program.write_text(f"#!/bin/sh\ntouch {ran}\n", encoding="ascii")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    script = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 30 30\n%%EndComments\nshowpage\n%%EOF\n"
    (tmp_path / "a.png").write_bytes(script)
    for source in (script, tmp_path / "a.png"):
        with pytest.raises(ImageError, match="a format that is not known") as told:
            open_picture(source, "a.png")
        assert "hostscript" not in str(told.value)
    with pytest.raises(OSError), Image.open(tmp_path / "a.png") as opened:  # as Gradio does
        opened.load()
    assert not ran.exists()


def test_formats_are_those_of_the_list():
    Image.init()
    of = Image.registered_extensions()
    assert {of[ending] for ending in PICTURES if ending in of} - {"MPO"} <= set(FORMATS)  # as JPEG
    assert not {"EPS", "WMF", "PDF", "MPEG"} & set(FORMATS)
