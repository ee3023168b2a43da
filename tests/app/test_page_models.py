"""The Models page, without a browser."""

from __future__ import annotations

import pytest
from weblab import add_run, open_page, texts

from engine.lab import Lab


@pytest.fixture
def lab(tmp_path, monkeypatch):
    monkeypatch.setenv("GLYPHLAB_HOME", str(tmp_path))
    return Lab(tmp_path)


def test_a_model_shows_its_card_its_figures_and_what_it_confuses(lab):
    run = add_run(lab)
    page = open_page("models", model=run.id)
    assert page.selectbox(key="model").value == run.id
    figures = {metric.label: metric.value for metric in page.metric}
    assert figures["Test accuracy"] == "98.90%" and figures["Classes"] == "10"
    words = texts(page)
    assert (
        "### Quick start" in words and "library_name" not in words
    )  # the card without its front matter
    assert "4 of 364 test images are misclassified" in words
    assert page.dataframe[0].value.iloc[0].to_dict() == {
        "True": "7",
        "Predicted": "1",
        "Images": 4,
        "Share of the class": "10.0%",
    }
    assert f"/draw?model={run.id}" in words
    assert run.id in set(page.dataframe[-1].value["Name"])


def test_the_weights_are_offered_and_so_is_onnx(lab):
    run = add_run(lab)
    page = open_page("models", model=run.id)
    labels = [button.proto.label for button in page.get("download_button")]
    assert any(label.startswith("safetensors (") for label in labels) and "ONNX" in labels


def test_ones_own_model_can_be_deleted(lab):
    keep, gone = add_run(lab), add_run(lab)
    page = open_page("models", model=gone.id)
    page.button(key=f"delete-{gone.id}").click().run()
    assert not page.exception
    assert [run.id for run in lab.runs()] == [keep.id]
    assert page.selectbox(key="model").value != gone.id
