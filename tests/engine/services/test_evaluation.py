"""A model scored on a data set: which classes are meant."""

from __future__ import annotations

import numpy as np
import pytest
from factories import shapes

from engine.errors import DataError
from engine.services.evaluation import match_classes


def test_classes_that_fit_none_of_the_models_are_told_apart_though_their_names_hold_spaces() -> (
    None
):
    images = shapes(30)
    known = ("drei null", "kreis")
    with pytest.raises(
        DataError, match="model own knows: bar, dot, ring. Needed: some of drei null, kreis"
    ):
        match_classes(images, np.arange(30), known, "own")
