"""Small files that would take very long to decode, known by their bytes before it is begun: a picture's
pixels are bounded elsewhere, but not how often a format goes over them. TIFFs: engine.imaging.tiff.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import ImageError

if TYPE_CHECKING:
    from PIL import Image

# Each scan of a JPEG goes over the whole picture, however little it holds: of 2 kB in a zip, 6,000 scans
# of 50 million pixels took 40 s. libjpeg's encoder makes ten of a picture
# in colour; libtiff takes fewer than 100 of a JPEG in a TIFF, and libjpeg-turbo's own fuzzers at most 500.
# 100 scans of 50 million empty pixels take 1.0 s, one takes 0.2 s (one core of two, n=1).
MOST_SCANS = 100
_SCAN_BYTES = 10  # of an empty one
# A start of scan (SOS) as libjpeg takes it: its length fits its number of components. That is six bytes,
# which the compressed pixels never hold, and a video or a preview behind them only by a rare chance.
_SCAN = re.compile(rb"\xff\xda\x00(?:\x06\x00|\x08\x01|\x0a\x02|\x0c\x03|\x0e\x04)")
_SHORT = 10_000  # bytes up to which Python counts faster than numpy
_HOLD_JPEG = ("JPEG", "MPO", "BLP")  # those that hold one as it is


def check_cost(picture: Image.Image, raw: bytes | Path, name: str) -> None:
    """Raise ImageError for a picture that was opened from `raw` and is not to be decoded."""
    if picture.format in _HOLD_JPEG:
        held = raw.read_bytes() if isinstance(raw, Path) else raw
        if _has_many_scans(held):
            raise ImageError(
                f"{name} is a JPEG of too many scans",
                expected=f"at most {MOST_SCANS}",
                hint="Save it again as PNG.",
            )
    elif picture.format == "IPTC" and _is_wrapped(picture):
        # Pillow would open what it holds as another file, of any format and size.
        raise ImageError(f"{name} holds another picture", hint="Save that one as a file.")


def _has_many_scans(held: bytes) -> bool:
    """Whether a file holds more than MOST_SCANS starts of a scan."""
    if len(held) < MOST_SCANS * _SCAN_BYTES:
        return False
    if len(held) < _SHORT:
        likely = held.count(b"\xff\xda")
    else:
        import numpy as np

        each = np.frombuffer(held, np.uint8)
        likely = int(np.count_nonzero((each[:-1] == 0xFF) & (each[1:] == 0xDA)))
    return likely > MOST_SCANS and len(_SCAN.findall(held)) > MOST_SCANS


def _is_wrapped(picture: Image.Image) -> bool:
    """Whether an IPTC file holds something else than pixels."""
    return any(tile.args[0] != "raw" for tile in getattr(picture, "tile", ()))
