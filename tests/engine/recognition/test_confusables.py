"""Groups of look-alikes, and what is said about a prediction."""

from __future__ import annotations

import numpy as np
import pytest

from engine.recognition.confusables import (
    GROUPS,
    UNSURE_BELOW,
    group_of,
    grouped,
    groups_among,
    groups_in_words,
    judge,
    merged_label,
)

CLASSES = tuple("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")


def shares(**given: float) -> np.ndarray:
    """Probabilities of CLASSES: those given, the rest spread evenly."""
    out = np.full(len(CLASSES), (1 - sum(given.values())) / (len(CLASSES) - len(given)))
    for name, share in given.items():
        out[CLASSES.index(name.removeprefix("n"))] = share
    return out


def test_no_character_stands_in_two_groups():
    every = "".join(GROUPS)
    assert len(set(every)) == len(every) and set(every) <= set(CLASSES)


def test_look_alikes_find_one_another_and_others_only_themselves():
    assert group_of("o") == group_of("O") == group_of("0") and group_of("1") == group_of(
        "l"
    ) == group_of("I")
    assert group_of("R") == "R" and group_of("heart") == "heart" and group_of("β") == "β"
    assert merged_label("s") == merged_label("S") != merged_label("c")


def test_the_groups_of_a_model_are_those_among_its_classes():
    assert groups_among(CLASSES) == GROUPS
    assert groups_among("0123456789") == ()
    assert groups_among(["O", "0", "Z", "2", "heart"]) == ("0O", "2Z")
    assert groups_in_words(("0Oo", "2Z")) == "0/O/o, 2/Z"


def test_shares_of_a_group_add_up_and_nothing_is_lost():
    found = grouped(CLASSES, shares(o=0.4, O=0.3, n0=0.2))
    assert found[0].members[:3] == (
        ("o", pytest.approx(0.4)),
        ("O", pytest.approx(0.3)),
        ("0", pytest.approx(0.2)),
    )
    assert found[0].best == "o" and found[0].share == pytest.approx(0.9)
    assert sum(group.share for group in found) == pytest.approx(1)
    assert sorted(name for group in found for name, _ in group.members) == sorted(CLASSES)


def test_nothing_drawn_is_said():
    assert judge(CLASSES, shares(), blank=True).kind == "blank"


def test_hesitating_between_look_alikes_is_no_doubt():
    said = judge(CLASSES, shares(o=0.35, O=0.29, n0=0.31))
    assert said.kind == "sure" and said.headline == "o, or 0 or O" and "look alike" in said.note


def test_hesitating_between_strangers_is():
    said = judge(CLASSES, shares(R=0.4, A=0.35, n4=0.2))
    assert said.kind == "unsure" and said.note == "It could be R, A or 4."
    said = judge([str(n) for n in range(100)], np.full(100, 0.01))
    assert said.note == "It could be 0, 1 or 2.", "of many classes none has a share worth naming"


@pytest.mark.parametrize(
    ("share", "kind"), [(UNSURE_BELOW - 0.02, "unsure"), (UNSURE_BELOW + 0.02, "sure")]
)
def test_a_guess_is_called_a_guess(share, kind):
    assert judge(CLASSES, shares(R=share)).kind == kind


def test_several_characters_and_strange_drawings_come_before_confidence():
    assert (
        judge(CLASSES, shares(R=0.99), pieces=3).kind == "several"
        and "3 characters" in judge(CLASSES, shares(R=0.9), pieces=3).note
    )
    said = judge(CLASSES, shares(R=0.99), unlike=True)
    assert said.kind == "unlike" and said.headline == "Not sure, perhaps R"


def test_a_model_of_digits_has_its_own_groups():
    found = grouped(tuple("0123456789"), np.full(10, 0.1))
    assert len(found) == 10 and all(len(group.members) == 1 for group in found)
