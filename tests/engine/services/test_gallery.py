"""Galleries: nearest training images, what is strange, and a place on the map."""

from __future__ import annotations

import numpy as np
import pytest
from hands import drawn
from trained import model_run

from engine.errors import DataError
from engine.files.atomic import write_arrays
from engine.files.checked import read_arrays
from engine.imaging.images import Page
from engine.lab import Lab
from engine.recognition.outliers import outlier_pages
from engine.recognition.shape_similarity import likeness_vectors
from engine.services.galleries import SHIPPED, Galleries
from engine.services.gallery import names_as_array, read_gallery
from engine.settings import ROOT


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    return Lab(tmp_path_factory.mktemp("gallery"))


@pytest.fixture(scope="module")
def built(lab):
    """A gallery of a model with random weights, which embeds scikit-learn's digits all the same."""
    run = model_run(lab)
    told: list[str] = []
    Galleries(lab.store).build(run.id, lambda done, total, what: told.append(what))
    assert {"embedding training images", "drawing what is foreign"} <= {*told}
    return run.id


def test_a_gallery_is_found_again_and_has_its_map(lab, built):
    gallery = Galleries(lab.store).get(built)
    assert (
        gallery.data == "digits"
        and gallery.images.dtype == np.uint8
        and len(gallery.images) == len(gallery.labels) > 1000
    )
    assert (
        gallery.coordinates.shape == (len(gallery.labels), 2)
        and np.isfinite(gallery.coordinates).all()
    )
    assert set(gallery.labels) == set(range(10))


def test_an_image_of_the_gallery_is_its_own_nearest(lab, built):
    gallery = Galleries(lab.store).get(built)
    predictor = lab.predictor(built)
    place = 123
    embedding = predictor.embed(gallery.images[place][None, None])[0]
    near = gallery.nearest(embedding, 5)
    assert (
        near[0].similarity == pytest.approx(1, abs=1e-3)
        and near[0].label == gallery.classes[gallery.labels[place]]
    )
    assert [one.similarity for one in near] == sorted(
        (one.similarity for one in near), reverse=True
    )
    assert sum(votes for _, votes in gallery.vote(near)) == 5
    vector = likeness_vectors(embedding[None], gallery.images[place][None, None])[0]
    assert gallery.likeness_of(vector) == pytest.approx(1, abs=2e-3)
    assert (
        np.linalg.norm(np.array(gallery.place(embedding)) - gallery.coordinates[place])
        < np.ptp(gallery.coordinates, axis=0).max() / 5
    )


def test_few_held_out_images_are_strange(lab, built):
    gallery = Galleries(lab.store).get(built)
    data = lab.dataset("digits")
    test = data.images[data.split("test")]
    vectors = likeness_vectors(lab.predictor(built).embed(test), test)
    assert np.mean([gallery.likeness_of(vector) < gallery.strange for vector in vectors]) < 0.03


def test_most_held_out_images_are_accepted_and_many_outliers_are_not(lab, built):
    gallery, data = Galleries(lab.store).get(built), lab.dataset("digits")
    predictor = lab.predictor(built)
    test = data.images[data.split("test")]
    pages = outlier_pages(test[:, 0], 200, np.random.default_rng(9))
    foreign = np.stack([predictor.prepare(Page(page)) for page in pages])
    assert gallery.rejection is not None
    accepted = [
        np.mean(
            [gallery.accepts(*one) for one in zip(predictor.embed(squares), squares, strict=True)]
        )
        for squares in (test, foreign)
    ]
    assert accepted[0] > 0.9 and accepted[1] < 0.7, accepted


def test_a_gallery_of_an_earlier_version_keeps_its_limits(lab, built):
    galleries = Galleries(lab.store)
    path, gallery = galleries.path(built), galleries.get(built)
    content = dict(read_arrays(path, (), ""))
    older = {key: value for key, value in content.items() if not key.startswith("rejection")}
    write_arrays(path, **older)
    try:
        found = Galleries(lab.store).get(built)
    finally:
        write_arrays(path, **content)
    assert found.rejection is None and found.typical == gallery.typical
    embedding = lab.predictor(built).embed(gallery.images[5][None, None])[0]
    assert found.accepts(embedding, gallery.images[5][None])
    blot = np.full((1, 28, 28), 255, np.uint8)
    assert not found.accepts(embedding, blot)  # too deep, whatever its embedding is


def test_a_model_without_a_gallery_has_none_and_one_without_its_data_says_so(lab):
    run = model_run(lab, seed=1, **{"data.name": "characters"})
    assert Galleries(lab.store).get(run.id) is None
    with pytest.raises(DataError, match="was trained on are not here"):
        Galleries(lab.store).build(run.id)


def test_a_shipped_gallery_is_used_until_the_weights_change(lab):
    run = model_run(lab, seed=2)
    path = Galleries(lab.store).ship(run.id, ["digits"])
    assert path == run.best / SHIPPED and Galleries(lab.store).get(run.id) is not None
    before = dict(read_arrays(path, (), ""))
    assert Galleries(lab.store).calibrate(run.id, ["digits"]) == path
    after = dict(read_arrays(path, (), ""))
    assert before.keys() == after.keys()
    limits = "rejection_numbers"  # kept vectors are rounded, by which the nearest are found
    assert all((after[key] == before[key]).all() for key in before if key != limits)
    assert np.allclose(after[limits], before[limits], rtol=1e-3)
    other = model_run(lab, seed=3)
    path.rename(other.best / SHIPPED)
    assert Galleries(lab.store).get(other.id) is None


