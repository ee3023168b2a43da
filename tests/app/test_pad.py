"""The pad's value, as a program may send it."""

from __future__ import annotations

import pytest

from app.canvas_tabs.drawing import drawing_of, kept, model_of
from engine.errors import ImageError


@pytest.mark.parametrize(
    "value", ["null", " ", "[1]", "{", '"x"', "[" * 5000, '{"picture": 5}', '{"picture": "data:,"}']
)
def test_a_value_that_is_no_drawing_is_refused_in_words(value):
    with pytest.raises(ImageError, match="can't be read"):
        drawing_of(value)


def test_the_chosen_model_is_known_of_an_empty_pad_and_of_one_whose_drawing_was_kept():
    empty = '{"picture": "", "model": "canvas-digits", "strokes": 0}'
    assert model_of(empty) == model_of(kept(empty)) == "canvas-digits"
    assert not model_of(None) and not model_of("")
    with pytest.raises(ImageError, match="nothing is drawn"):
        drawing_of(kept('{"picture": "data:image/png;base64,AAAA", "model": "m", "strokes": 2}'))
