import json
import resource
import shutil

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from waiting import full_disk

from engine.data.catalog import list_dataset
from engine.data.sources import DATASETS
from engine.data.splits import make_splits
from engine.errors import CheckpointError
from engine.models.card import model_card
from engine.models.catalog import build_model
from engine.models.checkpoint import META, load_checkpoint, read_meta, save_checkpoint
from engine.models.metadata import sets_tested_on
from engine.models.predictor import Predictor
from engine.progress import no_progress
from engine.recipes.recipe import make_recipe, shipped_recipe, shipped_recipe_names
from engine.store.models import list_models
from engine.store.store import CHECKPOINTS

SHIPPED = sorted(file.parent for file in CHECKPOINTS.glob("*/checkpoint.json"))


@pytest.fixture
def saved(tmp_path):
    recipe = make_recipe(
        {
            "name": "three",
            "title": "Three shapes",
            "data": {"name": "shapes", "size": 16},
            "model": {"options": {"width": 4}},
        }
    )
    model = build_model("convnet", {"width": 4}, 1, 3, 16).eval()
    metrics = {
        "test_accuracy": 0.9,
        "test_data": "shapes",
        "test_split": "test",
        "test_n": 30,
        "epochs": 3,
    }
    save_checkpoint(
        tmp_path / "three",
        model.state_dict(),
        recipe,
        ("a", "b", "c"),
        metrics,
        style="digit",
        input_size=16,
        temperature=2.0,
    )
    return tmp_path / "three", model


def test_a_saved_model_answers_as_the_one_in_memory(saved) -> None:
    folder, model = saved
    checkpoint = load_checkpoint(folder)
    x = torch.rand(4, 1, 16, 16)
    assert torch.equal(checkpoint.model(x).logits, model(x).logits)
    assert checkpoint.classes == ("a", "b", "c") and checkpoint.metrics["test_accuracy"] == 0.9
    squares = np.random.default_rng(0).integers(0, 256, (5, 1, 16, 16), dtype=np.uint8)
    expected = torch.softmax(model(torch.from_numpy(squares).float() / 127.5 - 1).logits / 2.0, 1)
    assert np.allclose(Predictor(checkpoint).squares(squares), expected.detach().numpy(), atol=1e-6)


def test_the_card_says_what_it_is_and_how_good(saved) -> None:
    card = (saved[0] / "README.md").read_text()
    assert (
        "# Three shapes" in card
        and "90.00%" in card
        and "3: a, b, c" in card
        and "30 images" in card
    )


def test_the_card_names_the_data_not_their_path_and_no_training_took_no_time(saved) -> None:
    meta = read_meta(saved[0])
    data = {**meta["recipe"]["data"], "name": "../own/shapes"}
    for seconds, said in ((0.214, "0.2"), (0.01, "under 0.1"), (1649, "1,649")):
        figures = {**meta["metrics"], "seconds": seconds}
        card = model_card({**meta, "recipe": {**meta["recipe"], "data": data}, "metrics": figures})
        assert f"| training seconds | {said} |" in card
        assert "| trained on | shapes, split" in card


def test_half_precision_halves_the_file_and_loads(saved, tmp_path) -> None:
    folder, model = saved
    checkpoint = load_checkpoint(folder)
    save_checkpoint(
        tmp_path / "half",
        model.state_dict(),
        checkpoint.recipe,
        checkpoint.classes,
        {},
        style="digit",
        input_size=16,
        half=True,
    )
    whole, half = (
        next(f.glob("*.safetensors")).stat().st_size for f in (folder, tmp_path / "half")
    )
    assert half < 0.6 * whole
    assert load_checkpoint(tmp_path / "half").model.head[1].weight.dtype == torch.float32


def test_a_newer_checkpoint_replaces_the_older_weights(saved) -> None:
    folder, _ = saved
    checkpoint = load_checkpoint(folder)
    other = build_model("convnet", {"width": 4}, 1, 3, 16)
    save_checkpoint(
        folder,
        other.state_dict(),
        checkpoint.recipe,
        checkpoint.classes,
        {},
        style="digit",
        input_size=16,
    )
    assert len(list(folder.glob("*.safetensors"))) == 1
    assert torch.equal(
        load_checkpoint(folder).model.state_dict()["head.1.weight"],
        other.state_dict()["head.1.weight"],
    )


def change(folder, **values) -> None:
    meta = json.loads((folder / META).read_text())
    (folder / META).write_text(json.dumps(meta | values))


