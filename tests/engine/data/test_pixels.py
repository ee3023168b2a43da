"""One value range and one polarity for a whole set, and what kind of images they are."""

from __future__ import annotations

import io

import numpy as np
import pytest
from pictures import png, small_page, write_idx, write_zip
from PIL import Image, ImageDraw, ImageFont

from engine.data.decode import Target, decode, read_raw
from engine.data.folder import list_zip
from engine.data.idx import list_pairs
from engine.data.idx_files import find_pairs
from engine.data.pixels import guess_kind
from engine.data.polarity import polarity
from engine.errors import ImageError
from engine.imaging.images import open_picture, square


def digit(number: int, ink: int = 255, paper: int = 0) -> np.ndarray:
    """A ring or a bar in the middle of 28 x 28, levels (28, 28) uint8."""
    picture = Image.new("L", (28, 28), paper)
    draw = ImageDraw.Draw(picture)
    shift = number % 4
    if number % 2:
        draw.rectangle((12 + shift, 4, 15 + shift, 23), fill=ink)
    else:
        draw.ellipse((5, 5, 22 - shift, 23), outline=ink, width=3)
    return np.asarray(picture)


def letter(character: str, weight: int, side: int = 28) -> np.ndarray:
    """A bold letter that touches its frame, white on black (side, side) uint8."""
    picture = Image.new("L", (300, 300))
    font = ImageFont.load_default(100)
    ImageDraw.Draw(picture).text((80, 60), character, 255, font, stroke_width=weight)
    return np.asarray(picture.crop(picture.getbbox()).resize((side, side)))


def packed(tmp_path, arrays):
    """A zip of them as PNG, two classes; and all of its squares (n, 1, 28, 28)."""
    content = {
        f"{number % 2}/{number:03}.png": png(Image.fromarray(array))
        for number, array in enumerate(arrays)
    }
    listing = list_zip(write_zip(tmp_path / "set.zip", content), 100)
    raws = [read_raw(listing, i) for i in range(len(listing))]
    chunk = decode(raws, 0, Target("digit", 28, listing.convention))
    order = np.argsort([int(name[2:5]) for name in listing.files])
    return listing, chunk.images[order]


@pytest.mark.parametrize("most", [1, 15, 16, 100])
def test_few_levels_are_stretched_for_the_whole_set(tmp_path, most):
    full = [digit(n) for n in range(20)]
    low = [(array / 255 * most).round().astype(np.uint8) for array in full]
    low[3] = low[3] // 2  # one is fainter than the others, and not a range of its own
    listing, squares = packed(tmp_path, low)
    assert listing.kind == "digit" and listing.convention.high == most
    assert f"no pixel is above {most}" in listing.survey.findings[0].text
    _, wanted = packed(tmp_path, full)
    for number in (0, 1, 2):
        assert np.abs(squares[number].astype(int) - wanted[number]).max() <= 20


