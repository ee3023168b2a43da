"""`recipes`: the experiments that can be run."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from engine.cli.text import table
from engine.files.atomic import plain
from engine.progress import Progress

if TYPE_CHECKING:
    from engine.lab import Lab

HELP = "list the recipes, with the figure that was published for each, or show one"


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


def show(document: Any) -> str:
    if isinstance(document, dict):
        import yaml

        return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=120).rstrip()
    rows = []
    for recipe in document:
        published = recipe["published"]
        figure = (
            f"{published['value']:g}% {published['metric']}"
            if published and published["value"] is not None
            else ""
        )
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
    return table(rows, ("name", "data", "model", "epochs", "published", "title"))
