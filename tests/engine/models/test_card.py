"""The cards of the models that come with the lab."""

from __future__ import annotations

from typing import Any

from engine.models.card import is_calibrated, model_card
from engine.models.citation import of_model
from engine.models.metadata import read_meta
from engine.recipes.recipe import shipped_recipe
from engine.store.store import CHECKPOINTS


def test_the_card_of_a_model_of_all_images_names_no_share_that_was_held_out_from_it() -> None:
    """What was measured is other models of its recipe, each with images held out."""
    folder = CHECKPOINTS / "characters-best"
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert card == model_card(read_meta(folder))
    assert "Nothing is chosen on held-out images" in card and "held-out 15%" not in card
    assert "learned from every image: none was held out to measure it. 5 other models" in card


def test_a_card_says_by_which_labels_a_validation_accuracy_is_where_the_given_ones_are_wrong() -> (
    None
):
    folder = CHECKPOINTS / "task3-recovered"
    card, meta = (folder / "README.md").read_text(encoding="utf-8"), read_meta(folder)
    assert card == model_card(meta)
    assert (
        "| validation accuracy, by the classes that the training itself found likely | 99.33%"
        in card
    )
    plain = {**meta["recipe"], "method": "supervised"}
    assert "| validation accuracy | 99.33%" in model_card({**meta, "recipe": plain})
    single = {**meta["recipe"], "stages": []}
    assert "| validation accuracy, by the given labels |" in model_card({**meta, "recipe": single})


def test_a_citation_names_what_was_changed_in_a_recipe_and_mended_labels() -> None:
    meta = read_meta(CHECKPOINTS / "mnist-convnet")
    recipe = shipped_recipe("quick").model_dump(mode="json")

    def cited(data: dict[str, Any] | None = None, **fields: Any) -> str:
        changed = {**recipe, **fields, "data": {**recipe["data"], **(data or {})}}
        return of_model({**meta, "recipe": changed}, "run", "")

    assert "recipe quick; seed 0; settings hash" in cited()
    other = cited(loss="triplet", samples_per_class=8, seed=3)
    assert "recipe quick, changed: loss triplet instead of cross\\_entropy; samples" in other
    assert "seed 3" in other
    mended = cited(data={"labels": "mended", "journal": [8]})
    assert "data digits, mended labels (journal entry 8)" in mended and "changed" not in mended


def test_what_was_followed_through_the_epochs_is_not_said_to_be_another_sets_test() -> None:
    meta = read_meta(CHECKPOINTS / "mnist-tiny-best")
    whole, last = model_card(meta), "| test accuracy, mean of the last five epochs |"
    assert whole == (CHECKPOINTS / "mnist-tiny-best" / "README.md").read_text(encoding="utf-8")
    assert last in whole and "followed through the epochs" in whole
    data = {**meta["recipe"]["data"], "test_on": "emnist62"}
    other = model_card({**meta, "recipe": {**meta["recipe"], "data": data}})
    assert "| accuracy on the test images of mnist, mean of the last five epochs |" in other
    assert "followed through" not in other and "read once, after training" in other
    short = model_card({**meta, "metrics": {**meta["metrics"], "epochs": 2}})
    assert "mean of its 2 epochs" in short and last not in short


def test_probabilities_are_called_calibrated_where_their_temperature_was_fitted() -> None:
    fitted = {
        name: is_calibrated(read_meta(CHECKPOINTS / name))
        for name in ("mnist-best", "mnist-convnet")
    }
    assert fitted == {"mnist-best": False, "mnist-convnet": True}
