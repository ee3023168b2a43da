"""`project`: the map of a data set in a model's embedding."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.cli.embed import space_arguments
from engine.cli.text import percent, table
from engine.errors import GlyphlabError
from engine.files.sheets import write_table
from engine.progress import Progress

if TYPE_CHECKING:
    from engine.lab import Lab

HELP = "project the embeddings of a data set to two or three dimensions"


def arguments(parser: argparse.ArgumentParser) -> None:
    space_arguments(parser)
    parser.add_argument(
        "--method",
        default="umap",
        help="umap (the default), tsne, pca; umap-learn, densmap, umap-supervised: by umap-learn",
    )
    parser.add_argument("--dims", type=int, default=2, help="2 (the default) or 3")
    parser.add_argument(
        "--neighbours",
        type=int,
        metavar="K",
        help="what counts as near (default: 90 for tsne, else 15)",
    )
    parser.add_argument(
        "--min-dist",
        type=float,
        default=0.1,
        help="how tightly umap may pack points, 0 to 1 (default: 0.1)",
    )
    parser.add_argument("--metric", default="cosine", help="cosine (the default) or euclidean")
    parser.add_argument("--epochs", type=int, help="rounds of the layout (default: the method's)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--out", metavar="FILE", help="write the coordinates: .csv with a line an image, or .npz"
    )


def run(lab: Lab, args: argparse.Namespace, progress: Progress) -> Any:
    from engine.embedding.map_methods import MAP_METHODS
    from engine.embedding.projection import Options

    method = MAP_METHODS.get(args.method)
    for name in ("neighbours", "epochs"):
        if method and getattr(args, name) is not None and name not in method.matters:
            raise GlyphlabError(f"{args.method} has no {name}", hint=f"Leave out --{name}.")
    options = Options(
        args.method, args.dims, args.neighbours, args.min_dist, args.metric, args.epochs, args.seed
    )
    out = Path(args.out).expanduser().absolute() if args.out else None
    if out and out.suffix not in (".csv", ".npz"):
        raise GlyphlabError(
            "the map can't be written", expected="a file that ends in .csv or .npz", got=args.out
        )
    space = lab.spaces.embed(args.model, args.data, args.part, progress)
    there = space.find_map(options) is not None
    found = lab.spaces.map(space, options, progress)
    if out:
        write_map(space, found.coordinates, out)
    return {
        "name": space.key,
        "model": space.model,
        "data": space.data,
        "part": space.part,
        "n": len(space),
        "options": options.used(),
        "faithful": found.faithful,
        "notes": found.notes,
        "cached": there,
        "file": str(out) if out else None,
    }


def write_map(space: Any, coordinates: Any, out: Path) -> None:
    """Coordinates with index, file name, label and answer of each image, as .csv or .npz."""
    from engine.files.atomic import failure, write_arrays

    if out.suffix == ".npz":
        write_arrays(
            out,
            coordinates=coordinates,
            labels=space.labels,
            index=space.index,
            predicted=space.predicted,
        )
        return
    names = [*space.classes, ""]
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with open(out, "w", newline="", encoding="utf-8") as file:
            rows = (
                (
                    int(number),
                    space.images.files[number],
                    names[space.labels[place]],
                    space.model_classes[space.predicted[place]],
                    *(f"{value:.5f}" for value in coordinates[place]),
                )
                for place, number in enumerate(space.index)
            )
            columns = ("index", "name", "label", "predicted", *"xyz"[: coordinates.shape[1]])
            write_table(file, columns, rows)
    except OSError as error:
        raise failure(error, out) from error


def show(document: Any) -> str:
    faithful = document["faithful"]
    trust = (
        f"{percent(faithful['kept'], 1)} of {faithful['neighbours']} neighbours kept,"
        f" trustworthiness {faithful['trustworthiness']:.3f}"
    )
    rows = [
        ["model", document["model"]],
        ["data", f"{document['data']}, {document['part']}, {document['n']:,} images"],
        [
            "map",
            ", ".join(
                f"{name} {value}"
                for name, value in document["options"].items()
                if value is not None
            ),
        ],
        ["faithful", f"{trust} ({faithful['points']:,} points)"],
        ["file", document["file"]],
    ]
    return table(rows if document["file"] else rows[:-1])
