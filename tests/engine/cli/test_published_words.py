"""Lists say what each published figure is: a study's own, at its end or its best, or one to beat."""

from __future__ import annotations

import pytest

from engine.cli import load
from engine.files.atomic import plain
from engine.lab import Lab


@pytest.fixture(scope="module")
def lab(tmp_path_factory) -> Lab:
    return Lab(tmp_path_factory.mktemp("home"))


def line(text: str, name: str) -> str:
    return next(one for one in text.splitlines() if f" {name} " in f" {one} ")


def test_recipes_of_this_lab_have_a_figure_to_beat_and_none_that_was_published(lab):
    listed = load("recipes").show([plain(recipe) for recipe in lab.recipes()])
    assert "to beat: 92.74%, study C1" in line(listed, "characters-best")
    end = "99.31% accuracy on the test split (99.15% at the end)"
    assert end in line(listed, "mnist-tiny-step1") and "to beat" not in line(
        listed, "mnist-tiny-step1"
    )


def test_the_studies_list_shows_the_figure_that_ours_is_compared_with(lab):
    study = load("study")
    rows = study.run(lab, type("Asked", (), {"experiment": None})(), None)
    step = next(row for row in rows if row["name"] == "mnist-tiny-step1")
    assert step["difference"] == pytest.approx(step["ours"].value - step["published_at_end"])
    assert "99.15%" in line(study.show(rows), "mnist-tiny-step1")
    assert "99.31%" not in line(study.show(rows), "mnist-tiny-step1")
    args = type("Asked", (), {"experiment": "mnist-tiny-step1"})()
    one = study.show(study.run(lab, args, None))
    assert (
        "99.15%; its epoch: last" in one and "~ -0.05" in one and one.count("its epoch: last") == 2
    )
    small = study.show(study.run(lab, type("Asked", (), {"experiment": "nature-cnn5"})(), None))
    assert "% on hymenoptera (" in small, "the small form takes other data"
    assert "~ -0.05" in line(study.show(rows), "mnist-tiny-step1"), "within chance, said as that"


def test_the_accuracy_of_a_model_that_learned_from_all_is_said_to_be_of_others(lab):
    found = next(model for model in lab.models() if model.name == "characters-best")
    assert found.tested_on == (
        "5 × 372 held-out images, mean of 5 models of its recipe, this one not among them"
    )
    assert "mean of 5 models" in line(load("models").show([plain(found)]), "characters-best")
