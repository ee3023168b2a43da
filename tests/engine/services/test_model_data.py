"""Data sets as a model sees them: whole, and never with training images among the held-out ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from trained import model_run

from engine.data.choices import Choices
from engine.lab import Lab
from engine.services.evaluation import evaluate
from engine.services.model_data import images_for, training_images

CLASSES = ("0", "1", "2")


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(tmp_path)


def model_of_three(lab: Lab) -> str:
    """A model of three classes that was trained on at most 100 images, a tenth of all held out."""
    changes = {"data.classes": CLASSES, "data.limit": 100, "data.validation": 0.1, "data.seed": 3}
    return model_run(lab, CLASSES, **changes).id


def files_of(data, split: str) -> set[str]:
    return {data.files[i] for i in data.split(split)}


def test_held_out_images_stay_held_out_when_other_classes_are_there_too(lab: Lab) -> None:
    meta = lab.model_meta(model_of_three(lab))
    trained, whole = training_images(lab.store, meta), images_for(lab.store, meta, "digits")
    assert len(trained.split("train")) == 100 and trained.classes == CLASSES
    assert len(whole.classes) == 10 and len(whole) == len(lab.dataset("digits"))
    assert files_of(trained, "val") <= files_of(whole, "val")
    assert files_of(trained, "train") <= files_of(whole, "train")
    assert sum(len(index) for index in whole.splits.values()) == len(whole)
    assert len(np.unique(np.concatenate(list(whole.splits.values())))) == len(whole)


def test_a_model_is_scored_on_all_images_of_its_own_data_set(lab: Lab) -> None:
    """Not on the few that it was limited to; and what it can't know is counted, not passed over."""
    found = evaluate(lab.store, model_of_three(lab), "digits", "all")
    labels = lab.dataset("digits").labels
    assert found["n"] == (labels < 3).sum()
    assert sum(found["unscored"].values()) == (labels >= 3).sum()


def test_a_score_says_how_many_of_its_images_the_model_was_trained_on(lab: Lab) -> None:
    """Of a pool that it was trained on, too: there the part has another name than the recipe's data."""
    for number, test in (("one", 0.0), ("two", 0.2)):
        folder = lab.home / "given" / number
        for at, label in enumerate(CLASSES * 20):
            (folder / label).mkdir(parents=True, exist_ok=True)
            squares = lab.dataset("digits")
            own = np.flatnonzero(squares.labels == int(label))[at + 60 * (number == "two")]
            Image.fromarray(squares.images[own, 0]).save(folder / label / f"{at}.png")
        lab.data.imports.keep_as(str(folder), Choices(test=test))
    pool = model_run(lab, CLASSES, **{"data.name": "one+two", "data.validation": 0.25}).id
    notes = evaluate(lab.store, pool, "one")["notes"]
    assert "one has no test split, so all its images are scored" in notes
    assert "the model was trained on 45 of these 60 images" in notes
    assert not [note for note in evaluate(lab.store, pool, "two")["notes"] if "trained" in note]
    assert not [note for note in evaluate(lab.store, pool, "digits")["notes"] if "trained" in note]
    drawn = {"data.name": "one+two", "data.limit": 30, "data.validation": 0.25}
    limited = model_run(lab, CLASSES, **drawn).id
    notes = evaluate(lab.store, limited, "one")["notes"]
    assert "the model's training images were drawn from 45 of these images" in notes
    # Its test images were held out, however many it drew of the others.
    notes = evaluate(lab.store, limited, "two", "test")["notes"]
    assert not [note for note in notes if "trained" in note or "training" in note]
    single = model_of_three(lab)
    notes = evaluate(lab.store, single, "digits", "all")["notes"]
    assert any(note.startswith("the model was trained on 100 of these ") for note in notes)
