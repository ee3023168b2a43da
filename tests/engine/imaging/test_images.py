"""Whatever the picture, the same character reaches the model as nearly the same square."""

from __future__ import annotations

import io
import os
import zipfile

import numpy as np
import pytest
from pictures import page
from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageOps

from engine.errors import ImageError
from engine.imaging.images import (
    MOST_PIXELS,
    STYLES,
    as_picture,
    check_style,
    normalise,
    open_picture,
    square,
    square_of_glyph,
    square_of_page,
)
from engine.imaging.ink import ink_box, ink_of, stroke_width


def distance(a, b):
    """1 - correlation of two squares: 0 for the same, about 1 for unrelated ones."""
    return 1 - float(np.corrcoef(a.astype(float).ravel(), b.astype(float).ravel())[0, 1])


def transparent(picture, colour):
    """The ink of a dark-on-light page as strokes of `colour` on a transparent layer."""
    layer = Image.new("RGBA", picture.size, (*colour, 0))
    layer.putalpha(ImageOps.invert(picture))
    return layer


def sixteen_bit(picture, low, high):
    return Image.fromarray(
        (low + np.asarray(picture, np.float64) / 255 * (high - low)).astype(np.uint16)
    )


def photograph(picture, seed=0, dark=70, light=215, noise=6):
    """A page as a telephone sees it: grey, unevenly lit from one corner, blurred and noisy."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0 : picture.height, 0 : picture.width]
    light_on_it = 0.55 + 0.45 * (x / picture.width * 0.7 + y / picture.height * 0.3)
    grey = np.asarray(picture.filter(ImageFilter.GaussianBlur(1.2)), float) / 255
    seen = (dark + (light - dark) * grey) * light_on_it + rng.normal(0, noise, grey.shape)
    return Image.fromarray(np.clip(seen, 0, 255).astype(np.uint8)).convert("RGB")


def ruled(picture, squared=False):
    """The character on paper with pale blue lines."""
    out = picture.convert("RGB")
    draw = ImageDraw.Draw(out)
    for y in range(30, out.height, 60):
        draw.line((0, y, out.width, y), fill=(170, 190, 230), width=2)
    for x in range(30, out.width, 60) if squared else ():
        draw.line((x, 0, x, out.height), fill=(170, 190, 230), width=2)
    return out


def shaded(picture):
    """A photograph in which a shadow falls over one side."""
    seen = np.asarray(photograph(picture).convert("L"), float)
    y, x = np.mgrid[0 : picture.height, 0 : picture.width]
    shadow = 1 - 0.45 * np.clip((x + 0.5 * y - picture.width) / 30, 0, 1)
    return Image.fromarray((seen * shadow).clip(0, 255).astype(np.uint8))


def on_a_table(picture):
    """A photograph of a sheet that lies, slightly askew, on a dark table."""
    seen = np.asarray(photograph(picture), float)
    table = np.random.default_rng(2).normal(60, 10, seen.shape) + np.array([30, 10, -20])
    y, x = np.mgrid[0 : picture.height, 0 : picture.width]
    sheet = (
        (x > 40 + 0.1 * y)
        & (x < picture.width - 40 - 0.05 * y)
        & (y > 30)
        & (y < picture.height - 25)
    )
    both = np.where(sheet[..., None], seen, table).clip(0, 255).astype(np.uint8)
    return Image.fromarray(both).filter(ImageFilter.GaussianBlur(1))


def jpeg(picture, quality=60):
    stream = io.BytesIO()
    picture.convert("RGB").save(stream, "JPEG", quality=quality)
    return open_picture(stream.getvalue())


LOOKS = {
    "light on dark": lambda p: ImageOps.invert(p),
    "RGB": lambda p: p.convert("RGB"),
    "RGBA, opaque": lambda p: p.convert("RGBA"),
    "black strokes on transparency": lambda p: transparent(p, (0, 0, 0)),
    "white strokes on transparency": lambda p: transparent(p, (255, 255, 255)),
    "red strokes on transparency": lambda p: transparent(p, (220, 30, 30)),
    "half transparent strokes": lambda p: transparent(ImageChops.add(p, p, 2, 64), (0, 0, 200)),
    "grey and alpha": lambda p: transparent(p, (90, 90, 90)).convert("LA"),
    "blue ink": lambda p: ImageOps.colorize(p, (30, 40, 200), (255, 255, 255)),
    "red ink on yellow": lambda p: ImageOps.colorize(p, (200, 30, 30), (250, 240, 170)),
    "yellow ink on white": lambda p: ImageOps.colorize(p, (240, 220, 40), (255, 255, 255)),
    "chalk on a green board": lambda p: ImageOps.colorize(p, (240, 240, 235), (30, 80, 50)),
    "palette": lambda p: p.convert("P", palette=Image.Palette.ADAPTIVE, colors=16),
    "1 bit": lambda p: p.convert("1", dither=Image.Dither.NONE),
    "1 bit, light on dark": lambda p: ImageOps.invert(p).convert("1", dither=Image.Dither.NONE),
    "16 bit": lambda p: sixteen_bit(p, 0, 65535),
    "12 bit in 16, light on dark": lambda p: sixteen_bit(ImageOps.invert(p), 100, 4000),
    "32 bit": lambda p: p.convert("I"),
    "floats in 0..1": lambda p: Image.fromarray(np.asarray(p, np.float32) / 255),
    "CMYK": lambda p: p.convert("RGB").convert("CMYK"),
    "faint grey pencil": lambda p: p.point(lambda v: 225 + v * 30 // 255),
    "strong JPEG": lambda p: jpeg(p, 30),
    "photograph, uneven light": photograph,
    "photograph, dim": lambda p: photograph(p, dark=40, light=90, noise=4),
    "photograph, low contrast": lambda p: photograph(p, dark=150, light=200, noise=4),
    "photograph, very noisy": lambda p: photograph(p, noise=14),
    "photograph, out of focus": lambda p: photograph(p.filter(ImageFilter.GaussianBlur(4))),
    "photograph with a shadow": shaded,
    "photograph of a sheet on a table": on_a_table,
    "ruled paper": ruled,
    "squared paper": lambda p: ruled(p, squared=True),
    "photograph of ruled paper": lambda p: photograph(ruled(p).convert("L")),
    "photograph of chalk": lambda p: photograph(ImageOps.invert(p), seed=1, dark=50),
}


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("character", ["2", "4"])
def test_looks_do_not_matter(look, character):
    plain = page(character)
    for style, most in (("digit", 0.08), ("page", 0.05), ("duo", 0.05)):
        assert distance(square(LOOKS[look](plain), style, 32), square(plain, style, 32)) < most, (
            style
        )


@pytest.mark.parametrize(
    "changed",
    [
        {"box": (20, 150, 220, 450)},
        {"box": (430, 10, 630, 310)},
        {"box": (300, 200, 367, 300), "pen": 8},
        {"box": (250, 200, 290, 260), "pen": 5},
        {"width": 2400, "height": 1800, "box": (900, 300, 1700, 1500), "pen": 96},
        {"width": 4000, "height": 3000, "box": (3000, 2000, 3200, 2300), "pen": 24},
        {"width": 90, "height": 70, "box": (30, 15, 56, 54), "pen": 3},
    ],
    ids=[
        "left",
        "right corner",
        "a third of the size",
        "a sixth",
        "huge page",
        "huge page, small character",
        "tiny page",
    ],
)
@pytest.mark.parametrize("character", ["2", "4", "R"])
def test_place_and_size_on_the_page_do_not_matter_to_style_digit(character, changed):
    assert (
        distance(
            square(page(character, **changed), "digit", 28), square(page(character), "digit", 28)
        )
        < 0.1
    )


@pytest.mark.parametrize("pen", [1, 2, 4, 8, 16, 24, 34])
def test_any_pen_gives_a_full_and_connected_stroke(pen):
    for style in ("digit", "page", "duo"):
        out = square(page("4", pen=pen), style, 28)
        for channel in out:
            assert channel.max() > (230 if style == "digit" else 100)
            assert (channel > 60).sum() >= 15
    thin = square(page("4", pen=pen), "digit", 28)
    assert distance(thin, square(page("4", pen=16), "digit", 28)) < 0.35


def test_different_characters_stay_different():
    assert distance(square(page("2"), "digit", 28), square(page("4"), "digit", 28)) > 0.3


def test_digit_is_centred_by_mass_in_a_box_of_20():
    out = square(page("4", box=(20, 20, 120, 220)), "digit", 28)[0].astype(float)
    rows, columns = np.mgrid[0:28, 0:28]
    assert abs((out * rows).sum() / out.sum() - 13.5) < 0.6
    assert abs((out * columns).sum() / out.sum() - 13.5) < 0.6
    left, top, right, bottom = ink_box(out.astype(np.uint8))
    assert 19 <= max(right - left, bottom - top) <= 21


def test_style_page_keeps_size_and_place():
    small = square(page("2", box=(40, 300, 100, 400), pen=12), "page", 64)[0]
    left, top, right, bottom = ink_box(small)
    assert (
        left < 5 and 36 <= top <= 38 and 10 <= right < 12 and 48 <= bottom <= 50
    )  # padded to a square: 640 px are 64


def test_style_duo_is_the_ink_alone_and_the_page():
    picture = page("2", box=(40, 300, 100, 400), pen=12)
    out = square(picture, "duo", 64)
    assert out.shape == (2, 64, 64)
    assert np.array_equal(out[1:], square(picture, "page", 64))
    left, top, right, bottom = ink_box(out[0])
    assert (
        bottom - top > 48 and abs((top + bottom) / 2 - 32) < 2 and abs((left + right) / 2 - 32) < 2
    )


BLANK = {
    "white": Image.new("RGB", (640, 480), "white"),
    "black": Image.new("L", (640, 480), 0),
    "yellow": Image.new("RGB", (300, 300), (250, 240, 170)),
    "transparent": Image.new("RGBA", (400, 400), (0, 0, 0, 0)),
    "transparent, 28 px": Image.new("RGBA", (28, 28), (0, 0, 0, 0)),
    "28 px": Image.new("L", (28, 28), 0),
    "one pixel": Image.new("L", (1, 1), 200),
    "1 bit": Image.new("1", (64, 64), 1),
    "16 bit": sixteen_bit(Image.new("L", (300, 200), 255), 1000, 1010),
    "16 bit, dark and noisy": Image.fromarray(
        np.random.default_rng(0).integers(0, 4, (300, 200)).astype(np.uint16)
    ),
    "floats": Image.new("F", (64, 64), 0.5),
    "sheet on a table": on_a_table(Image.new("L", (640, 480), 255)),
    "paper seen by a camera": photograph(Image.new("L", (640, 480), 255), noise=5),
    "noise": Image.fromarray(
        np.random.default_rng(0).normal(200, 5, (480, 640)).clip(0, 255).astype(np.uint8)
    ),
    "paper through JPEG": jpeg(
        Image.fromarray(
            np.random.default_rng(0).normal(235, 2, (480, 640)).clip(0, 255).astype(np.uint8)
        ),
        50,
    ),
}


@pytest.mark.parametrize("what", BLANK)
@pytest.mark.parametrize("style", ["digit", "page", "duo"])
def test_nothing_drawn_gives_zeros(what, style):
    out = square(BLANK[what], style, 28)
    assert out.shape == (STYLES[style].channels, 28, 28) and not out.any()


def test_a_glyph_of_28_pixels_stays_as_it_is():
    glyph = square(page("2"), "digit", 28)[0]
    assert np.array_equal(square(Image.fromarray(glyph), "digit", 28)[0], glyph)
    assert np.array_equal(square_of_glyph(glyph, "digit", 28)[0], glyph)
    assert distance(square(jpeg(Image.fromarray(glyph), 75), "digit", 28)[0], glyph) < 0.02


def test_a_small_picture_that_is_no_glyph_is_centred_like_a_page():
    corner = page("2", 28, 28, (1, 1, 9, 12), pen=1)
    assert distance(square(corner, "digit", 28), square(page("2"), "digit", 28)) < 0.35


def test_noise_near_the_border_of_a_28_pixel_jpeg_is_no_ink():
    glyph = square(page("4"), "digit", 28)[0].astype(float)
    noisy = np.clip(
        glyph + np.abs(np.random.default_rng(0).normal(0, 5, glyph.shape)), 0, 255
    ).astype(np.uint8)
    out = square(Image.fromarray(noisy), "digit", 28)[0]
    assert distance(out, glyph) < 0.01
    assert np.median(out[glyph == 0]) <= 4


@pytest.mark.parametrize("style", ["digit", "page", "duo", "photo"])
@pytest.mark.parametrize("size", [8, 28, 33, 224])
def test_squares_have_the_shape_of_their_style(style, size):
    small, narrow = (
        page("2", 28, 28, (6, 4, 22, 24), pen=2),
        page("R", 50, 400, (5, 100, 45, 180), pen=5),
    )
    for picture in (page("R"), narrow, Image.new("L", (3, 700), 255), small):
        out = square(picture, style, size)
        assert (
            out.shape == (STYLES[style].channels, size, size)
            and out.dtype == np.uint8
            and out.flags.c_contiguous
        )


def test_ink_that_fills_the_page_or_touches_its_edge_is_kept():
    whole = page("R", 200, 300, (0, 0, 200, 300), pen=30)
    assert (
        distance(
            square(whole, "digit", 28),
            square(page("R", box=(200, 40, 400, 340), pen=30), "digit", 28),
        )
        < 0.1
    )
    line = Image.new("L", (300, 300), 255)
    ImageDraw.Draw(line).line((150, 0, 150, 300), fill=0, width=10)
    out = square(line, "digit", 28)[0]
    left, top, right, bottom = ink_box(out)
    assert bottom - top >= 20 and 1 <= right - left <= 4


def test_a_photo_is_cut_to_a_square_in_colour():
    picture = Image.new("RGB", (300, 100), "red")
    picture.paste("blue", (100, 0, 200, 100))
    out = square(picture, "photo", 50)
    assert out.shape == (3, 50, 50) and out[2, 25, 25] == 255 and out[0, 25, 25] == 0
    grey = square(Image.new("L", (80, 60), 77), "photo", 20)
    assert (grey == 77).all()
    assert (square(Image.new("RGBA", (40, 40), (0, 0, 0, 0)), "photo", 20) == 255).all()


def test_a_photo_of_16_bits_keeps_its_tones():
    out = square(sixteen_bit(page("2"), 0, 65535), "photo", 64)
    assert distance(out, square(page("2"), "photo", 64)) < 0.01


def test_glyphs_of_other_shapes_and_sizes_fit_the_square():
    glyph = square(page("R"), "digit", 28)[0]
    assert square_of_glyph(glyph, "digit", 64).shape == (1, 64, 64)
    tall = square_of_glyph(glyph[:, 7:21], "digit", 28)[0]
    assert tall.shape == (28, 28) and distance(tall[:, 7:21], glyph[:, 7:21]) < 0.02
    duo = square_of_glyph(glyph, "duo", 32)
    assert duo[0].any() and not duo[1].any()
    small = square_of_glyph(glyph, "page", 40)[0]
    left, top, right, bottom = ink_box(small)
    assert abs((left + right) / 2 - 20) <= 2 and bottom - top < 26
    assert not square_of_glyph(np.zeros((28, 28), np.uint8), "duo", 32).any()


def test_a_thick_light_bar_on_black_is_ink_and_no_sheet():
    bar = Image.new("L", (300, 300), 0)
    bar.paste(255, (100, 30, 190, 270))
    assert (
        square(bar, "digit", 28).max() == 255
        and ink_of(bar)[150, 145] == 255
        and ink_of(bar)[10, 10] == 0
    )


def test_exif_turns_a_picture_upright(tmp_path):
    upright = page("4", 300, 400, (80, 60, 220, 320))
    exif = Image.Exif()
    exif[0x0112] = 6
    upright.rotate(90, expand=True).save(tmp_path / "turned.jpg", exif=exif)
    assert open_picture(tmp_path / "turned.jpg").size == (300, 400)
    assert (
        distance(
            square(open_picture(tmp_path / "turned.jpg"), "digit", 28), square(upright, "digit", 28)
        )
        < 0.02
    )


def test_pictures_come_from_files_bytes_and_arrays(tmp_path):
    picture = page("2", 120, 90, (40, 20, 80, 70), pen=4)
    picture.save(tmp_path / "two.png")
    from_file = square(open_picture(tmp_path / "two.png"), "digit", 28)
    assert np.array_equal(
        square(open_picture((tmp_path / "two.png").read_bytes()), "digit", 28), from_file
    )
    array = np.asarray(picture)
    for given in (array, array[..., None], np.dstack([array] * 3), picture):
        assert np.array_equal(square(open_picture(given), "digit", 28), from_file)


def test_an_array_that_is_no_picture_is_refused():
    for wrong in (
        np.zeros((4, 4, 7), np.uint8),
        np.zeros(5, np.uint8),
        np.zeros((0, 4), np.uint8),
        np.zeros((4, 4), complex),
    ):
        with pytest.raises(ImageError, match="array"):
            open_picture(wrong)


def test_broken_files_are_named(tmp_path):
    (tmp_path / "text.png").write_text("no picture")
    stream = io.BytesIO()
    page("2").save(stream, "PNG")
    (tmp_path / "cut.png").write_bytes(stream.getvalue()[:400])
    (tmp_path / "empty.jpg").write_bytes(b"")
    for name in ("text.png", "cut.png", "empty.jpg"):
        with pytest.raises(ImageError, match=f"{name} is not a picture that can be read"):
            open_picture(tmp_path / name)
    with pytest.raises(ImageError, match="missing.png does not exist"):
        open_picture(tmp_path / "missing.png")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names on this system")
def test_a_pipe_is_no_picture_and_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(ImageError, match="is a pipe"):
        open_picture(tmp_path / "pipe.png")


def test_a_picture_of_too_many_pixels_is_refused_before_it_is_decoded(tmp_path):
    Image.new("1", (10_000, MOST_PIXELS // 10_000 + 1)).save(tmp_path / "large.png")
    with pytest.raises(
        ImageError,
        match="large.png is too large: 10,000 x 5,001. Allowed: at most 50,000,000 pixels",
    ):
        open_picture(tmp_path / "large.png")
    Image.new("1", (20_000, 10_000)).save(tmp_path / "bomb.png")  # Pillow itself warns of this one
    with pytest.raises(ImageError, match=r"bomb.png is too large|bomb.png is not a picture"):
        open_picture(tmp_path / "bomb.png")


def test_an_unknown_style_is_named_with_the_nearest():
    with pytest.raises(ImageError, match="style 'digits' is not known; did you mean 'digit'"):
        check_style("digits")
    assert check_style("duo") == "duo"


def test_stroke_width_is_measured():
    for width in (1, 2, 3, 6, 12):
        ink = np.zeros((200, 200), np.uint8)
        ink[50:150, 100 : 100 + width] = 255
        assert stroke_width(ink) == pytest.approx(width, rel=0.35)
    assert stroke_width(np.zeros((9, 9), np.uint8)) == 0


def test_ink_box_ignores_faint_specks():
    ink = np.zeros((40, 60), np.uint8)
    ink[10:20, 30:50] = 255
    ink[0, 0] = 20
    assert ink_box(ink) == (30, 10, 50, 20)
    assert ink_box(np.zeros((4, 6), np.uint8)) == (0, 0, 6, 4)


def test_normalise_goes_from_bytes_to_minus_one_to_one():
    torch = pytest.importorskip("torch")
    images = torch.tensor([[[[0, 255], [128, 64]]]], dtype=torch.uint8)
    out = normalise(images)
    assert out.dtype == torch.float32 and out.shape == (1, 1, 2, 2)
    assert out.flatten().tolist() == pytest.approx(
        [-1, 1, 128 / 127.5 - 1, 64 / 127.5 - 1], abs=1e-6
    )
    given = torch.full((1, 1, 2, 2), 255.0)
    normalise(given)
    assert (given == 255).all()


def test_as_picture_shows_dark_ink_on_white():
    shown = np.asarray(as_picture(square(page("2"), "duo", 28)))
    assert shown.shape == (28, 28) and shown[0, 0] == 255 and shown.min() == 0
    assert as_picture(square(page("2"), "photo", 28)).mode == "RGB"


def test_a_real_character_survives_the_camera(real_data):
    with zipfile.ZipFile(real_data / "trainPart1.zip") as archive:
        for name in archive.namelist()[7::400]:
            picture = open_picture(archive.read(name)).convert("L")
            plain = square(picture, "digit", 28)
            assert distance(square(photograph(picture), "digit", 28), plain) < 0.1, name
            assert distance(square(ImageOps.invert(picture), "digit", 28), plain) < 0.01, name
            small = picture.resize((400, 300), Image.Resampling.BOX)
            assert distance(square(small, "digit", 28), plain) < 0.1, name


def test_a_page_and_its_ink_agree():
    picture = page("R")
    assert np.array_equal(
        square_of_page(ink_of(picture), "digit", 28), square(picture, "digit", 28)
    )
