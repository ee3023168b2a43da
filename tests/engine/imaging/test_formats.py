"""One list of picture formats: all that Pillow and pillow-heif can open."""

from __future__ import annotations

import io

import pillow_heif
from pictures import small_page
from PIL import Image

from engine.imaging.formats import NOT_READ, PICTURES, is_hidden, is_picture
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
