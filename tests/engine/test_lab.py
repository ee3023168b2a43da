"""The one door: what is here, found by name; models scored on any data; models for use elsewhere."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from trained import DIGITS, model_run

from engine.errors import CheckpointError, DataError, GlyphlabError, RecipeError
from engine.lab import Lab
from engine.store.store import CHECKPOINTS

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def lab(tmp_path_factory) -> Lab:
    return Lab(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def model(lab) -> str:
    return model_run(lab).id


def pictures(folder: Path, classes: str, each: int = 3, seed: int = 0) -> Path:
    """A folder <class>/*.png of scribbles."""
    rng = np.random.default_rng(seed)
    for name in classes:
        (folder / name).mkdir(parents=True)
        for number in range(each):
            page = np.full((40, 60), 255, np.uint8)
            top, left = rng.integers(5, 15, 2)
            page[top : top + rng.integers(8, 20), left : left + rng.integers(3, 30)] = 0
            Image.fromarray(page).save(folder / name / f"{number}.png")
    return folder


def test_opening_a_lab_loads_nothing_heavy_and_health_says_so(tmp_path):
    code = """
import sys, json, os
from engine.lab import Lab
lab = Lab.open({"GLYPHLAB_HOME": sys.argv[1]})
lab.runs(), lab.models(), lab.recipes(), lab.datasets(), lab.tasks(), lab.executor
print(json.dumps([lab.health(), sorted({"torch", "sklearn", "scipy", "mlflow", "onnx", "umap"} & set(sys.modules))]))
"""
    said = subprocess.run(
        [sys.executable, "-c", code, tmp_path], cwd=ROOT, capture_output=True, text=True, check=True
    )
    health, heavy = json.loads(said.stdout)
    assert (
        not heavy
        and not health["torch_loaded"]
        and health["running"] == health["queued"] == 0
        and health["version"]
    )


def test_recipes_are_shipped_or_kept_in_the_lab(lab, tmp_path):
    names = [recipe.name for recipe in lab.recipes()]
    assert {"quick", "mnist-convnet", "characters-convnet"} <= set(names)
    mine = lab.recipe("quick", {"epochs": 7, "name": "mine"})
    path = lab.save_recipe(mine)
    assert (
        lab.recipe("mine") == mine == lab.recipe(path)
        and next(recipe for recipe in lab.recipes() if recipe.saved).epochs == 7
    )
    with pytest.raises(RecipeError, match="comes with the lab"):
        lab.save_recipe(lab.recipe("quick"))
    with pytest.raises(RecipeError, match="can't have that name"):
        lab.save_recipe(lab.recipe("quick", {"name": "../x"}))
    with pytest.raises(RecipeError, match="did you mean 'quick'"):
        lab.recipe("quikc")
    with pytest.raises(RecipeError, match="can't be read"):
        lab.recipe(tmp_path / "none.yaml")


def test_data_sets_at_hand_come_first(lab, tmp_path):
    own = Lab(tmp_path)
    pictures(tmp_path / "uploads" / "signs", "ab")
    found = {data.name: data for data in own.datasets()}
    assert found["digits"].here and found["signs"].here and not found["nature"].here
    here = [data.here for data in own.datasets()]
    assert here == sorted(here, reverse=True)
    assert len(own.dataset("signs", style="digit", size=20)) == 6 and own.dataset(
        "digits", size=20
    ).images.shape[1:] == (1, 20, 20)


def test_a_recipe_for_data_or_weights_that_are_not_there_leaves_no_run(lab):
    before = len(lab.runs())
    with pytest.raises(DataError, match="data set 'digitz' is not known; did you mean 'digits'"):
        lab.submit(lab.recipe("quick", {"data.name": "digits+digitz"}))
    with pytest.raises(CheckpointError, match="model 'nobody' is not known"):
        lab.train(lab.recipe("quick", {"init_from": "nobody"}))
    assert len(lab.runs()) == before


def test_a_model_is_found_by_run_folder_recipe_or_name(lab, model):
    run = lab.run(model)
    for name in (model, run.path, run.best, str(run.path), "quick"):
        assert lab.model_folder(name) == run.best
    shipped = [
        entry.name for entry in CHECKPOINTS.glob("*") if (entry / "checkpoint.json").exists()
    ]
    assert [entry.name for entry in lab.models() if entry.where == "shipped"] == sorted(shipped)
    for name in shipped:
        assert lab.model_folder(name) == CHECKPOINTS / name
    info = next(entry for entry in lab.models() if entry.name == model)
    assert (info.accuracy, info.classes, info.style, info.size, info.network, info.where) == (
        0.5,
        10,
        "digit",
        28,
        "convnet",
        "run",
    )
    assert info.parameters > 1000 and info.size_bytes > 4 * info.parameters
    with pytest.raises(CheckpointError, match=f"did you mean '{model}'"):
        lab.model_folder(model[:-1] + "0")
    with pytest.raises(CheckpointError, match="holds no complete checkpoint"):
        lab.model_folder(run.path.parent)


def test_a_loaded_model_is_kept_until_its_checkpoint_changes(lab, model):
    first = lab.predictor(model)
    assert lab.predictor(model) is first
    meta = lab.run(model).best / "checkpoint.json"
    meta.write_text(meta.read_text().replace('"temperature": 0.5', '"temperature": 0.25'))
    assert lab.predictor(model) is not first and lab.predictor(model).checkpoint.temperature == 0.25


def test_a_model_is_scored_as_a_slow_count_says(lab, model):
    said = lab.evaluate(model, "digits")
    data = lab.dataset("digits", style="digit", size=28)
    index = data.split("test")
    probabilities = lab.predictor(model).squares(data.images[index])
    truth = [data.classes[label] for label in data.labels[index]]
    ranked = [[DIGITS[k] for k in np.argsort(-row)] for row in probabilities]
    assert said["n"] == len(index) and said["split"] == "test" and said["notes"] == []
    assert said["accuracy"] == pytest.approx(
        sum(row[0] == true for row, true in zip(ranked, truth, strict=True)) / len(truth)
    )
    assert said["top3"] == pytest.approx(
        sum(true in row[:3] for row, true in zip(ranked, truth, strict=True)) / len(truth)
    )
    assert sum(row["n"] for row in said["per_class"]) == said["n"] == np.sum(said["confusion"])
    assert said["interval"][0] <= said["accuracy"] <= said["interval"][1]
    assert lab.evaluate(model, "digits", "val")["n"] == len(
        lab.run(model).recipe() and data.split("val")
    )
    with pytest.raises(DataError, match="no split 'tset'. Allowed: one of"):
        lab.evaluate(model, "digits", "tset")


def test_a_path_is_scored_whole_and_only_in_the_classes_that_both_know(lab, model, tmp_path):
    folder = pictures(tmp_path / "some", "37xy")
    said = lab.evaluate(model, str(folder))
    assert said["n"] == 6 and said["split"] == "all" and said["unscored"] == {"x": 3, "y": 3}
    assert (
        "2 classes that the model does not know" in said["notes"][0]
        and "8 classes" in said["notes"][1]
    )
    assert [row["class"] for row in said["per_class"]] == ["3", "7"]
    with pytest.raises(DataError, match="no class that model .* knows"):
        lab.evaluate(model, str(pictures(tmp_path / "others", "xy")))


def test_a_zip_with_a_broken_picture_is_scored_without_it(lab, model, tmp_path):
    folder = pictures(tmp_path / "set", "0123456789", each=2)
    (folder / "3" / "0.png").write_bytes(b"no picture")
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as file:
        for path in sorted(folder.rglob("*.png")):
            file.write(path, path.relative_to(folder.parent))
    said = lab.evaluate(model, str(tmp_path / "set.zip"))
    assert (
        said["n"] == 19
        and len(said["skipped"]) == 1
        and said["skipped"][0]["name"].endswith("3/0.png")
    )


def test_capitals_and_small_letters_are_also_counted_as_one(lab, tmp_path):
    letters = model_run(lab, classes=("A", "a", "b"), seed=3).id
    folder = pictures(tmp_path / "letters", "Aab", each=6)
    said = lab.evaluate(letters, str(folder))
    assert said["accuracy"] <= said["accuracy_ignoring_case"]
    matrix = np.array(said["confusion"])
    assert said["accuracy_ignoring_case"] == pytest.approx(
        (matrix[:2, :2].sum() + matrix[2, 2]) / matrix.sum()
    )


def test_an_exported_model_says_what_the_original_says(lab, model, tmp_path):
    import onnx
    from onnx.reference import ReferenceEvaluator

    file = lab.export_onnx(model, tmp_path / "model.onnx")
    exported = onnx.load(file)
    onnx.checker.check_model(exported)
    told = {entry.key: entry.value for entry in exported.metadata_props}
    assert (
        json.loads(told["classes"]) == list(DIGITS)
        and told["style"] == "digit"
        and told["size"] == "28"
    )
    squares = lab.dataset("digits", style="digit", size=28).images[:5]
    probabilities, embeddings = lab.predictor(model).run(squares)
    for n in (1, 5):
        answer = ReferenceEvaluator(exported).run(
            ["probabilities", "embeddings"], {"images": squares[:n]}
        )
        np.testing.assert_allclose(answer[0], probabilities[:n], atol=1e-5)
        np.testing.assert_allclose(answer[1], embeddings[:n], atol=1e-5)
    assert sorted(tmp_path.iterdir()) == [file]
    with pytest.raises(GlyphlabError, match="no folder"):
        lab.export_onnx(model, tmp_path / "nowhere" / "model.onnx")


def test_an_exported_model_looks_twice_where_the_original_does(lab, tmp_path):
    from onnxruntime import InferenceSession

    session = InferenceSession(str(lab.export_onnx("canvas-characters", tmp_path / "model.onnx")))
    squares = lab.dataset("digits", style="duo", size=48).images[:2]
    predictor = lab.predictor("canvas-characters")
    assert predictor.model.degrees == 8
    for n in (1, 2):
        np.testing.assert_allclose(
            session.run(["probabilities"], {"images": squares[:n]})[0],
            predictor.squares(squares[:n]),
            atol=1e-5,
        )
