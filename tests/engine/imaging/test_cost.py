"""Small files that would take very long to decode are refused before it is begun."""

from __future__ import annotations

import io
import struct

import pytest
from costly import jpeg_of_scans, tiff_of_strips
from pictures import small_page
from PIL import Image

from engine.errors import ImageError
from engine.imaging.cost import MOST_SCANS
from engine.imaging.formats import image_in
from engine.imaging.images import open_picture

TOO_MANY = "^a.jpg is a JPEG of too many scans. Allowed: at most 100. Save it again as PNG.$"


def blp(held: bytes) -> bytes:
    """A JPEG in a texture of a game."""
    head = b"BLP1" + struct.pack("<6I", 0, 0, 64, 64, 0, 0)
    return head + struct.pack("<33I", 160, *[0] * 15, len(held), *[0] * 15, 0) + held


def iptc(held: bytes, compression: int) -> bytes:
    """A picture as news agencies once sent it."""
    fields = (
        (3, 20, b"\0\x40"), (3, 30, b"\0\x40"), (3, 60, b"\1\0"), (3, 65, b"\1"),
        (3, 120, bytes([compression])), (8, 10, held),
    )  # fmt: skip
    return b"".join(bytes([28, *tag]) + struct.pack(">H", len(at)) + at for *tag, at in fields)


def mpo(first: Image.Image, second: bytes) -> bytes:
    """Two JPEGs in one file, the second of which is `second`."""
    out = io.BytesIO()
    first.save(out, "MPO", save_all=True, append_images=[first])
    return out.getvalue()[: out.getvalue().rindex(b"\xff\xd8\xff")] + second


def as_jpeg(**options) -> bytes:
    out = io.BytesIO()
    small_page("2").convert("RGB").save(out, "JPEG", **options)
    return out.getvalue()


def test_a_jpeg_of_thousands_of_scans_is_refused_and_one_of_as_many_as_any_is_read(tmp_path):
    for scans in (MOST_SCANS + 1, 3 * MOST_SCANS, 6_000):
        (tmp_path / "a.jpg").write_bytes(jpeg_of_scans(scans))
        with pytest.raises(ImageError, match=TOO_MANY):
            open_picture((tmp_path / "a.jpg").read_bytes(), "a.jpg")
        with pytest.raises(ImageError, match=TOO_MANY):
            image_in(tmp_path / "a.jpg", "a.jpg")
    assert open_picture(jpeg_of_scans(MOST_SCANS)).size == (64, 64)


@pytest.mark.parametrize("behind", [b"", b"\xff\xda\0" * 5_000, b"\xff\xda\0\x07\1" * 5_000])
def test_ordinary_jpegs_are_read_whatever_stands_behind_them(behind):
    """As cameras write a short film behind a picture."""
    for options in ({}, {"progressive": True}, {"progressive": True, "quality": 100}):
        assert open_picture(as_jpeg(**options) + behind).size == small_page("2").size


def test_a_jpeg_in_another_file_is_counted_too():
    many = jpeg_of_scans(MOST_SCANS + 1)
    assert open_picture(blp(jpeg_of_scans(3)), "a.blp").size == (64, 64)
    assert open_picture(mpo(small_page("2"), jpeg_of_scans(3))).format == "MPO"
    for held in (blp(many), mpo(small_page("2"), many)):
        with pytest.raises(ImageError, match=TOO_MANY):
            open_picture(held, "a.jpg")
    with pytest.raises(ImageError, match="decoder error"):  # libtiff counts by itself
        open_picture(tiff_of_strips(1, jpeg_of_scans(MOST_SCANS + 1, side=8), compression=7))


def test_what_holds_a_file_of_any_kind_is_not_opened():
    assert open_picture(iptc(bytes(64 * 64), compression=1)).size == (64, 64)
    with pytest.raises(ImageError, match="^a.iim holds another picture"):
        open_picture(iptc(as_jpeg(), compression=5), "a.iim")
