"""Predictions of the networks that are already trained, kept while a diagnosis runs: one that was
stopped goes on after its last fold.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from engine.errors import DamagedError
from engine.files.atomic import write_arrays
from engine.files.checked import read_arrays

Predictions = tuple[np.ndarray, np.ndarray]  # logits (n, K), embeddings (n, D)


class PredictionCache:
    """Predictions by the name of their network, in a folder of one diagnosis; None: nothing is kept."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder

    def get(self, name: str, train: Callable[[], Predictions]) -> Predictions:
        """The predictions of the network `name`: those in the folder, or of one that `train` makes
        now. Raises GlyphlabError if they can't be written.
        """
        if self.folder is None:
            return train()
        file = self.folder / f"{name}.npz"
        try:
            found = read_arrays(file, ("logits", "embeddings"), "")
            return found["logits"], found["embeddings"]
        except DamagedError:  # or not there
            logits, embeddings = train()
        write_arrays(file, logits=logits, embeddings=embeddings.astype(np.float16))
        return logits, embeddings
