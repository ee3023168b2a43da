"""Which images beside a drawing lead to their cards in the lab, and to which."""

from __future__ import annotations

import base64
from urllib.parse import parse_qs

import numpy as np
import pytest
from hands import drawn, png
from trained import model_run
from waiting import wait_until
from weblab import open_page, texts

from app.canvas_tabs.cards import Cards
from app.canvas_tabs.pad import pad
from app.canvas_tabs.reader import Reader
from app.canvas_tabs.views import Views
from engine.files.atomic import write_arrays
from engine.files.checked import read_arrays
from engine.lab import Lab
from engine.people.person import NOBODY, Person
from engine.runs.run_info import ENDED
from engine.services.gallery import Gallery, Neighbour
from engine.settings import read_settings

DIGITS = "canvas-digits"
SEVEN = "data:image/png;base64," + base64.b64encode(png(drawn("7", 5))).decode()


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A lab with a gallery of a model of scikit-learn's digits, which every lab has."""
    lab = Lab(tmp_path_factory.mktemp("cards"))
    lab.model = model_run(lab).id
    lab.galleries.build(lab.model)
    return lab


@pytest.fixture
def lab(made, monkeypatch):
    monkeypatch.setenv("GLYPHLAB_HOME", str(made.home))
    return made


def nearest(lab: Lab, model: str) -> list[dict]:
    look, *_ = Views(Reader(lab)).functions()
    return look([SEVEN, model, "nearest", []])["view"]["items"]


def query(lab: Lab, data: str, file: str = "train/17") -> str:
    gallery = Gallery(data, (), *[np.zeros(0)] * 2, None, np.zeros(0), 0.0, None)
    return Cards().query(lab, gallery, Neighbour("7", 0.9, np.zeros((28, 28)), file), "a model")


def test_each_image_beside_a_drawing_leads_to_the_card_of_its_sample(lab):
    items = nearest(lab, lab.model)
    names = lab.labels.given("digits")
    for item in items:
        asked = {key: value for key, (value,) in parse_qs(item["card"]).items()}
        assert asked["data"] == "digits" and asked["model"] == lab.model
        assert names[asked["sample"]] == item["label"]
    page = open_page("sample", **asked)
    assert f"given **{items[-1]['label']}**" in texts(page)
    page.button(key="step-Right").click().run()
    assert "model" not in page.query_params  # the next image stands beside no drawing


def test_an_image_whose_name_another_one_has_now_is_not_shown_as_the_neighbour(lab):
    content = dict(read_arrays(lab.galleries.path(lab.model), (), ""))
    file = lab.galleries.get(lab.model).files[3]
    content["images"][3] = 255 - content["images"][3]
    other = model_run(lab, seed=5).id
    write_arrays(lab.galleries.path(other), **content)
    said = texts(open_page("sample", data="digits", sample=file, model=other))
    fine = texts(open_page("sample", data="digits", sample=file))
    assert f"has another image named {file} now" in said and "given **" not in said
    assert "given **" in fine  # whoever came from elsewhere meant this one
    gone = texts(open_page("sample", data="digits", sample=file, model="deleted"))
    assert "given **" in gone  # nothing is left to compare with


def test_a_shipped_model_leads_to_the_data_sets_that_are_at_hand(lab, real_data, tmp_path):
    assert {item["card"] for item in nearest(lab, DIGITS)} == {""}  # a lab without MNIST
    whole = Lab(tmp_path, read_settings({"GLYPHLAB_DATA": str(real_data)}))
    for item in nearest(whole, DIGITS):
        asked = {key: value for key, (value,) in parse_qs(item["card"]).items()}
        assert asked["data"] in ("mnist", "emnist62")
        assert whole.samples.find(asked["data"], asked["sample"]).given == item["label"]
        image = whole.galleries.get(DIGITS).image_of(asked["data"], asked["sample"])
        whole.samples.check_same(asked["data"], asked["sample"], image, "digit")


def test_what_could_not_be_prepared_can_be_tried_again(lab):
    task = lab.start_task("gallery", model="nosuch")
    wait_until(lambda: lab.task(task).state in ENDED)
    said = Views(Reader(lab))._not_built("nosuch", "A map")
    assert said["note"].startswith("A map can't be shown: ") and said["action"] == "Try again"


def test_neither_paths_nor_other_peoples_drawings_nor_nameless_images_are_links(lab, tmp_path):
    assert query(lab, "digits") and query(lab, "digits+mnist", "digits/train/17")
    assert query(lab, "digits+mnist", "mnist/train/17") == query(lab, "mnist") == ""
    (tmp_path / "scans" / "a").mkdir(parents=True)
    assert query(lab, str(tmp_path / "scans")) == query(lab, "~/scans") == ""
    assert query(lab, "digits", "") == ""
    own, other = (f"drawings-students-{mark * 16}" for mark in ("0", "f"))
    for name in (own, other):
        folder = lab.home / "students" / name[-16:] / "drawings" / "7"
        folder.mkdir(parents=True)
        (folder / "one.png").write_bytes(png(drawn("7")))
    student = lab.for_person(Person("0" * 16, "Anna", "student"))
    assert (
        query(student, "digits") == query(lab.for_person(NOBODY), "digits") == query(lab, "digits")
    )
    assert query(student, own, "7/one.png") and not query(student, other, "7/one.png")


def test_only_beside_a_dashboard_does_the_pad_know_where_cards_are():
    assert 'data-dashboard=".."' in pad([], "..").html_template
    assert 'data-dashboard=""' in pad([]).html_template
