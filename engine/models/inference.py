"""A model over many images, without augmentation: what validation, the final figures and snapshots
share.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from engine.data import loader
from engine.data.augment import fit_size
from engine.data.loader import Images
from engine.imaging.images import normalise
from engine.models.recognizer import Recognizer


@torch.no_grad()
def run_model(
    model: Recognizer,
    images: Images,
    index: np.ndarray,
    size: int,
    crop: int | None = None,
    *,
    batch_size: int = 256,
    autocast: torch.dtype | None = None,
    progress: Callable[[int], None] | None = None,
) -> tuple[Tensor, Tensor]:
    """Logits (n, K) f32 and embeddings (n, D) f32 of the images at `index` (n,), on the CPU,
    without augmentation.
    """
    model.eval()
    logits, embeddings, done = [], [], 0
    for batch in images.batches(loader.in_order(index, batch_size)):
        x = normalise(fit_size(batch.images, size, crop)).contiguous(
            memory_format=torch.channels_last
        )
        with torch.autocast(
            images.device.type, dtype=autocast or torch.bfloat16, enabled=autocast is not None
        ):
            output = model(x)
        logits.append(output.logits.float().cpu())
        embeddings.append(output.embeddings.float().cpu())
        done += len(x)
        if progress:
            progress(done)
    return torch.cat(logits), torch.cat(embeddings)
