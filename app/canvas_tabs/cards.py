"""Where the images beside a drawing lead: each to its card in the lab, on the Sample page."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from engine.data.sources import DRAWINGS, is_drawings, is_plain_name, part_of

if TYPE_CHECKING:
    from engine.lab import Lab
    from engine.services.gallery import Gallery, Neighbour

HELD_SECONDS = 5.0  # a pen asks ten times a second, and each look for a data set is one at the disk


class Cards:
    """Remembers for a moment which data sets are at hand."""

    def __init__(self) -> None:
        self._here: dict[str, tuple[float, bool]] = {}

    def query(self, lab: Lab, gallery: Gallery, near: Neighbour, model: str) -> str:
        """The query of the Sample page's address for a neighbour, as whoever has `lab` may open it: ''
        where the image has no name, where its data set is not at hand or is somebody else's drawings,
        and where it goes by a path, which is nobody's business but the server's.
        """
        data, sample = part_of(gallery.data, near.file)
        if not near.file or not is_plain_name(data):
            return ""
        if is_drawings(data) and data not in (DRAWINGS, lab.drawings.name):
            return ""
        if not self._is_here(lab, data):
            return ""
        return urlencode({"data": data, "sample": sample, "model": model})

    def _is_here(self, lab: Lab, data: str) -> bool:
        now = time.monotonic()
        until, here = self._here.get(data, (0.0, False))
        if now >= until:
            here = lab.data.is_here(data)
            self._here[data] = (now + HELD_SECONDS, here)
        return here
