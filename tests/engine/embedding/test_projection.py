"""Maps: what they keep, that a seed makes the same one, and that new points find their place."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from engine.embedding import umap as layout
from engine.embedding.axes import rotation, turned
from engine.embedding.faithfulness import faithfulness
from engine.embedding.neighbours import Neighbours
from engine.embedding.projection import Options, aligned, project, transform
from engine.errors import DataError, GlyphlabError
from engine.progress import Cancelled


def blobs(
    n: int = 240, classes: int = 4, width: int = 16, seed: int = 0, spread: float = 0.25
) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(99).normal(size=(classes, width))
    labels = np.arange(n) % classes
    points = centres[labels] + spread * rng.normal(size=(n, width))
    return (points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float32), labels


def separated(coordinates: np.ndarray, labels: np.ndarray) -> float:
    """Share of points whose nearest class centre is their own."""
    centres = np.stack([coordinates[labels == label].mean(0) for label in np.unique(labels)])
    return float(
        (np.linalg.norm(coordinates[:, None] - centres, axis=2).argmin(1) == labels).mean()
    )


@pytest.mark.parametrize(
    ("method", "dims"), [("umap", 2), ("umap", 3), ("tsne", 2), ("pca", 2), ("pca", 3)]
)
def test_every_method_keeps_classes_apart_and_says_how_faithful_it_is(
    method: str, dims: int
) -> None:
    points, labels = blobs()
    options = Options(method, dims, neighbours=None if method == "umap" else 30, epochs=60)
    found = project(points, options)
    assert found.coordinates.shape == (240, dims) and found.coordinates.dtype == np.float32
    assert separated(found.coordinates, labels) > 0.95
    assert found.faithful["trustworthiness"] > 0.75 and 0.1 < found.faithful["kept"] <= 1
    assert (found.faithful["neighbours"], found.faithful["points"]) == (15, 240)


BY_UMAP_LEARN = """
import sys
import warnings

warnings.simplefilter("ignore")  # numba's, of code that is not compiled
sys.path[:0] = sys.argv[1:]
import numpy as np
from test_projection import blobs, separated
from engine.embedding.projection import Options, project, transform
from engine.errors import DataError

points, labels = blobs(72)
names = ("umap-learn", "densmap")
found = {name: project(points, Options(name, epochs=25)) for name in names}
plain, dense = (found[name].coordinates for name in names)
assert plain.shape == (72, 2) and separated(plain, labels) > 0.95 and separated(dense, labels) > 0.95
assert not np.allclose(plain, dense)
cloud, halves = np.random.default_rng(0).normal(size=(72, 16)).astype(np.float32), np.arange(72) % 2
apart = {}  # by the labels alone: nothing in the points tells one half from the other
for name in ("umap-learn", "umap-supervised"):
    known = project(cloud, Options(name, epochs=25), labels=halves)
    apart[name] = separated(known.coordinates, halves)
assert apart["umap-learn"] < 0.8 and apart["umap-supervised"] > 0.9, apart
again = project(points, Options("umap-learn", epochs=25)).coordinates
np.testing.assert_array_equal(again, plain)
new, their = blobs(20, seed=7)
at = transform(new, points, found["densmap"])
centres = np.stack([dense[labels == label].mean(0) for label in range(4)])
assert (np.linalg.norm(at[:, None] - centres, axis=2).argmin(1) == their).all()
try:
    project(points, Options("umap-supervised"), labels=np.full(72, -1))
except DataError as error:
    print(error)
