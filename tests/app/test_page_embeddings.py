"""The embedding explorer without a browser: its page, its selections and what its scatter fetches."""

from __future__ import annotations

import base64
import csv
import io
import json
import os
import re
import zipfile

import numpy as np
import pytest
from pictures import files, write_zip
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient
from weblab import add_run, charts, open_page, texts, thumbnails

from app.charts.space import accuracy_curve, distances, layer_marks, roc
from app.scatter.component import Mended
from app.scatter.routes import routes
from app.sections.embeddings.choose import faithful_words
from app.sections.embeddings.colours import words_of
from app.sections.embeddings.selection import as_csv, as_zip, class_bars
from app.shared_lab import open_lab_here, share
from bench.records import read
from engine.embedding.projection import Options, Projection
from engine.imaging.images import as_picture
from engine.lab import Lab
from engine.labels.entries import REVIEW
from engine.labels.replay import Current
from engine.runs.run import create_run
from engine.services.aligned_maps import CHANGES
from engine.services.background import measure
from engine.services.selections import as_now
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


def test_a_map_says_what_is_usual_by_size_and_what_would_be_by_chance() -> None:
    """Of many images a map keeps fewer neighbours, as the records say."""
    faithful = {"kept": 0.54, "trustworthiness": 0.989, "neighbours": 15, "points": 1000}
    recorded = {row["metric"]: row["value"] for row in read() if row["bench_or_recipe"] == "space"}
    kept = float(recorded["map: ours, neighbours kept"])
    usual = (
        f"2,000 images usually keep half to two thirds of them, one of 60,000 kept {kept:.0%}, each"
    )
    for method, dims, said in (("umap", 2, True), ("umap", 3, False), ("pca", 2, False)):
        points = np.zeros((1797, dims), np.float32)
        words = faithful_words(Projection(points, Options(method, dims), faithful))
        assert "54% of the 15 true neighbours" in words and "(0.84% would be by chance)" in words
        assert (usual in words) == said
    many = np.zeros((60_000, 2), np.float32)
    assert usual in faithful_words(Projection(many, Options("umap", 2), faithful))


def test_one_image_in_the_address_shows_its_card_and_its_neighbours(lab: Lab, space) -> None:
    page = open_page("embeddings", **address(lab, at=str(int(space.index[7]))))
    words = texts(page)
    assert f" · image {int(space.index[7]) + 1:,} of " in words and "13 nearest vote for" in words
    assert "Predicted" in words and space.classes[space.labels[7]] in words


def test_the_card_of_a_point_tells_labels_as_they_are_now_and_as_they_were_given(
    lab: Lab, space
) -> None:
    place = int(np.flatnonzero(space.wrong & (space.predicted >= 0))[0])
    near = [int(at) for at in space.near(place).index]
    answer, given = space.model_classes[space.predicted[place]], space.classes[space.labels[place]]
    names = [str(space.images.files[int(space.index[at])]) for at in (place, *near)]
    asked = address(lab, at=str(int(space.index[place])))
    before = open_page("embeddings", **asked)
    assert f"**{given}**\n" in texts(before)
    assert f"Predicted :red[**{answer}**]" in texts(before)

    lab.labels.relabel("digits", names[:3], answer, who="ann")
    lab.labels.mark("digits", "exclude", names[3:4], who="ann")
    page = open_page("embeddings", **asked)
    captions = [item["caption"] for item in thumbnails(page, "neighbours")][-len(near) :]
    assert f"**{answer}**, given as {given}\n" in texts(page)
    assert f"Predicted :green[**{answer}**]" in texts(page)
    for at, caption in zip(near[:2], captions, strict=False):
        was = space.classes[space.labels[at]]
        assert caption.startswith(
            f"{answer} · " if was == answer else f"{answer}, given as {was} · "
        )
    assert captions[2].startswith("excluded, given as ")
    counted = re.search(r"vote for \*\*.*?\*\* \((.*?)\)", texts(page))[1]
    assert sum(int(part.split(" for ")[0]) for part in counted.split(", ")) == len(near) - 1
    for _ in range(2):
        lab.labels.undo("digits", who="ann")
    assert texts(open_page("embeddings", **asked)) == texts(before)


