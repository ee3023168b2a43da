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


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Lab:
    lab = Lab(tmp_path_factory.mktemp("lab"))
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        lines = ["file,label,annotator"]
        for at in range(6):
            picture = io.BytesIO()
            ink = np.full((20, 20), 255, np.uint8)
            ink[4:16, 3 + 2 * at : 6 + 2 * at] = 0
            Image.fromarray(ink).save(picture, "PNG")
            archive.writestr(f"{at}.png", picture.getvalue())
            lines += [f"{at}.png,{said[at]},{who}" for who, said in SAID.items()]
        archive.writestr("labels.csv", "\n".join(lines))
    lab.data.upload("scans.zip", out.getvalue())
    return lab


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


def test_a_data_set_that_one_person_labelled_has_none(lab):
    assert lab.annotators.agreement("digits") is None
    page = open_page("noise", section="annotators", data="digits")
    assert "was labelled by two people yet" in texts(page)
