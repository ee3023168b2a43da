"""Spaces: embedded once, found again by content, and everything that is asked of them."""

from __future__ import annotations

import json
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
from noisy_labels import corrupted, diagnose, diagnosed
from weblab import add_run

from app.charts.space import layer_marks
from engine.cli import load, main, parser_of
from engine.embedding.projection import Options
from engine.embedding.retrieval import unseen_classes
from engine.embedding.space import MOST_SELECTIONS
from engine.errors import DataError, GlyphlabError, RunError
from engine.files.atomic import plain
from engine.imaging.images import as_picture
from engine.lab import Lab
from engine.models.catalog import build_model
from engine.models.checkpoint import save_checkpoint
from engine.progress import Cancelled
from engine.services.background import embed, measure, project, unfold
from engine.services.point_layers import layers

QUICK = Options(epochs=10)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    lab = Lab(tmp_path_factory.mktemp("lab"))
    lab.model = add_run(lab).id
    return lab


@pytest.fixture(scope="module")
def space(lab: Lab):
    return lab.spaces.embed(lab.model, "digits", "test")


def test_embeddings_are_unit_vectors_in_one_file_that_is_mapped_not_read(lab: Lab, space) -> None:
    assert isinstance(space.embeddings, np.memmap) and space.embeddings.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(space.embeddings, axis=1), 1, atol=1e-4)
    whole = lab.dataset(lab.recipe("quick").data)
    np.testing.assert_array_equal(space.index, whole.splits["test"])
    np.testing.assert_array_equal(space.labels, whole.labels[space.index])
    direct = lab.predictor(lab.model).run(np.asarray(whole.images[space.index[:20]]))
    np.testing.assert_allclose(space.embeddings[:20], direct[1], atol=1e-5)
    np.testing.assert_array_equal(space.predicted[:20], direct[0].argmax(1))


def test_a_space_is_computed_once_and_found_again_by_a_fresh_lab(lab: Lab, space) -> None:
    asked = []
    again = lab.spaces.embed(lab.model, "digits", "test", lambda *step: asked.append(step[2]))
    assert again is space and "embedding images" not in asked
    fresh = Lab(lab.home).spaces
    found = fresh.find(lab.model, "digits", "test")
    assert found.key == space.key
    np.testing.assert_array_equal(found.embeddings, space.embeddings)
    assert fresh.find(lab.model, "digits", "val") is None
    assert fresh.by_key(space.key).key == space.key


def test_other_weights_make_another_space_and_an_untrained_network_is_one(lab: Lab, space) -> None:
    other = add_run(lab, name="other").id
    assert lab.spaces.find(other, "digits", "test") is None
    untrained = lab.spaces.embed(f"untrained:{lab.model}", "digits", "test")
    assert untrained.key != space.key and untrained.embeddings.shape == space.embeddings.shape
    assert not np.allclose(untrained.embeddings, space.embeddings, atol=1e-3)


def test_training_images_take_validation_in_and_parts_do_not_overlap(lab: Lab) -> None:
    splits = lab.dataset(lab.recipe("quick").data).splits
    train = lab.spaces.embed(lab.model, "digits", "train")
    np.testing.assert_array_equal(
        train.index, np.sort(np.concatenate([splits["train"], splits["val"]]))
    )
    with pytest.raises(DataError, match="did you mean 'train'"):
        lab.spaces.embed(lab.model, "digits", "trian")


def test_a_stopped_embedding_leaves_nothing(lab: Lab) -> None:
    def stop(done: int, total: int, what: str) -> None:
        if what == "embedding images":
            raise Cancelled

    with pytest.raises(Cancelled):
        lab.spaces.embed(lab.model, "digits", "val", stop)
    assert lab.spaces.find(lab.model, "digits", "val") is None


def test_the_nearest_of_an_image_never_include_it_and_vote_by_label(space) -> None:
    near = space.near(5, 13)
    similarity = np.asarray(space.embeddings) @ space.embeddings[5]
    similarity[5] = -2
    np.testing.assert_array_equal(near.index, np.argsort(-similarity, kind="stable")[:13])
    assert near.vote.share.shape == (1, 10)
    assert near.vote.share[0, space.labels[near.index[0]]] > 0
    index = space.graph(7)[1]
    np.testing.assert_array_equal(index[5, :7], near.index[:7])


