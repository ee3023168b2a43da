"""The Models page, without a browser."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import yaml
from compared import digits_test, predictions
from made_lab import zipped
from waiting import wait_until
from weblab import add_run, end_at_once, open_page, run_part, texts, thumbnails

from app.widgets import citations
from engine import __version__
from engine.errors import RunError
from engine.jobs.again import with_test_split
from engine.lab import Lab
from engine.models import citation
from engine.models.card import model_card
from engine.services.predictions import confused_images, held_out_predictions

CITATION = Path(__file__).parents[2] / "CITATION.cff"


@pytest.fixture
def lab(tmp_path, monkeypatch):
    monkeypatch.setenv("GLYPHLAB_HOME", str(tmp_path))
    return Lab(tmp_path)


def test_a_model_shows_its_card_its_figures_and_what_it_confuses(lab):
    run = add_run(lab, name="slow")
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
    listed = page.dataframe[-1].value.set_index("Id")
    assert listed.loc["canvas-digits"]["Name"] == "canvas-digits"
    assert listed.loc[run.id]["Name"] == "slow", "as in the box above"
    of_all = listed.loc["characters-best"]
    assert of_all["Accuracy"] == "90.43%" and "held-out images" in of_all["Measured on"]
    assert "Test accuracy" not in listed.columns, "not all are of test images"


def test_a_model_of_labels_that_people_gave_stands_beside_random_choice(lab):
    run = add_run(lab)
    metric = open_page("models", model=run.id).metric[0]
    assert (metric.label, metric.delta) == ("Test accuracy", "")
    file = run.best / "checkpoint.json"
    meta = json.loads(file.read_text(encoding="utf-8"))
    meta["recipe"]["data"]["labels"] = "mended"
    file.write_text(json.dumps(meta), encoding="utf-8")
    metric = open_page("models", model=run.id).metric[0]
    assert (metric.label, metric.delta) == ("Test accuracy", "random choice 10%")


def choose_confusion(page, model: str) -> None:
    """Click the first row of the confused classes."""
    page.session_state[f"confused-{model}"] = {"selection": {"cells": [(0, "True")]}}
    page.run()
    assert not page.exception


def test_a_confusion_shows_its_images_and_each_opens_its_card(lab):
    run = add_run(lab)
    labels, index = digits_test(lab)
    wrong = np.flatnonzero(labels == 7)[:3]
    p = predictions(labels, [])
    p[wrong] = np.eye(10)[1] * 0.8 + 0.02  # a 7, predicted 1
    np.savez(run.path / "predictions.npz", index=index, labels=labels, probabilities=p)
    page = open_page("models", model=run.id)
    assert not thumbnails(page, "confused")
    choose_confusion(page, run.id)
    names = [str(lab.dataset("digits").files[i]) for i in index[wrong]]
    shown = thumbnails(page, "confused")
    assert [item["name"] for item in shown] == names
    assert all(item["href"].startswith("sample?data=digits&sample=") for item in shown)
    words = texts(page)
    assert "**7, predicted 1**" in words and "\n3 test images of digits. Below" in words


def test_a_model_with_counts_alone_finds_the_images_in_the_background(lab):
    run = add_run(lab)
    page = open_page("models", model=run.id)
    choose_confusion(page, run.id)
    assert "Only counts were saved with this model" in texts(page)
    page.button(key=f"confused-start-{run.id}").click().run()
    (task,) = lab.tasks("confusions")
    wait_until(lambda: lab.task(task.id).state == "finished", timeout=900)
    page.run()
    found = lab.task(task.id).result
    assert not page.exception
    assert found["n"] == len(lab.dataset(run.recipe().data).split("test"))
    of_cell = [row[0] for row in found["images"] if row[1:3] == ["7", "1"]]
    assert [item["name"] for item in thumbnails(page, "confused")] == of_cell
    assert "test images of digits" in texts(page)
    file = lab.home / "tasks" / task.id / "status.json"
    whole = json.loads(file.read_text())
    for damage in ([], {"images": None}, {"images": [["x"]]}, {"split": []}, {"data": 5}):
        result = damage and {**whole["result"], **damage}
        file.write_text(json.dumps({**whole, "result": result}))
        page.run()
        assert not page.exception and not thumbnails(page, "confused"), damage
        assert "is damaged, and has to be found again" in texts(page)
        assert page.button(key=f"confused-start-{run.id}")


def test_images_that_are_gone_are_said_to_be(lab):
    run = add_run(lab)
    (run.path / "predictions.npz").write_bytes(b"")
    file = run.best / "checkpoint.json"
    meta = json.loads(file.read_text())
    meta["recipe"]["data"]["name"] = "emnist-letters"
    file.write_text(json.dumps(meta))
    page = open_page("models", model=run.id)
    choose_confusion(page, run.id)
    assert "The images can't be shown: " in texts(page)


def the_figures_of_three_classes() -> None:
    from app.sections.models.card import figures
    from app.shared_lab import open_lab_here

    lab = open_lab_here()
    meta = lab.model_meta(lab.runs()[0].id)
    figures({**meta, "classes": meta["classes"][:3]})


def test_top_three_of_three_classes_is_no_figure(lab):
    page = open_page("models", model=add_run(lab).id)
    assert "Top 3" in {metric.label for metric in page.metric}
    labels = {metric.label for metric in run_part(the_figures_of_three_classes).metric}
    assert "Classes" in labels and "Top 3" not in labels


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


def test_a_model_without_a_test_split_says_so_and_is_trained_again_with_one(lab):
    run = add_run(lab)
    lab.data.upload("shapes.zip", zipped(30))  # without a test split, as digits is not
    (run.path / "recipe.yaml").write_text(lab.recipe("quick", {"data.name": "shapes"}).to_yaml())
    file = run.best / "checkpoint.json"
    meta = json.loads(file.read_text())
    meta["metrics"] = {
        key: value for key, value in meta["metrics"].items() if not key.startswith("test_")
    }
    file.write_text(json.dumps(meta))
    with run.take_lock():
        run.write_status(figures={"val_accuracy": 0.98})
    recipe, name = with_test_split(lab.store, run.id, 0.2)
    assert recipe.data.test == 0.2 and recipe.data.name == "shapes" and name == "quick, tested"
    page = open_page("models", model=run.id)
    assert "There is no test split" in texts(page)
    page.number_input(key=f"share-{run.id}").set_value(20)
    page.button(key=f"test-split-{run.id}").click().run()
    made = next(info for info in lab.runs() if info.before == run.id)
    assert lab.run(made.id).recipe().data.test == 0.2
    end_at_once(lab, made.id)
    with pytest.raises(RunError, match="Allowed: 0.05 to 0.5"):
        with_test_split(lab.store, run.id, 0.9)
    with pytest.raises(RunError, match="has a test split already"):
        with_test_split(lab.store, made.id, 0.2)


def test_a_model_and_the_lab_can_be_cited_with_what_decided_the_figure(lab):
    run = add_run(lab)
    page = open_page("models", model=run.id)
    assert "@misc" not in texts(page)  # closed, it is not filled
    page.session_state[f"cite-{run.id}"] = True
    page.run()
    model, software = [one.value for one in page.get("code") if one.value.startswith("@")][:2]
    assert f"@misc{{glyphlab-{run.id}" in model and "98.90\\% of 364 test images" in model
    assert "95\\% interval" in model and "seed 0" in model and "settings hash " in model
    assert f"version = {{{__version__}}}" in software
    with open(CITATION, encoding="utf-8") as file:
        said = yaml.safe_load(file)
    assert (said["title"], said["license"]) == (citation.TITLE, citation.LICENCE)
    assert [one["name"] for one in said["authors"]] == [citation.AUTHORS]
    assert str(said["version"]) == __version__
    assert str(said["date-released"]) == citation.RELEASED
    assert f"date = {{{citation.RELEASED}}}" in software and "year = {2026}" in software
    changes = CITATION.with_name("CHANGELOG.md").read_text(encoding="utf-8")
    assert f"## [{said['version']}] - {said['date-released']}" in changes.splitlines()


def test_a_citation_says_what_the_figure_of_a_model_of_all_images_is_of_and_promises_no_other(lab):
    page = open_page("models", model="characters-best")
    page.session_state["cite-characters-best"] = True
    page.run()
    said = next(one.value for one in page.get("code") if one.value.startswith("@misc"))
    assert "Learned from every image: 5 other models of its recipe, each with another 372" in said
    assert "read 90.43\\% of those right (standard deviation 1.28\\%)" in said
    page = open_page("models", model="task3-recovered")
    page.session_state["cite-task3-recovered"] = True
    page.run()
    said = next(one.value for one in page.get("code") if one.value.startswith("@misc"))
    assert "of 10,000 test images of mnist, 95" in said, "whose labels task3 has ruined"
    bare = add_run(lab)
    file = bare.best / "checkpoint.json"
    meta = json.loads(file.read_text())
    file.write_text(json.dumps({**meta, "metrics": {"epochs": 1}}))
    page = open_page("models", model=bare.id)
    page.session_state[f"cite-{bare.id}"] = True
    page.run()
    captions = [one.value for one in page.caption]
    assert "This model, with its recipe, seed, data and versions:" in captions


def test_the_hash_of_a_recipe_tells_what_decides_a_result_from_its_prose(lab):
    recipe = lab.recipe("quick")
    same = recipe.model_copy(update={"about": "other words", "title": "another"})
    other = recipe.model_copy(update={"lr": 0.1})
    hashes = [citation.recipe_hash(one.model_dump(mode="json")) for one in (recipe, same, other)]
    assert hashes[0] == hashes[1] != hashes[2]
    text = citations(lab, [add_run(lab).id, add_run(lab, model=False).id])
    assert text.count("@misc") == 1 and text.startswith("@software")


def saved_on_the_way(run, **more: object) -> None:
    """Make the run's model one that was saved during its training."""
    file = run.best / "checkpoint.json"
    meta = json.loads(file.read_text())
    figures = {"val_accuracy": 0.9, "epochs": 1, "unfinished": True, **more}
    file.write_text(json.dumps({**meta, "metrics": figures}))


