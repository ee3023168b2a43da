"""`export`: a saved model for use elsewhere."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.cli.text import megabytes
from engine.progress import Progress

if TYPE_CHECKING:
    from engine.lab import Lab

HELP = "write a model for use elsewhere: ONNX that takes any picture, class names, card, example"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", help="a run id, a checkpoint's folder or a name in checkpoints/")
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--to",
        metavar="PATH",
        help=(
            "the folder to write, or a zip if it ends so (default: MODEL-onnx in the current"
            " folder). Its model.onnx takes one picture (H, W, C) uint8, grey or RGB, of any size"
        ),
    )
    where.add_argument(
        "--onnx",
        metavar="FILE",
        help=(
            "write the network alone: it takes (B, C, S, S) uint8 squares as the lab makes them,"
            " ink 255 on paper 0"
        ),
    )


def run(lab: Lab, args: argparse.Namespace, progress: Progress) -> Any:
    if args.onnx:
        file = lab.export_onnx(args.model, Path(args.onnx).expanduser())
        return {"name": args.model, "onnx": file, "size_bytes": file.stat().st_size}
    default = f"{Path(args.model).name}-onnx"
    made = lab.exports.package(args.model, Path(args.to or default).expanduser())
    files = [made] if made.is_file() else sorted(made.iterdir())
    return {
        "name": args.model,
        "package": made,
        "files": [file.name for file in files],
        "size_bytes": sum(file.stat().st_size for file in files),
    }


def show(document: Any) -> str:
    where = document.get("onnx") or document["package"]
    return f"{where} ({megabytes(document['size_bytes'])})"
