"""Explanations on demand, and the switch between simple and full pages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from weblab import add_run, open_page, texts

from app.glossary import TERMS, as_markdown
from engine.lab import Lab

ROOT = Path(__file__).parents[2]


@pytest.fixture
def lab(tmp_path, monkeypatch) -> Lab:
    monkeypatch.setenv("GLYPHLAB_HOME", str(tmp_path))
    return Lab(tmp_path)


def test_every_term_that_a_page_explains_is_in_the_glossary_and_each_says_something():
    asked = {
        term
        for folder in ("app", "pages")
        for file in (ROOT / folder).rglob("*.py")
        for call in re.findall(r"\b(?:explain|meaning)\(([^)]*)\)", file.read_text("utf-8"))
        for term in re.findall(r'"([\w-]+)"', call)
    }
    assert len(asked) > 15 and asked <= set(TERMS)
    assert all(len(term.what) > 30 and term.what.endswith(".") for term in TERMS.values())


def test_words_of_cards_and_sweeps_are_explained_in_the_glossary():
    words = as_markdown()
    for word in (
        "Split seed",
        "stratified",
        "Polarity",
        "Integrated gradients",
        "TPE",
        "Temperature",
    ):
        assert word in words, word


def test_a_model_is_said_to_doubt_only_once_its_training_images_were_prepared():
    assert "once a model's training images were prepared" in as_markdown("not sure: unlike")


def test_the_glossary_is_searched_by_words(lab):
    page = open_page("glossary")
    assert "McNemar's test" in texts(page) and "Trustworthiness" in texts(page)
    page.text_input(key="glossary").input("mcnemar").run()
    assert "McNemar's test" in texts(page) and "Trustworthiness" not in texts(page)
    page.text_input(key="glossary").input("xyzzy").run()
    assert "No entry mentions `xyzzy`" in texts(page)
    assert as_markdown("xyzzy") == ""
    assert page.text_input(key="glossary").proto.max_chars == 0, (
        "a count of letters, as if of entries"
    )


@pytest.mark.parametrize(
    "word",
    "batch size, optimizer, softmax, convnet, recipe, saliency, EMNIST, descriptors, rising loss, gap,"
    " kNN, seed, given labels, epoch, recall, precision, patience, PCA, HDBSCAN, McNemar test".split(
        ", "
    ),
)
def test_words_of_the_forms_and_of_the_first_steps_have_entries(word):
    assert as_markdown(word)


def test_what_is_this_opens_the_terms_beside_the_figures(lab):
    run = add_run(lab)
    page = open_page("train", run=run.id)
    assert "Images that took no part in training" not in texts(page)
    opened = "explain-accuracy-top-3-validation-test-loss-overfitting-epoch-given-labels-parameters"
    page.session_state[opened] = True
    page.run()
    said = texts(page)
    assert "Images that took no part in training" in said
    assert "**Epoch.**" in said and "**Given labels, mended labels.**" in said


def test_at_the_equal_error_rate_two_shares_are_equal_not_two_counts():
    what = TERMS["eer"].what
    assert "share of pairs of different classes" in what and "equally many" not in what


def test_the_words_of_two_in_detail_are_explained_there(lab):
    runs = ",".join(add_run(lab, name=name).id for name in ("one", "two"))
    page = open_page("compare", runs=runs)
    page.session_state["view"] = "Two in detail"
    page.session_state["explain-mcnemar-recall-confusion"] = True
    page.run()
    assert "**Recall, precision.**" in texts(page)


def test_a_models_card_explains_its_temperature_and_its_split_seed(lab):
    page = open_page("models", model=add_run(lab).id)
    page.session_state["explain-accuracy-top-3-test-temperature-splits"] = True
    page.run()
    assert "Split seed, stratified" in texts(page) and "are divided before" in texts(page)


def test_calibration_and_likelihoods_are_for_who_asks_for_all_statistics(lab):
    run = add_run(lab)
    for full in (True, False):
        figures = [metric.label for metric in open_page("train", full=full, run=run.id).metric]
        assert ("Calibration error" in figures) is full
        views = open_page("compare", full=full, runs=run.id).button_group[-1].options
        assert ("Calibration" in views) is full
