"""`models`: the saved models."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from engine.cli.text import megabytes, percent, table
from engine.files.atomic import plain
from engine.progress import Progress
from engine.settings import COMMAND

if TYPE_CHECKING:
    from engine.lab import Lab

HELP = "list the saved models, or show the card of one"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "model",
        nargs="?",
        help="a run id, a checkpoint's folder or a name in checkpoints/: show its model card",
    )


def run(lab: Lab, args: argparse.Namespace, progress: Progress) -> Any:
    if args.model:
        folder = lab.model_folder(args.model)
        card = folder / "README.md"
        return {
            "name": args.model,
            **lab.model_meta(args.model),
            "folder": folder,
            "card": card.read_text("utf-8") if card.exists() else "",
        }
    return [plain(model) for model in lab.models()]


def show(document: Any) -> str:
    if isinstance(document, dict):
        return document["card"].rstrip()
    if not document:
        return f"no model yet; `{COMMAND} train quick` makes one"
    rows = [
        [
            model["name"],
            model["title"],
            model["data"],
            model["where"],
            percent(model["accuracy"]),
            model["tested_on"] or None,
            model["classes"],
            f"{model['style']} {model['size']} px",
            model["parameters"],
            megabytes(model["size_bytes"]),
        ]
        for model in document
    ]
    head = ("name", "title", "trained on", "where", "accuracy", "of", "classes", "input")
    return table(rows, (*head, "parameters", "size"))