def test_maps_are_kept_with_their_faithfulness(lab: Lab, space) -> None:
    assert space.find_map(QUICK) is None
    made = lab.spaces.map(space, QUICK)
    kept = space.find_map(QUICK)
    np.testing.assert_array_equal(kept.coordinates, made.coordinates)
    assert kept.faithful == made.faithful
    np.testing.assert_array_equal(space.coordinates(space.map_name(QUICK)), made.coordinates)
    with pytest.raises(GlyphlabError, match="no map"):
        space.coordinates("map-../space")


def test_any_picture_finds_its_place_on_a_map(lab: Lab, space) -> None:
    made = lab.spaces.map(space, Options("pca"))
    picture = np.asarray(as_picture(space.picture(3)))
    embedding = lab.spaces.embedding_of(space, picture)
    assert space.near_to(embedding, 1).index[0] == 3
    np.testing.assert_allclose(
        lab.spaces.locate(space, made, embedding), made.coordinates[3], atol=1e-2
    )


def test_a_blank_picture_has_no_neighbours(lab: Lab, space) -> None:
    with pytest.raises(GlyphlabError, match="nothing is drawn"):
        lab.spaces.embedding_of(space, np.zeros((40, 40), np.uint8))


def test_a_selection_is_found_again_by_its_name(space) -> None:
    name = space.keep_selection(np.array([4, 9, 2]))
    np.testing.assert_array_equal(space.find_selection(name), [2, 4, 9])
    again = space.keep_selection(np.array([9, 4, 2, 2]))
    assert again == name and len(list(space.folder.glob("selection-*"))) == 1


def test_selections_are_bounded_and_the_oldest_are_forgotten(space) -> None:
    names = []
    for number in range(MOST_SELECTIONS + 2):
        first, second = divmod(number, len(space) - 1)
        names.append(space.keep_selection(np.array([first, second + 1])))
        os.utime(space.folder / f"selection-{names[-1]}.npy", (number, number))
    kept = list(space.folder.glob("selection-*.npy"))
    assert len(kept) <= MOST_SELECTIONS + 1 and space.find_selection(names[-1]) is not None
    assert space.find_selection(names[0]) is None
    assert space.find_selection("0123456789") is None and space.find_selection("../../etc") is None


def test_layers_say_what_each_point_is(lab: Lab, space) -> None:
    found = layers(lab.spaces, lab.noise, space)
    assert {"label", "predicted", "error", "confidence", "split"} <= found.keys()
    assert found["label"].names == space.classes and sum(found["label"].counts) == len(space)
    np.testing.assert_array_equal(found["error"].codes, space.wrong)
    assert found["error"].counts[1] == (space.predicted != space.labels).sum()
    assert found["confidence"].kind == "value" and found["confidence"].codes.max() == 255
    assert found["confidence"].low == pytest.approx(float(space.confidence.min()))
    assert [
        name
        for name, count in zip(found["split"].names, found["split"].counts, strict=True)
        if count
    ] == ["test"]


def test_the_true_class_is_the_label_until_there_is_a_diagnosis_and_then_as_a_person_decides(
    lab: Lab, space
) -> None:
    before = layers(lab.spaces, lab.noise, space)["true"]
    assert before.title == "True class (as labelled)"
    np.testing.assert_array_equal(before.codes, space.labels)
    diagnosis = diagnosed(lab)
    doubtful = lab.spaces.embed(lab.model, "noisy", "all")
    found = layers(lab.spaces, lab.noise, doubtful)
    assert (
        found["true"].title == "True class (diagnosis)"
        and found["quality"].title == "Label quality"
    )
    np.testing.assert_array_equal(found["true"].codes, diagnosis.arrays["likely"])
    assert (found["true"].codes != found["label"].codes).mean() > 0.9
    review = lab.noise.review(diagnosis)
    review.decide(7, (int(diagnosis.arrays["likely"][7]) + 1) % 10)
    decided = layers(lab.spaces, lab.noise, doubtful)["true"]
    assert decided.title == "True class (diagnosis, 1 decided by hand)"
    assert np.flatnonzero(decided.codes != found["true"].codes).tolist() == [7]
    review.undo()
    np.testing.assert_array_equal(
        layers(lab.spaces, lab.noise, doubtful)["true"].codes, found["true"].codes
    )
    lab.noise.delete(diagnosis.key)
    assert "quality" not in layers(lab.spaces, lab.noise, doubtful)


