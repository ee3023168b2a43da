"""A drawing and what models predicted for it; drawings that were asked about together go through a
model together.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from engine.imaging.images import Page
    from engine.models.predictor import Prediction, Predictor

log = logging.getLogger(__name__)


class Drawn:
    """A page, and what was predicted for it until now: each model is looked up and asked once. find:
    the predictor of a model's name.
    """

    def __init__(self, page: Page, find: Callable[[str], Predictor]) -> None:
        self.page, self._find = page, find
        self._predictors: dict[str, Predictor] = {}
        self._squares: dict[str, np.ndarray] = {}
        self._found: dict[str, Prediction] = {}

    def predictor(self, model: str) -> Predictor:
        """The model, loaded. Raises CheckpointError, ModelError."""
        if model not in self._predictors:
            self._predictors[model] = self._find(model)
        return self._predictors[model]

    def square(self, model: str) -> np.ndarray:
        """The page as this model is given it, (C, S, S) uint8. Raises ImageError."""
        if model not in self._squares:
            self._squares[model] = self.predictor(model).prepare(self.page)
        return self._squares[model]

    def by(self, model: str) -> Prediction:
        """What this model predicts. Raises ImageError."""
        if model not in self._found:
            self._found[model] = self.predictor(model).of_squares([self.square(model)])[0]
        return self._found[model]

    def keep(self, model: str, prediction: Prediction) -> None:
        """Take what this model has predicted."""
        self._found[model] = prediction


def predict_together(asked: Iterable[tuple[str, Drawn]]) -> None:
    """Have each drawing predicted by a model, all that one model is asked for in one batch. A batch that
    fails costs nobody anything: whoever asks for a prediction next gets it alone, or its error.
    """
    batches: dict[Predictor, list[tuple[str, Drawn]]] = {}
    for model, drawn in asked:
        batches.setdefault(drawn.predictor(model), []).append((model, drawn))
    for predictor, members in batches.items():
        try:
            found = predictor.of_squares([drawn.square(model) for model, drawn in members])
        except Exception as error:  # noqa: BLE001 - told to whoever caused it, when asked alone
            log.debug("a batch of %d drawings failed: %s", len(members), error)
            continue
        for (model, drawn), prediction in zip(members, found, strict=True):
            drawn.keep(model, prediction)
