"""`damaged`: what the lab holds that can't be read, and what to do about it."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from engine.progress import Progress

if TYPE_CHECKING:
    from engine.lab import Lab

HELP = "list the runs, models and other entries that can't be read, and what to do"


def arguments(parser: argparse.ArgumentParser) -> None:
    """It takes none."""


def run(lab: Lab, args: argparse.Namespace, progress: Progress) -> Any:
    return [entry._asdict() for entry in lab.damaged()]


def show(document: Any) -> str:
    lines = [f"{entry['kind']} {entry['name']}: {entry['why']}" for entry in document]
    return "\n".join(lines) or "everything can be read"
