import pytest

from engine.errors import DataError
from engine.labels.journal import Journal
from engine.noise.review import Decision, Review

CLASSES = ("a", "b", "c")
GIVEN = [0, 1, 2, 0]
FILES = ["0.png", "1.png", "2.png", "3.png"]


def opened(home, who: str = "ann") -> Review:
    return Review(home / "noise", GIVEN, CLASSES, FILES, Journal(home, "letters"), who)


@pytest.fixture
def review(tmp_path):
    (tmp_path / "noise").mkdir()
    return opened(tmp_path)


def test_decisions_are_on_disk_at_once_and_survive_a_restart(review, tmp_path):
    assert review.decide(1, 2) == Decision(1, 2, True)
    assert review.decide(0, 0) == Decision(0, 0, False)
    again = opened(tmp_path)
    assert list(again.decisions()) == [1, 0] and again.last() == Decision(0, 0, False)


def test_undoing_goes_back_step_by_step_and_brings_earlier_decisions_back(review):
    review.decide(1, 2)
    review.decide(1, 0)
    assert review.undo() == Decision(1, 0, True)
    assert review.decisions() == {1: Decision(1, 2, True)}
    assert review.undo() == Decision(1, 2, True)
    assert review.undo() is None and review.decisions() == {}


def test_undo_takes_back_nobody_elses_decision(review, tmp_path):
    review.decide(0, 1)
    opened(tmp_path, "bob").decide(2, 0)
    assert review.undo() == Decision(0, 1, True)
    assert review.undo() is None and list(review.decisions()) == [2]


def test_what_somebody_else_decides_while_decisions_are_read_is_in_the_next_reading(tmp_path):
    """Every reading of the journal finds one more image decided about."""
    left = list(FILES)

    def meanwhile() -> None:
        if left:
            other = Journal(tmp_path, "letters")
            other.write("relabel", [left.pop(0)], who="bob", why="map", to=["a"])

    class Busy(Journal):
        def entries(self, *at):
            meanwhile()
            return super().entries(*at)

        def current(self, *at):
            meanwhile()
            return super().current(*at)

    busy = Review(tmp_path / "noise", GIVEN, CLASSES, FILES, Busy(tmp_path, "letters"), "ann")
    assert [list(busy.decisions()) for _ in range(3)] == [[0], [0, 1], [0, 1, 2]]


def test_a_decision_of_version_0_1_0_counts_until_a_later_one_and_can_be_undone(review, tmp_path):
    lines = [
        b'{"position": 2, "label": "a", "at": "2026-01-02T03:04:05+00:00"}',
        b'{"position": 3, "label": "b", "at": "2026-01-02T03:04:06+00:00"}',
        b'{"position": 3, "lab',  # torn by a crash
    ]
    review.earlier.write_bytes(b"\n".join(lines))
    assert review.decisions() == {2: Decision(2, 0, True), 3: Decision(3, 1, True)}
    review.decide(2, 2)
    assert review.decisions() == {3: Decision(3, 1, True), 2: Decision(2, 2, False)}
    assert review.undo() == Decision(2, 2, False)
    assert review.undo() == Decision(3, 1, True)
    assert opened(tmp_path).decisions() == {2: Decision(2, 0, True)}


def test_what_other_pages_decide_is_in_the_review_and_undo_leaves_it_alone(review):
    review.journal.write("relabel", FILES[:2], who="ann", why="map", to=["c", "c"])
    review.journal.write("exclude", FILES[3:], who="ann", why="map")
    review.journal.write("tag", FILES[2:3], who="ann", why="map", tag="smudged")
    expected = {0: Decision(0, 2, True), 1: Decision(1, 2, True), 3: Decision(3, -1, True)}
    assert review.decisions() == expected and review.undo() is None
    review.decide(3, 0)
    review.journal.write("include", FILES[3:], who="ann", why="map")
    assert review.decisions()[3] == Decision(3, 0, False)


def test_decisions_name_classes_and_say_whether_a_suggestion_was_taken(review):
    review.decide(1, 2, own=False)
    (entry,) = review.journal.entries()
    assert (entry.to, entry.before, entry.own, entry.why) == (["c"], ["b"], False, "review")


def test_a_decision_on_no_image_or_class_raises_an_error(review):
    with pytest.raises(DataError, match="no such image"):
        review.decide(4, 0)
    with pytest.raises(DataError, match="class '3' is not known"):
        review.decide(0, 3)
