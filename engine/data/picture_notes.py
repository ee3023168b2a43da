"""What was done to pictures that are transparent, or lie turned, in sentences."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image

from engine.data.listing import Finding
from engine.imaging.convention import plain, wide
from engine.imaging.images import TURNED


def notes_on(some: Sequence[Image.Image]) -> list[Finding]:
    """What to say of some pictures of a set."""
    return _of_transparent(some) + _of_turned(some)


def _of_transparent(some: Sequence[Image.Image]) -> list[Finding]:
    """What to say of pictures that are transparent in parts."""
    flat = [plain(picture) for picture in some if wide(picture) is None]
    alphas = [one.getchannel("A") for one in flat if one.mode == "RGBA"]
    count = sum(np.asarray(alpha).min() < 128 for alpha in alphas)
    if not count:
        return []
    text = (
        f"{count:,} of {len(some):,} pictures that were looked at are transparent in parts: they are"
        " laid on white, and where most of one is transparent, what is not is its ink."
    )
    return [Finding("note", "pixels", text)]


def _of_turned(some: Sequence[Image.Image]) -> list[Finding]:
    """What to say of pictures that were turned as their EXIF tag says."""
    count = sum(TURNED in picture.info for picture in some)
    if not count:
        return []
    text = (
        f"{count:,} of {len(some):,} pictures that were looked at say by their EXIF tag that they lie"
        " turned: they are turned upright."
    )
    return [Finding("note", "pixels", text)]
