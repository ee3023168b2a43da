"""`neighbours`: the images of a data set that a model finds most like a picture, and what they vote
for.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from engine.cli.embed import space_arguments
from engine.cli.text import percent, table
from engine.errors import GlyphlabError
from engine.progress import Progress

if TYPE_CHECKING:
    from engine.lab import Lab

HELP = "find the images of a data set that a model finds most like a picture, and their vote"


def arguments(parser: argparse.ArgumentParser) -> None:
    space_arguments(parser)
    parser.add_argument("image", metavar="IMAGE", help="a picture file")
    parser.add_argument(
        "-k", type=int, default=13, metavar="K", help="how many neighbours (default: 13)"
    )


def run(lab: Lab, args: argparse.Namespace, progress: Progress) -> Any:
    if args.k < 1:
        raise GlyphlabError("-k can't be used", expected="a whole number of at least 1", got=args.k)
    space = lab.spaces.embed(args.model, args.data, args.part, progress)
    near = space.near_to(lab.spaces.embedding_of(space, args.image), args.k)
    names = [*space.classes, None]  # the last stands for a label of -1
    votes = sorted(
        (
            (float(share), space.classes[number])
            for number, share in enumerate(near.vote.share[0])
            if share
        ),
        reverse=True,
    )
    return {
        "image": args.image,
        "model": space.model,
        "data": space.data,
        "part": space.part,
        "k": len(near.index),
        "neighbours": [
            {
                "index": int(space.index[place]),
                "label": names[space.labels[place]],
                "similarity": round(float(similarity), 6),
                "name": str(space.images.files[int(space.index[place])]),
            }
            for place, similarity in zip(near.index, near.similarity, strict=True)
        ],
        "vote": names[int(near.vote.label[0])],
        "votes": [{"label": name, "share": share} for share, name in votes],
    }


def show(document: Any) -> str:
    rows = [
        [row["index"], row["label"], f"{row['similarity']:.4f}", row["name"]]
        for row in document["neighbours"]
    ]
    votes = ", ".join(f"{row['label']} {percent(row['share'], 0)}" for row in document["votes"])
    vote = f"{document['vote']} ({votes})" if votes else "none, no neighbour has a label"
    return "\n".join(
        [
            table(rows, ("index", "label", "similarity", "name")),
            "",
            f"vote: {vote}",
        ]
    )
