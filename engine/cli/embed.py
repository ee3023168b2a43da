"""`embed`: a data set through a model, kept for everything that looks at embeddings."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.cli.text import table
from engine.progress import Progress

if TYPE_CHECKING:
    from engine.lab import Lab

HELP = "compute the embeddings of a data set, once, and print where they are stored"


def arguments(parser: argparse.ArgumentParser) -> None:
    space_arguments(parser)
    parser.add_argument(
        "--out",
        metavar="FILE.npz",
        help="also write embeddings, labels, index, predicted and confidence to this file",
    )


def space_arguments(parser: argparse.ArgumentParser) -> None:
    """MODEL, --data and --part: what names a space."""
    which = (
        "a run id, a checkpoint's folder or a name in checkpoints/; 'untrained:' before it: the"
        " same network with fresh weights"
    )
    parser.add_argument("model", help=which)
    parser.add_argument(
        "--data",
        required=True,
        metavar="NAME_OR_PATH",
        help="a data set's name, a folder, a zip or an IDX file",
    )
    parser.add_argument(
        "--part", default="train", help="train (validation included, the default), val, test or all"
    )


def run(lab: Lab, args: argparse.Namespace, progress: Progress) -> Any:
    there = lab.spaces.find(args.model, args.data, args.part) is not None
    space = lab.spaces.embed(args.model, args.data, args.part, progress)
    if args.out:
        from engine.files.atomic import write_arrays

        write_arrays(
            Path(args.out).expanduser().absolute(),
            embeddings=space.embeddings,
            labels=space.labels,
            index=space.index,
            predicted=space.predicted,
            confidence=space.confidence,
        )
    file = args.out or str(space.folder / "embeddings.npy")
    return {
        "name": space.key,
        "model": space.model,
        "data": space.data,
        "part": space.part,
        "n": len(space),
        "width": space.embeddings.shape[1],
        "cached": there,
        "file": file,
    }


def show(document: Any) -> str:
    shape = f"{document['n']:,} x {document['width']}, float32" + (
        ", from before" if document["cached"] else ""
    )
    rows = [
        ["model", document["model"]],
        ["data", f"{document['data']}, {document['part']}"],
        ["embeddings", shape],
    ]
    return table([*rows, ["file", document["file"]]])
