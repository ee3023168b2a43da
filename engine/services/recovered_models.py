"""Saved models that were trained through a data set's wrong labels: their predictions join an
ensemble.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from engine.errors import CheckpointError

if TYPE_CHECKING:
    from torch import Tensor

    from engine.data.imageset import ImageSet
    from engine.models.predictor import Predictor
    from engine.store.store import Store

LEAST = 1e-9  # floor of probabilities whose logarithm is taken


def saved_models(store: Store, data: ImageSet) -> dict[str, Callable[[Tensor], Tensor]]:
    """Saved models that were trained on the given labels of `data` and on no others; a damaged
    one is left out.
    """
    out = {}
    for model in store.models():
        with suppress(CheckpointError):
            meta = store.model_meta(model.name)
            own = (
                meta.get("fingerprint") == data.fingerprint
                and tuple(meta["classes"]) == data.classes
            )
            if (
                own
                and meta["recipe"].get("method") == "recovered"
                and not meta["recipe"].get("init_from")
            ):
                out[model.name] = partial(_log_probabilities, store.predictor(model.name))
    return out


def _log_probabilities(predictor: Predictor, images: Tensor) -> Tensor:
    """Log-probabilities (B, K) by a saved model, of images (B, C, S, S) in 0..255."""
    import torch

    squares = images.round().clamp(0, 255).to(torch.uint8).cpu().numpy()
    return torch.from_numpy(predictor.run(squares)[0]).clamp_min(LEAST).log()