def test_a_model_whose_test_images_are_still_to_be_read_is_not_said_to_have_none(lab):
    run = add_run(lab, state="failed", error="the disk is full")
    saved_on_the_way(run, test_waiting=355)
    words = texts(open_page("models", model=run.id))
    assert "This run failed during training. The 355 test images are read once it is" in words
    assert "no test split" not in words and "Hold it out" not in words
    assert f"/train?run={run.id}" in words
    with run.take_lock():
        run.write_status(state="running", pid=1)
        words = texts(open_page("models", model=run.id))
    assert "This run has not ended. The 355 test images are read when it does" in words
    saved_on_the_way(run)  # as an earlier version saved it
    words = texts(open_page("models", model=run.id))
    assert "Test images, where its data has any, are read" in words
    saved_on_the_way(run, test_waiting=0)
    page = open_page("models", model=run.id)
    assert "There is no test split" in texts(page)
    assert page.button(key=f"test-split-{run.id}")


def test_predictions_of_a_data_set_that_changed_since_are_not_shown_as_of_its_images_now(lab):
    run = add_run(lab)
    labels, index = digits_test(lab)
    p = predictions(labels, range(3))
    np.savez(run.path / "predictions.npz", index=index, labels=labels, probabilities=p)
    assert held_out_predictions(lab.store, run.id).of == len(labels)
    assert confused_images(lab.store, run.id)
    file = run.best / "checkpoint.json"
    meta = json.loads(file.read_text())
    file.write_text(json.dumps({**meta, "fingerprint": "before it grew"}))
    assert held_out_predictions(lab.store, run.id).of == 120  # which the model predicts now
    assert confused_images(lab.store, run.id) is None


