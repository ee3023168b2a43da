"""Sentences on the pages that were false once: each is compared with what is really there."""

from __future__ import annotations

import ast
import json
import os
import re
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from made_lab import zipped
from trained import model_run
from weblab import add_run, open_page, texts

from app.canvas_tabs.reader import Reader
from app.widgets import busy
from app.widgets.pickers import model_label
from engine.lab import Lab
from engine.models.card import VALIDATION_ONLY, model_card
from engine.recipes.recipe import Recipe
from engine.services.background import TASKS
from engine.sweep.spec import SweepSpec

ROOT = Path(__file__).parents[2]


@pytest.fixture
def lab(tmp_path, monkeypatch):
    monkeypatch.setenv("GLYPHLAB_HOME", str(tmp_path))
    monkeypatch.setattr(os, "getloadavg", lambda: (0.0, 0.0, 0.0))
    return Lab(tmp_path)


def test_train_on_this_opens_a_run_on_that_data_set(lab):
    lab.data.upload("shapes.zip", zipped(30))
    page = open_page("data", data="shapes")
    assert "/train?data=shapes" in texts(page)
    page = open_page("train", data="shapes")
    assert "Will train **convnet** on **shapes**" in texts(page)
    assert "bundled digits" not in texts(page)  # what the recipe was written for
    page.button(key="start").click().run()
    assert not page.exception
    run = lab.runs()[0]
    lab.stop(run.id, at_once=True) if run.alive else None
    assert run.data == "shapes" and lab.run(run.id).recipe().data.classes is None


def test_a_link_for_a_data_set_opens_the_form_also_after_another_run_was_watched(lab):
    lab.data.upload("shapes.zip", zipped(30))
    watched = add_run(lab)
    page = open_page("train", run=watched.id)
    assert not page.button
    page.query_params.clear()
    page.query_params["data"] = "shapes"
    page.run()
    assert "Will train **convnet** on **shapes**" in texts(page)


def test_a_data_set_that_is_gone_is_named_and_the_form_still_works(lab):
    page = open_page("train", data="gone")
    assert "no data set `gone`" in texts(page) and not page.button(key="start").disabled


def test_ones_own_model_has_its_owners_name_and_its_own_data(lab):
    run = add_run(lab, name="mine")
    info = next(model for model in lab.models() if model.name == run.id)
    assert info.title == "mine" and info.tested_on == "364 test images of digits"
    assert (
        model_label(info)
        == f"mine · digits · {run.id} · 98.90% of 364 test images of digits, 10 classes"
    )
    shown = {model["name"]: model for model in Reader(lab).models()}[run.id]
    assert "mine" in shown["label"] and "Quick start" not in shown["label"]


def test_a_card_of_a_changed_recipe_says_what_it_was_really_trained_on(lab):
    run = model_run(lab, **{"data.name": "letters"})
    card = model_card(lab.model_meta(run.id))
    assert "bundled digits" not in card and "on letters instead of digits" in card
    assert "bundled digits" in model_card(lab.model_meta(model_run(lab).id))


def test_a_card_says_whether_the_labels_were_mended_and_up_to_which_decision(lab):
    run = model_run(lab)
    meta = lab.model_meta(run.id)
    assert "mended" not in model_card(meta)
    data = {**meta["recipe"]["data"], "labels": "mended", "journal": [1021]}
    mended = {**meta, "recipe": {**meta["recipe"], "data": data}}
    assert "digits, mended labels (journal entry 1,021), split seed" in model_card(mended)


def test_figures_of_validation_images_are_not_called_the_test_splits(lab):
    meta = lab.model_meta(add_run(lab).id)
    figures = {key: value for key, value in meta["metrics"].items() if not key.startswith("test")}
    words = {"name": "own", "about": "Read [this](http://e.example) <img src=x>"}
    other = model_card({**meta, "title": "![a](b)", "recipe": {**meta["recipe"], **words}})
    assert "\\[this\\](http\u2060:" in other and "<img" not in other and "# !\\[a\\]" in other
    card = model_card({**meta, "metrics": figures})
    assert VALIDATION_ONLY in card and VALIDATION_ONLY not in model_card(meta)

    from streamlit.testing.v1 import AppTest

    def section(meta):
        from app.sections.models.card import figures, mistakes

        figures(meta)
        mistakes(meta)

    page = AppTest.from_function(section, args=({**meta, "metrics": figures},)).run()
    assert page.metric[0].label == "Validation accuracy"
    assert "validation images" in texts(page) and "test" not in texts(page)


