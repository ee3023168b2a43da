"""A home that version 0.1.0 wrote still opens: its runs, models, cache, maps, diagnosis, symbols.

`home-0.1.0.zip` was made by that version's own code: two uploaded data sets, a saved recipe, a
finished and a stopped run, an embedding with its map, a quick diagnosis with one decision, a taught
symbol and three drawings.
"""

from __future__ import annotations

import zipfile
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from waiting import wait_until

from engine.embedding.projection import Options
from engine.errors import RunError
from engine.lab import Lab

FINISHED, STOPPED = "6b8ykj", "c7kupb"


@pytest.fixture
def lab(tmp_path) -> Lab:
    with zipfile.ZipFile(Path(__file__).with_name("home-0.1.0.zip")) as archive:
        archive.extractall(tmp_path / "home")
    return Lab(tmp_path / "home")


def test_its_runs_are_listed_with_their_figures_and_their_models_predict(lab):
    assert {run.id: run.state for run in lab.runs()} == {FINISHED: "finished", STOPPED: "stopped"}
    run = lab.run(FINISHED)
    assert run.recipe().data.name == "mine" and run.final()["val_accuracy"] == 0.25
    assert [row["epoch"] for row in run.metrics() if row.get("kind") == "epoch"] == [1, 2]
    assert {FINISHED, STOPPED} <= {model.name for model in lab.models()}
    square = lab.dataset("mine", size=16).images[:1]
    probabilities = lab.predictor(FINISHED).squares(square)
    assert probabilities.shape == (1, 3) and probabilities.sum() == pytest.approx(1, abs=1e-5)


def test_its_stopped_run_goes_on_from_its_checkpoint(lab):
    lab.resume(STOPPED)
    try:
        wait_until(lambda: lab.run(STOPPED).info().epoch >= 3)
    finally:
        with suppress(RunError):  # it may have ended by itself
            lab.stop(STOPPED)
    wait_until(lambda: not lab.run(STOPPED).alive)
    rows = [row for row in lab.run(STOPPED).metrics() if row.get("kind") == "epoch"]
    assert [row["epoch"] for row in rows][:3] == [1, 2, 3]
    assert lab.run(STOPPED).info().resumed == 1


def test_its_data_decode_to_the_images_that_it_cached(lab):
    caches = [np.load(file) for file in (lab.home / "cache").glob("*/images.npy")]
    data = lab.dataset("mine", size=16)
    assert len(data) == 42 and data.classes == ("0", "1", "2")
    assert data.fingerprint == lab.run(FINISHED).status()["fingerprint"]
    assert any(np.array_equal(data.images, images) for images in caches)


def test_its_embedding_its_map_and_its_diagnosis_are_found_again(lab):
    space = lab.spaces.find(FINISHED, "mine", "train")
    assert space is not None and space.find_map(Options("pca")) is not None
    found = lab.noise.find("more", "all", "quick")
    assert found is not None and found.document["n"] == 60
    assert "diagnose again" in found.document["headline"]  # another method decides today
    decisions = lab.noise.review(found).decisions()
    assert {position: decision.label for position, decision in decisions.items()} == {3: 2}


def test_its_recipe_its_symbols_and_its_drawings_are_there(lab):
    assert lab.recipe("mine-quick").title == "Mine"
    assert [(symbol.name, len(symbol.examples)) for symbol in lab.taught.symbols()] == [("β", 3)]
    assert lab.drawings.counts() == {"1": 2, "ü": 1}
