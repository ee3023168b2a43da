"""`python -m engine labels`: what holds, decisions, undo, and tables."""

from __future__ import annotations

import argparse

import pytest
from made_lab import lab_at, zipped

from engine.cli import labels
from engine.errors import GlyphlabError
from engine.progress import no_progress


@pytest.fixture
def lab(tmp_path):
    lab = lab_at(tmp_path)
    lab.data.upload("shapes.zip", zipped(12))
    return lab


def run(lab, *arguments):
    parser = argparse.ArgumentParser()
    labels.arguments(parser)
    document = labels.run(lab, parser.parse_args(["shapes", *arguments]), no_progress)
    return document, labels.show(document)


def test_labels_are_changed_listed_and_taken_back(lab, tmp_path):
    assert "Nobody has decided" in run(lab)[1]
    one, two, *_ = lab.labels.given("shapes")
    assert "relabel of 2 images" in run(lab, "relabel", one, two, "--to", "ring", "--who", "ann")[1]
    assert "tag of 1 image," in run(lab, "tag", one, "--tag", "smudged", "--who", "bob")[1]
    run(lab, "exclude", two, "--who", "bob")
    document, text = run(lab, "list")
    assert document["images"] == [
        {"image": one, "given": "bar", "label": "ring", "excluded": False, "tags": ["smudged"],
         "missing": False},
        {"image": two, "given": "dot", "label": "ring", "excluded": True, "tags": [],
         "missing": False},
    ]  # fmt: skip
    assert "excluded" in text and "smudged" in text
    assert "taken back: exclude" in run(lab, "undo", "--who", "bob")[1]
    assert "taken back: relabel" in run(lab, "undo", two, "--who", "cat")[1]
    assert lab.labels.labels_now("shapes", [one, two]) == ["ring", "dot"]
    log = run(lab, "log")[1].splitlines()
    assert len(log) == 6 and "ann" in log[1] and "undo" in log[-1]
    file = str(tmp_path / "journal.csv")
    assert run(lab, "export", file)[1] == file
    assert "0 new entries" in run(lab, "import", file)[1]


def test_who_finds_nothing_of_their_own_to_take_back_is_told_how(lab):
    one, two, *_ = lab.labels.given("shapes")
    run(lab, "relabel", one, "--to", "ring", "--who", "Ada L")
    with pytest.raises(GlyphlabError) as caught:
        run(lab, "undo", "--who", "bob")
    [entry] = lab.labels.decisions("shapes").entries()
    assert "nothing to take back: by bob" in str(caught.value)
    assert "by Ada L: --who 'Ada L' takes back" in str(caught.value)
    assert f"--id {entry.id} this one" in str(caught.value)
    with pytest.raises(GlyphlabError, match="nothing to take back: by bob$"):
        run(lab, "undo", two, "--who", "bob")  # nobody decided about this image
    assert "taken back: relabel" in run(lab, "undo", "--who", "Ada L")[1]


def test_a_list_that_is_taken_in_says_of_how_many_images(lab, tmp_path):
    one, two, *_ = lab.labels.given("shapes")
    (tmp_path / "list.csv").write_text(f"sample,label\n{one},ring\n{two},ring\n", encoding="utf-8")
    document, text = run(lab, "import", str(tmp_path / "list.csv"), "--who", "ann")
    assert (document["new"], document["about"]) == (1, 2)
    assert text.startswith("1 new entry about 2 images from ")


def test_mistakes_are_named(lab):
    with pytest.raises(GlyphlabError, match="did you mean 'relabel'"):
        run(lab, "relable", "x")
    with pytest.raises(GlyphlabError, match="--to CLASS"):
        run(lab, "relabel", "x")
    with pytest.raises(GlyphlabError, match="nothing to take back"):
        run(lab, "undo")
    with pytest.raises(GlyphlabError, match="needs a file"):
        run(lab, "export")


def test_an_empty_list_says_why(lab):
    one, two, *_ = lab.labels.given("shapes")
    assert run(lab, "log")[1] == "Nobody has decided about a label yet."
    run(lab, "relabel", one, "--to", "ring", "--who", "ann")
    assert run(lab, "list", two)[1].startswith("No decision about these images holds")
    run(lab, "undo", "--who", "ann")
    assert run(lab, "list")[1].startswith("No decision about these images holds")
    with pytest.raises(GlyphlabError, match="no image of shapes was labelled by two people"):
        run(lab, "consensus")