def test_idx_files_of_few_levels_and_of_floats_are_stretched(tmp_path):
    glyphs = np.stack([digit(n) for n in range(8)])
    for kind, levels in (("u1", glyphs // 255), ("f4", glyphs / 255), ("i2", glyphs.astype(int))):
        head = bytes([0, 0, {"u1": 8, "f4": 13, "i2": 11}[kind], 3])
        head += b"".join(int(n).to_bytes(4, "big") for n in glyphs.shape)
        path = tmp_path / kind / "train-images-idx3-ubyte"
        write_idx(path.with_name("train-labels-idx1-ubyte"), np.arange(8) % 2)
        path.write_bytes(head + levels.astype(f">{kind}").tobytes())
        listing = list_pairs(find_pairs(path.parent), None, kind, known=False)
        assert listing.reader.read(1).max() == 255 and listing.reader.read(1).min() == 0
        assert np.abs(listing.reader.read(0).astype(int) - glyphs[0]).max() < 200


@pytest.mark.parametrize("weight", [2, 8, 14])
@pytest.mark.parametrize("inverted", [False, True])
def test_letters_that_touch_their_frame_are_of_one_polarity(tmp_path, weight, inverted):
    letters = [letter(character, weight) for character in "ABCDEFGHIJKLMNOP"]
    listing, squares = packed(tmp_path, [255 - one if inverted else one for one in letters])
    assert listing.convention.paper == ("light" if inverted else "dark")
    assert all(one.any() for one in squares)
    for one, wanted in zip(squares[:, 0], letters, strict=True):
        assert np.corrcoef(one.ravel(), wanted.ravel())[0, 1] > 0.9 or wanted.min() > 0
    write_idx(tmp_path / "train-images-idx3-ubyte", np.stack(letters))
    write_idx(tmp_path / "train-labels-idx1-ubyte", np.arange(16) % 2)
    listing = list_pairs(find_pairs(tmp_path), None, str((weight, inverted)), known=False)
    assert np.array_equal(listing.reader.read(1), letters[1])


def test_characters_with_paper_around_decide_each_for_itself():
    some = [np.asarray(small_page("24R"[n % 3], n)) for n in range(12)]
    words = "dark on light: so are the borders of 12 of 12 pictures that were looked at"
    assert polarity(some) == (None, [], words)
    mixed, findings, _ = polarity([*some[:6], *(255 - one for one in some[6:])])
    assert mixed is None and "each picture's border decides" in findings[0].text


class Reader:
    def __init__(self, *pictures):
        self.pictures = [png(picture) for picture in pictures]

    def read(self, index):
        return self.pictures[index]


def test_colourful_squares_of_32_pixels_are_photographs():
    rng = np.random.default_rng(0)
    photos = [Image.fromarray(rng.integers(0, 256, (32, 32, 3), dtype=np.uint8)) for _ in range(4)]
    assert guess_kind(Reader(*photos), 4) == "photo"
    coloured = Image.new("RGB", (28, 28), "white")
    ImageDraw.Draw(coloured).line((5, 5, 20, 24), fill="red", width=4)
    assert guess_kind(Reader(coloured), 1) == "digit"
    letters = [Image.fromarray(letter(one, 10, side=90)) for one in "ABEFHI"]
    assert guess_kind(Reader(*letters), 6) == "page"


def encoded(picture: Image.Image, form: str, **options) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, form, **options)
    return stream.getvalue()


def test_every_mode_of_a_picture_has_ink():
    grey = Image.fromarray(np.kron(digit(0), np.ones((3, 3), np.uint8)))
    clear = Image.new("RGBA", grey.size, (255, 255, 255, 0))
    clear.paste((255, 255, 255, 255), mask=grey)  # white ink on nothing
    floats = np.asarray(grey, np.float32) / 255
    floats[0, 0] = np.nan
    palette = grey.convert("P")
    transparent = {"transparency": 0}  # the paper
    wanted = square(grey, "digit", 28)
    for raw in (
        encoded(Image.fromarray(np.asarray(grey).astype(np.uint16) * 200), "PNG"),
        encoded(Image.fromarray(floats), "TIFF"),
        encoded(clear, "PNG"),
        encoded(palette, "PNG", **transparent),
        encoded(grey, "PNG", **transparent),
        encoded(grey.convert("CMYK"), "TIFF"),
        encoded(grey, "TIFF", save_all=True, append_images=[grey]),
    ):
        found = square(open_picture(raw), "digit", 28)
        assert np.abs(found.astype(int) - wanted).mean() < 20


def test_a_picture_that_pillow_fails_on_is_an_image_error():
    for raw in (b"", b"\x89PNG\r\n\x1a\n" + b"\0" * 30, b"\0\0\0\x20ftypheic" + b"\0" * 60):
        with pytest.raises(ImageError, match="is not a picture that can be read"):
            open_picture(raw, "x.png")


def test_pages_beyond_the_first_are_said(tmp_path):
    page = small_page("2")
    raw = encoded(page, "TIFF", save_all=True, append_images=[page, page])
    chunk = decode([("a/0.tif", raw), ("a/1.png", png(page))], 0, Target("page", 32))
    assert chunk.paged == [("a/0.tif", 3)] and len(chunk.images) == 2
