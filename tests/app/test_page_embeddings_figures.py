"""The Figures of the embedding explorer, and of which images they are."""

from __future__ import annotations

import numpy as np
import pytest
from weblab import add_run, open_page, texts

from app.glossary import as_markdown
from app.sections.embeddings.figures import no_test
from engine.embedding.projection import Options
from engine.lab import Lab
from engine.services.background import measure


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    lab = Lab(tmp_path_factory.mktemp("lab"))
    lab.model = add_run(lab).id
    for part in ("train", "test"):
        measure(lab.launcher, lambda *step: None, lab.model, "digits", part)
    return lab


def test_figures_on_images_that_the_model_learned_from_are_called_no_test_figures(lab, monkeypatch):
    monkeypatch.setenv("GLYPHLAB_HOME", str(lab.home))
    address = {"model": lab.model, "data": "digits", "view": "figures"}
    said = texts(open_page("embeddings", **address))  # what is chosen unless a person does
    assert "**No test figures:** the model learned from the training images" in said
    assert "choose *test images* under *Images* above, if this data set has any" in said
    assert "training and validation images, stratified" in said
    said = texts(open_page("embeddings", **address, part="test"))
    assert "No test figures" not in said and " test images, stratified" in said


def test_every_figure_is_explained_beside_it(lab, monkeypatch):
    monkeypatch.setenv("GLYPHLAB_HOME", str(lab.home))
    page = open_page("embeddings", model=lab.model, data="digits", view="figures", part="test")
    columns = {name for table in page.dataframe for name in table.value}
    before = texts(page)
    terms = "precision-at-1-r-precision-map-at-r-knn-verification-auc-similarity-triplet"
    page.session_state[f"explain-{terms}"] = True
    page.run()
    said = texts(page)
    for name in (
        "Precision@1",
        "R-precision",
        "MAP@R",
        "kNN",
        "VAL at FAR 10⁻³",
        "Verification AUC",
    ):
        assert any(column.startswith(name) for column in columns), name
        assert said.count(name) > before.count(name) and as_markdown(name), name
    assert "the threshold at FAR 10⁻³" in said, "as the chart of distances calls its line"
    assert "Equal error rate" not in said, "no figure here is one"


def test_images_of_a_set_that_the_model_was_not_trained_on_are_new_to_it(lab):
    own = {
        part: no_test(lab, lab.model, "digits", part) for part in ("train", "val", "all", "test")
    }
    assert all(own[part] for part in ("train", "val", "all")) and not own["test"]
    assert "may have been chosen by these validation images" in own["val"]
    assert no_test(lab, lab.model, "characters", "train") == ""


def test_no_figures_are_offered_of_images_without_a_label(lab, monkeypatch):
    monkeypatch.setenv("GLYPHLAB_HOME", str(lab.home))
    address = {"model": lab.model, "data": "digits", "view": "figures", "part": "unlabelled"}
    page = open_page("embeddings", **address)
    assert "These figures need images with a label" in texts(page)
    assert not [button for button in page.button if button.label == "Measure"]


def test_a_run_whose_data_set_changed_since_is_watched_without_images(lab, monkeypatch):
    monkeypatch.setenv("GLYPHLAB_HOME", str(lab.home))
    run = add_run(lab, name="watched")
    for epoch in range(2):
        run.write_arrays(
            f"snapshots/epoch-{epoch:04d}.npz",
            embeddings=np.random.default_rng(epoch).normal(size=(40, 8)),
            labels=np.arange(40) % 10,
            index=np.arange(40),
        )
    lab.spaces.learning(run.id, Options())
    for version, shown in ((lab.dataset(run.recipe().data).fingerprint, True), ("before", False)):
        run.write_status(fingerprint=version)
        page = open_page("embeddings", view="learning", run=run.id)
        (scatter,) = page.get("bidi_component")
        assert (f"space/run/{run.id}" in scatter.proto.json) == shown
        assert ("Data set digits has changed since this run: its images" in texts(page)) != shown
