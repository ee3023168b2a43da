"""A list that is cut off says how much of it is printed, and where the rest is."""

from __future__ import annotations

import pytest

from engine.cli import compare
from engine.cli.datasets import _report


def common(count: int, models: int = 2) -> dict:
    """A document of models on one set of which `count` images changed; 400 at most are in it."""
    row = {"image": "a", "label": "1", "predicted": ["1", "7"], "change": "became wrong"}
    names = [f"m{n}" for n in range(models)]
    score = {"accuracy": 0.9, "low": 0.8, "high": 1.0, "right": 9}
    return {
        **{
            "n": 10,
            "data": "digits",
            "split": "test",
            "labels": "mended",
            "notes": [],
            "tests": [],
        },
        "models": [{"model": name, **score} for name in names],
        "changed": [row] * min(count, 400),
        "n_changed": count,
    }


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (1, "1 image is assigned different classes:"),
        (40, "40 images are assigned different classes:"),
        (68, "The first 40 of them, those that became right first (--json has all):"),
        (1400, "The first 40 of them, those that became right first (--json has the first 400):"),
    ],
)
def test_images_that_are_not_printed_are_said_to_be_missing(count, said):
    text = compare.show(common(count))
    assert said in text and text.count("became wrong") == min(count, 40)


def test_of_several_models_the_two_whose_predictions_differ_are_named():
    assert "different classes by the first and the last model:" in compare.show(common(3, models=3))
    assert "last model" not in compare.show(common(3))


@pytest.mark.parametrize(("count", "more"), [(50, ""), (53, "… and 3 more that are absent, which")])
def test_absent_files_that_are_not_printed_are_counted(count, more):
    absent = [{"name": f"{n}.png", "reason": "is not there"} for n in range(count)]
    lines = _report({"form": "", "absent": absent, "findings": [], "checked": True})
    assert len(lines) == 50 + bool(more) and more in lines[-1]