def test_a_map_of_a_part_counts_its_own_decisions_only(lab: Lab) -> None:
    _, true = corrupted(lab, "symmetric", 0.1, "parted")
    file = lab.home / "uploads" / "parted.zip"
    with zipfile.ZipFile(file) as archive:
        pictures = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(file, "w") as archive:
        for place, (name, content) in enumerate(pictures.items()):
            archive.writestr(f"{'train' if place % 4 else 'test'}/{name}", content)
    files = lab.dataset("parted").files
    diagnose(lab, "parted", np.array([int(name[-5]) for name in files]))
    space = lab.spaces.embed(lab.model, "parted", "train")
    assert len(true) / 2 < len(space) < len(files) == len(true)
    review = lab.noise.review(lab.noise.find("parted"))
    outside = np.setdiff1d(np.arange(len(files)), space.index)
    for position in outside[:3]:
        review.decide(int(position), 4)
    assert layers(lab.spaces, lab.noise, space)["true"].title == "True class (diagnosis)"
    review.decide(int(space.index[0]), 4)
    title = "True class (diagnosis, 1 decided by hand)"
    assert layers(lab.spaces, lab.noise, space)["true"].title == title
    lab.noise.delete(lab.noise.find("parted").key)


def test_two_runs_that_read_the_same_images_colour_where_only_one_is_right(lab: Lab, space) -> None:
    assert not [name for name in layers(lab.spaces, lab.noise, space) if name.startswith("run-")]
    run = add_run(lab, name="rival")
    theirs = lab.spaces.embed(run.id, "digits", "test")
    lab.spaces.embed(run.id, "digits", "val")
    lab.spaces.embed(f"untrained:{run.id}", "digits", "test")
    found = layers(lab.spaces, lab.noise, space)
    assert [name for name in found if name.startswith("run-")] == [f"run-{run.id}"]
    layer = found[f"run-{run.id}"]
    assert layer.names == (
        "both right",
        "only this model right",
        "only the other right",
        "both wrong",
    )
    np.testing.assert_array_equal(layer.codes, 2 * space.wrong + theirs.wrong)
    assert len(layer_marks(layer.palette, layer.names).colours) == 4
    back = layers(lab.spaces, lab.noise, theirs)[f"run-{lab.model}"]
    assert back.counts == tuple(layer.counts[place] for place in (0, 2, 1, 3))
    lab.spaces.delete(theirs.key)


def test_a_list_of_spaces_and_forgetting_one(lab: Lab) -> None:
    doomed = lab.spaces.embed(f"untrained:{lab.model}", "digits", "val")
    row = next(info for info in lab.spaces.list() if info.name == doomed.key)
    assert (row.images, row.width, row.part) == (
        len(doomed),
        128,
        "val",
    ) and row.size_bytes > doomed.embeddings.nbytes
    lab.spaces.delete(doomed.key)
    assert doomed.key not in [info.name for info in lab.spaces.list()]
    for name in (doomed.key, "..", "../runs"):
        with pytest.raises(RunError):
            lab.spaces.delete(name)


def test_a_run_is_watched_at_its_epochs(lab: Lab) -> None:
    run = add_run(lab, name="watched")
    with pytest.raises(RunError, match="at least 2"):
        lab.spaces.learning(run.id, QUICK)
    rng = np.random.default_rng(0)
    index = np.arange(0, 120, 2)
    labels = lab.dataset(run.recipe().data).labels[index]
    centres = rng.normal(size=(10, 8))
    for epoch, noise in ((0, 3.0), (1, 0.5), (2, 0.1)):
        points = (centres[labels] + noise * rng.normal(size=(60, 8))).astype(np.float16)
        run.write_arrays(
            f"snapshots/epoch-{epoch:04d}.npz", embeddings=points, labels=labels, index=index
        )
    assert lab.spaces.epochs(run.id) == (0, 1, 2)
    assert lab.spaces.learning(run.id, QUICK, compute=False) is None
    said = unfold(lab.launcher, lambda *step: None, run.id, epochs=10)
    found = lab.spaces.learning(run.id, QUICK, compute=False)
    assert said["epochs"] == [0, 1, 2] and found.coordinates.shape == (3, 60, 2)
    images, places = lab.spaces.run_images(run.id)
    np.testing.assert_array_equal(places, index)
    np.testing.assert_array_equal(images.labels[places], found.labels)


