"""Invented characters: the same on every machine, alike within a class and different between."""

from __future__ import annotations

import numpy as np

from engine.data.invented import SIDE, drawn, family, list_invented
from engine.imaging.ink import ink_box
from engine.recognition.shape_similarity import form_vectors


def test_two_drawings_of_a_character_are_more_alike_than_those_of_two():
    rng = np.random.default_rng(1)
    characters = [family(rng)[0] for _ in range(40)]
    glyphs = np.stack([drawn(one, rng) for one in characters for _ in range(2)])
    for glyph in glyphs:  # as MNIST's stand
        left, top, right, bottom = ink_box(glyph)
        assert glyph.shape == (SIDE, SIDE) and 32 <= max(right - left, bottom - top) <= 37
    form = form_vectors(glyphs)
    nearest = (form[::2] @ form[1::2].T).argmax(1)
    assert np.mean(nearest == np.arange(40)) > 0.6  # by chance 0.025


def test_relatives_share_strokes_and_differ():
    rng = np.random.default_rng(2)
    for _ in range(30):
        first, *others = family(rng)
        for other in others:
            same = [any(mine is theirs for theirs in other) for mine in first]
            assert len(other) != len(first) or not all(same)


def test_what_is_listed_is_known_before_anything_is_drawn():
    listing = list_invented()
    assert len(listing) == len(listing.files) == 20 * len(listing.classes) == 40_000
    assert listing.content == list_invented().content and listing.classes[0] == "invented 0001"
