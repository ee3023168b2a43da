"""Before and after: two models' maps of the same images on shared axes, and what became of each image."""

from __future__ import annotations

import numpy as np
import pytest
from trained import model_run

from engine.embedding.projection import Options
from engine.errors import DataError
from engine.lab import Lab
from engine.progress import no_progress
from engine.services.aligned_maps import CHANGES, aligned_maps, changes_of
from engine.services.background import align_maps

PCA = Options(method="pca")


@pytest.fixture(scope="module")
def lab(tmp_path_factory) -> Lab:
    lab = Lab(tmp_path_factory.mktemp("home"))
    lab.pair = (model_run(lab, seed=1).id, model_run(lab, seed=2).id)
    return lab


def test_the_maps_are_of_the_same_images_by_name_and_made_once(lab):
    assert aligned_maps(lab.spaces, lab.pair, "digits", "test", PCA, compute=False) is None
    made = aligned_maps(lab.spaces, lab.pair, "digits", "test", PCA)
    first, last = (lab.spaces.find(model, "digits", "test") for model in lab.pair)
    assert made.whole and made.coordinates.shape == (2, len(last), 2)
    for at, name in enumerate(made.names):
        assert first.place_of(name) == made.at_first[at] and last.place_of(name) == made.at_last[at]
    again = aligned_maps(lab.spaces, lab.pair, "digits", "test", PCA, compute=False)
    np.testing.assert_array_equal(again.coordinates, made.coordinates)
    back = aligned_maps(lab.spaces, lab.pair[::-1], "digits", "test", PCA, compute=False)
    assert back is None, "after and before are other maps than before and after"


def test_a_model_beside_itself_moves_by_no_more_than_the_layout_does(lab):
    """No turning, mirroring, shift or stretch is left between two maps of one embedding."""
    same = (lab.pair[0], lab.pair[0])
    still = aligned_maps(lab.spaces, same, "digits", "test", PCA)
    np.testing.assert_allclose(still.coordinates[0], still.coordinates[1], atol=1e-5)
    assert still.noise < 1e-5
    found = aligned_maps(lab.spaces, same, "digits", "test", Options())
    spread = np.linalg.norm(found.coordinates[1] - found.coordinates[1].mean(0), axis=1)
    assert np.median(found.moved) == pytest.approx(found.noise, rel=1e-6)
    assert found.noise < 0.3 * spread.mean()
    other = aligned_maps(lab.spaces, lab.pair, "digits", "test", Options())
    assert np.median(other.moved) > found.noise


def test_no_turn_of_the_map_before_would_lie_nearer_to_the_one_after(lab):
    found = aligned_maps(lab.spaces, lab.pair, "digits", "test", PCA)
    before, after = (side - side.mean(0) for side in found.coordinates.astype(np.float64))
    apart = [
        np.square(before @ np.array([[np.cos(a), np.sin(a)], [-np.sin(a), np.cos(a)]]) - after)
        for a in np.linspace(0, 2 * np.pi, 73)
    ]
    assert np.argmin([each.sum() for each in apart]) in (0, 72)


def test_what_became_of_an_image_is_told_by_its_label_now():
    first, last = np.array(list("71177")), np.array(list("11717"))
    changes = changes_of(first, last, ["1", "1", "1", None, "7"])
    assert [CHANGES[code] for code in changes] == [
        "became right",
        "same class",
        "became wrong",
        "another class",
        "same class",
    ]
    assert CHANGES[changes_of(np.array(["2"]), np.array(["3"]), ["1"])[0]] == "wrong in both"


def test_mending_a_label_changes_its_colour(lab):
    found = aligned_maps(lab.spaces, lab.pair, "digits", "test", PCA)
    first, last = found.predicted()
    at = int(np.flatnonzero(first != last)[0])
    name = found.names[at]
    for label, change in ((last[at], "became right"), (first[at], "became wrong")):
        lab.labels.relabel("digits", [name], str(label), who="Ada")
        layers = found.layers(lab.labels)
        assert layers["change"].names[layers["change"].codes[at]] == change
        assert layers["now"].names[layers["now"].codes[at]] == label
    assert layers["moved"].codes.argmax() == found.moved.argmax()


def test_images_that_one_model_lacks_are_left_out(lab):
    """Each run was trained on the data set's own splits: of all images, both have all."""
    whole = aligned_maps(lab.spaces, lab.pair, "digits", "all", PCA)
    assert whole.whole and len(whole) == 1797
    with pytest.raises(DataError, match="half"):
        aligned_maps(lab.spaces, lab.pair, "digits", "half", PCA)


def test_the_task_makes_them(lab):
    done = align_maps(lab.launcher, no_progress, list(lab.pair), "digits", "test", method="pca")
    assert done["n"] == len(lab.spaces.find(lab.pair[1], "digits", "test"))
