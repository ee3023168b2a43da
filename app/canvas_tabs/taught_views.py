"""What is shown beside a drawing that is a taught symbol: the symbols that it is most like, the
examples of them, and why it was recognised. Nothing of it is about the model's own classes.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from app.charts.words import similar
from engine.imaging import images
from engine.recognition.few_shot import of_nearest_two

if TYPE_CHECKING:
    from engine.models.predictor import Prediction
    from engine.recognition.few_shot import Match
    from engine.services.few_shot import Example

MOST_SYMBOLS = 6  # bars
MOST_EXAMPLES = 12

Encode = Callable[[Image.Image], str]  # a picture as a data URI


def symbol_rows(examples: Sequence[Example]) -> list[dict[str, Any]]:
    """A bar for each taught symbol, the most similar first: its length and figure are the measure by
    which a symbol is recognised (0..1), the mean similarity of its two nearest examples.
    """
    by_name: dict[str, list[float]] = {}
    for one in examples:
        by_name.setdefault(one.name, []).append(one.likeness)
    found = {name: max(0.0, of_nearest_two(np.array(each))) for name, each in by_name.items()}
    best = sorted(found.items(), key=lambda item: -item[1])[:MOST_SYMBOLS]
    return [
        {"share": share, "text": similar(share), "members": [{"label": name, "share": share}]}
        for name, share in best
    ]


def compared_with(match: Match, examples: Sequence[Example]) -> str:
    """The examples of a symbol that its similarity is of: the only one, or of several the nearest two."""
    only = sum(one.name == match.name for one in examples) == 1
    return "your example" if only else "your nearest two examples"


def nearest_examples(examples: Sequence[Example], match: Match, encode: Encode) -> dict[str, Any]:
    """The view of the nearest images: the person's own examples."""
    items = [
        {
            "label": one.name,
            "similarity": one.likeness,
            "image": encode(_picture(one)),
            "same": one.name == match.name,
        }
        for one in examples[:MOST_EXAMPLES]
    ]
    note = (
        f"Your examples, the most similar first; those of {match.name} are outlined. Below each: its own"
        " similarity to your drawing."
    )
    return {"kind": "nearest", "items": items, "note": note}


def why_taught(
    prediction: Prediction, examples: Sequence[Example], match: Match, encode: Encode
) -> dict[str, Any]:
    """The view of reasons: the drawing beside the example that it is most like."""
    nearest = next(one for one in examples if one.name == match.name)
    items = [
        {"title": "your drawing", "image": encode(images.as_picture(prediction.square))},
        {"title": f"most similar example of {match.name}", "image": encode(_picture(nearest))},
    ]
    note = (
        f"A taught symbol is recognised by its similarity to your examples: {similar(match.likeness)} to"
        f" {compared_with(match, examples)} of {match.name}, where at least {similar(match.least)} is needed."
    )
    return {"kind": "why", "items": items, "note": note}


def _picture(example: Example) -> Image.Image:
    """An example's ink, dark on white, small."""
    page = images.open_picture(io.BytesIO(example.path.read_bytes()).getvalue(), example.name)
    flat = Image.new("RGBA", page.size, "white")
    flat.alpha_composite(page.convert("RGBA"))
    flat.thumbnail((96, 96))
    return flat.convert("L")
