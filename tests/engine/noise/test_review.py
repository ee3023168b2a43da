import json

import pytest

from engine.errors import DataError
from engine.noise.review import Decision, Review

CLASSES = ("a", "b", "c")
GIVEN = [0, 1, 2, 0]


@pytest.fixture
def review(tmp_path):
    return Review(tmp_path, GIVEN, CLASSES)


def test_decisions_are_on_disk_at_once_and_survive_a_restart(review, tmp_path):
    assert review.decide(1, 2) == Decision(1, 2, True)
    assert review.decide(0, 0) == Decision(0, 0, False)
    again = Review(tmp_path, GIVEN, CLASSES)
    assert list(again.decisions()) == [1, 0] and again.last() == Decision(0, 0, False)


def test_undoing_goes_back_step_by_step_and_brings_earlier_decisions_back(review):
    review.decide(1, 2)
    review.decide(1, 0)
    assert review.undo() == Decision(1, 0, True)
    assert review.decisions() == {1: Decision(1, 2, True)}
    assert review.undo() == Decision(1, 2, True)
    assert review.undo() is None and review.decisions() == {}


def test_a_line_torn_by_a_crash_costs_that_line_only(review, tmp_path):
    review.decide(1, 2)
    with open(tmp_path / "review.jsonl", "ab") as file:
        file.write(b'{"position": 2, "lab')
    assert list(review.decisions()) == [1]
    review.decide(3, 1)
    assert list(Review(tmp_path, GIVEN, CLASSES).decisions()) == [1, 3]


def test_two_holders_of_one_review_see_each_others_decisions(review, tmp_path):
    other = Review(tmp_path, GIVEN, CLASSES)
    review.decide(0, 1)
    other.decide(2, 0)
    assert review.decisions() == other.decisions() and len(review.decisions()) == 2


def test_decisions_name_classes_so_that_a_person_can_read_them(review, tmp_path):
    review.decide(1, 2)
    assert json.loads((tmp_path / "review.jsonl").read_text())["label"] == "c"


def test_a_decision_on_no_image_or_class_raises_an_error(review):
    with pytest.raises(DataError, match="no such image"):
        review.decide(4, 0)
    with pytest.raises(DataError, match="class '3' is not known"):
        review.decide(0, 3)