@pytest.mark.parametrize("model", ["canvas-digits", "canvas-characters"])
def test_shipped_models_bring_theirs_and_know_a_seven_from_an_arrow(lab, model):
    gallery, predictor = Galleries(lab.store).get(model), lab.predictor(model)
    assert gallery is not None and gallery.coordinates is not None

    def likeness(symbol):
        prediction = predictor.predict([255 - drawn(symbol)])[0]
        return gallery.likeness_of(
            likeness_vectors(prediction.embedding[None], prediction.square[None])[0]
        )

    assert likeness("7") > gallery.strange and likeness("0") > gallery.strange
    assert likeness("→") < gallery.strange


def test_a_gallery_knows_which_images_of_the_data_set_it_shows(lab, built):
    gallery, data = Galleries(lab.store).get(built), lab.dataset("digits")
    place = {str(file): at for at, file in enumerate(data.files)}
    assert len(gallery.files) == len(gallery.images)
    assert np.array_equal(
        data.images[[place[file] for file in gallery.files]][:, 0], gallery.images
    )
    near = gallery.nearest(lab.predictor(built).embed(gallery.images[7][None, None])[0], 3)
    assert near[0].file == gallery.files[7]
    assert np.array_equal(gallery.image_of("digits", near[0].file), gallery.images[7])
    assert gallery.image_of("digits", "nothing") is gallery.image_of("mnist", near[0].file) is None


def test_a_gallery_without_names_is_read_and_leaves_its_images_unnamed(lab, built):
    galleries = Galleries(lab.store)
    path = galleries.path(built)
    content = dict(read_arrays(path, (), ""))
    older = {key: value for key, value in content.items() if key != "files"}
    embedding = lab.predictor(built).embed(galleries.get(built).images[:1, None])[0]
    try:
        for files in ({}, {"files": content["files"][:50]}):
            write_arrays(path, **older, **files)
            found = Galleries(lab.store).get(built)
            assert found.files == () and [one.file for one in found.nearest(embedding, 2)] == [
                "",
                "",
            ]
    finally:
        write_arrays(path, **content)


def test_names_that_no_address_can_carry_are_left_out():
    names = ["train/1.png", "two\nlines.png", "\udcff.png", "é.png"]
    kept = names_as_array(names).tobytes().decode().split("\n")
    assert kept == ["train/1.png", "", "", "é.png"]


def test_a_shipped_gallery_is_given_its_names_and_stays_the_same_otherwise(lab):
    run = model_run(lab, seed=4)
    path = Galleries(lab.store).ship(run.id, ["digits"])
    named = dict(read_arrays(path, ("files",), ""))
    write_arrays(path, **{key: value for key, value in named.items() if key != "files"})
    Galleries(lab.store).name_images(run.id, ["digits"])
    again = read_arrays(path, ("files",), "")
    assert again.keys() == named.keys()
    assert all(again[key].tobytes() == named[key].tobytes() for key in named)
    write_arrays(path, **{**named, "images": 255 - named["images"]})
    with pytest.raises(DataError, match="are not those of digits here"):
        Galleries(lab.store).name_images(run.id, ["digits"])


@pytest.mark.parametrize("model", ["canvas-digits", "canvas-characters"])
def test_shipped_galleries_name_their_images(lab, model):
    gallery = Galleries(lab.store).get(model)
    assert len(set(gallery.files)) == len(gallery.images)
    assert {file.split("/")[0] for file in gallery.files} <= set(gallery.data.split("+"))


def damages(arrays):
    """Each array of a gallery without a part of what it should be."""
    n = len(arrays["labels"])
    for name in ("embeddings", "images", "others", "labels", "classes", "coordinates", "typical"):
        if name != "others":  # a model with few held-out images has none
            yield name, arrays[name][:0]
        if name not in ("classes", "typical"):
            yield name, arrays[name].reshape(-1)[: n - 1]
    for name in ("whitener", "centres", "weights", "numbers"):
        yield f"rejection_{name}", arrays[f"rejection_{name}"][:1]
        yield f"rejection_{name}", None
    yield "labels", np.full(n, 32_767, np.int16)
    yield "labels", np.full(n, -1, np.int16)
    yield "labels", arrays["labels"].astype(np.float32)
    yield "images", arrays["images"].astype(np.float32)
    yield "images", arrays["images"][:, :, :5]
    yield "classes", np.array("0")
    yield "strange", np.array([1.0, 2.0])
    yield "others", np.full_like(arrays["others"], np.nan)
    yield "data", np.array("a+" * 100)


def test_a_gallery_whose_arrays_do_not_fit_together_is_none(tmp_path):
    with np.load(ROOT / "checkpoints" / "canvas-digits" / SHIPPED) as file:
        arrays = dict(file)
    weights, path = str(arrays["weights"]), tmp_path / "gallery.npz"
    for name, other in damages(arrays):
        changed = {
            key: value for key, value in {**arrays, name: other}.items() if value is not None
        }
        np.savez(path, **changed)
        assert read_gallery(path, weights) is None, name
    np.savez(path, **arrays)
    assert read_gallery(path, weights) is not None
