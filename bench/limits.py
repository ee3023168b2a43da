"""Fit anew what the shipped canvas models take for foreign: `python -m bench.limits [MODEL …]`.

Writes into `gallery.npz` beside the checkpoint; weights, metadata and the images shown stay. It needs
the data of the models' recipes (`GLYPHLAB_DATA`). The limits are measured by EMNIST's test images at
even places, brought onto a page; `python -m bench foreign` judges by those at odd places, and by
held-out tablet drawings, which have no part in it.
"""

from __future__ import annotations

import os
import sys

import numpy as np

from bench.foreign import MODELS, glyphs
from engine.imaging.images import Page
from engine.lab import Lab

COUNT = 1000  # drawings that the limits are measured by
SOURCES = ("mnist", "emnist62")  # whose images may be passed on


def main(models: list[str]) -> int:
    """Prints the file of each. Raises DataError, CheckpointError."""
    lab, rng = Lab.open(os.environ), np.random.default_rng(0)
    for model in models or MODELS:
        predictor = lab.predictor(model)
        pages = glyphs(lab, set(predictor.classes), COUNT, rng, odd=False)
        held_out = np.stack([predictor.prepare(Page(page)) for page in pages])
        print(lab.galleries.calibrate(model, SOURCES, held_out))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
