"""Models on one common set of images, by labels as they came and as people mended them; and a recipe
that is trained again on mended labels.
"""

from __future__ import annotations

import argparse

import numpy as np
import pytest
from noisy_labels import corrupted
from trained import model_run

from engine.cli import compare
from engine.compare.statistics import mcnemar
from engine.errors import DataError, RunError
from engine.jobs.again import again_name, on_mended_labels
from engine.lab import Lab
from engine.progress import no_progress
from engine.services.together import score_together
from engine.store.labels import changed_images


@pytest.fixture(scope="module")
def lab(tmp_path_factory) -> Lab:
    lab = Lab(tmp_path_factory.mktemp("home"))
    lab.one, lab.two = model_run(lab, seed=1).id, model_run(lab, seed=2).id
    return lab


def slowly(lab: Lab, model: str) -> dict[str, str]:
    """What a model predicts of each image that its recipe holds out, one by one."""
    data = lab.dataset(lab.recipe("quick").data)
    predictor = lab.predictor(model)
    return {
        str(data.files[int(i)]): predictor.classes[
            int(predictor.squares(data.images[[i]])[0].argmax())
        ]
        for i in data.split("test")[:40]
    }


def test_models_are_scored_on_the_same_images_and_the_changed_ones_are_named(lab):
    found = score_together(lab.store, [lab.one, lab.two], "digits")
    data = lab.dataset(lab.recipe("quick").data)
    assert (found["split"], found["n"]) == ("test", len(data.split("test")))
    one, two = slowly(lab, lab.one), slowly(lab, lab.two)
    given = lab.labels.given("digits")
    changed = {row["image"]: row for row in found["changed"]}
    for name in one:
        if one[name] == two[name]:
            assert name not in changed
            continue
        kind = ("wrong in both", "became wrong", "became right")[
            (one[name] == given[name]) + 2 * (two[name] == given[name])
        ]
        row = changed[name]
        assert (row["predicted"], row["label"], row["change"]) == (
            [one[name], two[name]],
            given[name],
            kind,
        )
    first, second = (np.arange(found["n"]) < row["right"] for row in found["models"])
    test = found["tests"][0]
    assert test["only_first"] - test["only_second"] == first.sum() - second.sum()
    assert test["p"] == pytest.approx(
        mcnemar(
            np.repeat([True, False], [test["only_first"], test["only_second"]]),
            np.repeat([False, True], [test["only_first"], test["only_second"]]),
        ).p
    )


def test_mended_labels_count_unless_the_given_ones_are_asked_for(lab):
    before = score_together(lab.store, [lab.one, lab.two], "digits")
    row = next(row for row in before["changed"] if row["change"] == "wrong in both")
    lab.labels.relabel("digits", [row["image"]], row["predicted"][1], who="ann")
    try:
        after = score_together(lab.store, [lab.one, lab.two], "digits")
        given = score_together(lab.store, [lab.one, lab.two], "digits", labels="given")
    finally:
        lab.labels.undo("digits", who="ann")
    rights = [[one["right"] for one in found["models"]] for found in (before, after, given)]
    assert rights[1] == [rights[0][0], rights[0][1] + 1] and rights[2] == rights[0]
    assert "1 of the labels were changed by people." in after["notes"]


def test_images_that_a_model_was_trained_on_are_left_out_or_said(lab):
    corrupted(lab, "rare", 0.03, count=200)  # digits without a test split
    own = model_run(lab, seed=3, **{"data.name": "noisy"}).id
    found = score_together(lab.store, [lab.one, own], "noisy")
    assert found["split"] == "held out from all"
    held = lab.dataset(lab.recipe("quick", {"data.name": "noisy"}).data).splits
    assert found["n"] == sum(len(index) for name, index in held.items() if name != "train")
    whole = score_together(lab.store, [lab.one, own], "noisy", "all")
    assert whole["n"] == 200 and "was trained on some" in whole["notes"][0]
    # A part of a pool is held out as its whole is; of another part's test split nothing is said.
    pool = model_run(lab, seed=3, **{"data.name": "noisy+digits"}).id
    found = score_together(lab.store, [lab.one, pool], "noisy")
    assert found["split"] == "held out from all" and found["n"] < 200
    assert (
        "was trained on some" in score_together(lab.store, [own, pool], "noisy", "all")["notes"][1]
    )
    assert not any(
        "trained" in note for note in score_together(lab.store, [own, pool], "digits")["notes"]
    )
    with pytest.raises(DataError, match="Needed: two models"):
        score_together(lab.store, [own, own], "digits")
    with pytest.raises(DataError, match="did you mean 'given'"):
        score_together(lab.store, [lab.one, own], "digits", labels="givn")


def test_the_command_prints_accuracies_the_test_and_the_changed_images(lab):
    parser = argparse.ArgumentParser()
    compare.arguments(parser)
    args = parser.parse_args([lab.one, lab.two, "--data", "digits"])
    text = compare.show(compare.run(lab, args, no_progress))
    assert "images of digits, test, mended labels" in text and "ONLY FIRST CORRECT" in text
    assert "are assigned different classes" in text and " → " in text


def test_training_again_takes_the_labels_as_they_are_now_once_they_changed(lab):
    with pytest.raises(RunError, match="no label of digits has changed"):
        on_mended_labels(lab.store, lab.one)
    given = lab.labels.given("digits")
    name, kept = list(given)[:2]
    lab.labels.relabel("digits", [kept], given[kept], who="ann")
    with pytest.raises(RunError, match="no label of digits has changed"):  # one was confirmed
        on_mended_labels(lab.store, lab.one)
    lab.labels.relabel("digits", [name], "7", who="ann")
    assert changed_images(lab.home, "digits", (), lab.labels.given) == 1
    position = lab.labels.decisions("digits").position
    recipe, title = on_mended_labels(lab.store, lab.one)
    assert (recipe.data.labels, recipe.data.journal) == ("mended", (position,))
    assert title == "quick, labels mended" and recipe.init_from is None
    tuned, tuned_title = on_mended_labels(lab.store, lab.one, fine_tune=True)
    assert (tuned.init_from, tuned_title) == (lab.one, "quick, labels mended, fine-tuned")
    again = [tuned_title, "quick, labels mended", "quick, fine-tuned"]
    assert [again_name(name, fine_tune=True) for name in again] == [tuned_title] * 3
    # From scratch a recipe that starts from another run's weights starts from them again.
    assert [again_name(name, fine_tune=False) for name in again] == [
        tuned_title, title, tuned_title,
    ]  # fmt: skip
    mended = lab.dataset(recipe.data)
    place = [str(file) for file in mended.files].index(name)
    assert mended.classes[mended.labels[place]] == "7"
