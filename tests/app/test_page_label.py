"""The Label page, without a browser: images without a label are proposed, labelled by keys, and learned
from at once.
"""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile

import numpy as np
import pytest
from PIL import Image
from scans import add_scans
from weblab import ROOT, add_run, open_page, texts, thumbnails

from engine.data.choices import AS_FOUND, Choices
from engine.embedding.proposals import MEASURED, WORDS
from engine.errors import DataError
from engine.lab import Lab
from engine.recipes.fields import DataSpec
from engine.sweep.spec import SweepSpec


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Lab:
    lab = Lab(tmp_path_factory.mktemp("lab"))
    lab.truth = add_scans(lab)
    lab.model = add_run(lab).id
    lab.space = lab.spaces.embed(lab.model, "scans", "all")
    return lab


@pytest.fixture
def lab(made, monkeypatch) -> Lab:
    monkeypatch.setenv("GLYPHLAB_HOME", str(made.home))
    return made


def test_images_are_labelled_by_keys_and_the_next_is_shown(lab):
    page = open_page("label", data="scans", model=lab.model)
    figures = {metric.label: metric.value for metric in page.metric}
    assert (figures["Without a label"], figures["Labelled"]) == ("54", "6")
    keys = {button.proto.shortcut.lower() for button in page.button if button.proto.shortcut}
    assert {"enter", "0", "1", "4", "right", "x", "u"} <= keys
    assert "1 of 10 proposed" in texts(page) and len(thumbnails(page, "proposed")) == 9
    (asked,) = thumbnails(page, "asked")
    assert asked["href"].startswith("sample?data=scans&sample="), "as the images that come next"
    page.button(key="take").click().run()
    page.button(key="give-4").click().run()
    page.button(key="skip").click().run()
    page.button(key="out").click().run()
    assert not page.exception and "5 of 10 proposed" in texts(page)
    entries = lab.labels.decisions("scans").entries()
    assert [(entry.action, entry.own) for entry in entries] == [
        ("relabel", False), ("relabel", True), ("exclude", True),
    ]  # fmt: skip
    assert entries[1].to == ["4"] and entries[0].why == "label"
    for _ in range(3):
        page.button(key="undo").click().run()
    assert lab.labels.current("scans") == {}


def test_a_second_press_for_an_image_that_was_just_labelled_changes_nothing(lab):
    page = open_page("label", data="scans", model=lab.model)
    page.button(key="give-4").click()
    page.button(key="give-1").click()  # before the page is drawn anew: both come with one request
    page.run()
    (entry,) = lab.labels.decisions("scans").entries()[-1:]
    assert "2 of 10 proposed" in texts(page) and not page.exception
    assert len(lab.labels.current("scans")) == 1 and entry.action == "relabel"
    page.button(key="undo").click().run()
    assert lab.labels.current("scans") == {}


def test_what_comes_next_says_what_is_predicted_of_it(lab):
    page = open_page("label", data="scans", model=lab.model)
    captions = [item["caption"] for item in thumbnails(page, "proposed")]
    assert len(captions) == 9 and all(re.fullmatch(r"[014]\? \d+%", one) for one in captions)
    assert "Predicted by a linear classifier, fitted to the 6 labels" in texts(page)


def test_labels_drawn_at_random_are_measured_and_where(lab):
    with (ROOT / "bench" / "records.csv").open(encoding="utf-8", newline="") as file:
        found = {
            row["metric"]: float(row["value"])
            for row in csv.DictReader(file)
            if row["bench_or_recipe"] == "labelling" and row["metric"].endswith("mean of 3")
        }
    assert found == {
        f"{WORDS[name]} ({name}), accuracy after {count} labels, mean of 3": value
        for name, by_count in MEASURED.items()
        for count, value in by_count.items()
    }
    page = open_page("label", data="scans", model=lab.model)
    orders = [one.content for one in page.button_group(key="by").proto.options]
    assert len(orders) == len(WORDS) and orders[-1] == "At random"
    words = texts(page)
    assert "50 labels gave an accuracy of 40% by *most uncertain*, 32% at random" in words
    assert "On your images it is not known" in words


def test_a_few_labels_teach_the_head_and_mended_labels_train_on_them(lab):
    waiting = [name for name, label in lab.labels.given("scans").items() if label is None]
    assert len(waiting) == 54
    proposed = lab.labelling.proposals(lab.space, "diversity")
    assert len({one.name for one in proposed}) == 10 and {one.name for one in proposed} <= {
        *waiting
    }
    for one in proposed:
        lab.labels.relabel("scans", [one.name], lab.truth[one.name], who="ann")
    standing = lab.labelling.standing(lab.space)
    assert (standing.labelled, standing.waiting, standing.by_hand) == (16, 44, 10)
    with pytest.raises(DataError, match="did you mean 'both'"):
        lab.labelling.proposals(lab.space, "bth")
    spec = lab.recipe("quick", {"data.name": "scans", "data.labels": "mended"}).data
    data = lab.dataset(spec)
    assert {one.name for one in proposed} <= {str(data.files[i]) for i in data.splits["train"]}


