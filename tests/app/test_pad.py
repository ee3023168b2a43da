"""The pad's value, as a program may send it."""

from __future__ import annotations

import pytest

from app.canvas_tabs.drawing import drawing_of
from engine.errors import ImageError


@pytest.mark.parametrize(
    "value", ["null", " ", "[1]", "{", '"x"', "[" * 5000, '{"picture": 5}', '{"picture": "data:,"}']
)
def test_a_value_that_is_no_drawing_is_refused_in_words(value):
    with pytest.raises(ImageError, match="can't be read"):
        drawing_of(value)
