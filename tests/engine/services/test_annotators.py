"""Labels of several people: from a table's annotator column and from the label journal, on the page and
from the command line.
"""

from __future__ import annotations

import io
import zipfile

import numpy as np
import pytest
from PIL import Image
from weblab import open_page, texts, thumbnails

from engine.cli import load, parser_of
from engine.errors import DataError
from engine.lab import Lab
from engine.progress import no_progress

SAID = {"ann": "aabbab", "bob": "aabbbb", "cyd": "aabaab"}  # an image a sign


# Ann calls most 3s a 5, Bob calls them a 0: of the last image, which they call a 5 and a 0, the model
# holds 3 for the likeliest class, which nobody gave it.
CONFUSED = {"ann": "5555555550000055", "bob": "0000555550000005", "cyd": "33335555500000  "}


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Lab:
    lab = Lab(tmp_path_factory.mktemp("lab"))
    _table(lab, "scans", SAID)
    _table(lab, "confused", CONFUSED)
    return lab


def _table(lab: Lab, name: str, labels: dict[str, str]) -> None:
    """A data set with a table of who gave which image which label; ' ' for none."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        lines = ["file,label,annotator"]
        for at in range(len(labels["ann"])):
            picture = io.BytesIO()
            ink = np.full((20, 20), 255, np.uint8)
            ink[4 + at // 6 : 16, 3 + 2 * (at % 6) : 6 + 2 * (at % 6)] = 0
            Image.fromarray(ink).save(picture, "PNG")
            archive.writestr(f"{at}.png", picture.getvalue())
            given = [(said[at], who) for who, said in labels.items() if said[at] != " "]
            lines += [f"{at}.png,{label},{who}" for label, who in given]
        archive.writestr("labels.csv", "\n".join(lines))
    lab.data.upload(f"{name}.zip", out.getvalue())


@pytest.fixture
def lab(made, monkeypatch) -> Lab:
    monkeypatch.setenv("GLYPHLAB_HOME", str(made.home))
    return made


def test_the_labels_of_a_table_and_of_the_lab_are_one(lab):
    votes = lab.annotators.votes("scans")
    assert votes["4.png"] == {"ann": "a", "bob": "b", "cyd": "a"}
    found = lab.annotators.agreement("scans")
    assert [one.sample for one in found.disputed] == ["4.png", "3.png"] or [
        one.sample for one in found.disputed
    ] == ["3.png", "4.png"]
    assert len(found.images) == 6 and found.fleiss[1:] == (6, 3)
    assert {one.name: one.shared for one in found.people} == {"ann": 6, "bob": 6, "cyd": 6}

    lab.labels.relabel("scans", ["4.png", "0.png"], "b", who="dee", why="map")
    lab.labels.relabel("scans", ["4.png"], "a", who="cyd")  # now, in place of what the table says
    lab.labels.relabel("scans", ["4.png"], "b", who="cyd")
    assert lab.annotators.votes("scans")["4.png"] == {
        "ann": "a",
        "bob": "b",
        "cyd": "b",
        "dee": "b",
    }
    lab.labels.undo("scans", who="cyd", of="cyd")
    assert lab.annotators.votes("scans")["4.png"]["cyd"] == "a"
    assert "0.png" in [one.sample for one in lab.annotators.agreement("scans").disputed]
    while lab.labels.undo("scans", who="test"):
        pass


def labels(lab: Lab, *arguments: str) -> tuple[dict, str]:
    module = load("labels")
    found = module.run(lab, parser_of("labels").parse_args(arguments), no_progress)
    return found, module.show(found)


def test_disputed_images_come_first_and_take_the_consensus(lab):
    page = open_page("noise", section="annotators", data="scans")
    figures = {metric.label: metric.value for metric in page.metric}
    assert figures["Annotators"] == "3" and figures["Disputed"] == "2"
    shown = thumbnails(page, "annotators-images")
    assert {item["name"] for item in shown} == {"3.png", "4.png"}
    assert "cyd" in shown[0]["caption"]
    card = open_page("sample", data="scans", sample="4.png")
    assert "bob: :red[**b**]" in texts(card)

    lab.labels.relabel("scans", ["3.png"], "a", who="eve")  # another label than the consensus
    found, text = labels(lab, "scans", "agreement")
    wrong = [one["image"] for one in found["disputed"] if one["label"] != one["now"]]
    assert "Krippendorff's alpha" in text and "eve" in text and wrong
    page = open_page("noise", section="annotators", data="scans")
    page.button(key="take-consensus").click().run()
    assert not page.exception
    assert all(one.label == one.now for one in lab.annotators.agreement("scans").images)
    latest = lab.labels.decisions("scans").entries()[-1]
    assert latest.why == "consensus" and not latest.own
    assert labels(lab, "scans", "consensus")[1] == "The labels are the consensus already."
    with pytest.raises(DataError, match="not two people labelled this image"):
        lab.annotators.take_consensus("scans", ["none.png"], who="eve")


def test_the_consensus_is_no_class_that_nobody_gave_and_without_a_majority_is_not_taken(lab):
    found = lab.annotators.agreement("confused")
    for one in found.images:
        assert one.label in one.votes.values() and one.settled == (one.p > 0.5)
    (left,) = [one for one in found.images if not one.settled]
    assert left.votes == {"ann": "5", "bob": "0"} and left.disputed and left == found.disputed[0]
    assert {one.name: one.right for one in found.people}["cyd"] == 1.0

    (row,) = [
        line for line in labels(lab, "confused", "agreement")[1].splitlines() if left.sample in line
    ]
    assert "none above 50%" in row and "ann: 5, bob: 0" in row
    now = left.now
    with pytest.raises(DataError, match="has a majority"):
        lab.annotators.take_consensus("confused", [left.sample], who="eve")
    page = open_page("noise", section="annotators", data="confused")
    count = sum(one.label != one.now and one.settled for one in found.disputed)
    button = page.button(key="take-consensus")
    assert button.label == f"Take the consensus for {count} images, 1 stays disputed" and count
    assert "1 stays disputed: no class that somebody gave has a probability above 50%" in texts(
        page
    )
    button.click().run()
    assert not page.exception
    assert lab.labels.labels_now("confused", [left.sample]) == [now]
    (again,) = [one for one in lab.annotators.agreement("confused").images if not one.settled]
    assert again.sample == left.sample
    assert labels(lab, "confused", "consensus")[1] == (
        "The labels are the consensus already, but for 1 where no class that somebody gave has a"
        " probability above 50%."
    )


def test_a_data_set_that_one_person_labelled_has_none(lab):
    assert lab.annotators.agreement("digits") is None
    page = open_page("noise", section="annotators", data="digits")
    words = texts(page)
    assert "was labelled by two people yet" in words and "sample?data=digits" in words
    assert "label?data" not in words, "where every image of digits has a label"


@pytest.mark.parametrize(("page", "more"), [("noise", {"section": "annotators"}), ("sample", {})])
def test_a_data_set_that_is_not_here_leads_to_where_it_is_got(lab, page, more, monkeypatch):
    monkeypatch.delenv("GLYPHLAB_DATA", raising=False)
    shown = open_page(page, data="mnist", **more)
    assert not shown.error and "`mnist` is not on this machine." in texts(shown)
    assert "data?data=mnist" in texts(shown)


def test_taking_the_consensus_is_no_vote(lab):
    """Or whoever takes it is an annotator, and agreement rises by a click."""
    before = lab.annotators.agreement("scans")
    wanted = [one.sample for one in before.images if one.settled]
    lab.annotators.take_consensus("scans", wanted, who="taker")
    after = lab.annotators.agreement("scans")
    assert after.fleiss == before.fleiss and after.alpha == before.alpha
    assert [one.name for one in after.people] == [one.name for one in before.people]
    assert all(one.now == one.label for one in after.images if one.sample in wanted)
