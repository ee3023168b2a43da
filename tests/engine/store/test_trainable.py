"""What a training is refused for before there is a run."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from engine.data.digits import list_digits
from engine.data.listing import TRAIN, Listing
from engine.errors import DataError
from engine.lab import Lab
from engine.recipes.fields import DataSpec
from engine.store.trainable import check_data


def listing(name: str) -> Listing:
    """The digits; of 'whole' no image is in a test split."""
    digits = list_digits()
    whole = np.full(len(digits), TRAIN, np.int8)
    return digits if name == "digits" else dataclasses.replace(digits, official=whole)


def test_a_share_for_a_test_split_is_refused_where_there_is_one(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    recipe = lab.recipe("quick", {"data.test": 0.3})
    words = (
        r"a share of 0\.3 \(data\.test\) would hold out nothing: digits has a test split of 355 images already\. Set"
        r" data\.test=0"
    )
    for begin in (lab.submit, lab.train):
        with pytest.raises(DataError, match=words):
            begin(recipe)
    assert not lab.runs()
    assert lab.data.why_not_trained(recipe.data).startswith("A share of 0.3 (data.test) would hold")
    assert not lab.data.why_not_trained(DataSpec(name="digits"))


def test_a_share_is_held_out_of_what_has_no_test_split(tmp_path: Path) -> None:
    for name in ("whole", "digits+whole"):
        check_data(DataSpec(name=name, test=0.3), tmp_path, listing)
    with pytest.raises(DataError, match="a test split of 710 images"):
        check_data(DataSpec(name="digits+digits", test=0.3), tmp_path, listing)