def test_weights_of_another_number_of_classes_are_a_clear_error(saved) -> None:
    change(saved[0], classes=["a", "b", "c", "d"])
    with pytest.raises(CheckpointError, match="another model's.*4 classes"):
        load_checkpoint(saved[0])


def test_weights_of_another_model_are_a_clear_error(saved) -> None:
    recipe = json.loads((saved[0] / META).read_text())["recipe"]
    change(saved[0], recipe=recipe | {"model": {"name": "glyphnet", "options": {}}})
    with pytest.raises(CheckpointError, match="another model's"):
        load_checkpoint(saved[0])


def test_an_unfinished_checkpoint_does_not_exist(saved) -> None:
    (saved[0] / META).unlink()
    with pytest.raises(CheckpointError, match="no complete checkpoint"):
        read_meta(saved[0])


def test_missing_broken_or_foreign_files_are_clear_errors(saved, tmp_path) -> None:
    folder, _ = saved
    weights = next(folder.glob("*.safetensors"))
    moved = shutil.move(weights, tmp_path / "away")
    with pytest.raises(CheckpointError, match="are missing"):
        load_checkpoint(folder)
    weights.write_bytes(b"not safetensors at all")
    with pytest.raises(CheckpointError, match="not a readable safetensors"):
        load_checkpoint(folder)
    shutil.move(moved, weights)
    change(folder, format=99)
    with pytest.raises(CheckpointError, match="another version"):
        load_checkpoint(folder)
    (folder / META).write_text("{")
    with pytest.raises(CheckpointError, match="is damaged"):
        read_meta(folder)


def test_a_full_disk_is_said_and_the_checkpoint_before_stays(saved) -> None:
    folder, model = saved
    before, weights = (
        sorted(folder.iterdir()),
        {key: value + 1 for key, value in model.state_dict().items()},
    )
    recipe = make_recipe(
        {
            "name": "three",
            "data": {"name": "shapes", "size": 16},
            "model": {"options": {"width": 4}},
        }
    )
    with (
        full_disk(),
        pytest.raises(
            CheckpointError, match="could not be written to .*File too large. Free some disk space"
        ),
    ):
        save_checkpoint(folder, weights, recipe, ("a", "b", "c"), {}, style="digit", input_size=16)
    assert sorted(folder.iterdir()) == before
    loaded = load_checkpoint(folder).model.state_dict()
    assert all(torch.equal(loaded[key], value) for key, value in model.state_dict().items())


def test_blank_paper_is_called_blank(saved) -> None:
    predictor = Predictor(load_checkpoint(saved[0]))
    blank, drawn = predictor.predict(
        [
            np.full((40, 40), 255, np.uint8),
            np.pad(np.zeros((20, 8), np.uint8), 16, constant_values=255),
        ]
    )
    assert blank.blank and not drawn.blank
    assert drawn.probabilities.sum() == pytest.approx(1, abs=1e-5)
    assert [p for _, p in drawn.top(3)] == sorted((p for _, p in drawn.top(3)), reverse=True)
    assert predictor.predict([]) == []


def test_the_card_of_a_model_that_learned_from_all_says_how_its_siblings_did(tmp_path) -> None:
    folder = CHECKPOINTS / "characters-best"
    meta = read_meta(folder)
    held = meta["held_out"]
    assert (
        "test_accuracy" not in meta["metrics"] and held["models"] == 5 and held["accuracy"] > 0.88
    )
    assert f"{100 * held['accuracy']:.2f}% of those right" in model_card(meta)
    assert (folder / "README.md").read_text(encoding="utf-8") == model_card(meta)
    assert {info.name: info.accuracy for info in list_models(tmp_path, CHECKPOINTS)}[
        "characters-best"
    ] == held["accuracy"]


def test_the_card_of_the_embedding_says_how_it_did_on_alphabets_before_it_was_trained_on_them() -> (
    None
):
    folder = CHECKPOINTS / "glyph-embedding"
    meta = read_meta(folder)
    unseen = meta["unseen_alphabets"]
    errors = unseen["errors"]
    assert set(unseen["chosen_by"]) < set(errors)
    assert unseen["error"] == pytest.approx(sum(errors.values()) / len(errors), abs=1e-3)
    assert unseen["low"] < unseen["error"] < unseen["high"] < unseen["pixels"]
    card = model_card(meta)
    for figure in ("error", "equal_error", "pixels"):
        assert f"{100 * unseen[figure]:.1f}%" in card
    assert (folder / "README.md").read_text(encoding="utf-8") == card
    assert load_checkpoint(folder).model(torch.zeros(1, 2, 48, 48)).embeddings.shape == (1, 128)


