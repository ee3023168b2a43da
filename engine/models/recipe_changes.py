"""In what a model's recipe differs from the shipped one that it is named after, in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from engine.markdown import literal
from engine.models.metadata import called
from engine.recipes.recipe import (
    compare_recipes,
    make_recipe,
    shipped_recipe,
    shipped_recipe_names,
)

# Prose, and what a card says elsewhere or what decides no result.
ELSEWHERE = ("name", "title", "about", "published", "target", "analysis", "small", "seed")
ELSEWHERE_TOO = ("data.seed", "data.journal", "data.labels")
OF_ALL_IMAGES = (
    "data.test",
    "temperature",
)  # of a model that was trained on every image in the end
LONGEST = 60  # characters of a value


def recipe_changes(
    recipe: Mapping[str, Any], *, of_all: bool = False, words: Callable[[str], str] = literal
) -> list[str]:
    """Each change as a phrase, with the value before; empty for an unchanged recipe and for one that
    the lab does not ship. of_all: of a model that was trained on every image, after its recipe was
    judged with some held out. words: how a value is written, for Markdown unless told.
    """
    name = recipe.get("name", "")
    if name not in shipped_recipe_names():
        return []
    mine = make_recipe(recipe, {"small": {}})
    scale = mine.scale
    theirs = shipped_recipe(name, {"scale": scale})
    rows = compare_recipes({"mine": mine, "theirs": theirs})
    left_out = OF_ALL_IMAGES if of_all else ()
    changes = [
        _phrase(row["field"], row["mine"], row["theirs"], words)
        for row in sorted(rows, key=_order)
        if not _elsewhere(row["field"]) and row["field"] not in left_out
    ]
    return ["cut down to scale small"] * (scale != "full") + changes


def mended(data: Mapping[str, Any]) -> str:
    """Whether the labels of a recipe's `data` were those that people mended, and up to which entry of the
    journal: ', mended labels (journal entry 8)', or ''.
    """
    if data.get("labels") != "mended":
        return ""
    entries = ", ".join(f"{entry:,}" for entry in data.get("journal") or ())
    return f", mended labels (journal entry {entries})" if entries else ", mended labels"


def _elsewhere(field: str) -> bool:
    first = field.split(".")[0]
    return first in (*ELSEWHERE, "resources") or field in ELSEWHERE_TOO


def _order(row: Mapping[str, Any]) -> tuple[int, str]:
    """The data and the network come first."""
    first = ("data.name", "model.name")
    field = row["field"]
    return (first.index(field) if field in first else len(first), field)


def _phrase(field: str, mine: Any, theirs: Any, words: Callable[[str], str]) -> str:
    if field == "data.name":
        return f"on {words(called(mine))} instead of {called(theirs)}"
    if field == "model.name":
        return f"`{mine}` instead of `{theirs}`"
    shown, before = _shown(mine, words), _shown(theirs, words)
    if LONGEST < max(len(shown), len(before)):
        return f"another `{field}`"
    return f"`{field}` {shown} instead of {before}"


def _shown(value: Any, words: Callable[[str], str]) -> str:
    if value is None or value in ((), [], {}):
        return "none"
    if isinstance(value, list | tuple):
        return ", ".join(_shown(one, words) for one in value)
    if isinstance(value, bool):
        return "on" if value else "off"
    return f"{value:g}" if isinstance(value, float) else words(str(value))
