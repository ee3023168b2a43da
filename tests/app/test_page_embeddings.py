"""The embedding explorer without a browser: its page, its selections and what its scatter fetches."""

from __future__ import annotations

import io
import os
import zipfile

import numpy as np
import pytest
from pictures import files, write_zip
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient
from weblab import add_run, charts, open_page, texts

from app.charts.space import accuracy_curve, distances, layer_marks, roc
from app.scatter.routes import routes
from app.sections.embeddings.choose import faithful_words
from app.sections.embeddings.selection import as_csv, as_zip, class_bars
from app.shared_lab import open_lab_here, share
from engine.embedding.projection import Options, Projection
from engine.imaging.images import as_picture
from engine.lab import Lab
from engine.labels.entries import REVIEW
from engine.services.aligned_maps import CHANGES
from engine.services.background import measure
from engine.settings import read_settings


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    lab = Lab(tmp_path_factory.mktemp("lab"))
    lab.model = add_run(lab).id
    space = lab.spaces.embed(lab.model, "digits", "test")
    lab.spaces.map(space, Options("pca"))
    return lab


@pytest.fixture
def space(lab: Lab, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GLYPHLAB_HOME", str(lab.home))
    return lab.spaces.find(lab.model, "digits", "test")


def address(lab: Lab, **more: str) -> dict[str, str]:
    return {"model": lab.model, "data": "digits", "part": "test", "method": "pca", **more}


def test_an_empty_lab_says_what_to_do_first(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GLYPHLAB_HOME", str(tmp_path))
    settings = read_settings(os.environ)
    share(Lab(settings.home, settings, checkpoints=tmp_path / "none"))
    assert "No model has been saved yet" in texts(open_page("embeddings"))


def test_a_visitor_is_led_to_the_maps_that_there_are(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("GLYPHLAB_HOME", str(tmp_path))
    monkeypatch.setenv("GLYPHLAB_MODE", "public")
    said = texts(open_page("embeddings"))
    assert "*Draw* has a map of its own" in said and "(/draw)" in said
    public = open_lab_here()
    model = add_run(public).id
    space = public.spaces.embed(model, "digits", "test")
    faithful = {"kept": 0.5, "trustworthiness": 0.9, "neighbours": 15, "points": len(space)}
    space.keep_map(Projection(np.zeros((len(space), 2), np.float32), Options(), faithful, {}))
    assert "Explore the map" in texts(open_page("embeddings")), "the map that there is opens"
    said = texts(open_page("embeddings", model="mnist-convnet", data="digits"))
    assert f"[Open a map of digits](/embeddings?model={model}&data=digits&part=test)" in said


def test_images_without_labels_are_first_seen_through_the_embedder(lab: Lab, space) -> None:
    named = files("a", "b", count=2, below="train/") | files("unlabelled", count=2)
    path = write_zip(lab.home.parent / "half named.zip", named)
    data = lab.data.upload(path.name, path.read_bytes()).name
    page = open_page("embeddings", data=data)
    first = lab.taught.embedder(lab.models()[0].name)
    assert (page.session_state["model"], page.session_state["part"]) == (first, "unlabelled")
    page = open_page("embeddings", data="digits")  # all of them are labelled
    assert page.session_state["part"] == "train"
    assert open_page("embeddings", data=data, model=lab.model).session_state["part"] == "train"


def test_a_map_that_is_there_opens_with_its_faithfulness(lab: Lab, space) -> None:
    page = open_page("embeddings", **address(lab))
    words = texts(page)
    chance = f"{100 * 15 / (len(space.index) - 1):.2g}% would be by chance"
    assert f"true neighbours are neighbours on the map ({chance})" in words
    assert "Explore the map" in words
    assert len(page.get("bidi_component")) == 1


def test_a_map_says_what_is_usual_of_maps_like_it_and_what_would_be_by_chance() -> None:
    faithful = {"kept": 0.54, "trustworthiness": 0.989, "neighbours": 15, "points": 1000}
    usual = "half to two thirds, and 0.99, are usual of UMAP's"
    for method, dims, said in (("umap", 2, True), ("umap", 3, False), ("pca", 2, False)):
        points = np.zeros((1797, dims), np.float32)
        words = faithful_words(Projection(points, Options(method, dims), faithful))
        assert "54% of the 15 true neighbours" in words and "(0.84% would be by chance)" in words
        assert (usual in words) == said


def test_one_image_in_the_address_shows_its_card_and_its_neighbours(lab: Lab, space) -> None:
    page = open_page("embeddings", **address(lab, at=str(int(space.index[7]))))
    words = texts(page)
    assert f"image {int(space.index[7]):,}" in words and "13 nearest vote for" in words
    assert "Predicted" in words and space.classes[space.labels[7]] in words


def test_many_images_in_the_address_show_their_gallery(lab: Lab, space) -> None:
    name = space.keep_selection(np.arange(25))
    page = open_page("embeddings", **address(lab, selection=name))
    assert "25 images selected" in texts(page)
    assert {"Table (CSV)", "Images (zip)"} <= {
        button.label for button in page.get("download_button")
    }


def test_a_selection_is_sent_to_the_review_and_taken_back(lab: Lab, space) -> None:
    name = space.keep_selection(np.arange(30, 34))
    page = open_page("embeddings", **address(lab, selection=name))
    page.button(key="gallery-review").click().run()
    assert not page.exception
    current = lab.labels.current("digits")
    assert sum(REVIEW in now.tags for now in current.values()) == 4
    page.button(key="gallery-undo").click().run()
    assert not any(REVIEW in now.tags for now in lab.labels.current("digits").values())


def test_an_address_of_another_space_selects_nothing(lab: Lab, space) -> None:
    page = open_page("embeddings", **address(lab, at="99999999", selection="ffffffffff"))
    assert "Explore the map" in texts(page)


def test_a_map_that_is_missing_offers_to_make_it(lab: Lab, space) -> None:
    page = open_page("embeddings", **{**address(lab), "part": "val"})
    assert "not been embedded" in texts(page)
    assert "Make the map" in [button.label for button in page.button]


def test_every_layer_colours_the_map(lab: Lab, space) -> None:
    for layer in ("true", "predicted", "error", "confidence", "split"):
        assert "Explore the map" in texts(open_page("embeddings", **address(lab, colour=layer)))


def test_two_spaces_of_one_model_ask_for_another(lab: Lab, space) -> None:
    assert "two different models" in texts(
        open_page("embeddings", **address(lab, view="pair", other=lab.model))
    )
    other = add_run(lab, name="other").id
    lab.spaces.map(lab.spaces.embed(other, "digits", "test"), Options("pca"))
    page = open_page(
        "embeddings", **address(lab, view="pair", other=other, at=str(int(space.index[3])))
    )
    scatters = [part for part in page.get("bidi_component") if part.key.startswith("pair-")]
    assert len(scatters) == 2 and texts(page).count("13 nearest vote for") == 2


def test_a_run_without_epochs_says_so(lab: Lab, space) -> None:
    assert "has not kept two epochs" in texts(
        open_page("embeddings", view="learning", run=lab.model)
    )


def test_figures_are_measured_and_then_shown(lab: Lab, space) -> None:
    page = open_page("embeddings", **address(lab, view="figures"))
    assert "Measure" in [button.label for button in page.button]
    measure(lab.launcher, lambda *step: None, lab.model, "digits", "test")
    page = open_page("embeddings", **address(lab, view="figures"))
    assert len(page.dataframe[0].value) == 2 and len(charts(page)) == 3
    assert "Hardest images" in texts(page)


def test_the_scatter_fetches_points_and_images(lab: Lab, space) -> None:
    client = TestClient(Starlette(routes=routes(lab)))
    n = len(space)
    answer = client.get(f"/points/{space.key}/{space.map_name(Options('pca'))}")
    assert "immutable" in answer.headers["cache-control"]
    coordinates = np.frombuffer(answer.content, "<f4", 2 * n).reshape(n, 2)
    np.testing.assert_array_equal(coordinates, space.find_map(Options("pca")).coordinates)
    labels, predicted = np.frombuffer(answer.content, "<i2", 2 * n, 8 * n).reshape(2, n)
    np.testing.assert_array_equal(labels, space.labels)
    np.testing.assert_array_equal(predicted, space.predicted)
    assert len(answer.content) == 13 * n

    codes = np.frombuffer(client.get(f"/layer/{space.key}/error?123").content, "<u2")
    np.testing.assert_array_equal(codes, space.wrong)

    picture = np.asarray(Image.open(io.BytesIO(client.get(f"/image/{space.key}/4").content)))
    np.testing.assert_array_equal(picture, np.asarray(as_picture(space.picture(4))))
    sheet = np.asarray(
        Image.open(io.BytesIO(client.get(f"/image/{space.key}/sheet?at=4,5,6").content))
    )
    np.testing.assert_array_equal(sheet[:28, :28], picture)
    assert sheet.shape == (56, 56)

    key = space.key
    missing = (
        "/points/nothing/map-umap",
        f"/points/{key}/map-none",
        "/image/nothing/0",
        f"/image/{key}/99999",
        f"/image/{key}/sheet",
        f"/image/{'x' * 5000}/0",
    )
    for path in missing:
        answer = client.get(path)
        assert answer.status_code == 404 and "/" not in answer.text


def test_a_selection_is_taken_away_as_a_table_and_as_pictures(space) -> None:
    lines = as_csv(space, np.array([0, 3])).decode().splitlines()
    assert lines[0] == "index,file,label,predicted,confidence" and len(lines) == 3
    assert lines[2].startswith(f"{int(space.index[3])},")
    with zipfile.ZipFile(io.BytesIO(as_zip(space, np.array([0, 3])))) as file:
        names = file.namelist()
        assert (
            names[0] == f"{space.classes[space.labels[0]]}/{int(space.index[0]):06d}.png"
            and file.testzip() is None
        )


def test_charts_have_titles_and_axes_with_units() -> None:
    pairs = {
        "roc": [[0, 0.1], [0.001, 0.5], [1, 1]],
        "edges": [0, 1, 2],
        "same": [0.9, 0.1],
        "different": [0.2, 0.8],
        "threshold": 0.5,
    }
    row = {
        "name": "model",
        "knn": [{"k": 1, "accuracy": 0.9}, {"k": 3, "accuracy": 0.95}],
        "verification": pairs,
    }
    for chart in (accuracy_curve([row]), roc([row]), distances(row)):
        assert (
            chart.layout.title.text
            and chart.layout.xaxis.title.text
            and chart.layout.yaxis.title.text
        )


def test_the_classes_of_a_selection_are_listed_most_first() -> None:
    text = class_bars(["a<b", "c", "d"], [3, 0, 5], [5, 6, 7])
    assert text.index("5 of 7") < text.index("3 of 5") and "a&lt;b" in text and "of 6" not in text


def test_every_layer_has_a_mark_for_each_of_its_codes() -> None:
    assert len(layer_marks("ramp", ()).colours) == 256
    for kind, count in (("classes", 63), ("verdict", 2), ("rivals", 4)):
        names = [*map(str, range(count - 1)), "no label"]
        marks = layer_marks(kind, names)
        assert len(set(zip(*marks, strict=True))) == count


def test_what_nobody_has_touched_is_grey_so_that_the_rest_stands_out() -> None:
    marks = layer_marks("few", ("not looked at", "confirmed", "relabelled", "excluded"))
    assert marks.colours[0] == layer_marks("few", ("no label",)).colours[0]
    assert marks.colours[1:] == layer_marks("few", ("a", "b", "c")).colours
    change = layer_marks("change", CHANGES)
    assert len(set(zip(*change, strict=True))) == len(CHANGES)
    assert change.colours[-1] == marks.colours[0]
