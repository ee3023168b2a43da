"""The page of one image, without a browser: what it knows, and what a person decides on it."""

from __future__ import annotations

import io

import numpy as np
import pytest
from noisy_labels import diagnosed
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient
from weblab import add_run, open_page, texts, thumbnails

from app.samples.routes import routes
from engine.embedding.projection import Options
from engine.lab import Lab


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
    assert f"given **{given}**" in words and "training image" in words
    assert "number 1 of 400 by suspicion" in words and "A network that was not trained" in words
    assert lab.model in words
    near = thumbnails(page, "card-neighbours")
    assert len(near) == 12 and name not in [item["name"] for item in near]
    assert near[0]["href"].startswith("sample?data=noisy&sample=")
    assert page.get("page_link") or "at=" in words  # the way to the map


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
    page.text_input(key=f"tag-{name}").set_value("smudged").run()
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


def test_an_image_that_is_not_there_is_named(lab):
    assert "has no such image" in texts(open_page("sample", data="noisy", sample="nothing.png"))
    for long in ("x" * 10_000, "a/" * 3_000, "x" * 252, "\u00e9" * 200):
        said = texts(open_page("sample", data=long, sample="nothing.png"))
        assert "it is too long" in said and len(said) < 1_000


def test_copies_are_found_and_those_with_other_labels_pointed_at(lab, name):
    assert "No other image of the data set is the same" in texts(
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
