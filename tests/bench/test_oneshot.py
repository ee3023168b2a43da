"""An embedding is judged on alphabets that it was not trained on, or not at all."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from bench.oneshot import judged
from engine.errors import DataError


def lab_store(evaluation: bool, **data: Any) -> Any:
    """What `judged` asks of a store: whether the evaluation set is there, and a model's recipe."""

    def dataset(spec: Any) -> None:
        if not evaluation:
            raise DataError("not here")

    return SimpleNamespace(dataset=dataset, model_meta=lambda name: {"recipe": {"data": data}})


def test_only_alphabets_that_no_training_saw_are_judged() -> None:
    mixed = "omniglot+emnist62"
    assert judged(lab_store(True, name=mixed), "m") == ("omniglot-evaluation", None)
    assert judged(lab_store(False, name="mnist"), "m") == ("omniglot", None)
    without = ("Greek *", "Japanese (katakana) *")
    assert judged(lab_store(False, name=mixed, without=without), "m") == (
        "omniglot",
        {"Greek", "Japanese (katakana)"},
    )
    with pytest.raises(DataError, match="was trained on all alphabets.*--model"):
        judged(lab_store(False, name=mixed), "m")