def test_the_map_is_told_which_labels_are_others_now(lab: Lab, space) -> None:
    names = [str(space.images.files[int(number)]) for number in space.index[:3]]
    given = [space.classes[label] for label in space.labels[:3]]
    other = next(name for name in space.classes if name not in given)

    def told() -> Mended:
        return words_of(lab, space).mended

    assert told() == Mended([], [], [])
    lab.labels.relabel("digits", [*names[:2], names[2]], [other, other, given[2]], who="ann")
    lab.labels.mark("digits", "exclude", names[1:2], who="ann")
    said = [told().words[code] for code in told().codes]
    assert told().at == [0, 1]  # confirming a label changes nothing
    assert said == [
        (f"labelled {other}, was {given[0]}", other),
        (f"excluded, was {given[1]}", None),
    ]
    page = open_page("embeddings", **address(lab))
    (sent,) = (json.loads(part.proto.json) for part in page.get("bidi_component"))
    assert sent["mended"]["words"] == [list(each) for each in told().words]
    assert np.frombuffer(base64.b64decode(sent["mended"]["at"]), "<i4").tolist() == [0, 1]
    for _ in range(2):
        lab.labels.undo("digits", who="ann")
    assert told() == Mended([], [], [])


def test_the_picture_of_a_picked_point_opens_the_images_own_page(lab: Lab, space) -> None:
    page = open_page("embeddings", **address(lab, at=str(int(space.index[7]))))
    (picture,) = thumbnails(page, "neighbours-picked")
    name = str(space.images.files[int(space.index[7])])
    assert picture["name"] == name and picture["href"].startswith("sample?data=digits&sample=")


@pytest.mark.parametrize("at", ["9" * 5000, "²", "-1", "x"])
def test_what_is_no_image_in_the_address_selects_nothing(lab: Lab, space, at: str) -> None:
    page = open_page("embeddings", **address(lab, at=at))
    assert not page.exception and texts(page) == texts(open_page("embeddings", **address(lab)))


def test_many_images_in_the_address_show_their_gallery(lab: Lab, space) -> None:
    name = space.keep_selection(np.arange(25))
    page = open_page("embeddings", **address(lab, selection=name))
    assert "25 images selected" in texts(page)
    assert {"Table (CSV)", "Images (zip)"} <= {
        button.label for button in page.get("download_button")
    }


def test_a_visitor_takes_no_selection_away(lab: Lab, space, monkeypatch) -> None:
    name = space.keep_selection(np.arange(25))
    monkeypatch.setenv("GLYPHLAB_MODE", "public")
    page = open_page("embeddings", **address(lab, selection=name))
    assert "25 images selected" in texts(page) and not page.get("download_button")
    assert "You may not download data sets and models here" in texts(page)


def test_the_figures_of_a_selection_follow_labels_that_are_changed(lab: Lab, space) -> None:
    predicted = int(space.predicted[0])
    chosen = np.flatnonzero(space.predicted == predicted)[:6]
    wrong = int(space.wrong[chosen].sum())
    selection = space.keep_selection(chosen)
    page = open_page("embeddings", **address(lab, selection=selection))
    assert f"**6 images selected**, {wrong} of them classified wrongly." in texts(page)
    given = {space.classes[label] for label in space.labels[chosen]}
    other = next(one for one in space.classes if one not in {*given, space.classes[predicted]})
    page.selectbox(key="gallery-label").select(other).run()
    page.button(key="gallery-relabel").click().run()
    assert not page.exception
    words = "6 of them classified wrongly by their labels now, 6 of which were changed."
    assert words in texts(page)
    bars = next(one.proto.body for one in page.get("html") if "class-bars" in one.proto.body)
    there = int((space.labels == space.classes.index(other)).sum()) + 6
    assert f"<span>{other}</span>" in bars and f"6 of {there}" in bars and bars.count(" of ") == 1
    page.button(key="gallery-undo").click().run()
    assert f"{wrong} of them classified wrongly." in texts(page)
    names = [str(space.images.files[int(space.index[place])]) for place in chosen[:2]]
    now = as_now(space, {names[0]: Current(excluded=True), names[1]: Current("a new class")})
    assert now.labels[chosen[0]] == -1 and not now.wrong[chosen[0]] and now.changed.sum() == 2
    assert now.classes[now.labels[chosen[1]]] == "a new class" and now.wrong[chosen[1]]


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
    assert "coloured by what the first model" not in texts(page)
    page.selectbox(key="colour").set_value("error").run()
    assert f"coloured by what the first model, {lab.model}, predicts" in texts(page)


