"""`settings`: the environment variables that the lab reads."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from engine.cli.text import table
from engine.progress import Progress
from engine.settings import SETTINGS

if TYPE_CHECKING:
    from engine.lab import Lab

HELP = "list the settings with their values; each is an environment variable"


def arguments(parser: argparse.ArgumentParser) -> None:
    pass


def run(lab: Lab, args: argparse.Namespace, progress: Progress) -> Any:
    out = []
    for setting in SETTINGS:
        value = getattr(lab.settings, setting.field)
        shown = ":".join(map(str, value)) if isinstance(value, tuple) else value
        if setting.secret and value:
            shown = "set, and not shown"
        out.append(
            {
                "name": setting.name,
                "value": shown,
                "default": setting.default,
                "expects": setting.expects,
                "help": setting.help,
            }
        )
    return out


def show(document: Any) -> str:
    values = [
        int(row["value"]) if isinstance(row["value"], bool) else row["value"] for row in document
    ]
    rows = [
        [row["name"], str(value), row["default"], row["help"]]
        for row, value in zip(document, values, strict=True)
    ]
    return table(rows, ("name", "value", "default", "what it is for"))
