"""`push`: a model or a data set to the Hugging Face Hub."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from engine.progress import Progress

if TYPE_CHECKING:
    from engine.lab import Lab

HELP = "upload a model, or with --data a data set, to the Hugging Face Hub"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="MODEL", help="a model; with --data, a data set")
    parser.add_argument("address", metavar="OWNER/NAME", help="the repository, made if need be")
    parser.add_argument(
        "--data", action="store_true", help="push a data set, as Parquet with Croissant metadata"
    )
    parser.add_argument("--private", action="store_true", help="make the repository private")


def run(lab: Lab, args: argparse.Namespace, progress: Progress) -> Any:
    push = lab.exports.push_dataset if args.data else lab.exports.push_model
    return {"name": args.name, "url": push(args.name, args.address, args.private, progress)}


def show(document: Any) -> str:
    return f"{document['name']} is at {document['url']}"
