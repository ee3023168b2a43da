"""From any picture to classes with probabilities, by the same path that training data took."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from engine.data.augment import fit_size
from engine.imaging.images import Page, normalise, open_picture, square
from engine.models.checkpoint import Checkpoint
from engine.models.recognizer import folded

if TYPE_CHECKING:
    from PIL import Image

    Picture = Path | str | bytes | np.ndarray | Image.Image | Page


@dataclass(frozen=True)
class Prediction:
    """What a model makes of one picture.

    classes        K names
    probabilities  (K,) f32, calibrated, summing to 1
    embedding      (D,) f32, L2-normalised
    square         (C, S, S) uint8, the image as the model was given it
    blank          nothing is drawn: the probabilities mean nothing
    """

    classes: tuple[str, ...]
    probabilities: np.ndarray
    embedding: np.ndarray
    square: np.ndarray
    blank: bool

    @property
    def label(self) -> str:
        return self.classes[int(self.probabilities.argmax())]

    def top(self, k: int = 10) -> list[tuple[str, float]]:
        """The k likeliest classes with their probabilities, likeliest first."""
        return [
            (self.classes[i], float(self.probabilities[i]))
            for i in np.argsort(-self.probabilities, kind="stable")[:k]
        ]


class Predictor:
    """A checkpoint, ready to answer. Not tied to a thread: the model is only read."""

    def __init__(self, checkpoint: Checkpoint, device: str | torch.device = "cpu") -> None:
        self.checkpoint, self.device = checkpoint, torch.device(device)
        self.model = checkpoint.model.to(self.device)
        self._answers = folded(self.model)
        self.classes = checkpoint.classes

    def prepare(self, picture: Picture, name: str | None = None) -> np.ndarray:
        """The square (C, S, S) uint8 of a picture. Raises ImageError if it can't be read."""
        opened = picture if isinstance(picture, Page) else open_picture(picture, name)
        return square(
            opened, self.checkpoint.style, self.checkpoint.size, self.checkpoint.placement
        )

    def predict(self, pictures: Sequence[Picture]) -> list[Prediction]:
        """One Prediction for each picture."""
        return self.of_squares([self.prepare(picture) for picture in pictures])

    def of_squares(self, prepared: Sequence[np.ndarray]) -> list[Prediction]:
        """One Prediction for each square (C, S, S) uint8 that `prepare` made, all in one batch."""
        if not len(prepared):
            return []
        squares = np.stack(prepared)
        probabilities, embeddings = self.run(squares)
        photo = self.checkpoint.style == "photo"
        return [
            Prediction(
                self.classes,
                probabilities[i],
                embeddings[i],
                squares[i],
                not photo and not squares[i].any(),
            )
            for i in range(len(squares))
        ]

    def squares(
        self, squares: np.ndarray, progress: Callable[[int], None] | None = None
    ) -> np.ndarray:
        """(n, C, S, S) uint8 → calibrated probabilities (n, K) f32."""
        return self.run(squares, progress)[0]

    def embed(
        self, squares: np.ndarray, progress: Callable[[int], None] | None = None
    ) -> np.ndarray:
        """(n, C, S, S) uint8 → L2-normalised embeddings (n, D) f32."""
        return self.run(squares, progress)[1]

    @torch.inference_mode()
    def run(
        self,
        squares: np.ndarray,
        progress: Callable[[int], None] | None = None,
        batch_size: int = 256,
    ) -> tuple[np.ndarray, np.ndarray]:
        """(n, C, S, S) uint8 → probabilities (n, K) f32 and embeddings (n, D) f32, in batches;
        `progress(done)` after each.
        """
        probabilities, embeddings = [], []
        for start in range(0, len(squares), batch_size):
            batch = torch.from_numpy(
                np.require(squares[start : start + batch_size], requirements=["C", "W"])
            ).to(self.device)
            output = self._answers(
                normalise(fit_size(batch, self.checkpoint.input_size, self.checkpoint.crop))
            )
            probabilities.append(
                torch.softmax(output.logits / self.checkpoint.temperature, 1).cpu().numpy()
            )
            embeddings.append(output.embeddings.cpu().numpy())
            if progress:
                progress(min(start + batch_size, len(squares)))
        return np.concatenate(probabilities), np.concatenate(embeddings)
