"""The Label page, without a browser: images without a label are proposed, labelled by keys, and learned
from at once.
"""

from __future__ import annotations

import io
import zipfile

import numpy as np
import pytest
from PIL import Image
from weblab import add_run, open_page, texts, thumbnails

from engine.data.choices import AS_FOUND, Choices
from engine.errors import DataError
from engine.lab import Lab
from engine.recipes.fields import DataSpec
from engine.sweep.spec import SweepSpec


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Lab:
    lab = Lab(tmp_path_factory.mktemp("lab"))
    lab.truth = _scans(lab)
    lab.model = add_run(lab).id
    lab.space = lab.spaces.embed(lab.model, "scans", "all")
    return lab


def _scans(lab: Lab, called: str = "scans", choices: Choices = AS_FOUND) -> dict[str, str]:
    """60 digits of three classes: two of each in folders, the others beside them without a label. Their
    true classes by name.
    """
    data, out, truth = lab.dataset("digits"), io.BytesIO(), {}
    with zipfile.ZipFile(out, "w") as archive:
        for digit in (0, 1, 4):
            for number, at in enumerate(np.flatnonzero(data.labels == digit)[:20]):
                name = f"{digit}/{number}.png" if number < 2 else f"unlabelled/{digit}-{number}.png"
                picture = io.BytesIO()
                Image.fromarray(255 - data.images[at, 0]).save(picture, "PNG")
                archive.writestr(name, picture.getvalue())
                truth[name] = str(digit)
    staged = lab.data.imports.stage(f"{called}.zip", out.getvalue())
    seen = lab.data.imports.look_at(staged, choices)
    assert len(seen.samples.images) == (24 if choices.unlabelled else 3)
    lab.data.imports.keep(staged, choices)
    return truth


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
    assert "1 of 10 proposed" in texts(page) and len(thumbnails(page)) == 9
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


def test_a_data_set_that_was_not_embedded_offers_to(lab):
    page = open_page("label", model="canvas-digits")
    assert page.selectbox(key="data").value == "scans"  # before the many whose images have labels
    assert "have not been embedded" in texts(page)
    assert "Embed them" in [button.label for button in page.button]


def test_a_data_set_without_any_label_is_labelled_and_a_model_comes_out(lab):
    truth = _scans(lab, "bare", Choices(unlabelled=True))
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
        assert ("splits are made of those that have one" in texts(page)) == (view == "Splits")
    space = lab.spaces.embed(lab.model, "bare", "all")
    page = open_page("label", data="bare", model=lab.model)
    figures = {metric.label: metric.value for metric in page.metric}
    assert (figures["Without a label"], figures["Accuracy so far"]) == ("60", "–")
    assert "Which class is it?" in texts(page) and lab.labelling.score(space) is None
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