def test_figures_stand_beside_the_untrained_network_and_unseen_classes_apart(lab: Lab) -> None:
    assert lab.spaces.figures(lab.model, "digits", "test") is None
    measure(lab.launcher, lambda *step: None, lab.model, "digits", "test")
    rows = lab.spaces.figures(lab.model, "digits", "test")
    assert [(row["model"], row["group"]) for row in rows] == [
        (lab.model, "all"),
        (f"untrained:{lab.model}", "all"),
    ]
    assert all(
        0 < row["map_at_r"] <= row["r_precision"] <= 1 and row["knn"] and row["hardest"]["triplets"]
        for row in rows
    )
    space = lab.spaces.find(lab.model, "digits", "test")
    assert unseen_classes(space) == []
    pair = rows[0]["hardest"]["alike"][0]
    assert space.labels[pair["first"]] != space.labels[pair["second"]]
    assert float(
        space.embeddings[pair["first"]] @ space.embeddings[pair["second"]]
    ) == pytest.approx(pair["similarity"], abs=1e-5)


def test_classes_that_a_model_never_saw_are_judged_apart(lab: Lab) -> None:
    seen = ("0", "1", "2", "3", "4")
    recipe = lab.recipe("quick", {"data.classes": list(seen)})
    network = build_model(recipe.model.name, recipe.model.options, 1, 5, 28)
    folder = lab.home / "half"
    save_checkpoint(folder, network.state_dict(), recipe, seen, {}, style="digit", input_size=28)
    measure(lab.launcher, lambda *step: None, str(folder), "digits", "test")
    rows = lab.spaces.figures(str(folder), "digits", "test")
    assert [row["group"] for row in rows] == ["all", "seen", "unseen"] * 2
    assert (
        rows[2]["classes"] == list("56789")
        and rows[1]["images"] + rows[2]["images"] == rows[0]["images"]
    )
    space = lab.spaces.find(str(folder), "digits", "test")
    assert space.classes == tuple("0123456789") and space.wrong[space.labels > 4].all()
    names = {space.classes[space.labels[pair["first"]]] for pair in rows[2]["hardest"]["alike"]}
    assert names <= set("56789")


def test_tasks_embed_and_project(lab: Lab, space) -> None:
    assert embed(lab.launcher, lambda *step: None, lab.model, "digits", "test") == {
        "space": space.key,
        "n": len(space),
        "width": 128,
    }
    said = project(
        lab.launcher, lambda *step: None, lab.model, "digits", "test", method="pca", dims=3
    )
    assert (
        space.find_map(Options("pca", 3)).coordinates.shape == (len(space), 3)
        and said["faithful"]["kept"] > 0
    )


def test_the_command_line(
    lab: Lab, space, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture
) -> None:
    monkeypatch.setenv("GLYPHLAB_HOME", str(lab.home))
    picture = tmp_path / "digit.png"
    as_picture(space.picture(8)).save(picture)

    def said(name: str, *arguments: str) -> dict:
        document = load(name).run(lab, parser_of(name).parse_args([*arguments]), lambda *step: None)
        assert load(name).show(document)
        return json.loads(json.dumps(plain(document)))

    found = said(
        "neighbours", lab.model, str(picture), "--data", "digits", "--part", "test", "-k", "13"
    )
    assert len(found["neighbours"]) == 13 and found["neighbours"][0]["index"] == space.index[8]
    assert (
        found["neighbours"][0]["label"] == space.classes[space.labels[8]]
        and found["neighbours"][0]["similarity"] > 0.99
    )
    assert found["vote"] in space.classes and sum(
        row["share"] for row in found["votes"]
    ) == pytest.approx(1)

    found = said(
        "embed", lab.model, "--data", "digits", "--part", "test", "--out", str(tmp_path / "e.npz")
    )
    assert (found["n"], found["width"], found["cached"]) == (len(space), 128, True)
    with np.load(tmp_path / "e.npz") as arrays:
        np.testing.assert_array_equal(arrays["embeddings"], space.embeddings)

    found = said(
        "project",
        lab.model,
        "--data",
        "digits",
        "--part",
        "test",
        "--method",
        "pca",
        "--out",
        str(tmp_path / "m.csv"),
    )
    lines = (tmp_path / "m.csv").read_text().splitlines()
    assert (
        lines[0] == "index,name,label,predicted,x,y"
        and len(lines) == len(space) + 1 == found["n"] + 1
    )

    for words in (
        ("project", "--method", "umpa"),
        ("project", "--method", "pca", "--epochs", "7"),
        ("project", "--out", "m.txt"),
        ("embed", "--part", "some"),
    ):
        assert main([words[0], lab.model, "--data", "digits", *words[1:]]) == 2
        assert capfd.readouterr().err.count("\n") == 1
