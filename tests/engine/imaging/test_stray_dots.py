"""Dots that a pen left by a touch, and dots that belong to the character."""

from __future__ import annotations

import numpy as np
import pytest
from hands import drawn
from PIL import Image, ImageDraw

from engine.imaging import images
from engine.imaging.stray_dots import without_stray_dots


def ink_with(
    *shapes: tuple[str, tuple[int, int, int, int]], size: tuple[int, int] = (400, 300)
) -> np.ndarray:
    page = Image.new("L", size)
    pen = ImageDraw.Draw(page)
    for kind, box in shapes:
        if kind == "bar":
            pen.rectangle(box, fill=255)
        else:
            pen.ellipse(box, fill=255 if kind == "dot" else None, outline=255, width=20)
    return np.asarray(page)


def test_a_dot_off_any_corner_is_left_out_and_nothing_else_changes():
    ring = ("ring", (150, 100, 240, 210))
    alone = ink_with(ring)
    for x, y in ((300, 20), (60, 20), (300, 260), (60, 260)):
        dotted = ink_with(ring, ("dot", (x, y, x + 22, y + 22)))
        assert np.array_equal(without_stray_dots(dotted), alone)
    both = ink_with(ring, ("dot", (300, 20, 322, 42)), ("dot", (60, 260, 82, 282)))
    assert np.array_equal(without_stray_dots(both), alone)


@pytest.mark.parametrize("symbol", ["i", "7", "=", "#"])
def test_a_drawing_without_one_is_the_same_array(symbol):
    ink = drawn(symbol)
    assert without_stray_dots(ink) is ink


@pytest.mark.parametrize(
    "shapes",
    [
        [],
        [("dot", (190, 140, 212, 162))],
        [("bar", (190, 100, 212, 220)), ("dot", (200, 50, 222, 72))],  # i
        [
            ("ring", (150, 100, 240, 210)),
            ("dot", (160, 55, 182, 77)),
            ("dot", (205, 55, 227, 77)),
        ],  # ö
        [
            ("bar", (120, 140, 280, 160)),
            ("dot", (189, 90, 211, 112)),
            ("dot", (189, 190, 211, 212)),
        ],  # a division sign
        [
            ("bar", (120, 140, 220, 160)),
            ("dot", (260, 139, 282, 161)),
        ],  # a dash and a point on one line
        [
            ("dot", (100, 100, 122, 122)),
            ("dot", (200, 200, 222, 222)),
        ],  # which of the two would be the stray one?
        [("ring", (150, 100, 240, 210)), ("bar", (260, 30, 340, 50))],  # a stroke is no touch
        [("ring", (150, 100, 240, 210)), ("dot", (245, 195, 267, 217))],  # a full stop
    ],
)
def test_dots_that_belong_to_what_is_drawn_are_kept(shapes):
    ink = ink_with(*shapes)
    assert without_stray_dots(ink) is ink


def test_a_model_sees_the_drawing_as_if_the_pen_had_not_touched():
    clean = Image.fromarray(255 - drawn("o", seed=3))
    touched = clean.copy()
    ImageDraw.Draw(touched).ellipse((400, 15, 424, 39), fill=0)
    for style in ("digit", "page", "duo"):
        assert np.array_equal(images.square(touched, style, 48), images.square(clean, style, 48))
    assert (
        images.Page(touched).ink[27, 412] == 255
    )  # what is read as a line of writing keeps all of it
