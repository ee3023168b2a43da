"""`recipes`: the experiments that can be run."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from engine.cli.text import table
from engine.files.atomic import plain
from engine.progress import Progress

if TYPE_CHECKING:
    from engine.lab import Lab

HELP = "list the recipes, with the figures that studies reported, or show one"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("recipe", nargs="?", help="a recipe's name or YAML file: show it whole")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY.PATH=VALUE",
        help="with these changes; may be repeated",
    )


def run(lab: Lab, args: argparse.Namespace, progress: Progress) -> Any:
    from engine.recipes.recipe import parse_changes

    if args.recipe:
        return lab.recipe(args.recipe, parse_changes(args.set)).model_dump(mode="json")
    return [plain(recipe) for recipe in lab.recipes()]


def published_words(recipe: str, published: dict[str, Any] | None) -> str:
    """A recipe's reported figure as lists show it: a study's own, or that of a study which a recipe of
    this lab is to beat. '' without.
    """
    from engine.recipes.fields import Published
    from engine.services.studies import STUDIES

    if published is None:
        return ""
    found = Published(**published)
    if any(recipe in part.recipes for part in STUDIES.values()):
        return found.in_words
    return f"to beat: {found.value:g}%, {found.source}"


def show(document: Any) -> str:
    if isinstance(document, dict):
        import yaml

        return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=120).rstrip()
    rows = []
    for recipe in document:
        figure = published_words(recipe["name"], recipe["published"])
        rows.append(
            [
                recipe["name"],
                recipe["data"],
                recipe["model"],
                recipe["epochs"],
                figure,
                recipe["title"],
            ]
        )
    return table(rows, ("name", "data", "model", "epochs", "reported", "title"))
