"""What Compare says of runs that were scored by different labels, without a browser."""

from __future__ import annotations

import numpy as np
import pytest
from compared import compared_run, digits_test
from weblab import open_page, texts

from engine.cli import load, parser_of
from engine.files.atomic import write_json
from engine.lab import Lab
from engine.progress import no_progress


@pytest.fixture
def lab(tmp_path, monkeypatch):
    """Two runs of digits, the second by labels of which the first three of its test images were mended:
    these are what the first run predicts, which was wrong by the given ones."""
    monkeypatch.setenv("GLYPHLAB_HOME", str(tmp_path))
    lab = Lab(tmp_path)
    lab.before = compared_run(lab, wrong=range(3), name="before")
    changes = {"lr": 0.2, "data.labels": "mended", "data.journal": [1]}
    lab.after = compared_run(lab, changes=changes, name="after")
    labels, index = digits_test(lab)
    files = lab.dataset(lab.recipe("quick").data).files
    for place in range(3):
        new = str((labels[place] + 1) % 10)
        lab.labels.relabel("digits", [str(files[index[place]])], new, who="ann")
    with np.load(lab.after.path / "predictions.npz") as arrays:
        kept = {name: arrays[name] for name in arrays.files}
    kept["labels"][:3] = (kept["labels"][:3] + 1) % 10
    lab.after.write_arrays("predictions.npz", **kept)
    lab.n = len(labels)
    return lab


def score(lab: Lab) -> None:
    """Write down what *Score on the same images* leaves."""
    folder = lab.home / "tasks" / "20260101T000000-score-together-abcdef"
    folder.mkdir(parents=True)
    arguments = {
        "models": [lab.before.id, lab.after.id],
        "data": "digits",
        "position": [len(lab.labels.decisions("digits").entries())],
    }
    created = "2026-01-01T00:00:00.000Z"
    status = {"kind": "score-together", "arguments": arguments, "state": "finished"}
    write_json(folder / "status.json", {**status, "created": created, "finished": created})


def opened(lab: Lab, view: str):
    page = open_page("compare", runs=f"{lab.before.id},{lab.after.id}")
    page.segmented_control(key="view").set_value(view).run()
    assert not page.exception and not page.error
    return texts(page)


def test_the_detail_of_runs_by_other_labels_says_so_and_leads_to_common_ones(lab):
    said = opened(lab, "Two in detail")
    assert (
        "These runs were scored on the same images by different labels:"
        f" 3 of {lab.n} images have another label. *All of them on the same images*, above, scores"
        " both by the same labels" in said
    )
    score(lab)
    assert "above, has the scores of both by the same labels" in opened(lab, "Two in detail")


def test_the_answer_advises_to_score_together_until_that_was_done(lab):
    said = opened(lab, "Answer")
    assert (
        "Whether one is better can't be told" in said and "above, scores both by the same" in said
    )
    score(lab)
    said = opened(lab, "Answer")
    assert "has the scores of both by the same labels" in said and "scores both" not in said
    assert "Score both" not in said
    lab.labels.undo("digits", who="ann")  # what was scored is of other labels than those of now
    assert "above, scores both by the same" in opened(lab, "Answer")


def test_mistakes_are_counted_by_the_labels_that_are_named(lab):
    said = opened(lab, "Mistakes")
    assert (
        f"3 of {lab.n} test images are misclassified by the given labels, 0 by the current ones, which"
        " differ for 3 images." in said
    )
    for _ in range(3):
        lab.labels.undo("digits", who="ann")
    said = opened(lab, "Mistakes")
    assert f"3 of {lab.n} test images are misclassified by the given labels. Click" in said
    faultless = compared_run(lab)
    files = lab.dataset(lab.recipe("quick").data).files
    lab.labels.relabel("digits", [str(files[digits_test(lab)[1][0]])], "9", who="ann")
    page = open_page("compare", runs=faultless.id)
    page.segmented_control(key="view").set_value("Mistakes").run()
    words = (
        "None of the test images is misclassified by the given labels, 1 by the current ones, which"
    )
    assert f"{words} differ for 1 image." in texts(page)
    lab.labels.undo("digits", who="ann")
    page = open_page("compare", runs=lab.before.id)
    page.segmented_control(key="view").set_value("Mistakes").run()
    assert f"3 of {lab.n} test images are misclassified. Click" in texts(page)


def test_on_the_command_line_the_advice_is_the_command(lab):
    module = load("compare")
    given = parser_of("compare").parse_args([lab.before.id, lab.after.id])
    command = f"engine compare {lab.before.id} {lab.after.id} --data digits"
    said = module.show(module.run(lab, given, no_progress))
    assert f"{command} scores them by the same labels." in said