def test_the_canvas_model_of_62_classes_says_what_its_accuracy_is_of(lab):
    shown = next(one for one in Reader(lab).models() if one["name"] == "canvas-characters")
    assert "86.2% exact" in shown["label"] and "14,000 test images" in shown["label"]
    merged = next(model for model in lab.models() if model.name == "canvas-characters").merged
    assert merged is not None and 0.95 < merged < 0.99
    assert all(model.merged is None for model in lab.models() if model.classes == 10)


def test_a_busy_machine_says_so_and_what_for(lab, monkeypatch):
    assert busy.quick_takes(lab) == f"{busy.QUICK}."
    run, waiting = add_run(lab, name="mine", model=False), add_run(lab, name="next", model=False)
    with ExitStack() as held:
        for one, state in ((run, "running"), (waiting, "queued")):
            held.enter_context(one.take_lock())
            one.write_status(state=state, finished=None)
        assert busy.busy_with(lab) == "training run mine and 1 queued run"
        assert busy.busy_with(lab, but=run.id) == "1 queued run"
        run.write_status(name="q` [Enter](https://evil.example)")
        assert "[Enter](" not in busy.busy_with(lab)
        run.write_status(name="mine")
        assert "busy now (training run mine" in texts(open_page("home"))
    monkeypatch.setattr(os, "getloadavg", lambda: (64.0, 0.0, 0.0))
    assert "programs outside the lab" in busy.quick_takes(lab)


def test_every_kind_of_task_has_words_for_what_it_does():
    assert set(busy.TASK_WORDS) == set(TASKS)


def test_a_run_that_reports_no_progress_is_not_called_dead(lab):
    run = add_run(lab, name="mine", model=False)
    with run.take_lock():
        ago = (datetime.now(UTC) - timedelta(minutes=4)).isoformat()
        run.write_status(state="running", finished=None, heartbeat=ago, what="decoding images")
        words = texts(open_page("home"))
    assert "running · no progress for 4 min" in words and "no sign of life" not in words


def test_samples_are_counted_without_those_that_cannot_be_read(lab):
    lab.data.upload("shapes.zip", zipped(30))
    assert "30 images. Ink" in texts(open_page("data", data="shapes"))


def test_labels_are_not_asked_for_where_every_image_has_one(lab):
    assert "Every image of `digits` has a label" in texts(open_page("label", data="digits"))


def test_a_list_of_wrong_predictions_says_how_many_there_are_and_how_many_it_shows():
    from app.sections.models.inside import _counted
    from engine.services.predictions import HeldOutPredictions

    found = HeldOutPredictions(
        *(None,) * 3, files=(), classes=(), data="digits", split="test", of=600, matching=40
    )
    thirty = replace(found, labels=range(30))
    said = "40 of 600 images of digits (split: test) are classified wrongly"
    assert _counted(thirty, "wrong") == f"{said}. Shown: the 30 most confident."
    assert (
        _counted(replace(found, labels=range(40)), "wrong") == f"{said}; the most confident first."
    )


RETIRED = re.compile(
    r"\banew\b|\bat\s+hand\b|foretold|settle questions|signs? of life|does not come to an end"
    r"|throw (it )?away|took back in|never gets there|small form|whoever leads"
    r"|expected (at most|at least|a )|is believed",
    re.IGNORECASE,
)


def retired_on_screen(path: Path) -> list[str]:
    """The retired words in a file: in Python those of texts, not of comments and docstrings."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".py" or not RETIRED.search(text):
        return [found[0] for found in RETIRED.finditer(text)]
    tree = ast.parse(text)
    quiet = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    return [
        found[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in quiet
        for found in RETIRED.finditer(node.value)
    ]


def test_words_that_a_reader_had_to_guess_do_not_come_back():
    paths = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *ROOT.glob("assets/canvas/*.js")]
    for folder in ("app", "pages", "engine"):
        paths += (ROOT / folder).rglob("*.py")
    assert len(paths) > 500
    assert {
        str(path.relative_to(ROOT)): found for path in paths if (found := retired_on_screen(path))
    } == {}


def test_no_explanation_of_a_field_names_a_table_of_the_program():
    for kind in (Recipe, SweepSpec):
        fields = json.dumps(kind.model_json_schema())
        assert '"description"' in fields
        assert not re.search(r"(a name in|see) [A-Z]{4,}|see engine\.", fields), kind
