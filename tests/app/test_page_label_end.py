"""The Label page when nothing is left to label, and what the labels are for."""

from __future__ import annotations

import pytest
from scans import add_scans
from weblab import add_run, open_page, texts

from app.sections.predicted_by import fitted_to
from engine.data.choices import Choices
from engine.lab import Lab


@pytest.fixture
def lab(tmp_path, monkeypatch) -> Lab:
    monkeypatch.setenv("GLYPHLAB_HOME", str(tmp_path))
    lab = Lab(tmp_path)
    lab.model = add_run(lab).id
    lab.truth = add_scans(lab)
    lab.spaces.embed(lab.model, "scans", "all")
    return lab


def label_all_but(lab: Lab, left: int) -> None:
    waiting = [
        name
        for name, now in zip(
            lab.truth, lab.labels.labels_now("scans", list(lab.truth)), strict=True
        )
        if now is None
    ]
    for name in waiting[: len(waiting) - left]:
        lab.labels.relabel("scans", [name], "0", who="You")


def standing(page) -> dict[str, str]:
    return {metric.label: metric.value for metric in page.metric}


def test_the_last_label_is_taken_back_where_it_was_given(lab):
    label_all_but(lab, 1)
    page = open_page("label", data="scans", model=lab.model)
    assert standing(page)["Without a label"] == "1"
    page.button(key="give-4").click().run()
    assert standing(page)["Without a label"] == "0" and not page.exception
    assert "Every image of this data set has a label, or was left out." in texts(page)
    assert "Find label errors" not in texts(page), "6 of the labels came with it: too few"
    assert page.button(key="first-model") and page.button(key="undo").proto.shortcut.lower() == "u"
    page.button(key="undo").click().run()
    assert standing(page)["Without a label"] == "1" and page.button(key="give-4")


def test_where_the_rest_was_skipped_a_label_can_be_taken_back(lab):
    label_all_but(lab, 2)
    page = open_page("label", data="scans", model=lab.model)
    page.button(key="give-4").click().run()
    page.button(key="skip").click().run()
    assert "The rest was skipped or left out." in texts(page)
    page.button(key="undo").click().run()
    assert standing(page)["Without a label"] == "2" and page.button(key="give-4")


def test_images_that_were_skipped_are_asked_about_again_when_one_wants_to(lab):
    label_all_but(lab, 2)
    page = open_page("label", data="scans", model=lab.model)
    for _ in range(2):
        page.button(key="skip").click().run()
    page.button(key="skipped-again").click().run()
    assert not page.exception and page.button(key="skip") and page.button(key="give-4")
    assert "skipped-again" not in [button.key for button in page.button]


def test_no_model_is_offered_of_labels_of_one_class(lab):
    add_scans(lab, "bare", Choices(unlabelled=True))
    lab.spaces.embed(lab.model, "bare", "all")
    first, second, *_ = lab.truth
    lab.labels.relabel("bare", [first], "0", who="You", new_class=True)
    button = open_page("label", data="bare", model=lab.model).button(key="first-model")
    assert button.disabled and "labels of two classes" in button.help
    lab.labels.relabel("bare", [second], "1", who="You", new_class=True)
    assert not open_page("label", data="bare", model=lab.model).button(key="first-model").disabled


def test_of_more_labels_than_are_fitted_it_is_said_to_how_many():
    assert fitted_to(1_000) == "the 1,000 labels"
    assert fitted_to(1_234) == "1,000 of the 1,234 labels"


def test_the_order_at_random_is_not_compared_with_itself(lab):
    words = texts(open_page("label", data="scans", model=lab.model, by="random"))
    assert "50 labels of images drawn at random gave an accuracy of 32%." in words
    assert "beside yours" not in words


def test_a_known_data_set_that_is_not_here_is_not_fetched_to_be_labelled(lab, monkeypatch):
    monkeypatch.delenv("GLYPHLAB_DATA", raising=False)
    page = open_page("label", data="mnist", model=lab.model)
    assert "Every image of `mnist` has a label." in texts(page)
    assert "embed" not in [button.key for button in page.button]


def test_the_accuracy_is_said_to_be_of_hard_images_only_of_those_labelled_here(lab):
    def tip() -> str:
        page = open_page("label", data="scans", model=lab.model)
        return next(one for one in page.metric if one.label == "Accuracy so far").help

    chosen = "labelled here: where these were chosen for being hard"
    label_all_but(lab, 30)
    assert f"24 of them were {chosen}" in tip()


def test_training_on_given_labels_says_which_it_does_without(lab):
    name = next(name for name, label in lab.truth.items() if label)
    assert "set *Labels* to *mended*" not in texts(open_page("train", data="scans"))
    lab.labels.relabel("scans", [name], "1", who="You")
    assert "1 label of scans was given, confirmed or changed here." in texts(
        open_page("train", data="scans")
    )
    mended = open_page("train", data="scans", labels="mended")
    assert "set *Labels* to *mended*" not in texts(mended) and not mended.exception


def test_the_report_does_not_deny_that_labelled_images_are_trained_on(lab):
    [note] = [
        one.text
        for one in lab.data.contents("scans").report.findings
        if "have no label" in one.text
    ]
    add_scans(lab, "bare", Choices(unlabelled=True))
    bare = " ".join(one.text for one in lab.data.contents("bare").report.findings)
    assert "60 images have no label: they" in bare, "there are labels in these files"
    assert "no image has a label yet" not in bare, "some may have one by now"
    assert "only once they are" in note and "never" not in note


def test_keys_of_classes_are_explained_where_classes_have_keys(lab):
    assert "a digit or letter (but X and U) sets that class" in texts(
        open_page("label", data="scans", model=lab.model)
    )
    add_scans(lab, "named", of_class="digit ")
    lab.spaces.embed(lab.model, "named", "all")
    page = open_page("label", data="named", model=lab.model)
    assert "Enter takes the predicted class, → skips" in texts(page)


def test_keys_that_a_class_has_are_not_said_to_do_something_else(lab):
    name = next(name for name, now in lab.truth.items() if name.startswith("unlabelled"))
    lab.labels.relabel("scans", [name], "u", who="You", new_class=True)
    words = texts(open_page("label", data="scans", model=lab.model))
    assert "a digit or letter (but X) sets that class" in words
    assert "X leaves the image out" in words and "U takes your latest" not in words
