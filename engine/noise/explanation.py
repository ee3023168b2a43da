"""Why a label is suspect: the prediction that disagrees with it, and the neighbours on either side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TextIO

import numpy as np

from engine.files.sheets import write_table
from engine.noise.findings import UNDECIDED
from engine.noise.ranking import reason

if TYPE_CHECKING:
    from engine.noise.storage import Diagnosis

NOT_DECIDED, NOT_KNOWN = "not decided", "not known"


def not_decided(diagnosis: Diagnosis) -> np.ndarray:
    """(n,) bool: whose likely class the diagnosis can't tell: that it is the given label says T alone,
    and the network gives that label less than one half. Of an undecided diagnosis that holds of any
    label, else of those whose network predicts the other of two ambiguous classes.
    """
    found, regime = diagnosis.arrays, diagnosis.document["regime"]
    rows = np.arange(diagnosis.n)
    own = np.exp(found["log_p"][rows, found["given"]].astype(np.float32))
    by_matrix = (found["likely"] == found["given"]) & (own < 0.5)
    if regime == UNDECIDED:
        return by_matrix
    if regime == "complementary":
        return np.zeros(diagnosis.n, bool)
    places = {name: place for place, name in enumerate(diagnosis.classes)}
    alike = np.zeros((len(places),) * 2, bool)
    for pair in diagnosis.document["ambiguous"]:
        sides = places.get(pair["class"]), places.get(pair["other"])
        if None not in sides:
            alike[sides] = alike[sides[::-1]] = True
    return by_matrix & alike[found["given"], found["log_p"].argmax(1)]


def doubted(diagnosis: Diagnosis) -> np.ndarray:
    """(n,) bool: whose given label is the likely class, and yet likelier wrong than right. The likely
    class is that of networks of which some were trained on the label, the suspicion that of a network
    which was not: no class is to be called likely here. Of no complementary label.
    """
    found = diagnosis.arrays
    if diagnosis.document["regime"] == "complementary":
        return np.zeros(diagnosis.n, bool)
    same = found["given"] == found["likely"]
    return same & (found["score"] < 0.5) & ~not_decided(diagnosis)


def rows_to_show(diagnosis: Diagnosis) -> list[dict[str, Any]]:
    """The rows of the list of suspects: where the likely class is not decided it says so, and there
    is no suspicion.
    """
    rows, found = diagnosis.rows(), diagnosis.arrays
    open_ones = not_decided(diagnosis)[found["order"]]
    return [
        {**row, "likely": NOT_DECIDED, "suspicion": ""} if left_open else row
        for row, left_open in zip(rows, open_ones, strict=True)
    ]


def write_suspects(diagnosis: Diagnosis, file: TextIO) -> None:
    """The list of suspects as CSV."""
    write_table(
        file,
        ("file", "index", "given", "likely", "suspicion"),
        (tuple(row.values()) for row in rows_to_show(diagnosis)),
    )


@dataclass(frozen=True)
class LabelNeighbours:
    """An image's neighbours by a network that was not trained on its label.

    label           the image's likely class; where that is not decided, the class to which that
                    network gives the highest probability
    likely, given   positions, and cosine similarities, of the nearest images whose likely class is
                    `label`, and of those whose likely class is the image's given label
    votes_likely    how many of the `count` nearest images have `label`; votes_given: its
                    given label
    """

    label: int
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
    if not_decided(diagnosis)[position]:
        own = int(found["log_p"][position].argmax())
    return LabelNeighbours(
        label=own,
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
    given, likely = int(found["given"][position]), neighbours.label
    if not_decided(diagnosis)[position]:
        return (
            f"{_of_several(names, p, given, neighbours)} Which of them is right is not decided: look at"
            " the image."
        )
    complementary = diagnosis.document["regime"] == "complementary"
    if p[likely] < 0.5 and not (complementary and likely == given):
        text = _of_several(names, p, given, neighbours)
    else:
        text = reason(
            names[given],
            names[likely],
            float(p[given]),
            float(p[likely]),
            (neighbours.votes_likely, neighbours.votes_given, neighbours.count),
            complementary,
        )
    top = int(p.argmax())
    if (
        not complementary
        and likely == given != top
        and p[top] >= 0.5
        and found["score"][position] >= 0.5
    ):
        text += (
            f" But by T hardly any {names[top]} carries the label {names[given]}, so that the label counts"
            " as right: look at the image if in doubt."
        )
    if doubted(diagnosis)[position]:
        text += (
            " So the given label is likelier wrong than right, but which class is right is not known:"
            " look at the image."
        )
    return text


def _of_several(
    names: tuple[str, ...], p: np.ndarray, given: int, neighbours: LabelNeighbours
) -> str:
    """The prediction p (K,) where the likely class is not what the network is sure of."""
    top, likely = int(p.argmax()), neighbours.label
    verb = "predicts" if p[top] >= 0.5 else "gives the highest probability to"
    text = f"A network that was not trained on this label {verb} {names[top]} ({_percent(p[top])})"
    others = [f"the likely {names[likely]}"] if likely not in (top, given) else []
    shares = [_percent(p[likely])] if others else []
    if given != top:
        others.append(f"the given {names[given]}")
        shares.append(_percent(p[given]))
    for name, value in zip(others, shares, strict=True):
        text += f", {name} with {value}"
    are = "is" if neighbours.votes_likely == 1 else "are"
    near = f"{neighbours.votes_likely} of the {neighbours.count} nearest images {are} likely"
    text += f"; {near} {names[likely]}"
    if likely != given:
        text += f", {neighbours.votes_given} likely {names[given]}"
    return f"{text}."


def _percent(value: float) -> str:
    """A probability 0..1 in whole percents, of which none is certain."""
    if value > 0.99:
        return "over 99%"
    return f"{100 * value:.0f}%" if value >= 0.01 else "under 1%"
