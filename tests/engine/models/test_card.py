"""The cards of the models that come with the lab."""

from __future__ import annotations

from engine.models.card import model_card
from engine.models.metadata import read_meta
from engine.store.store import CHECKPOINTS


def test_the_card_of_a_model_of_all_images_names_no_share_that_was_held_out_from_it() -> None:
    """What was measured is other models of its recipe, each with images held out."""
    folder = CHECKPOINTS / "characters-best"
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert card == model_card(read_meta(folder))
    assert "Nothing is chosen on held-out images" in card and "held-out 15%" not in card
    assert "learned from every image: none was held out to measure it. 5 other models" in card
