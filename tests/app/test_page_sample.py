"""The page of one image, without a browser: what it knows, and what a person decides on it."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from noisy_labels import diagnosed
from pictures import files, write_folder, write_zip
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient
from weblab import add_run, open_page, texts, thumbnails

from app.charts.words import probability
from app.samples.routes import routes
from app.scatter.routes import routes as space_routes
from engine.data.choices import AS_FOUND
from engine.data.listing import TEST, TRAIN
from engine.embedding.projection import Options
from engine.lab import Lab
from engine.settings import read_settings


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Lab:
    lab = Lab(tmp_path_factory.mktemp("lab"))
    lab.found = diagnosed(lab, "rare", 0.03)
    lab.model = add_run(lab).id
    lab.spaces.map(lab.spaces.embed(lab.model, "noisy", "all"), Options("pca"))
    return lab


@pytest.fixture
def lab(made, monkeypatch) -> Lab:
    monkeypatch.setenv("GLYPHLAB_HOME", str(made.home))
    return made


@pytest.fixture
def name(lab) -> str:
    """The most suspect image."""
    return lab.found.file(int(lab.found.arrays["order"][0]))


def test_a_card_tells_label_split_predictions_neighbours_and_suspicion(lab, name):
    page = open_page("sample", data="noisy", sample=name)
    words = texts(page)
    given = name.split("/")[-2] if "/" in name else lab.labels.given("noisy")[name]
    assert f"given **{given}**" in words
    assert "training" not in words, "each run draws its own test images"
    listing = lab.labels.listing("digits")
    for code, said in ((TRAIN, "training or validation image"), (TEST, "test image")):
        digit = str(listing.files[int((listing.official == code).argmax())])
        assert f" · {said}" in texts(open_page("sample", data="digits", sample=digit))
    assert (
        "number 1 of 400 in the list of suspects" in words
        and "A network that was not trained" in words
    )
    assert lab.model in words
    near = thumbnails(page, "card-neighbours")
    assert (
        len(near) == 13
        and f"The 13 nearest by `{lab.model}`, of 399 others that were embedded." in words
        and name not in [item["name"] for item in near]
    )
    assert near[0]["href"].startswith("sample?data=noisy&sample=")
    assert page.get("page_link") or "at=" in words  # the way to the map


def test_complementary_labels_are_numbered_by_how_likely_they_are_correct(tmp_path, monkeypatch):
    monkeypatch.setenv("GLYPHLAB_HOME", str(tmp_path))
    found = diagnosed(Lab(tmp_path), "complementary", 0.98)
    name = found.file(int(found.arrays["order"][0]))
    words = texts(open_page("sample", data="noisy", sample=name))
    assert "number 1 of 400, likeliest correct first" in words and "by suspicion" not in words


@pytest.mark.parametrize(
    ("digits", "said"),
    [("0134", "Keys 0, 1, 3 and 4 do"), ("01", "Keys 0 and 1 do"), ("2345", "Keys 2 to 5 do")],
)
def test_only_keys_that_a_class_has_are_named(tmp_path, monkeypatch, digits, said):
    monkeypatch.setenv("GLYPHLAB_HOME", str(tmp_path))
    whole = write_zip(tmp_path / "some.zip", files(*digits)).read_bytes()
    Lab(tmp_path).data.upload("some.zip", whole)
    assert f"{said} the same." in texts(open_page("sample", data="some"))


def test_a_card_tells_how_far_the_label_of_now_can_be_trusted(lab):
    place = int(lab.found.arrays["order"][1])
    name = lab.found.file(place)
    likely = lab.found.classes[lab.found.arrays["likely"][place]]
    assert "current label" not in texts(open_page("sample", data="noisy", sample=name))
    sure = probability(float(lab.found.arrays["confidence"][place]))
    for label, said in (
        (likely, f"The current label is correct with an estimated probability of **{sure}**."),
        ("star", "The diagnosis can't tell whether the current label is correct."),
    ):
        lab.labels.relabel("noisy", [name], label, who="ann", new_class=True)
        assert said in texts(open_page("sample", data="noisy", sample=name))
    for _ in range(2):
        lab.labels.undo("noisy", who="ann")


def test_the_card_on_the_map_shows_the_neighbours_and_the_number_of_the_images_own_page(lab, name):
    words = texts(open_page("sample", data="noisy", sample=name))
    space = next(space for space, _ in lab.samples._spaces("noisy", name))
    at = str(int(space.index[space.place_of(name)]))
    there = {"model": space.model, "data": "noisy", "part": "all", "method": "pca", "at": at}
    card = texts(open_page("embeddings", **there))
    number = lab.labels.places("noisy")[name] + 1  # people count from 1
    line = f"{name} · image {number} of 400 in `noisy`"
    assert line in words and line in card
    assert card.count(f"image {number}") == 1, "one number, beside the name"
    assert "Its 13 nearest vote for" in card
    there = {**there, "at": "", "selection": space.keep_selection(np.arange(9))}
    for page in (open_page("sample", data="noisy", sample=name), open_page("embeddings", **there)):
        assert "Your name" in [one.proto.popover.label for one in page.get("popover")]


def test_a_picture_that_was_enlarged_says_from_what(lab, name):
    def sent(data: str, sample: str) -> dict:
        page = open_page("sample", data=data, sample=sample)
        (viewer,) = (
            json.loads(element.proto.json)
            for element in page.get("bidi_component")
            if element.proto.component_name.endswith("glyphlab_viewer")
        )
        return viewer

    assert sent("digits", "train/0")["enlarged"] == "8 × 8", "as Data says of them"
    assert sent("noisy", name)["enlarged"] == "", "a file of its own, shown as it is"


def test_decisions_are_made_by_keys_and_taken_back(lab, name):
    page = open_page("sample", data="noisy", sample=name)
    keys = {button.proto.shortcut: button.key for button in page.button if button.proto.shortcut}
    assert {"0", "9", "y", "x", "u", "left", "right", "p"} <= {key.lower() for key in keys}
    given = lab.labels.given("noisy")[name]
    other = next(digit for digit in "0123456789" if digit != given)
    page.button(key=f"label-{other}").click().run()
    assert lab.labels.labels_now("noisy", [name]) == [other]
    assert f"{given} → **{other}**" in texts(page)
    page.button(key="exclude").click().run()
    assert "### Excluded" in texts(page)
    page.text_input(key=f"tag-{name}").set_value("smudged")  # not left, as by Enter in the field
    page.button(key="add-tag").click().run()
    assert lab.labels.current("noisy")[name].tags == {"smudged"}
    for _ in range(3):
        page.button(key="undo").click().run()
    assert not page.exception and lab.labels.labels_now("noisy", [name]) == [given]
    assert texts(page).count("taken back by") == 3 and page.button(key="undo").disabled


def test_the_next_image_is_one_key_away_and_the_address_names_it(lab):
    first, second, *_ = lab.labels.given("noisy")
    page = open_page("sample", data="noisy", sample=first)
    assert page.button(key="step-Left").disabled
    page.button(key="step-Right").click().run()
    assert page.query_params["sample"] in (second, [second])
    assert second in texts(page)


def test_any_model_can_be_asked_about_the_image(lab, name):
    page = open_page("sample", data="noisy", sample=name)
    page.selectbox(key="ask-noisy").select(lab.model).run()
    page.button(key="predict").click().run()
    assert not page.exception and "then " in texts(page)


def test_all_models_are_asked_at_once_and_each_says_its_three_likeliest_classes(lab, name):
    models = lab.samples.models("noisy")
    assert len(models) > 2
    page = open_page("sample", data="noisy", sample=name)
    page.button(key="predict-all").click().run()
    assert not page.exception and not page.warning
    lines = [one.value for one in page.markdown if "then " in one.value]
    assert len(lines) == len(models) and all(line.count("%") == 3 for line in lines)
    for model in models:
        one = lab.samples.predict("noisy", name, model)
        (line,) = (line for line in lines if model in line)
        assert f"then {one.likeliest[1][0]} " in line and f", {one.likeliest[2][0]} " in line
    assert "predict-all" not in [button.key for button in page.button], "all were asked"


def test_the_way_to_the_map_leads_to_one_that_is_made(lab, name):
    newer = lab.spaces.embed("canvas-digits", "noisy", "all")
    try:
        space, options = lab.samples.on_map("noisy", name)
        assert (space.model, options.method) == (lab.model, "pca"), "the newer one has no map"
        words = texts(open_page("sample", data="noisy", sample=name))
        assert f"model={lab.model}" in words and "method=pca" in words and "dims=2" in words
        assert "nearest by `canvas-digits`" in words
        lab.spaces.map(newer, Options("pca", 3))
        space, options = lab.samples.on_map("noisy", name)
        assert (space.model, options.dims) == ("canvas-digits", 3)
    finally:
        lab.spaces.delete(newer.folder.name)


def test_an_image_that_cant_be_read_is_not_counted(tmp_path, monkeypatch):
    monkeypatch.setenv("GLYPHLAB_HOME", str(tmp_path))
    lab, out = Lab(tmp_path), io.BytesIO()
    digits = lab.dataset("digits")
    with zipfile.ZipFile(out, "w") as archive:
        for at in range(24):
            picture = io.BytesIO()
            Image.fromarray(255 - digits.images[at, 0]).save(picture, "PNG")
            archive.writestr(f"{digits.labels[at]}/{at:02}.png", picture.getvalue())
            if at == 4:
                archive.writestr("1/00-broken.png", b"not a picture")
    staged = lab.data.imports.stage("scans.zip", out.getvalue())
    lab.data.imports.look_at(staged, AS_FOUND)
    lab.data.imports.keep(staged, AS_FOUND)
    assert lab.data.check("scans").images == 24
    names = list(lab.labels.given("scans"))
    broken = next(name for name in names if name.endswith("broken.png"))
    at = names.index(broken)
    assert at > 0, "the images after it would be counted one too far"
    before, after = names[at - 1], names[at + 1]
    for name, place in ((before, at), (after, at + 1), (names[-1], 24)):
        words = texts(open_page("sample", data="scans", sample=name))
        assert f"image {place} of 24 in `scans`" in words
    assert lab.samples.beside("scans", before)[1] == after
    assert lab.samples.beside("scans", after)[0] == before
    assert lab.samples.beside("scans", broken) == (before, after)
    words = texts(open_page("sample", data="scans", sample=broken))
    assert "can't be read, and is none of the 24 images in `scans`" in words
    assert "Embed it" not in words, "it is in no embedding"


def test_where_no_model_knows_the_classes_one_can_be_trained(tmp_path, monkeypatch):
    monkeypatch.setenv("GLYPHLAB_HOME", str(tmp_path / "home"))
    data = write_folder(tmp_path / "data" / "greek", files("alpha", "beta"))
    monkeypatch.setenv("GLYPHLAB_DATA", str(data.parent))
    words = texts(open_page("sample", data="greek"))
    assert "No saved model knows all classes" in words and "(/train?data=greek)" in words


def test_of_classes_2_and_4_no_key_3_is_named_and_of_copies_no_label_is_said_to_be_wrong(
    tmp_path, monkeypatch
):
    monkeypatch.setenv("GLYPHLAB_HOME", str(tmp_path / "home"))
    pictures = files("2", "4", count=3)
    first, *_, last = pictures
    data = write_folder(tmp_path / "data" / "pair", {**pictures, last: pictures[first]})
    monkeypatch.setenv("GLYPHLAB_DATA", str(data.parent))
    page = open_page("sample", data="pair")
    words = texts(page)
    assert "Keys 2 and 4 do the same." in words
    assert "has not been embedded" in words and "data=pair&part=all" in words
    assert [one.value for one in page.warning] == [
        "Copies with different labels: one may be wrong."
    ]


def test_an_image_that_is_not_there_is_named(lab):
    assert "has no such image" in texts(open_page("sample", data="noisy", sample="nothing.png"))
    for long in ("x" * 10_000, "a/" * 3_000, "x" * 252, "\u00e9" * 200):
        said = texts(open_page("sample", data=long, sample="nothing.png"))
        assert "it is too long" in said and len(said) < 1_000


def test_copies_are_found_and_those_with_other_labels_pointed_at(lab, name):
    assert "No other image of the data set is found to be the same" in texts(
        open_page("sample", data="noisy", sample=name)
    )


def test_the_original_is_served_in_all_its_pixels_and_nothing_else_is(lab, name):
    client = TestClient(Starlette(routes=routes(lab)))
    answer = client.get("/original", params={"data": "noisy", "sample": name})
    raw = lab.labels.data.listing("noisy").reader.read(lab.labels.places("noisy")[name])
    assert answer.headers["content-type"] == "image/png" and answer.content == raw
    glyph = client.get(
        "/original", params={"data": "digits", "sample": next(iter(lab.labels.given("digits")))}
    )
    picture = Image.open(io.BytesIO(glyph.content))
    assert np.asarray(picture).max() == 255 and glyph.headers["content-type"] == "image/png"
    missing = client.get("/original", params={"data": "noisy", "sample": "../../etc/passwd"})
    assert missing.status_code == 404 and missing.text == "There is no such image here."


def test_a_visitor_is_served_images_of_the_data_sets_that_the_lab_lists_only(tmp_path):
    data = write_folder(tmp_path / "data" / "plain", files("a", "b", count=3))
    write_zip(tmp_path / "data" / "given.zip", files("a", "b", count=3))
    environ = {"GLYPHLAB_HOME": str(tmp_path / "home"), "GLYPHLAB_DATA": str(tmp_path / "data")}
    settings = read_settings({**environ, "GLYPHLAB_MODE": "public", "GLYPHLAB_NAMES_ONLY": "1"})
    lab = Lab(settings.home, settings)
    given = lab.data.imports.keep_as(str(tmp_path / "data" / "given.zip")).name
    visitor = TestClient(Starlette(routes=routes(lab)))
    sample = next(iter(lab.labels.given("plain")))
    assert lab.samples.original("plain", sample)[1] == "image/png"
    for name in (str(data), "plain", "./plain", f"digits+{data}", "PLAIN", str(data.parent)):
        for asked in (sample, f"{data}/{sample}", f"plain/{sample}"):
            answer = visitor.get("/original", params={"data": name, "sample": asked})
            assert (answer.status_code, answer.text) == (404, "There is no such image here.")
    asked = {"data": given, "sample": next(iter(lab.labels.given(given)))}
    assert visitor.get("/original", params=asked).headers["content-type"] == "image/png"
    space = lab.spaces.embed("mnist-convnet", "plain", "all")
    lab.spaces.map(space, Options("pca"))
    own = Lab(lab.home, replace(settings, mode="own"))
    for whose, status in ((lab, 404), (own, 200)):
        client = TestClient(Starlette(routes=space_routes(whose)))
        for place in ("image/{}/0", "image/{}/sheet?at=0,1", "layer/{}/error"):
            assert client.get("/" + place.format(space.key)).status_code == status
        points = f"/points/{space.key}/{space.map_name(Options('pca'))}"
        assert client.get(points).status_code == status