def test_a_run_without_epochs_says_so(lab: Lab, space) -> None:
    assert "kept fewer than two epochs" in texts(
        open_page("embeddings", view="learning", run=lab.model)
    )


def test_the_state_before_the_training_is_not_counted_as_an_epoch(lab: Lab, space) -> None:
    run = add_run(lab, name="watched")
    for epoch in range(4):
        name = f"snapshots/epoch-{epoch:04d}.npz"
        run.write_arrays(name, embeddings=np.zeros((2, 2)), labels=np.zeros(2), index=np.arange(2))
    shown = texts(open_page("embeddings", view="learning", run=run.id))
    assert "embeddings of 3 epochs of this run were kept, and that of the network before" in shown


def test_a_run_that_learned_is_the_one_whose_model_was_chosen_by_the_labels_it_had(
    lab: Lab, space
) -> None:
    watched = []
    for name, labels in (("by given", "given"), ("by mended", "mended")):
        changes = {"data.labels": labels, "data.journal": [0]} if labels == "mended" else {}
        run = create_run(lab.home, lab.recipe("quick", changes), name)
        run.end("finished")
        for epoch in range(2):
            rng = np.random.default_rng(epoch)
            run.write_arrays(
                f"snapshots/epoch-{epoch:04d}.npz",
                embeddings=rng.normal(size=(40, 8)),
                labels=np.arange(40) % 10,
                index=np.arange(40),
            )
        lab.spaces.learning(run.id, Options())
        watched.append(run.id)
    for run, title in zip(watched, ("Given label", "Label in this run's training"), strict=True):
        page = open_page("embeddings", view="learning", model=run)
        assert page.selectbox(key="run").value == run
        (scatter,) = page.get("bidi_component")
        assert title in scatter.proto.json
    page.selectbox(key="run").set_value(watched[0]).run()
    assert page.selectbox(key="run").value == watched[0], "chosen here"
    for model in (watched[0], watched[1]):  # and again on the map
        page.query_params["model"] = model
        assert page.run().selectbox(key="run").value == model


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


def test_a_selection_is_taken_away_with_the_labels_of_now_as_a_table_and_as_pictures(space) -> None:
    names = [str(space.images.files[int(space.index[place])]) for place in (0, 3, 5)]
    given = [space.classes[space.labels[place]] for place in (0, 3, 5)]
    other = next(name for name in space.classes if name != given[1])
    now = as_now(space, {names[1]: Current(other), names[2]: Current(excluded=True)})
    chosen = np.array([0, 3, 5])
    header, *rows = csv.reader(as_csv(space, chosen, now).decode().splitlines())
    assert header == ["index", "file", "label", "predicted", "confidence", "given", "excluded"]
    assert [row[0] for row in rows] == [str(int(space.index[place])) for place in chosen]
    assert [row[2] for row in rows] == [given[0], other, ""]
    assert [row[5:] for row in rows] == [[given[0], ""], [given[1], ""], [given[2], "yes"]]
    with zipfile.ZipFile(io.BytesIO(as_zip(space, chosen, now))) as file:
        folders = [given[0], other, "excluded"]
        assert file.namelist() == [
            f"{folder}/{int(space.index[place]):06d}.png"
            for folder, place in zip(folders, chosen, strict=True)
        ]
        assert file.testzip() is None


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


def test_what_a_person_decided_still_shows_the_likely_class_where_that_is_another():
    from app.sections.embeddings.mend import _caption

    assert _caption("7", True, "1") == "•7 → 1" and _caption("1", True, "1") == "•1"
    assert _caption("7", False, "1") == "7 → 1" and _caption(None, False, "1") == "– → 1"
    assert _caption("star", True, "1", False) == "•star → 1 ?"
