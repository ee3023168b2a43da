"""Rows and sentences of a model's card that stand by themselves: licences, unseen alphabets, placement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from engine.data.sources import DATASETS
from engine.files.documents import UnseenAlphabets


def unseen_alphabets(found: UnseenAlphabets) -> str:
    """The card's words for alphabets that were left out."""
    each = ", ".join(f"{name} {100 * error:.1f}%" for name, error in found["errors"].items())
    kept = [name for name in found["errors"] if name not in found["chosen_by"]]
    return (
        f"Before it was trained on the alphabets {_listed(list(found['errors']))} too, this model"
        " named their characters by one drawing of each of 20 (within-alphabet 20-way one-shot"
        f" classification) with {100 * found['error']:.1f}% errors (95% interval for these alphabets"
        f" {100 * found['low']:.1f} to {100 * found['high']:.1f}; {each}); comparing pixels errs in"
        f" {100 * found['pixels']:.1f}%. Of five symbols taught by three people's drawings,"
        f" {100 * found['equal_error']:.1f}% of drawings are rejected where as many drawings of"
        " other characters of their alphabet are accepted (equal error rate). Settings were chosen by"
        f" {_listed(found['chosen_by'])}; {_listed(kept)} was read once."
    )


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:-1]) + f" and {names[-1]}" if len(names) > 1 else names[0]


def placement_row(found: Mapping[str, Sequence[float]] | None) -> list[str]:
    """The card's words for `placement`."""
    if not found:
        return []
    (left, _, right), (up, _, down), (small, _, large) = (
        found[name] for name in ("x", "y", "side")
    )
    pen = (
        f"; strokes thinner than {found['pen'][0]:.1%} of the page's longer side are widened to that"
        if found.get("pen")
        else ""
    )
    return [
        f"| size and position | a drawing as large as {small:.0%} to {large:.0%} of the page's longer"
        f" side, whose centre is {left:+.0%} to {right:+.0%} across and {up:+.0%} to {down:+.0%} down"
        " from the page's, is read as it is; any other is moved into the middle of these"
        f" ranges{pen} |"
    ]


def licences(recipe: Mapping[str, Any]) -> str:
    """The licences of a model's training data, which its weights carry; of data sets joined with
    '+', each.
    """
    names = recipe["data"]["name"].split("+")
    found = [f"{name}: {DATASETS[name].licence}" for name in names if _licensed(name)]
    if not all(map(_licensed, names)):
        found.append("that of your own data")
    if recipe.get("init_from"):
        found.append(f"that of {recipe['init_from']}, from which it started")
    return "; ".join(found)


def _licensed(name: str) -> bool:
    return name in DATASETS and bool(DATASETS[name].licence)
