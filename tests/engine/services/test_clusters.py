"""Clusters of a map, and its layers of people, tags and models: found, counted, labelled with one click."""

from __future__ import annotations

import numpy as np
import pytest
from weblab import add_run, open_page, texts, thumbnails

from app.charts.space import layer_marks
from app.palette import COLOURS, SHAPES, marks_apart
from engine.embedding.clusters import MOST, NONE, clusters_file, find_clusters, hdbscan
from engine.embedding.projection import Options
from engine.files.atomic import write_array
from engine.lab import Lab
from engine.services.clusters import clusters_of
from engine.services.point_layers import layers

PCA = Options(method="pca")


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Lab:
    lab = Lab(tmp_path_factory.mktemp("lab"))
    lab.model = add_run(lab).id
    lab.space = lab.spaces.embed(lab.model, "digits", "test")
    lab.spaces.map(lab.space, PCA)
    return lab


@pytest.fixture
def lab(made, monkeypatch) -> Lab:
    monkeypatch.setenv("GLYPHLAB_HOME", str(made.home))
    return made


def heaps(sizes: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """Round heaps of points in a row, and the heap of each point."""
    rng = np.random.default_rng(1)
    heap = np.repeat(np.arange(len(sizes)), sizes)
    return (heap[:, None] * [10.0, 0.0] + rng.normal(0, 0.5, (len(heap), 2))).astype("f4"), heap


def test_heaps_are_clusters_the_largest_first_and_strays_are_in_none():
    points, heap = heaps([60, 90, 30])
    points = np.concatenate([points, [[5.0, 40.0], [15.0, -40.0]]]).astype("f4")
    found = hdbscan(points)
    assert [set(found[:-2][heap == number]) - {NONE} for number in range(3)] == [{1}, {0}, {2}]
    assert (found[:-2] == NONE).mean() < 0.05 and (found[-2:] == NONE).all()
    assert (hdbscan(points[:5]) == NONE).all()


def test_of_many_points_some_are_clustered_and_the_others_join_them():
    points, heap = heaps([MOST // 2, MOST // 4 * 3])
    found = hdbscan(points, seed=3)
    assert len(points) > MOST and found.shape == heap.shape
    share = (found == 1 - heap).mean()
    assert share > 0.9, share


def test_a_cluster_has_the_label_of_most_and_one_click_gives_it_to_all(lab):
    space = lab.space
    codes = np.where(space.labels < 3, space.labels, NONE)
    codes[np.flatnonzero(space.labels == 3)[:2]] = 0  # two of another class in the cluster of zeros
    assert find_clusters(space, PCA) is None
    write_array(clusters_file(space, PCA), codes)
    first, *others = clusters_of(lab.labels, space, find_clusters(space, PCA))
    zeros = int((space.labels == 0).sum())
    assert (first.label, len(first.others), first.guessed) == ("0", 2, False)
    assert first.share == pytest.approx(zeros / (zeros + 2)) and not any(
        one.others for one in others
    )
    layer = layers(lab.spaces, lab.noise, space)[clusters_file(space, PCA).stem]
    assert layer.names[-1] == "no cluster" and layer.counts[0] == zeros + 2

    where = {"model": lab.model, "data": "digits", "part": "test", "method": "pca"}
    page = open_page("embeddings", **where)
    assert "clusters** of" not in texts(page)  # closed, nothing is counted
    page.session_state["clusters"] = True
    page.run()
    assert f"**3 clusters** of {int((codes >= 0).sum())} images" in texts(page)
    shown = thumbnails(page, "cluster-0")
    zeroth = [str(space.images.files[int(i)]) for i in space.index[codes == 0]]
    assert shown and {item["name"] for item in shown} <= {*zeroth}
    assert all(item["href"].startswith("sample?data=digits&sample=") for item in shown)
    page.button(key="is-cluster-0").click().run()
    assert not page.exception
    entry = lab.labels.decisions("digits").entries()[-1]
    assert (sorted(entry.samples), set(entry.to), entry.own) == (sorted(first.others), {"0"}, False)
    page.button(key="clusters-undo").click().run()
    assert lab.labels.current("digits") == {}
    page.button(key="show-cluster-0").click().run()
    assert f"**{zeros + 2} images selected**" in texts(page)


def test_clusters_of_one_colour_lie_far_apart_and_differ_in_shape():
    middles = np.random.default_rng(0).uniform(0, 10, (80, 2))
    marks = marks_apart(middles.tolist())
    assert len(set(zip(*marks, strict=True))) == len(middles) == len(COLOURS) * len(SHAPES)
    assert len(set(marks.colours[:10])) == 10
    few = middles[:40]
    away = np.linalg.norm(few[:, None] - few, axis=2)
    np.fill_diagonal(away, np.inf)
    for place, nearest in enumerate(away.argsort(1)[:, :2]):
        assert marks.colours[place] not in [marks.colours[other] for other in nearest]
    assert len(marks_apart([*middles.tolist(), [0.0, 0.0]]).colours) == 81


def test_the_eleventh_cluster_has_not_the_colour_of_the_one_beside_it(lab):
    space = lab.space
    apart = [0, 10, 1, 2, 3, 4, 5, 6, 7, 8, 9]  # from left to right: the eleventh beside the first
    order = np.argsort(space.find_map(PCA).coordinates[:, 0])
    codes = np.full(len(space), NONE)
    for number, part in zip(apart, np.array_split(order, len(apart)), strict=True):
        codes[part] = number
    write_array(clusters_file(space, PCA), codes)
    layer = layers(lab.spaces, lab.noise, space)[clusters_file(space, PCA).stem]
    marks = layer_marks(layer.palette, layer.names, layer.middles)
    assert len(layer.middles) == 11 == len(set(zip(*marks, strict=True)))
    assert marks.colours[10] == marks.colours[9]  # the farthest
    clusters_file(space, PCA).unlink()


def test_a_map_is_coloured_by_people_tags_and_how_far_models_agree(lab):
    space = lab.space
    names = [str(space.images.files[int(number)]) for number in space.index[:4]]
    assert (
        not {"annotator", "agreement", "tag", "differ"}
        & layers(lab.spaces, lab.noise, space).keys()
    )
    lab.labels.relabel("digits", names[:2], "1", who="ann")
    lab.labels.relabel("digits", names[1:3], ["1", "2"], who="bob")
    lab.labels.relabel("digits", names[:1], "5", who="cyd")
    for tag in ("smudge", "torn"):
        lab.labels.mark("digits", "tag", names[2 if tag == "torn" else 1 : 3], tag=tag, who="ann")
    other = lab.spaces.embed(add_run(lab, name="other").id, "digits", "test")
    found = layers(lab.spaces, lab.noise, space)

    def said(name: str) -> list[str]:
        return [found[name].names[code] for code in found[name].codes[:4]]

    assert said("annotator") == ["several people", "several people", "bob", "nobody"]
    assert said("agreement") == ["disputed", "all agree", "by one", "labelled by nobody"]
    assert said("tag") == ["no tag", "smudge", "smudge + torn", "no tag"]
    differ = space.predicted != other.predicted
    layer = found["differ"]
    assert layer.title == "Disagreement of 2 models" and differ.any()
    np.testing.assert_array_equal(layer.codes > 0, differ)
