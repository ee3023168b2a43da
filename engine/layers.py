"""What the points of a map can be coloured by: classes, answers, mistakes, confidence, origin, and how far a label is believed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from engine.space import Space

if TYPE_CHECKING:
    from engine.lab import Lab

UNNAMED = "no label"
STEPS = 255


@dataclass(frozen=True)
class Layer:
    """A colour for each of N points.

    kind 'class': codes (N,) are places in `names`, `counts` how many have each; 'value': codes are 0..255, from `low` to `high`.
    `palette` says which colours suit: 'classes', 'verdict' (right, wrong, unknown), 'few' or 'ramp'.
    """

    title: str
    kind: str
    codes: np.ndarray
    names: tuple[str, ...] = ()
    counts: tuple[int, ...] = ()
    low: float = 0.0
    high: float = 1.0
    palette: str = "classes"

    @property
    def low_text(self) -> str:
        return f"{self.low:.2f}"

    @property
    def high_text(self) -> str:
        return f"{self.high:.2f}"


def layers(lab: Lab, space: Space) -> dict[str, Layer]:
    """The layers a space has, by the name that stands in the page's address."""
    diagnoses = lab.home / "noise"
    return _layers(lab, space, diagnoses.stat().st_mtime_ns if diagnoses.exists() else 0)


@lru_cache(maxsize=8)
def _layers(lab: Lab, space: Space, stamp: int) -> dict[str, Layer]:
    # `stamp` changes with every new diagnosis of labels; a click on the map must not pay for what has not changed.
    out = {
        "label": named("Given label", space.labels, space.classes),
        "predicted": _answers(space),
        "error": named("Error", np.where(space.labels < 0, 2, space.wrong), ("right", "wrong", "unknown"), "verdict"),
        "confidence": graded("Confidence", space.confidence),
        "split": _splits(space),
    }
    if len(space.images.source_names) > 1:
        out["source"] = named("Source", space.images.sources[space.index], space.images.source_names, "few")
    return out | _judged(lab, space)


def named(title: str, codes: np.ndarray, names: Sequence[str], palette: str = "classes") -> Layer:
    """A layer of names; a code of -1 becomes 'no label'."""
    codes = np.asarray(codes, np.int64)
    if (codes < 0).any():
        names, codes = (*names, UNNAMED), np.where(codes < 0, len(names), codes)
    counts = np.bincount(codes, minlength=len(names))
    return Layer(title, "class", codes, tuple(names), tuple(int(count) for count in counts), palette=palette)


def graded(title: str, values: np.ndarray) -> Layer:
    """A layer of numbers, from their smallest to their largest."""
    values = np.nan_to_num(np.asarray(values, np.float64))
    low, high = (float(values.min()), float(values.max())) if len(values) else (0.0, 0.0)
    codes = np.round((values - low) / (high - low) * STEPS) if high > low else np.zeros(len(values))
    return Layer(title, "value", codes.astype(np.int64), low=low, high=high, palette="ramp")


def _answers(space: Space) -> Layer:
    """The model's answers in the order, and so the colours, of the data's classes; classes that only the model knows come after."""
    names = list(dict.fromkeys([*space.classes, *space.model_classes]))
    order = np.array([names.index(name) for name in space.model_classes])
    return named("Predicted class", order[space.predicted], names)


def _splits(space: Space) -> Layer:
    names = [name for name in ("train", "val", "test") if len(space.images.splits.get(name, ()))]
    codes = np.full(len(space.images), -1)
    for number, name in enumerate(names):
        codes[space.images.splits[name]] = number
    said = {"train": "training", "val": "validation", "test": "test"}
    return named("Split", codes[space.index], [said[name] for name in names], "few")


def _judged(lab: Lab, space: Space) -> dict[str, Layer]:
    """What the newest diagnosis of the data set's labels says, if there is one: how far each label is believed, and the likely class."""
    found = next((info for info in lab.noise.list() if info.name == space.data), None)
    diagnosis = lab.noise.find(found.name, found.split) if found else None
    if diagnosis is None or len(diagnosis.data) != len(space.images) or diagnosis.classes != space.classes:
        return {}
    quality, likely = np.full(len(space.images), np.nan), np.full(len(space.images), -1)
    quality[diagnosis.arrays["index"]] = diagnosis.arrays["score"]
    likely[diagnosis.arrays["index"]] = diagnosis.arrays["likely"]
    judged = np.isfinite(quality[space.index])
    if not judged.any():
        return {}
    believed = np.where(judged, quality[space.index], 1.0)
    return {"quality": graded("Label quality", believed), "likely": named("Likely class", likely[space.index], space.classes)}
