"""Errors are one line that says what, what was given, what is needed and what to do next."""

from __future__ import annotations

import pytest

from engine import errors
from engine.errors import DataError, GlyphlabError, readable, unknown
from engine.recipes import metric_learning
from engine.recipes.objective_checks import LOSS_OPTIONS


def test_an_error_says_what_was_given_what_is_needed_and_what_to_do_in_one_line():
    error = DataError("the file is wrong", expected="a zip", got="'a.rar'", hint="Pack it again.")
    assert str(error) == "the file is wrong: 'a.rar'. Needed: a zip. Pack it again."


def test_what_alone_is_enough():
    assert str(DataError("the disk is full")) == "the disk is full"
    assert (
        str(DataError("the disk is full", hint="Free some space."))
        == "the disk is full. Free some space."
    )


def test_falsy_values_are_said_too():
    assert str(DataError("wrong", expected=1, got=0)) == "wrong: 0. Needed: 1"
    assert (
        str(DataError("too many", expected="at most 3", got=4)) == "too many: 4. Allowed: at most 3"
    )


def test_line_breaks_become_spaces():
    assert "\n" not in str(GlyphlabError("several\nlines", got="of\n  text", hint="Go\non."))


def test_a_name_that_would_turn_its_line_around_is_shown_as_what_it_is():
    words = str(DataError("no class '0\u202elive'", got="\x1b[2J\u2066\ud800"))
    assert words == r"no class '0\u202elive': \x1b[2J\u2066\ud800"
    kept = "família\tне\u200cخوب\nשלום 👩\u200d🔬"
    assert readable(kept) == kept


def test_every_error_of_the_module_is_in_the_tree_at_its_top():
    kinds = [
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, GlyphlabError)
    ]
    assert len(kinds) > 5
    for kind in kinds:
        assert f"{kind.__name__} " in errors.__doc__, f"{kind.__name__} is not drawn"
        assert issubclass(kind, GlyphlabError)


def test_an_unknown_name_gets_the_nearest_one_and_the_list():
    assert unknown("loss", "tripplet", ["triplet", "focal"]) == (
        "loss 'tripplet' is not known; did you mean 'triplet'? Known: focal, triplet"
    )


@pytest.mark.parametrize("name", ["zzz", "", None, 7])
def test_a_name_like_no_other_gets_the_list_only(name):
    assert unknown("loss", name, ["triplet"]) == f"loss '{name}' is not known. Known: triplet"


def test_a_long_list_is_cut_to_the_nearest_names_however_they_are_written():
    known = [*LOSS_OPTIONS, *metric_learning.LOSSES]
    said = unknown("loss", "tripletmargin-loss", known)
    assert "did you mean 'TripletMarginLoss'?" in said and f"({len(known)} in all)" in said
    assert len(said) < 300 and "cross_entropy" not in said
    assert f"({len(known)} in all)" in unknown("loss", "", known)
