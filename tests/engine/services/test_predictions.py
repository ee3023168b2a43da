"""Looking inside a model: answers, filters, guided saliency."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from weblab import add_run, open_page, texts

from engine.explain.guided_backprop import as_pictures, filters, guided_saliency
from engine.lab import Lab
from engine.models.catalog import build_model
from engine.models.checkpoint import load_checkpoint, save_checkpoint
from engine.models.predictor import Predictor
from engine.progress import no_progress
from engine.recipes.recipe import make_recipe
from engine.services.predictions import MOST_OF_CELL, confused_images, held_out_predictions


@pytest.fixture
def lab(tmp_path, monkeypatch):
    monkeypatch.setenv("GLYPHLAB_HOME", str(tmp_path))
    return Lab(tmp_path)


def photographs(folder, classes=("ant", "bee"), each=8) -> None:
    rng = np.random.default_rng(0)
    for split in ("train", "val"):
        for name in classes:
            (folder / split / name).mkdir(parents=True)
            for number in range(each):
                pixels = rng.integers(0, 256, (40, 50 + number, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(folder / split / name / f"{number}.png")


def photo_model(folder, activation: str = "ReLU") -> Predictor:
    """A cnn5 with random weights for 36 px photographs of ants and bees."""
    options = {"num_filters": 4, "activation": activation}
    recipe = make_recipe(
        {
            "name": "p",
            "data": {"name": "photos", "style": "photo", "size": 40},
            "model": {"name": "cnn5", "options": options},
        }
    )
    torch.manual_seed(0)
    model = build_model("cnn5", options, 3, 2, 36)
    save_checkpoint(
        folder, model.state_dict(), recipe, ("ant", "bee"), {}, style="photo", input_size=36
    )
    return Predictor(load_checkpoint(folder))


def test_answers_come_from_the_images_held_out_and_the_wrong_ones_are_the_surest_first(
    lab, tmp_path
):
    run = add_run(lab)
    found = held_out_predictions(lab.store, run.id, "all", count=20)
    assert found.images.shape == (20, 1, 28, 28)
    assert found.data == "digits"
    assert held_out_predictions(lab.store, run.id, "all", 20, seed=1).files != found.files
    wrong = held_out_predictions(lab.store, run.id, "wrong", count=20)
    assert not wrong.right.any()
    assert (np.diff(wrong.confidence) <= 0).all()
    assert held_out_predictions(lab.store, run.id, "right", count=500).right.all()


def test_recorded_answers_are_shown_as_they_were_given(lab):
    run = add_run(lab)
    index, labels = np.arange(30), np.asarray(lab.dataset("digits").labels[:30])
    probabilities = np.full((30, 10), 0.01)
    probabilities[np.arange(30), labels] = 0.91
    np.savez(
        run.path / "predictions.npz",
        index=index,
        labels=labels,
        probabilities=probabilities.astype(np.float16),
    )
    found = held_out_predictions(lab.store, run.id, count=50)
    assert (found.of, len(found.labels)) == (30, 30)
    assert found.right.all()
    assert not len(held_out_predictions(lab.store, run.id, "wrong").labels)


def test_the_images_of_each_confusion_are_those_that_the_run_recorded(lab):
    run, data = add_run(lab), lab.dataset("digits")
    assert (
        confused_images(lab.store, run.id) is None
    )  # nothing recorded, and nothing may be computed
    index = np.flatnonzero(data.labels == 7)[: MOST_OF_CELL + 5]
    probabilities = np.full((len(index), 10), 0.01)
    probabilities[:, 1] = np.linspace(0.5, 0.9, len(index))
    probabilities[0, 7] = 0.95  # the only one that is right
    labels = np.full(len(index), 7)
    np.savez(run.path / "predictions.npz", index=index, labels=labels, probabilities=probabilities)
    found = confused_images(lab.store, run.id)
    assert (found["data"], found["n"]) == ("digits", len(index))
    surest_first = [str(data.files[i]) for i in index[:0:-1]]
    assert [row[0] for row in found["images"]] == surest_first[:MOST_OF_CELL]
    assert {(true, read) for _, true, read, _ in found["images"]} == {("7", "1")}
    assert found["images"][0][3] == 0.9


def test_a_model_without_recorded_answers_predicts_all_held_out_images(lab):
    run = add_run(lab)
    data = lab.dataset(run.recipe().data)
    index = data.split("test")
    found = confused_images(lab.store, run.id, no_progress)
    assert (found["split"], found["n"]) == ("test", len(index))
    predicted = lab.predictor(run.id).squares(data.images[index]).argmax(1)
    names = {
        str(data.files[i]): (str(data.labels[i]), str(p))
        for i, p in zip(index, predicted, strict=True)
    }
    wrong = {name for name, (true, read) in names.items() if true != read}
    assert wrong and {row[0] for row in found["images"]} <= wrong
    assert all(names[name] == (true, read) for name, true, read, _ in found["images"])


def test_photographs_are_answered_in_colour(lab, tmp_path):
    photographs(tmp_path / "uploads" / "photos")
    photo_model(tmp_path / "model")
    found = held_out_predictions(lab.store, str(tmp_path / "model"), count=5)
    assert found.images.shape == (5, 3, 40, 40)
    assert found.split == "test"
    assert set(found.classes) == {"ant", "bee"}


def test_filters_are_the_first_kernels_stretched_to_full_contrast(tmp_path):
    kernels = filters(photo_model(tmp_path / "model"))
    assert kernels.shape == (4, 3, 3, 3)
    assert (kernels.min((1, 2, 3)) == 0).all() and (kernels.max((1, 2, 3)) == 255).all()


@pytest.mark.parametrize("activation", ["ReLU", "LeakyReLU", "GELU", "SiLU"])
def test_guided_saliency_is_in_range_and_leaves_the_model_as_it_was(tmp_path, activation):
    predictor = photo_model(tmp_path / "model", activation)
    squares = np.random.default_rng(0).integers(0, 256, (3, 3, 40, 40), dtype=np.uint8)
    before = predictor.squares(squares)
    found = guided_saliency(predictor, squares, np.array([0, 1, 1]))
    assert found.shape == squares.shape
    assert np.abs(found).max((1, 2, 3)) == pytest.approx(1)
    assert (predictor.squares(squares) == before).all()
    assert as_pictures(found).dtype == np.uint8


def test_guided_saliency_is_the_gradient_of_a_slow_obvious_loop_without_what_speaks_against(
    tmp_path,
):
    predictor = photo_model(tmp_path / "model")
    square = np.random.default_rng(1).integers(0, 256, (1, 3, 36, 36), dtype=np.uint8)
    model = predictor.model
    x = torch.from_numpy(square).float() / 127.5 - 1
    inputs, kept = [], []
    with torch.no_grad():
        for group in model.body:
            for layer in group:
                inputs.append(x)
                kept.append(layer)
                x = layer(x)
        gradient = model.head[1].weight[1].reshape(x.shape[1:])[None]
    for layer, given in zip(reversed(kept), reversed(inputs), strict=True):
        given = given.clone().requires_grad_(True)
        gradient = torch.autograd.grad(layer(given), given, gradient)[0]
        if isinstance(layer, torch.nn.ReLU):
            gradient = gradient.clamp(min=0)
    expected = gradient.numpy() / np.abs(gradient.numpy()).max()
    np.testing.assert_allclose(
        guided_saliency(predictor, square, np.array([1])), expected, atol=1e-4
    )


def test_the_models_page_looks_inside_when_it_is_asked_to(lab):
    run = add_run(lab)
    page = open_page("models", model=run.id)
    page.toggle(key=f"inside-{run.id}").set_value(True).run()
    assert not page.exception
    assert "Saliency maps" in texts(page)
    assert "First layer:** 16 filters of 3 × 3 pixels" in texts(page)
    page.segmented_control(key=f"inside-which-{run.id}").set_value("wrong").run()
    assert not page.exception
    assert "most confident" in texts(page)
