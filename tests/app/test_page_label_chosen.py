"""The Label page says how the images on it were chosen, whatever has been labelled since."""

from __future__ import annotations

import pytest
from scans import add_scans
from weblab import add_run, open_page, texts, thumbnails

from engine.data.choices import Choices
from engine.lab import Lab

DIFFERENT = "chosen to differ from each other: when they were, no two classes had labels"
FITTED = "chosen by the linear classifier that was fitted to the labels given before"


@pytest.fixture
def lab(tmp_path, monkeypatch) -> Lab:
    monkeypatch.setenv("GLYPHLAB_HOME", str(tmp_path))
    lab = Lab(tmp_path)
    lab.model = add_run(lab).id
    lab.truth = add_scans(lab, "bare", Choices(unlabelled=True))
    lab.spaces.embed(lab.model, "bare", "all")
    return lab


def order(page) -> list[str]:
    return [item["name"] for item in thumbnails(page, "proposed")]


def test_ten_images_are_said_to_be_chosen_as_they_were_whatever_was_labelled_since(lab):
    page = open_page("label", data="bare", model=lab.model)
    assert DIFFERENT in texts(page)
    first, *later = order(page)
    for key in ("take", "skip"):
        page.button(key=key).click().run()
    lab.labels.relabel("bare", later[-1:], "other", who="ann", new_class=True)
    page.run()
    assert len(lab.labels.classes("bare")) == 2, "there are labels of two classes now"
    assert DIFFERENT in texts(page) and FITTED not in texts(page)
    assert order(page)[:3] == later[1:4], "the images are the same as before"


def test_images_that_the_classifier_chose_stay_its_choice_when_labels_are_taken_back(lab):
    for name, label in (("0", "0"), ("1", "1")):
        one = next(file for file, truth in lab.truth.items() if truth == name)
        lab.labels.relabel("bare", [one], label, who="ann", new_class=True)
    page = open_page("label", data="bare", model=lab.model)
    assert FITTED in texts(page)
    before = order(page)
    lab.labels.undo("bare", who="ann")
    page.run()
    assert len(lab.labels.classes("bare")) == 1 and order(page) == before
    assert FITTED in texts(page) and DIFFERENT not in texts(page)
    again = open_page("label", data="bare", model=lab.model)
    assert DIFFERENT in texts(again), "those that are proposed now"
