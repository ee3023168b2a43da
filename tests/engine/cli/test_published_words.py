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
    assert "to beat: 92.74%, study C, ResNet18 at 600 px" in line(listed, "characters-best")
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
    # Recorded over seeds, whose mean may change; the difference of the figures as they are shown.
    ours = float(f"{100 * step['ours'].value:.2f}")
    chance = f"~ {ours - 99.15:+.2f}"
    low, high = (f"{100 * end:.2f}%" for end in step["ours"].interval)
    assert f"{low} to {high} over " in one and "10,000 images" in one
    assert "99.15%; its epoch: last" in one and one.count("its epoch: last") == 2
    assert step["may_be_chance"] and chance in one
    small = study.show(study.run(lab, type("Asked", (), {"experiment": "nature-cnn5"})(), None))
    assert "% on hymenoptera (" in small, "the small form takes other data"
    assert chance in line(study.show(rows), "mnist-tiny-step1"), "within chance, said as that"


def test_the_accuracy_of_a_model_that_learned_from_all_is_said_to_be_of_others(lab):
    found = next(model for model in lab.models() if model.name == "characters-best")
    assert found.tested_on == (
        "5 × 372 held-out images, mean of 5 models of its recipe, this one not among them"
    )
    assert "mean of 5 models" in line(load("models").show([plain(found)]), "characters-best")


def test_the_studies_list_says_what_was_published_in_words_and_which_epoch_each_of_ours_keeps(lab):
    study = load("study")
    rows = study.run(lab, type("Asked", (), {"experiment": None})(), None)
    for row in rows:
        assert ("in words" in line(study.show(rows), row["name"])) is (row["compared_with"] is None)
    assert "in words: the study gives no figure" in study.LEGEND
    by_validation = {row["name"] for row in rows if row["our_epoch"] == "best by validation"}
    named = {"characters-resnet18-progressive", "digits-resnet18"}
    assert by_validation == named | {row["name"] for row in rows if row["study"] in "ABE"}
    assert "studies A, B and E" in study.LEGEND and all(name in study.LEGEND for name in named)
    args = type("Asked", (), {"experiment": "mnist-zfnet-scratch"})()
    assert "no figure; in words only: both do" in study.show(study.run(lab, args, None))