def test_no_title_of_a_shipped_model_calls_it_the_best_where_another_is_better() -> None:
    """Each by the measure that its title names: accuracy, or of an embedding that of its neighbours."""
    metas = {folder.name: read_meta(folder) for folder in SHIPPED}
    mnist = {
        name: meta for name, meta in metas.items() if meta["metrics"].get("test_data") == "mnist"
    }
    assert len(mnist) > 2
    for meta in mnist.values():
        words = str(meta["title"])
        peers = [
            one for one in mnist.values() if "parameters" not in words or one["model"] == "tiny"
        ]
        measure = "knn_accuracy" if "embedding" in words else "test_accuracy"
        best = max(peers, key=lambda one: one["metrics"].get(measure) or 0)
        assert "best" not in words or best is meta, words


def test_a_shipped_card_says_of_itself_what_its_recipe_does_today() -> None:
    for folder in SHIPPED:
        meta, card = read_meta(folder), (folder / "README.md").read_text(encoding="utf-8")
        recipe = meta["recipe"]
        if recipe["name"] in shipped_recipe_names():
            shipped = shipped_recipe(recipe["name"])
            assert (meta["title"], recipe["about"]) == (shipped.title, shipped.about), folder.name
            assert f"# {shipped.title}\n\n{shipped.about}\n" in card
        assert "+" not in card.partition("Test figures are on")[2], "data sets are named apart"


POOLED = [
    folder for folder in SHIPPED if "+" in (read_meta(folder)["metrics"].get("test_data") or "")
]


@pytest.mark.parametrize("folder", POOLED, ids=lambda folder: folder.name)
def test_a_model_of_pooled_sets_names_those_that_gave_test_images(folder, tmp_path) -> None:
    metrics = read_meta(folder)["metrics"]
    sources = metrics["test_sources"]
    assert sum(sources.values()) == metrics["test_n"]
    assert set(sources) <= set(metrics["test_data"].split("+"))
    words = sets_tested_on(metrics, counts=True)
    assert words in (folder / "README.md").read_text(encoding="utf-8")
    listed = {info.name: info.tested_on for info in list_models(tmp_path, CHECKPOINTS)}
    if "unseen_alphabets" not in read_meta(folder):
        assert listed[folder.name].endswith(f"test images of {sets_tested_on(metrics)}")


def test_pooled_sets_of_an_earlier_version_are_said_to_be_pooled() -> None:
    assert sets_tested_on({"test_data": "mnist+../own/shapes"}) == "mnist and shapes, pooled"
    assert sets_tested_on({"test_data": "mnist"}) == "mnist" and sets_tested_on({}) == ""
    one = {"test_data": "a+b", "test_sources": {"a": 1_000, "b": 70}}
    assert (
        sets_tested_on(one, counts=True) == "a (1,000) and b (70)"
        and sets_tested_on(one) == "a and b"
    )


@pytest.mark.parametrize("folder", POOLED, ids=lambda folder: folder.name)
def test_those_counts_are_what_the_recipe_holds_out(folder, tmp_path, real_data) -> None:
    meta = read_meta(folder)
    data = meta["recipe"]["data"]
    counts = {}
    for name in data["name"].split("+"):
        listing = list_dataset(
            name,
            folders=[real_data],
            home=tmp_path,
            offline=True,
            unpacked_mb=10_000,
            progress=no_progress,
        )
        if data["classes"]:
            listing = listing.only([one for one in data["classes"] if one in listing.classes])
        splits = make_splits(
            listing.labels,
            listing.official,
            validation=data["validation"],
            test=data["test"],
            seed=data["seed"],
        )
        counts[name] = len(splits.get("test", ()))
    there = {name: n for name, n in counts.items() if n}
    if data.get("limit_eval"):  # drawn from all of them
        assert set(meta["metrics"]["test_sources"]) <= set(there)
        assert sum(there.values()) >= meta["metrics"]["test_n"]
    else:
        assert meta["metrics"]["test_sources"] == there


@pytest.mark.parametrize("folder", SHIPPED, ids=lambda folder: folder.name)
def test_the_card_of_a_shipped_model_names_the_licences_of_its_data(folder) -> None:
    meta = read_meta(folder)
    row = next(line for line in model_card(meta).splitlines() if line.startswith("| licence |"))
    assert row in (folder / "README.md").read_text(encoding="utf-8").splitlines()
    for name in meta["recipe"]["data"]["name"].split("+"):
        assert f"{name}: {DATASETS[name].licence}" in row and DATASETS[name].licence


