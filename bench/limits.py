"""Fit anew what the shipped canvas models take for foreign: `python -m bench.limits [MODEL …]`.

Writes into `gallery.npz` beside the checkpoint; weights, metadata and the images shown stay. It needs
the data of the models' recipes (`GLYPHLAB_DATA`). Held-out tablet drawings have no part in it:
`python -m bench foreign` judges by them.
"""

from __future__ import annotations

import os
import sys

from engine.lab import Lab

MODELS = ("canvas-digits", "canvas-characters")
SOURCES = ("mnist", "emnist62")  # whose images may be passed on


def main(models: list[str]) -> int:
    """Prints the file of each. Raises DataError, CheckpointError."""
    lab = Lab.open(os.environ)
    for model in models or MODELS:
        print(lab.galleries.calibrate(model, SOURCES))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
