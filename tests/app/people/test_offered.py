"""Pages as somebody has them who may little: what they offer is not refused, and they say what is not for
them.
"""

from __future__ import annotations

import pytest
from weblab import add_run, open_page, texts

from app.people.presence import AWAY_SECONDS
from app.sections.runs import table_key
from app.shared_lab import open_lab_here
from engine.embedding.projection import Options
from engine.people.quota import QUOTAS
from engine.progress import no_progress

DIGITS = {"data": "digits"}
PAGES: dict[str, dict[str, str]] = {
    "home": {},
    "train": {},
    "compare": {},
    "study": {},
    "sweeps": {},
    "embeddings": DIGITS,
    "label": DIGITS,
    "noise": DIGITS,
    "data": DIGITS,
    "sample": DIGITS,
    "models": {"model": "canvas-digits"},
}
LOCKED = (
    "sweeps",
    "embeddings",
    "noise",
    "sample",
    "models",
)  # where something is left out in words


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """A public lab in which somebody else has trained; pages in this process are a visitor's."""
    patch = pytest.MonkeyPatch()
    patch.setenv("GLYPHLAB_HOME", str(tmp_path_factory.mktemp("offered")))
    patch.setenv("GLYPHLAB_MODE", "public")
    lab = open_lab_here()
    lab.others = add_run(lab, "stopped", name="somebody else's").id
    yield lab
    patch.undo()


@pytest.mark.parametrize("name", PAGES)
def test_nothing_is_offered_that_is_refused(lab, name):
    page = open_page(name, **PAGES[name])
    if name in LOCKED:
        assert ":material/lock: You may not" in texts(page)
    for key in [button.key for button in page.button if not button.disabled]:
        page.button(key).click().run()
        assert not page.exception
        said = texts(page) + "".join(toast.value for toast in page.toast)
        assert "ou may not" not in said.replace(":material/lock: You may not", ""), key
        page = open_page(name, **PAGES[name])


def test_no_run_of_somebody_else_can_be_deleted_from_the_table(lab):
    page = open_page("runs")
    page.session_state[table_key(page.dataframe[0].value["Id"])] = {"selection": {"rows": [0]}}
    page.run()
    assert "Tick some" not in texts(page) and "delete-runs" not in [
        button.key for button in page.button
    ]
    assert ":material/lock: You may not" in texts(page)


def test_a_run_of_somebody_else_has_no_button_and_a_recipe_that_is_too_large_says_so(lab):
    page = open_page("train", run=lab.others)
    assert not {"Resume", "Stop and keep the model"} & {button.label for button in page.button}
    page = open_page("train", recipe="canvas-digits")
    assert page.button("start").disabled
    assert ":material/lock: " in texts(page)
    page = open_page("train", recipe="nature-cnn5")
    above = "Data set 'nature' is not here yet. The lab's owner or teacher can add it."
    assert [box.value for box in page.info if box.icon == ":material/lock:"] == [above]
    assert "Nature 12K · not here" in page.get("button_group")[0].options


def test_whoever_may_change_no_label_is_told_what_they_can_do_instead(lab):
    page = open_page("label", data="digits")
    said = texts(page)
    assert "On this page the owner of this lab gives labels to images that have none." in said
    assert "What you can do instead" in said and "](/draw)" in said and "](/embeddings)" in said
    assert "Every image of" not in said and "Add a data set" not in said and not page.selectbox
    card = texts(open_page("sample", data="digits"))
    assert "You may not change labels here: they count for everybody." in card


def test_a_visitor_is_told_how_much_they_may_do_and_how_long_it_is_kept(lab, monkeypatch):
    quota, hours = QUOTAS["visitor"], AWAY_SECONDS // 3600
    for name in ("home", "train"):
        said = texts(open_page(name))
        assert f"{quota.at_once} run waiting or training" in said, name
        assert f"{quota.a_day} a day" in said and f"after {quota.minutes} minutes" in said
        assert f"deleted once you have been away for {hours} hours" in said
    assert f"away for {hours} hours" in texts(open_page("draw"))
    with monkeypatch.context() as patch:
        patch.setenv("GLYPHLAB_MODE", "own")
        assert not any("visitor" in texts(open_page(name)) for name in ("home", "train", "draw"))


def test_a_visitor_finds_the_map_that_the_lab_has_ready(lab):
    assert "Look at an embedding space" not in texts(open_page("home"))
    model = add_run(lab).id
    space = lab.spaces.embed(model, "digits", "test", no_progress)
    assert lab.tour.state("map") == "open", "there are embeddings, and no map yet"
    lab.spaces.map(space, Options(method="pca"))
    assert lab.tour.state("map") == "done"
    said = texts(open_page("home"))
    assert "Look at an embedding space" in said and "/embeddings?model=" in said
    assert "Look at wrong labels" not in said  # none was searched for yet
