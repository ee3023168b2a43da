"""The nature study on photographs made in the test: options, weights from a file, and what is said
without them.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from engine.lab import Lab
from engine.recipes.recipe import parse_changes, shipped_recipe
from engine.settings import read_settings

ROOT = Path(__file__).parents[3]
TINY = {
    "epochs": 1,
    "data.size": 36,
    "augment.crop": 36,
    "size": 32,
    "batch_size": 4,
    "model.name": "resnet18",
}


@pytest.fixture
def photographs(tmp_path) -> Path:
    """Reddish ants and bluish bees, of sizes that vary, one of them grey."""
    rng = np.random.default_rng(0)
    for split, each in (("train", 10), ("val", 4)):
        for name, tint in (("ant", 0), ("bee", 2)):
            folder = tmp_path / "photographs" / split / name
            folder.mkdir(parents=True)
            for number in range(each):
                pixels = rng.integers(0, 128, (40 + number, 60 - number, 3), dtype=np.uint8)
                pixels[..., tint] += 127
                picture = Image.fromarray(pixels)
                (picture.convert("L") if number == 3 else picture).save(folder / f"{number}.jpg")
    return tmp_path / "photographs"


def test_every_published_option_has_a_field_and_an_example_that_works():
    rows = re.findall(
        r"^\| `(\w+)` \| \S+ \| `([\w.]+)` \| `--set (\S+)` \|$",
        (ROOT / "docs" / "nature.md").read_text(encoding="utf-8"),
        re.M,
    )
    published = (
        "epochs batch_size lr num_filters activation dropout batch_norm filter_size filter_org"
        " parent_dir"
    )
    assert [option for option, _, _ in rows] == published.split()
    for _, field, example in rows:
        changes = parse_changes([example])
        assert list(changes) == [field]
        recipe = shipped_recipe("nature-cnn5", changes).model_dump()
        for part in field.split("."):
            recipe = recipe[part]
        assert recipe == changes[field]


def test_the_studys_cnn_trains_on_any_folder_laid_out_like_it(tmp_path, photographs):
    lab = Lab(tmp_path / "home", read_settings({"GLYPHLAB_DEVICE": "cpu"}))
    changes = {
        "data.name": str(photographs),
        "data.size": 36,
        "augment.crop": 36,
        "size": 32,
        "epochs": 2,
        "batch_size": 4,
    }
    run = lab.train(
        lab.recipe(
            "nature-cnn5",
            {**changes, "model.options.num_filters": 4, "model.options.filter_size": 3},
        )
    )
    assert run.info().state == "finished", run.info().error
    final = run.final()
    assert (final["test_n"], final["test_split"]) == (8, "test")
    assert [row["class"] for row in final["per_class"]] == ["ant", "bee"]


def test_a_network_with_outside_weights_trains_its_head_alone_from_a_file(tmp_path, photographs):
    from torchvision.models import resnet18

    torch.manual_seed(0)
    weights = resnet18(weights=None).state_dict()
    torch.save(weights, tmp_path / "weights.pth")
    lab = Lab(tmp_path / "home", read_settings({"GLYPHLAB_DEVICE": "cpu", "GLYPHLAB_OFFLINE": "1"}))
    changes = {
        **TINY,
        "data.name": str(photographs),
        "model.options.weights": str(tmp_path / "weights.pth"),
    }
    run = lab.train(lab.recipe("nature-resnet50", changes))
    assert run.info().state == "finished", run.info().error
    kept = lab.predictor(run.id).model.state_dict()
    stem = next(
        value for key, value in kept.items() if value.shape == weights["conv1.weight"].shape
    )
    torch.testing.assert_close(stem.float(), weights["conv1.weight"], atol=1e-3, rtol=1e-2)


def test_without_a_file_and_without_a_network_the_run_says_what_to_do(tmp_path, photographs):
    lab = Lab(tmp_path / "home", read_settings({"GLYPHLAB_DEVICE": "cpu", "GLYPHLAB_OFFLINE": "1"}))
    run = lab.train(lab.recipe("nature-resnet50", {**TINY, "data.name": str(photographs)}))
    assert run.info().state == "failed"
    assert re.search(
        r"GLYPHLAB_OFFLINE forbids fetching.*Put resnet18-.*or set model.options.weights",
        run.info().error,
    )
