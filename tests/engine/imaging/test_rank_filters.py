"""The fast filters give what Pillow's do, to the bit."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageFilter

from engine.imaging.rank_filters import largest, median_of_nine, smallest


@pytest.mark.parametrize("shape", [(40, 53), (3, 90), (17, 17)])
def test_they_are_pillows(shape):
    pixels = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    picture = Image.fromarray(pixels)
    for reach in (3, 9, 17):
        if reach > 2 * min(shape):
            continue
        assert np.array_equal(largest(pixels, reach), picture.filter(ImageFilter.MaxFilter(reach)))
        assert np.array_equal(smallest(pixels, reach), picture.filter(ImageFilter.MinFilter(reach)))
    assert np.array_equal(median_of_nine(pixels), picture.filter(ImageFilter.MedianFilter(3)))