def test_where_every_image_has_a_label_the_page_leads_to_those_that_have_none(lab):
    text = texts(open_page("label", data="digits", model=lab.model))
    assert "Every image of `digits` has a label." in text
    assert "[scans](/label?data=scans)" in text and "Treat all images" not in text


def test_without_any_image_to_label_the_page_says_how_to_get_some(tmp_path, monkeypatch):
    monkeypatch.setenv("GLYPHLAB_HOME", str(tmp_path))
    empty = Lab(tmp_path)
    page = open_page("label", model="canvas-digits")
    text = texts(page)
    assert "Every image of `digits` has a label." in text and "tick" in text
    assert "[Add a data set](/data?add=yes)" in text
    # As it says: a folder for each class, and one called unlabelled beside them.
    add_scans(empty)
    assert empty.data.contents("scans").report.unlabelled == 54
    assert open_page("label", model="canvas-digits").selectbox(key="data").value == "scans"
    # Or all of them, by the checkbox of that name.
    assert "Treat all images as unlabelled" in text
    page = open_page("data", data="scans")
    assert "Treat all images as unlabelled" in [box.label for box in page.checkbox]


def test_a_data_set_that_was_not_embedded_offers_to(lab):
    page = open_page("label", model="canvas-digits")
    assert page.selectbox(key="data").value == "scans"  # before the many whose images have labels
    assert "have not been embedded" in texts(page)
    assert "Embed them" in [button.label for button in page.button]


def test_the_page_opens_with_a_model_that_the_data_set_is_embedded_by_and_the_address_names_it(lab):
    page = open_page("label", data="scans")
    assert page.selectbox(key="model").value == lab.model and "1 of 10 proposed" in texts(page)
    assert page.query_params["model"] in (lab.model, [lab.model])

    add_scans(lab, "switched", Choices(unlabelled=True))
    lab.spaces.embed("canvas-digits", "switched", "all")
    page.run()
    page.selectbox(key="data").select("switched").run()
    assert page.selectbox(key="model").value == "canvas-digits", "the first is of other images"
    assert "1 of 10 proposed" in texts(page)
    for name, chosen in (("model", "canvas-digits"), ("data", "switched")):
        assert page.query_params[name] in (chosen, [chosen])

    page.selectbox(key="model").select("mnist-convnet").run()
    assert "have not been embedded by `mnist-convnet` yet" in texts(page), "as a person chose"
    page = open_page("label", data="switched", model="mnist-convnet")
    assert "have not been embedded by `mnist-convnet` yet" in texts(page), "as the address says"


def test_a_data_set_without_any_label_is_labelled_and_a_model_comes_out(lab):
    truth = add_scans(lab, "bare", Choices(unlabelled=True))
    assert set(lab.labels.given("bare").values()) == {None} and lab.labels.classes("bare") == ()
    assert "60" in texts(open_page("data", data="bare"))
    before, why = len(lab.runs()), "no image of bare has a label"
    page = open_page("train", data="bare", recipe="quick")
    assert f"{why[:1].upper()}{why[1:]}" in texts(page) and "Will train" not in texts(page)
    assert page.button(key="start").disabled and "[Label](/label?data=bare)" in texts(page)
    recipe = lab.recipe("quick", {"data.name": "bare"})
    for begin in (lab.submit, lab.train):
        with pytest.raises(DataError, match=why) as refused:
            begin(recipe)
        assert "page Label" in str(refused.value) and len(lab.runs()) == before
    spec = SweepSpec(
        name="bare", recipe="quick", changes={"data.name": "bare"}, space={"lr": [0.1]}
    )
    with pytest.raises(DataError, match=why):
        lab.sweeps.create(spec)
    assert not lab.sweeps.list()
    page = open_page("data", data="bare")
    assert "Train on this" not in texts(page) and "[Label](/label?data=bare)" in texts(page)
    assert "will be drawn" not in str(page.get("plotly_chart"))
    for view in ("Augmentation", "Splits", "Report"):
        page.session_state["data-view"] = view
        page.run()
        assert not page.exception, view
        assert ("these splits are of given labels" in texts(page)) == (view == "Splits")
    space = lab.spaces.embed(lab.model, "bare", "all")
    page = open_page("label", data="bare", model=lab.model)
    figures = {metric.label: metric.value for metric in page.metric}
    assert (figures["Without a label"], figures["Accuracy so far"]) == ("60", "–")
    assert "Predicted by" in texts(page) and lab.labelling.score(space) is None
    open_page("embeddings", data="bare", model=lab.model, part="all", method="pca")

    for digit in ("0", "1", "4"):
        names = [name for name, label in truth.items() if label == digit][:12]
        lab.labels.relabel("bare", names, digit, who="me", new_class=True)
    page = open_page("label", data="bare", model=lab.model)
    metric = next(metric for metric in page.metric if metric.label == "Accuracy so far")
    assert metric.delta == "random choice 33%"
    score = lab.labelling.score(space)
    assert score.n == 36 and score.chance < score.low < score.accuracy < score.high
    with pytest.raises(DataError, match=r"data\.labels=mended"):
        lab.submit(lab.recipe("quick", {"data.name": "bare"}))
    assert "labels=mended" in texts(open_page("data", data="bare"))
    assert not lab.data.why_not_trained(DataSpec(name="bare", labels="mended"))
    recipe = lab.labelling.recipe(space)
    data = lab.dataset(recipe.data)
    sizes = {name: len(index) for name, index in data.splits.items()}
    assert data.classes == ("0", "1", "4") and sum(sizes.values()) == 36
    assert set(sizes) == {"train", "val", "test"} and recipe.init_from == lab.model
    with pytest.raises(DataError, match="has no split 'train'"):
        lab.dataset("bare").split("train")


