"""`export`: a saved model for use elsewhere."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.cli.text import megabytes
from engine.progress import Progress

if TYPE_CHECKING:
    from engine.lab import Lab

HELP = "write a model as ONNX: uint8 images in, probabilities, logits and embeddings out"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", help="a run id, a checkpoint's folder or a name in checkpoints/")
    parser.add_argument("--onnx", required=True, metavar="FILE", help="the file to write")


def run(lab: Lab, args: argparse.Namespace, progress: Progress) -> Any:
    file = lab.export_onnx(args.model, Path(args.onnx).expanduser())
    return {"name": args.model, "onnx": file, "size_bytes": file.stat().st_size}


def show(document: Any) -> str:
    return f"{document['onnx']} ({megabytes(document['size_bytes'])})"
