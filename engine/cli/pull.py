"""`pull`: a model from the Hugging Face Hub."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from engine.progress import Progress
from engine.settings import COMMAND

if TYPE_CHECKING:
    from engine.lab import Lab

HELP = "fetch a model of Glyphlab from the Hugging Face Hub, and check it"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "address",
        metavar="hf://OWNER/NAME",
        help="the repository, with @REVISION if not the newest",
    )


def run(lab: Lab, args: argparse.Namespace, progress: Progress) -> Any:
    return {"name": lab.exports.pull_model(args.address, progress), "address": args.address}


def show(document: Any) -> str:
    return (
        f"model {document['name']} is here; `{COMMAND} predict {document['name']} PICTURE` uses it"
    )
