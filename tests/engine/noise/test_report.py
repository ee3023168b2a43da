"""The sentences of a diagnosis, from findings that are made here."""

from __future__ import annotations

import numpy as np

from engine.noise.copies import Copies
from engine.noise.findings import Findings
from engine.noise.report import about_copies, confused, evidence, summary


def test_the_largest_cells_of_t_are_named_in_order_also_where_their_row_has_several():
    matrix = np.diag([0.88, 0.956, 0.963, 1.0])
    matrix[0, 1:] = 0.05, 0.04, 0.03  # three times the row's median is above all of them
    matrix[1, 0], matrix[2, 0] = 0.044, 0.037
    cells = [(a, b) for a, b, _ in confused(matrix)]
    assert cells == [(0, 1), (1, 0), (0, 2), (2, 0), (0, 3)]
    found = Findings("class-dependent", 0.05, 0.04, 0.06, matrix, np.full(4, 0.25), 1.0)
    text = summary(found, 1000, "4678")
    assert "depends on the class: 4 → 6 (5.0%), 6 → 4 (4.4%), 4 → 7 (4.0%)" in text
    assert "the largest shares of a class that T puts under one wrong label" in text


def test_the_evidence_says_of_how_many_images_a_share_is_and_shows_no_pattern_without_proof():
    clear = {"images": 325.0, "share": 325 / 385, "differ": 0.04, "unexplained": 0.02}
    figures = {"confident": 200.0, "confident_agreement": 0.9, "coincidence": 0.0}
    matrix = np.full((10, 10), 0.01) + 0.9 * np.eye(10)
    found = Findings(
        "symmetric", 0.09, 0.05, 0.12, matrix, np.full(10, 0.1), 1.0, figures=figures, clear=clear
    )
    said = " ".join(evidence(found, {}, "0123456789"))
    assert "325 of 385 images are clearly of one class (84%); those that look like no class" in said
    assert "nothing shows that they depend on the class" in said
    assert "so they do not depend" not in said


def test_few_errors_are_counted_as_surely_as_they_are_known():
    figures = {"confident": 200.0, "confident_agreement": 0.99, "coincidence": 0.0}
    clear = {"images": 1672.0, "share": 0.93, "differ": 0.0006, "unexplained": 0.0001}
    found = Findings(
        "few errors",
        *(0.036, 0.014, 0.049),
        np.eye(10),
        np.full(10, 0.1),
        1.0,
        figures=figures,
        clear=clear,
    )
    text = summary(found, 1797, "0123456789")
    assert "About 3.6% of the labels are wrong, between 1.4% and 4.9% (25 to 88 of 1,797)." in text
    said = " ".join(evidence(found, {}, "0123456789"))
    assert "put down to the images, none of these labels are wrong" in said, "a sixth of an image"
    found.clear["unexplained"] = 0.02
    assert "at least 2.0% of these labels are wrong" in " ".join(evidence(found, {}, "0123456789"))


def test_nothing_is_said_of_cells_images_and_copies_that_there_are_none_of():
    figures = {"confident": 200.0, "confident_agreement": 0.99, "coincidence": 0.0}
    clear = {"images": 0.0, "share": 0.0, "differ": 0.0, "unexplained": 0.0}
    found = Findings(
        *("class-dependent", 0.05, 0.04, 0.06),
        *(np.eye(10), np.full(10, 0.1), 1.0),
        figures=figures,
        clear=clear,
        because="they are two classes",
    )
    text = summary(found, 1000, "0123456789")
    assert "depends on the class. They are two classes." in text and ": ." not in text
    said = " ".join(evidence(found, {}, "0123456789"))
    assert "no image is clearly of one class" in said and "Of these 0" not in said
    [copy] = about_copies(Copies(1, 2, 1, 50))
    assert copy.startswith("1 image is identical") and "1 of these labels is wrong" in copy