def test_the_card_of_a_model_of_own_data_leaves_the_licence_to_them(saved) -> None:
    meta = read_meta(saved[0])
    assert "| licence | that of your own data |" in model_card(
        {**meta, "recipe": {**meta["recipe"], "data": {"name": "mine", "seed": 0}}}
    )


@pytest.mark.parametrize(
    "options", [{"width": 3000}, {"width": 10**9}, {"width": -1}, {"width": "x"}]
)
def test_what_a_foreign_checkpoint_asks_for_is_never_built(saved, options) -> None:
    folder, _ = saved
    recipe = json.loads((folder / META).read_text())["recipe"]
    change(folder, recipe={**recipe, "model": {"name": "convnet", "options": options}})
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(CheckpointError, match="do not fit|can't be used"):
        load_checkpoint(folder)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 100_000  # kilobytes; width 3000 took ten gigabytes


@pytest.mark.parametrize("classes", [["x"] * 500_000, [], [1], "abc", {"a": 1}])
def test_classes_of_a_foreign_checkpoint_are_checked(saved, classes) -> None:
    folder, _ = saved
    change(folder, classes=classes)
    with pytest.raises(CheckpointError, match="another model's|classes"):
        load_checkpoint(folder)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("weights", "../three/model.safetensors"),
        ("weights", "/etc/passwd"),
        ("weights", 3),
        ("size", 10**9),
        ("input_size", "16"),
        ("temperature", 0),
        ("temperature", 1e-320),
        ("temperature", float("inf")),
        ("style", "nosuch"),
        ("style", ["digit"]),
        ("metrics", [1]),
        ("metrics", {"test_accuracy": "high"}),
        ("recipe", {"model": 3}),
        ("recipe", []),
        ("placement", {"x": [1]}),
        ("title", {"a": 1}),
        ("crop", -5),
        ("format", [1]),
    ],
)
def test_every_field_of_a_foreign_checkpoint_is_checked(saved, field, value) -> None:
    folder, _ = saved
    change(folder, **{field: value})
    with pytest.raises(CheckpointError):
        read_meta(folder)


def malformed(good: bytes, kind: str) -> bytes:
    length = int.from_bytes(good[:8], "little")
    head, body = json.loads(good[8 : 8 + length]), good[8 + length :]
    name = next(key for key in head if key != "__metadata__")
    if kind == "shape":
        head[name]["shape"] = [2**40, 2**40]
    elif kind == "offsets":
        head[name]["data_offsets"] = [0, 2**50]
    elif kind == "kind":
        head[name]["dtype"] = "F13"
    text = json.dumps(head).encode()
    return {
        "empty": b"",
        "short": good[:-10],
        "head": good[:20],
        "length": (2**63).to_bytes(8, "little") + good[8:],
        "binary": b"\xff" * 1000,
        "deep": (10**4).to_bytes(8, "little") + b"[" * 10**4,
    }.get(kind) or (b"" if kind == "empty" else len(text).to_bytes(8, "little") + text + body)


@pytest.mark.parametrize(
    "kind", ["empty", "short", "head", "length", "binary", "deep", "shape", "offsets", "kind"]
)
def test_malformed_weights_are_a_clear_error(saved, kind) -> None:
    folder, _ = saved
    weights = next(folder.glob("*.safetensors"))
    weights.write_bytes(malformed(weights.read_bytes(), kind))
    with pytest.raises(CheckpointError, match="not a readable safetensors"):
        load_checkpoint(folder)


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_weights_that_are_no_numbers_are_refused_with_what_to_do(saved, number) -> None:
    folder, _ = saved
    weights = next(folder.glob("*.safetensors"))
    tensors = load_file(weights)
    key = next(key for key, value in tensors.items() if value.is_floating_point())
    tensors[key].view(-1)[-1] = number
    save_file(tensors, weights)
    with pytest.raises(CheckpointError, match="not a number. Copy or download it again; if"):
        load_checkpoint(folder)


def test_a_class_is_named_once(saved) -> None:
    folder, _ = saved
    classes = json.loads((folder / META).read_text())["classes"]
    change(folder, classes=[classes[0]] * len(classes))
    with pytest.raises(CheckpointError, match="names classes twice"):
        load_checkpoint(folder)


@pytest.mark.parametrize("validation", [0, 0.1])
def test_the_card_says_where_no_temperature_was_fitted(saved, validation) -> None:
    meta = read_meta(saved[0])
    data = {**meta["recipe"]["data"], "validation": validation}
    card = model_card({**meta, "temperature": 1.0, "recipe": {**meta["recipe"], "data": data}})
    assert ("not fitted, as no images were held out" in card) == (validation == 0)
