"""The bundled digits are there without sklearn being imported, and look like MNIST's."""

from __future__ import annotations

import subprocess
import sys

import numpy as np

from engine.data.digits import list_digits
from engine.data.listing import TEST
from engine.imaging.images import ink_box


def test_there_are_1797_with_a_stratified_test_split():
    listing = list_digits()
    assert (
        len(listing) == 1797 and listing.classes == tuple("0123456789") and listing.kind == "digit"
    )
    test = np.bincount(listing.labels[listing.official == TEST])
    # The file marks none, and the set does have one: the words must not deny it.
    assert "every fifth" in listing.notes["test"] and "no test split" not in listing.notes["test"]
    assert test.min() >= 34 and test.max() <= 37 and test.sum() == 355


def test_they_are_what_sklearn_loads():
    from sklearn.datasets import load_digits

    given = load_digits()
    listing = list_digits()
    assert np.array_equal(listing.labels, given.target)
    sums = [listing.reader.read(i).sum() for i in range(300)]
    assert np.corrcoef(sums, given.images[:300].sum((1, 2)))[0, 1] > 0.8


def test_they_stand_as_mnists_do():
    listing = list_digits()
    rows, columns = np.mgrid[0:28, 0:28]
    for index in range(0, 1797, 50):
        glyph = listing.reader.read(index)
        left, top, right, bottom = ink_box(glyph)
        assert glyph.shape == (28, 28) and glyph.max() > 200
        assert 19 <= max(right - left, bottom - top) <= 22
        assert abs((glyph * rows.astype(float)).sum() / glyph.sum() - 13.5) < 1
        assert abs((glyph * columns.astype(float)).sum() / glyph.sum() - 13.5) < 1


def test_the_same_ones_are_tested_every_time():
    first, second = list_digits(), list_digits()
    assert first.content == second.content and np.array_equal(first.official, second.official)


def test_sklearn_and_torch_stay_unloaded():
    code = (
        "import sys; from engine.data.digits import list_digits; list_digits().reader.read(0); "
        "assert not {'sklearn', 'scipy', 'torch'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