def test_the_images_of_a_model_that_has_seen_all_of_them_are_not_called_held_out(lab):
    page = open_page("models", model=add_run(lab).id)
    assert "held-out" not in page.toggle[0].label
    run = add_run(lab)
    lab.data.upload("shapes.zip", zipped(30))
    file = run.best / "checkpoint.json"
    meta = json.loads(file.read_text())
    meta["recipe"]["data"].update(name="shapes", test=0, validation=0)
    meta["classes"][:3] = lab.dataset("shapes").classes[:3]
    file.write_text(json.dumps(meta))
    page = open_page("models", model=run.id)
    page.session_state[f"inside-{run.id}"] = True
    page.run()
    said = texts(page)
    assert "labelled images of shapes" in said and "None was held out from its training" in said


def test_a_model_that_was_measured_on_nothing_is_not_said_to_have_validation_figures(lab):
    run = add_run(lab)
    file = run.best / "checkpoint.json"
    meta = json.loads(file.read_text())
    file.write_text(json.dumps({**meta, "metrics": {"epochs": 1}}))
    metric = open_page("models", model=run.id).metric[0]
    assert (metric.label, metric.value) == ("Accuracy", "–")
    assert metric.help == "No images were held out to measure it on."
    assert metric.help in model_card(lab.model_meta(run.id))
