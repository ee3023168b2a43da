"""How far a review has come, in words: what is decided, what is likely wrong, and when one may stop."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.noise.shares import share

if TYPE_CHECKING:
    from engine.noise.review import Decision
    from engine.noise.storage import Diagnosis


CHANGED_HERE = (
    "✓ the label was changed on purpose, ✗ it is the correct one. Labels were changed for this experiment alone: an"
    " image's own page, which a click opens, shows the label and the suspicion that it has in the data set."
)
BY_T = "Estimated together with the transition matrix T, not by the sum of all suspicions."
SUREST = "By the images that are predicted most confidently, not by the sum of all suspicions, unless few are wrong."


def estimated(trial: Mapping[str, Any]) -> tuple[str, str]:
    """The share of wrong labels that was estimated in an experiment, in words, and by what."""
    if trial["regime"] == "undecided":
        return "not decided", "The interval holds every reading."
    how = BY_T if trial["regime"] == "class-dependent" else SUREST
    return share(trial["noise_rate"]), how


def first_of_the_list(trial: Mapping[str, Any]) -> str:
    """How many of the first suspects of an experiment are what the list is to find."""
    rows = trial["suspects"]
    wrong = sum(row["given"] != row["true"] for row in rows)
    if trial["regime"] == "complementary":  # a right one is the accident
        right = len(rows) - wrong
        return (
            f"**The first {len(rows)} of the list, likeliest correct by accident first:** {right} of them"
            f" {'has' if right == 1 else 'have'} the correct label."
        )
    has = "has" if wrong == 1 else "have"
    return f"**The first {len(rows)} suspects:** {wrong} of them {has} a wrong label."


def suspects_of(found: Diagnosis) -> np.ndarray:
    """(n,) bool: the suspects, wherever they are counted or listed: another class than the given one
    is likely, or which is likely is not decided.
    """
    from engine.noise.explanation import not_decided

    return (found.arrays["given"] != found.arrays["likely"]) | not_decided(found)


def standing(found: Diagnosis, decided: Mapping[int, Decision]) -> str:
    """How many suspects are decided, how many others and how many images outside the list are likely
    wrong, and when one may stop.
    """
    from engine.noise.explanation import not_decided
    from engine.noise.ranking import expected_wrong

    arrays, regime = found.arrays, found.document["regime"]
    changed = sum(one.changed for one in decided.values())
    if regime in ("complementary", "independent"):  # nearly all labels are wrong
        words = f"**{len(decided):,}** of {found.n:,} images decided, {changed:,} changed."
        all_at_once = " Section *Cleaned labels* takes the likely classes of all at once."
        return words + (all_at_once if regime == "complementary" else "")
    left_open = not_decided(found)
    suspect, rest = suspects_of(found), np.ones(found.n, bool)
    rest[list(decided)] = False
    count, left = int(suspect.sum()), int((suspect & rest).sum())
    done = f"{count - left:,}** of {count:,} suspects" if count else f"{len(decided):,}** images"
    words = f"**{done} decided, {changed:,} changed."
    if regime == "undecided":
        return f"{words} How many of the others are wrong is not decided."
    listed = expected_wrong(arrays["score"][suspect & rest & ~left_open])
    outside = expected_wrong(arrays["score"][rest & ~suspect])
    most = found.document["noise_rate_interval"][1] * found.n - changed - listed
    if not left:
        words += f" Of the {int(rest.sum()):,} images that are left, {_about(outside)} likely wrong: you may stop."
        return words + _at_most(most, outside)
    words += f" Of the other {left:,}, {_about(listed)} likely wrong: you may stop once they are decided."
    others = int((rest & ~suspect).sum())
    if not others:
        return words
    words += (
        f" Of the {others:,} images that are not listed, {_about(outside)} likely wrong as well."
    )
    return words + _at_most(most, outside)


def _at_most(most: float, outside: float) -> str:
    """How many wrong labels the interval of the noise rate leaves for the images that are not listed,
    where these are more than the expected number.
    """
    if most < outside + 1:
        return ""
    return f" Up to {most:,.0f} of these may be, by the 95% interval of the share of wrong labels."


def _about(wrong: float) -> str:
    """An expected number of wrong labels, with its verb."""
    return (
        "hardly any is" if wrong < 0.5 else f"about {wrong:,.0f} {'is' if wrong < 1.5 else 'are'}"
    )
