"""Where training drawings stand on their pages, and drawings that stand elsewhere."""

from __future__ import annotations

import numpy as np
import pytest
from hands import drawn
from PIL import Image, ImageDraw

from engine.imaging import images
from engine.imaging.ink import ink_box, stroke_width
from engine.imaging.placement import (
    Placement,
    placement_kept,
    placement_of,
    read_placement,
    settled,
    with_a_known_pen,
)

TYPICAL = Placement((-0.1, 0.0, 0.1), (-0.05, 0.02, 0.08), (0.2, 0.4, 0.55))


def page(left: int, top: int, width: int, height: int, shape=(300, 400)) -> np.ndarray:
    ink = np.zeros(shape, np.uint8)
    ink[top : top + height, left : left + width] = 255
    return ink


def test_a_drawing_where_training_drawings_stand_is_left_alone():
    ink = page(150, 100, 90, 120)
    assert settled(ink, TYPICAL) is ink


def test_a_drawing_elsewhere_keeps_its_size_and_is_put_in_the_middle():
    moved = settled(page(290, 20, 90, 120), TYPICAL)
    assert moved.shape == (400, 400)
    assert ink_box(moved) == (155, 148, 245, 268)  # centre at 0, 0.02 of 400 px from the middle


def test_a_drawing_of_another_size_keeps_its_place_and_gets_the_middle_one():
    left, top, right, bottom = ink_box(settled(page(185, 130, 30, 40), TYPICAL))
    assert max(right - left, bottom - top) == 160 and abs((left + right) / 2 - 200) <= 1
    left, top, right, bottom = ink_box(settled(page(60, 5, 250, 280), TYPICAL))
    assert max(right - left, bottom - top) == 160


def test_the_ranges_are_measured_to_a_fraction_of_a_pixel_and_blank_pages_do_not_count():
    rng = np.random.default_rng(0)
    pages = [
        page(int(x), int(y), 90, 120) for x, y in rng.integers((120, 70), (190, 110), (200, 2))
    ]
    small = np.stack(
        [images.square_of_page(ink, "page", 48)[0] for ink in pages]
        + [np.zeros((48, 48), np.uint8)] * 50
    )
    found = placement_of(small)
    assert (
        found.side[1] == pytest.approx(120 / 400, abs=0.006)
        and found.side[2] - found.side[0] < 0.02
    )
    middles = np.array([np.add(ink_box(ink)[:2], ink_box(ink)[2:]) / 2 for ink in pages])
    expected = np.percentile((middles - (200, 150)) / 400, [5, 50, 95], axis=0).T
    assert np.allclose([found.x, found.y], expected, atol=0.006)


def test_too_few_pages_tell_nothing_and_a_style_without_a_page_has_none():
    few = np.stack([images.square_of_page(page(150, 100, 90, 120), "page", 48)] * 20)
    assert placement_of(few[:, 0]) is None
    many = np.repeat(few, 3, axis=0)
    assert placement_kept(many, np.arange(60), "digit") is None
    kept = placement_kept(many, np.arange(60), "page")
    assert read_placement({name: list(values) for name, values in kept.items()}) == placement_of(
        many[:, 0]
    )
    assert read_placement(None) is None


def test_only_the_page_that_a_model_sees_is_changed():
    ink = np.roll(drawn("7"), (-60, 120), (0, 1))
    plain, put = (
        images.square_of_page(ink, "duo", 48),
        images.square_of_page(ink, "duo", 48, TYPICAL),
    )
    assert np.array_equal(plain[0], put[0]) and not np.array_equal(plain[1], put[1])
    assert np.array_equal(
        images.square_of_page(ink, "digit", 28), images.square_of_page(ink, "digit", 28, TYPICAL)
    )
    there = images.square_of_page(drawn("7"), "duo", 48, TYPICAL)
    assert np.array_equal(there, images.square_of_page(drawn("7"), "duo", 48))


def zigzag(width: int) -> np.ndarray:
    """Ink (300, 400) of a pen `width` pixels wide."""
    sheet = Image.new("L", (400, 300))
    ImageDraw.Draw(sheet).line(
        [(130, 90), (230, 110), (150, 190), (260, 210)], fill=255, width=width, joint="curve"
    )
    return np.asarray(sheet)


def test_a_pen_thinner_than_the_training_drawings_is_widened_and_another_is_left_alone():
    thin, known = zigzag(10), TYPICAL._replace(pen=(0.05, 0.06, 0.08))
    widened = with_a_known_pen(thin, known)
    assert stroke_width(widened) == pytest.approx(
        0.05 * 400, rel=0.15
    )  # slanted strokes grow a little more
    assert (widened >= thin).all()
    assert with_a_known_pen(widened, known._replace(pen=(0.04, 0.06, 0.08))) is widened
    assert with_a_known_pen(thin, TYPICAL) is thin  # a checkpoint from before pens were measured


def test_pens_are_measured_on_the_small_pages_that_a_model_is_trained_on():
    pages = np.stack(
        [images.square_of_page(zigzag(width), "page", 48)[0] for width in (22, 24, 26) * 12]
    )
    assert placement_of(pages).pen[1] == pytest.approx(stroke_width(zigzag(24)) / 400, rel=0.1)