"""


def test_umap_learn_makes_maps_to_compare_with_also_by_density_and_by_labels() -> None:
    """Without compiling, which takes umap-learn a minute and a half: in a process of its own."""
    paths = [str(Path(__file__).parents[3]), str(Path(__file__).parent)]
    done = subprocess.run(
        [sys.executable, "-c", BY_UMAP_LEARN, *paths],
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "needs labels" in done.stdout


def test_a_seed_makes_the_same_map_on_any_number_of_threads_and_another_seed_another() -> None:
    points, _ = blobs()
    first, second = (
        project(points, Options(epochs=30, seed=3), threads=threads).coordinates
        for threads in (1, 3)
    )
    np.testing.assert_array_equal(first, second)
    assert not np.allclose(first, project(points, Options(epochs=30, seed=4)).coordinates)


def test_known_neighbours_are_used_and_give_the_same_map() -> None:
    points, _ = blobs()
    known = Neighbours(points).search_own(20)
    options = Options(epochs=20)
    np.testing.assert_array_equal(
        project(points, options, known=known).coordinates, project(points, options).coordinates
    )


@pytest.mark.parametrize("method", ["umap", "pca", "tsne"])
def test_new_points_land_among_their_own_class_and_the_map_stays(method: str) -> None:
    points, labels = blobs()
    found = project(points, Options(method, neighbours=None if method == "umap" else 30, epochs=60))
    before = found.coordinates.copy()
    new, their = blobs(40, seed=7)
    at = transform(new, points, found)
    centres = np.stack([before[labels == label].mean(0) for label in range(4)])
    assert (np.linalg.norm(at[:, None] - centres, axis=2).argmin(1) == their).mean() > 0.9
    np.testing.assert_array_equal(found.coordinates, before)
    np.testing.assert_array_equal(at, transform(new, points, found))


def test_memberships_sum_to_the_logarithm_of_the_neighbours() -> None:
    rng = np.random.default_rng(0)
    distance = np.sort(rng.random((50, 15)) * rng.choice([0.1, 10], size=(50, 1)), axis=1)
    strength = layout.memberships(distance)
    np.testing.assert_allclose(strength.sum(1), np.log2(16), atol=1e-3)
    assert (strength[:, 0] == 1).all() and (np.diff(strength, axis=1) <= 0).all()
    assert np.isfinite(layout.memberships(np.zeros((5, 15)))).all()  # only duplicates: all belong


def test_the_graph_is_the_fuzzy_union_of_both_directions() -> None:
    points, _ = blobs(60)
    similarity, index = Neighbours(points).search_own(5)
    one_way = np.zeros((60, 60))
    for i, (row, strength) in enumerate(
        zip(index, layout.memberships(1 - similarity), strict=True)
    ):
        one_way[i, row] = strength
    np.testing.assert_allclose(
        layout.fuzzy_graph(index, 1 - similarity).toarray(),
        one_way + one_way.T - one_way * one_way.T,
        atol=1e-6,
    )


def test_the_curve_is_the_published_one() -> None:
    curve = layout.fit_curve(0.1)  # the values that umap-learn finds for its defaults
    assert (curve.a, curve.b) == (pytest.approx(1.577, abs=1e-3), pytest.approx(0.895, abs=1e-3))


def test_trustworthiness_agrees_with_scikit_learn_and_kept_with_counting() -> None:
    from sklearn.manifold import trustworthiness
    from sklearn.neighbors import NearestNeighbors

    points, _ = blobs(200)
    flat = points[:, :2]
    found = faithfulness(points, flat, k=7)
    assert found["trustworthiness"] == pytest.approx(
        trustworthiness(points, flat, n_neighbors=7, metric="cosine"), abs=1e-6
    )
    true, shown = (
        NearestNeighbors(n_neighbors=7).fit(space).kneighbors(return_distance=False)
        for space in (points, flat)
    )
    assert found["kept"] == pytest.approx(
        np.mean([len(set(a) & set(b)) / 7 for a, b in zip(true, shown, strict=True)])
    )


def test_maps_of_several_epochs_share_their_axes() -> None:
    points, labels = blobs(120)
    rng = np.random.default_rng(1)
    series = [
        points + scale * rng.normal(size=points.shape).astype(np.float32)
        for scale in (0.6, 0.2, 0.02)
    ]
    maps = aligned(series, Options(epochs=40))
    assert maps.shape == (3, 120, 2)
    assert separated(maps[2], labels) > 0.95
    moved = np.linalg.norm(maps[2] - maps[1], axis=1).mean()
    mixed = np.linalg.norm(maps[2] - maps[1][rng.permutation(120)], axis=1).mean()
    assert moved < 0.5 * mixed
    np.testing.assert_allclose(turned(maps[1], maps[2]), maps[1], atol=0.05 * np.abs(maps).max())


def test_turning_undoes_a_rotation_and_a_reflection() -> None:
    still = np.random.default_rng(0).normal(size=(30, 2)).astype(np.float32)
    angle = 1.1
    mirror = np.array([[np.cos(angle), np.sin(angle)], [np.sin(angle), -np.cos(angle)]], np.float32)
    np.testing.assert_allclose(turned(still @ mirror + 5, still), still, atol=1e-5)
    np.testing.assert_allclose(rotation(still @ mirror, still), mirror.T, atol=1e-5)


def test_a_layout_can_be_stopped_between_epochs() -> None:
    points, _ = blobs()
    seen = []

    def stop(done: int, total: int, what: str) -> None:
        if what == "laying out the map":
            seen.append((done, total))
            if done == 3:
                raise Cancelled

    with pytest.raises(Cancelled):
        project(points, Options(epochs=50), threads=2, progress=stop)
    assert seen == [(1, 50), (2, 50), (3, 50)]


def test_mistakes_are_told_in_one_line() -> None:
    with pytest.raises(GlyphlabError, match="did you mean 'umap'"):
        Options("umpa")
    with pytest.raises(GlyphlabError, match="dims can't be used: 4. Allowed: 2 to 3"):
        Options(dims=4)
    with pytest.raises(GlyphlabError, match="two dimensions"):
        Options("tsne", 3)
    with pytest.raises(GlyphlabError, match="metric 'cosin'"):
        Options(metric="cosin")
    with pytest.raises(DataError, match="at least 4"):
        project(np.eye(3, dtype=np.float32), Options())


def test_only_what_matters_to_a_method_tells_its_maps_apart() -> None:
    assert Options("pca", seed=1).used() == Options("pca", seed=2).used()
    assert Options("umap", seed=1).used() != Options("umap", seed=2).used()
    assert Options("tsne", min_dist=0.5).used() == Options("tsne").used()
    assert (Options().neighbours, Options("tsne").neighbours) == (15, 90)
