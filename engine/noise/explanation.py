"""Why a label is suspect: the prediction that disagrees with it, and the neighbours on either side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from engine.noise.ranking import reason

if TYPE_CHECKING:
    from engine.noise.storage import Diagnosis


@dataclass(frozen=True)
class LabelNeighbours:
    """An image's neighbours by a network that was not trained on its label.

    likely, given   positions, and cosine similarities, of the nearest images whose likely class is
                    the image's likely class, and of those whose likely class is its given label
    votes_likely    how many of the `count` nearest images have its likely class; votes_given: its
                    given label
    """

    likely: tuple[np.ndarray, np.ndarray]
    given: tuple[np.ndarray, np.ndarray]
    votes_likely: int
    votes_given: int
    count: int


def label_neighbours(diagnosis: Diagnosis, position: int, count: int = 6) -> LabelNeighbours:
    """The `count` nearest images of the likely class, and of the given label, of the image at a
    position.
    """
    found = diagnosis.arrays
    likely = found["likely"]
    vectors = diagnosis.embeddings[int(found["fold"][position])]
    similarity = np.asarray(vectors, np.float32) @ np.asarray(vectors[position], np.float32)
    similarity[position] = -np.inf

    def nearest(label: int) -> tuple[np.ndarray, np.ndarray]:
        own = np.flatnonzero(likely == label)
        own = own[own != position]
        best = own[np.argsort(-similarity[own], kind="stable")[:count]]
        return best, similarity[best]

    votes = likely[found["neighbours"][position]]
    own, given = int(likely[position]), int(found["given"][position])
    return LabelNeighbours(
        likely=nearest(own),
        given=nearest(given),
        votes_likely=int((votes == own).sum()),
        votes_given=int((votes == given).sum()),
        count=len(votes),
    )


def explain_label(diagnosis: Diagnosis, position: int, neighbours: LabelNeighbours) -> str:
    """Why the label of the image at a position is suspect, or not, in a sentence or two."""
    found, names = diagnosis.arrays, diagnosis.classes
    p = np.exp(found["log_p"][position].astype(np.float32))
    given, likely = int(found["given"][position]), int(found["likely"][position])
    return reason(
        names[given],
        names[likely],
        float(p[given]),
        float(p[likely]),
        (neighbours.votes_likely, neighbours.votes_given, neighbours.count),
        diagnosis.document["regime"] == "complementary",
    )