def test_nothing_is_trained_on_images_of_one_class(lab):
    data, out = lab.dataset("digits"), io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for number, at in enumerate(np.flatnonzero(data.labels == 4)[:12]):
            picture = io.BytesIO()
            Image.fromarray(255 - data.images[at, 0]).save(picture, "PNG")
            archive.writestr(f"four/{number}.png", picture.getvalue())
    staged = lab.data.imports.stage("fours.zip", out.getvalue())
    lab.data.imports.keep(staged, AS_FOUND)
    before = len(lab.runs())
    with pytest.raises(DataError, match="of one class, 'four'"):
        lab.submit(lab.recipe("quick", {"data.name": "fours"}))
    assert len(lab.runs()) == before
    assert open_page("train", data="fours").button(key="start").disabled
    page = open_page("data", data="fours")
    assert "Train on this" not in texts(page) and "a model needs two" in texts(page)


def test_without_a_label_the_model_predicts_and_then_what_is_right_more_often(lab):
    truth = add_scans(lab, "read", Choices(unlabelled=True))
    space = lab.spaces.embed("canvas-digits", "read", "all")
    page = open_page("label", data="read", model="canvas-digits")
    assert "Predicted by canvas-digits" in texts(page)
    captions = [item["caption"] for item in thumbnails(page, "proposed")]
    assert all(re.fullmatch(r"\d\? >?\d+%", one) for one in captions)
    page.button(key="take").click().run()
    (entry,) = lab.labels.decisions("read").entries()
    assert (entry.own, entry.to) == (False, [truth[entry.samples[0]]])
    page.button(key="undo").click().run()
    assert lab.labels.classes("read") == () and lab.labelling.model_predicts(space)
    names = list(truth)
    lab.labels.relabel("read", names[:3], "letter", who="me", new_class=True)
    assert not lab.labelling.model_predicts(space), "a class that the model does not know"
    assert [one.likely for one in lab.labelling.predicted(space, names[:2])] == ["", ""]
    lab.labels.undo("read", who="me")
    wrong = [str((int(label) + 1) % 10) for label in truth.values()]
    lab.labels.relabel("read", names[:6], wrong[:6], who="me", new_class=True)
    assert not lab.labelling.model_predicts(space), "it was right about none of six"
    with pytest.raises(DataError, match="has no image"):
        lab.labelling.predicted(space, ["nowhere.png"])


def test_a_letter_or_digit_makes_a_class_where_classes_are_letters_and_digits(lab):
    add_scans(lab, "keyed", Choices(unlabelled=True))
    lab.spaces.embed(lab.model, "keyed", "all")

    def sent(page) -> dict:
        (keys,) = (
            json.loads(element.proto.json)
            for element in page.get("bidi_component")
            if element.proto.component_name.endswith("glyphlab_keys")
        )
        return keys

    page = open_page("label", data="keyed", model=lab.model)
    first = sent(page)
    assert first["free"] and "and makes it where there is none yet" in texts(page)
    names = [one["name"] for one in first["queue"]]
    assert len(names) == 10 and names[1:] == [item["name"] for item in thumbnails(page, "proposed")]
    lab.labels.relabel("keyed", names[:1], "alpha", who="me", new_class=True)
    page.run()
    assert not sent(page)["free"], "a letter is no class of such a data set"
    assert "makes it" not in texts(page) and sent(page)["queue"][0]["name"] == names[1]


@pytest.mark.parametrize("letter", ["c", "r"])
def test_classes_called_as_streamlits_own_keys_are_labelled_as_any_other(lab, letter):
    data = f"letters-{letter}"
    add_scans(lab, data, Choices(unlabelled=True))
    names = list(lab.spaces.embed(lab.model, data, "all").images.files)
    lab.labels.relabel(data, names[:2], letter, who="me", new_class=True)
    page = open_page("label", data=data, model=lab.model)
    assert not page.exception
    page.button(key=f"give-{letter}").click().run()
    assert lab.labels.labels_now(data, names).count(letter) == 3
