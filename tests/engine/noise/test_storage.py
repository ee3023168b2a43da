"""Diagnoses on disk: `saved_format_1` was written by an earlier version, from 60 digits of which six
were mislabelled, with one decision of a person and one that was undone.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from noisy_labels import result_of

from engine.data.imageset import ImageSet
from engine.errors import GlyphlabError
from engine.lab import Lab
from engine.labels.journal import Journal
from engine.noise.explanation import explain_label, label_neighbours
from engine.noise.inject import add_noise
from engine.noise.review import Review
from engine.noise.storage import (
    FORMAT,
    Diagnosis,
    document_of,
    load_diagnosis,
    make_document,
    save_diagnosis,
)

FORMAT_1 = Path(__file__).parent / "saved_format_1"


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> ImageSet:
    return Lab(tmp_path_factory.mktemp("lab")).dataset("digits")


@pytest.fixture
def saved(digits: ImageSet, tmp_path: Path) -> Diagnosis:
    """The diagnosis of format 1, in a folder of its own."""
    folder = tmp_path / "0123456789abcdef"
    shutil.copytree(FORMAT_1, folder)
    return load_diagnosis(folder, digits)


def test_a_diagnosis_of_format_1_has_the_names_of_today(
    saved: Diagnosis, digits: ImageSet, tmp_path: Path
) -> None:
    given = add_noise(digits.labels, 10, "symmetric", 0.1, 0)
    result = result_of(given, digits.labels, 10)
    save_diagnosis(tmp_path / "new", make_document(digits, "all", "quick", result, 1.0), result)
    today = load_diagnosis(tmp_path / "new", digits)
    assert saved.document.keys() == today.document.keys()
    assert saved.document["format"] == FORMAT
    assert saved.document["figures"].keys() == today.document["figures"].keys()
    assert saved.arrays.keys() == today.arrays.keys()
    old, new = saved.document["hypotheses"], today.document["hypotheses"]
    assert [row.keys() for row in old] == [row.keys() for row in new]
    assert [row["name"] for row in old] == ["symmetric", "complementary"]
    assert saved.document["hypothesis"] == "symmetric" and old[0]["significant"]
    assert document_of(tmp_path / "new") == today.document


def test_a_diagnosis_of_format_1_is_shown_and_its_review_continues(saved: Diagnosis) -> None:
    first = int(saved.arrays["order"][0])
    assert saved.rows()[0]["index"] == saved.arrays["index"][first]
    assert 0 < saved.arrays["confidence"].min() and np.isfinite(saved.arrays["log_odds"]).all()
    near = label_neighbours(saved, first)
    assert near.count == 13 and "of the 13 nearest" in explain_label(saved, first, near)
    files = [f"{place}.png" for place in range(saved.n)]
    given, journal = saved.arrays["given"].tolist(), Journal(saved.folder.parent, "old")
    review = Review(saved.folder, given, saved.classes, files, journal)
    assert list(review.decisions()) == [first] and review.decisions()[first].label == 7
    assert review.undo().position == first and review.decisions() == {}


def test_a_folder_that_the_disk_refuses_is_said_in_words(digits: ImageSet, tmp_path: Path) -> None:
    result = result_of(digits.labels, digits.labels, 10)
    document = make_document(digits, "all", "quick", result, 1.0)
    with pytest.raises(GlyphlabError, match="too long"):
        save_diagnosis(tmp_path / ("k" * 250), document, result)
    assert list(tmp_path.iterdir()) == []
