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

import numpy as np
import pytest
from made_lab import zipped
from trained import model_run
from weblab import add_run, end_at_once, open_page, texts

from app.canvas_tabs.reader import Reader
from app.charts.words import literal
from app.glossary import TERMS
from app.widgets import busy
from app.widgets.pickers import model_label
from engine.lab import Lab
from engine.models.card import VALIDATION_ONLY, model_card
from engine.people.rights import DEEDS
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
    end_at_once(lab, run.id)
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
    assert model_label(info) == f"mine · digits · {run.id}"
    page = open_page("models", model=run.id)
    assert page.selectbox(key="model").value == run.id
    of_what = literal("98.90% of 364 test images of digits, 10 classes")
    assert f"Accuracy: {of_what}" in texts(page), "beneath the box, which would cut it short"
    shown = {model["name"]: model for model in Reader(lab).models()}[run.id]
    assert "mine" in shown["label"] and "Quick start" not in shown["label"]
    assert shown["short"] == f"mine ({run.id})"
    assert shown["about"] == "Trained on digits: 10 classes, 98.9% of 364 test images of digits"


def test_a_card_of_a_changed_recipe_says_what_it_was_really_trained_on(lab):
    run = model_run(lab, **{"data.name": "letters"})
    card = model_card(lab.model_meta(run.id))
    assert "bundled digits" not in card and "on letters instead of digits" in card
    assert "bundled digits" in model_card(lab.model_meta(add_run(lab).id))


def test_every_card_says_what_its_model_must_not_be_used_for(lab):
    words = "Not to be used to decide about people, or where nobody checks what it predicts"
    assert words in model_card(lab.model_meta(model_run(lab).id))
    cards = sorted((Path(__file__).parents[2] / "checkpoints").rglob("README.md"))
    assert len(cards) > 9 and all(words in card.read_text(encoding="utf-8") for card in cards)


def test_a_card_names_every_change_of_its_recipe_and_that_images_were_left_out(lab):
    changes = {
        "epochs": 15,
        "lr": 0.01,
        "model.options.width": 4,
        "augment.rotate": 0,
        "data.limit": 600,
    }
    card = model_card(lab.model_meta(model_run(lab, **changes).id))
    assert (
        "Trained with recipe `quick`, changed: `augment.rotate` 0 instead of 10; `data.limit` 600"
        " instead of none; `epochs` 15 instead of 10; `lr` 0.01 instead of 0.004;"
        " `model.options.width` 4 instead of 16."
    ) in card
    assert (
        "| trained on | digits, at most 600 of its training images, split seed 0, seed 0 |" in card
    )
    meta = lab.model_meta(add_run(lab).id)

    def of(**changes: object) -> str:
        recipe = lab.recipe("quick", changes).model_dump(mode="json")
        return model_card({**meta, "recipe": recipe})

    both = of(**{"data.name": "a b", "epochs": 3})
    assert "changed: on a b instead of digits; `epochs` 3 instead of 10." in both
    assert "changed: cut down to scale small." in of(scale="small")
    assert "bundled digits" in of(seed=1), "another seed is the same experiment"


def test_classes_whose_names_hold_spaces_are_told_apart(lab):
    meta = lab.model_meta(model_run(lab).id)
    names = ["drei null", "kreis", "один два"]
    assert "3: drei null, kreis, один два |" in model_card({**meta, "classes": names})
    many = [f"class {number}" for number in range(40)]
    assert "class 18, class 19 … (40 in all) |" in model_card({**meta, "classes": many})


def test_a_card_says_whether_the_labels_were_mended_and_up_to_which_decision(lab):
    run = model_run(lab)
    meta = lab.model_meta(run.id)
    assert "mended" not in model_card(meta)
    data = {**meta["recipe"]["data"], "labels": "mended", "journal": [1021]}
    mended = {**meta, "recipe": {**meta["recipe"], "data": data}}
    assert "digits, mended labels (journal entry 1,021), split seed" in model_card(mended)
    assert "Random choice" not in model_card(meta)
    three = {**mended, "classes": ["0", "1", "4"]}
    counted = {**meta["metrics"], "confusion": [[6, 0, 0], [1, 3, 0], [0, 0, 2]]}
    words = "Random choice among the 3 classes would give 33.33% of the test images the right class"
    always = ", always answering their commonest class 50.00%."
    assert words + always in model_card({**three, "metrics": counted})
    assert f"{words}." in model_card({**three, "metrics": {**counted, "confusion": []}})


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
        from app.shared_lab import open_lab_here

        figures(meta)
        mistakes(open_lab_here(), "own", meta)

    page = AppTest.from_function(
        section, args=({**meta, "metrics": figures},), default_timeout=900
    ).run()
    assert page.metric[0].label == "Validation accuracy"
    assert "validation images" in texts(page) and "test" not in texts(page)


