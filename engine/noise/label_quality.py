"""How far a label can be trusted that a person gave an image after the diagnosis was made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from engine.noise.explanation import not_decided
from engine.noise.transition import log_posterior

if TYPE_CHECKING:
    from engine.noise.storage import Diagnosis


def label_quality(
    diagnosis: Diagnosis, positions: np.ndarray, labels: Sequence[str | None]
) -> np.ndarray:
    """(m,) float64 in 0..1: the probability that each image at `positions` (m,) int is of the class that
    `labels` (m,) names, given what the diagnosis found out with the label that the image came with. NaN
    where it can't tell: no label, a class that it does not know, or an image it left undecided.

    Of the given label it is the diagnosis's score and of the likely class its confidence, which rest on
    more than one network; of any other class, the posterior by the out-of-sample prediction.
    """
    found, places = diagnosis.arrays, {name: at for at, name in enumerate(diagnosis.classes)}
    chosen = np.array([places.get(label, -1) if label else -1 for label in labels], np.int64)
    given, likely = (found[name][positions].astype(np.int64) for name in ("given", "likely"))
    matrix = np.asarray(diagnosis.document["transition"], np.float64)
    log_p = np.asarray(found["log_p"][positions], np.float32)
    posterior = np.exp(log_posterior(log_p, matrix, given))
    quality = posterior[np.arange(len(given)), chosen].astype(np.float64)
    quality = np.where(chosen == likely, found["confidence"][positions], quality)
    quality = np.where(chosen == given, found["score"][positions], quality)
    return np.where((chosen < 0) | not_decided(diagnosis)[positions], np.nan, quality)