def test_the_canvas_model_of_62_classes_says_what_its_accuracy_is_of(lab):
    shown = next(one for one in Reader(lab).models() if one["name"] == "canvas-characters")
    assert "86.2% exact" in shown["about"] and "14,000 test images" in shown["about"]
    assert shown["label"] == f"{shown['short']}: {shown['about']}"
    merged = next(model for model in lab.models() if model.name == "canvas-characters").merged
    assert merged is not None and 0.95 < merged < 0.99
    assert all(model.merged is None for model in lab.models() if model.classes == 10)


def test_every_group_of_look_alikes_that_an_accuracy_counts_as_one_is_named(lab):
    """On the card, on the pad and in the glossary, and with these groups the figure is got again."""
    meta = lab.model_meta("canvas-characters")
    info = next(model for model in lab.models() if model.name == "canvas-characters")
    group = {name: at for at, names in enumerate(info.alike) for name in names}
    same = [group.get(name, name) for name in meta["classes"]]
    matrix = np.array(meta["metrics"]["confusion"])
    right = sum(matrix[i, j] for i, a in enumerate(same) for j, b in enumerate(same) if a == b)
    assert info.merged == pytest.approx(right / matrix.sum())
    named = ["/".join(names) for names in info.alike]
    assert len(named) == 16
    [tile] = [
        one
        for one in open_page("models", model="canvas-characters").metric
        if one.label == "Look-alikes as one"
    ]
    shown = next(one for one in Reader(lab).models() if one["name"] == "canvas-characters")
    for words in (tile.help, shown["alike"], TERMS["look-alikes"].text):
        assert [name for name in named if name not in words] == []
    assert all(not one["alike"] for one in Reader(lab).models() if one["name"] == "canvas-digits")


def test_a_busy_machine_says_so_and_what_for(lab, monkeypatch):
    assert busy.quick_takes(lab) == f"{busy.QUICK}."
    run, waiting = add_run(lab, name="mine", model=False), add_run(lab, name="next", model=False)
    with ExitStack() as held:
        for one, state in ((run, "running"), (waiting, "queued")):
            held.enter_context(one.take_lock())
            one.write_status(state=state, finished=None)
        assert busy.busy_with(lab) == "training run mine and 1 queued run"
        assert "queued" not in busy.busy_with(lab, but=run.id)  # that one waits for it
        waiting = next(one for one in lab.runs() if one.state == "queued")
        assert busy.busy_with(lab, but=waiting.id) == "", "what it waits for is said beside it"
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
        times = {"started": ago, "heartbeat": ago, "finished": None}
        run.write_status(state="running", what="decoding images", **times)
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
    said = "40 of 600 test images of digits are classified wrongly"
    assert _counted(thirty, "wrong") == f"{said}. Shown: the 30 most confident."
    assert (
        _counted(replace(found, labels=range(40)), "wrong") == f"{said}; the most confident first."
    )


RETIRED = re.compile(
    r"\banew\b|\bat\s+hand\b|foretold|settle questions|signs? of life|does not come to an end"
    r"|throw (it )?away|took back in|never gets there|small form|whoever leads"
    r"|expected (at most|at least|a )|is believed"
    r"|p is of one pair, not corrected|as chosen at the import",
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


def test_the_readme_says_how_the_port_is_set_where_it_says_how_to_start():
    start = (ROOT / "README.md").read_text(encoding="utf-8").partition("## Start")[2]
    assert "`GLYPHLAB_PORT=" in start.partition("\n## ")[0]


def test_no_explanation_of_a_field_names_a_table_of_the_program():
    for kind in (Recipe, SweepSpec):
        fields = json.dumps(kind.model_json_schema())
        assert '"description"' in fields
        assert not re.search(r"(a name in|see) [A-Z]{4,}|see engine\.", fields), kind


def test_the_guide_for_teachers_says_what_a_student_may_take_away_and_not_fetch():
    may = {deed: "student" in DEEDS[deed].others for deed in ("take away", "prepare data")}
    assert may == {"take away": True, "prepare data": False}
    guide = " ".join((ROOT / "docs" / "deploy.md").read_text("utf-8").split())
    assert "A student can export and download what is in the lab, but not fetch a data set" in guide
    assert "Students download nothing" not in guide
