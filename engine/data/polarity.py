"""Whether paper is light or dark in all pictures of a set: by their borders, and where ink touches
them, by what the ink is cut into.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, cast

import numpy as np

from engine.data.listing import Finding
from engine.imaging.convention import Paper

CLEAN = 0.9  # share of the border on one side of the middle that says what is paper
AGREED = 0.95  # of those that say it
# Of the side, from the border inwards, where lines around cells have ended: chosen by lines of 1 to 3
# pixels drawn around pictures of 48 to 64, not measured on forms.
FRAME = 0.08


INK = {"light": "dark on light", "dark": "light on dark"}  # by what paper is


class Polarity(NamedTuple):
    """paper: 'light' or 'dark' in all pictures of a set, None where each one's own border tells;
    what to say about it; and `words` for the report.
    """

    paper: Paper | None
    findings: list[Finding]
    words: str

    @property
    def mixed(self) -> bool:
        """Whether there are pictures of both sides, and each one's border tells which."""
        return self.paper is None and any(one.level == "note" for one in self.findings)


def polarity(grey: Iterable[np.ndarray]) -> Polarity:
    """Whether paper is light or dark in all of some pictures (h, w) uint8.

    A clean border is paper. Where ink touches it, what forms one piece is the ink, and what it cuts
    into several is the paper: in four alphabets of a font in five weights, fitted to their frame,
    ink was in 1.0 to 1.2 pieces a character and paper in 2.1 to 5.4.
    """
    clean: list[bool] = []
    framed: list[bool] = []
    touching, pieces = 0, np.zeros(2)
    for picture in grey:
        low, high = int(picture.min()), int(picture.max())
        if high - low < 32:
            continue
        light = picture > (low + high) / 2
        border = _light_border(light)
        if border < 1 - CLEAN or border > CLEAN:
            clean.append(bool(border > 0.5))
            inside = _ring(light, max(2, round(FRAME * min(light.shape))))
            if (inside > CLEAN) != clean[-1] and not 1 - CLEAN <= inside <= CLEAN:
                framed.append(inside > 0.5)
            continue
        touching += 1
        pieces += _pieces(~light), _pieces(light)
    if len(framed) > max(len(clean) / 2, touching):
        return _in_frames(framed)
    share = float(np.mean(clean)) if clean else 0.5
    agreed = bool(clean) and max(share, 1 - share) >= AGREED
    if not touching or touching < 0.05 * len(clean):
        if not clean:
            return Polarity(None, [], "each picture's border tells")
        ink = INK["light" if share > 0.5 else "dark"]
        if agreed:
            agreeing = max(sum(clean), len(clean) - sum(clean))
            words = f"{ink}: so are the borders of {agreeing} of {len(clean)} pictures that were looked at"
            return Polarity(None, [], words)
        text = (
            f"{share:.0%} of the pictures are dark on light, the others light on dark: each"
            " picture's border decides."
        )
        return Polarity(None, [Finding("note", "pixels", text)], "each picture's border tells")
    if agreed and len(clean) >= touching:
        paper: Paper = "light" if share > 0.5 else "dark"
    elif pieces.max() >= 1.5 * pieces.min():
        paper = "light" if pieces[1] > pieces[0] else "dark"
    else:
        text = (
            f"{touching} of {touching + len(clean)} pictures that were looked at touch their frame,"
            " and whether ink or paper is darker can't be told: look at the samples."
        )
        return Polarity(None, [Finding("warning", "pixels", text)], "it can't be told")
    ink = INK[paper]
    text = (
        f"{touching} of {touching + len(clean)} pictures that were looked at touch their frame: all"
        f" of the set is read as {ink}."
    )
    return Polarity(paper, [Finding("note", "pixels", text)], f"{ink}, all of the set")


def paper_side(grey: np.ndarray) -> bool | None:
    """Whether the paper of a picture (h, w) uint8 is light, by a clean border; None where that can't
    be told.
    """
    low, high = int(grey.min()), int(grey.max())
    if high - low < 32:
        return None
    border = _light_border(grey > (low + high) / 2)
    return border > 0.5 if border < 1 - CLEAN or border > CLEAN else None


def _light_border(light: np.ndarray) -> float:
    """Share of the border of (h, w) bool that is light."""
    return float(np.concatenate([light[0], light[-1], light[:, 0], light[:, -1]]).mean())


def _in_frames(framed: list[bool]) -> Polarity:
    """What pictures with a line around them tell; framed: of each, whether it is light inside."""
    paper: Paper = "light" if 2 * sum(framed) > len(framed) else "dark"
    text = (
        f"{len(framed)} pictures that were looked at have a line around them, as cells of a form do:"
        f" all of the set is read with {paper} paper, and the line as ink. Cut it off."
    )
    found = [Finding("warning", "pixels", text)]
    return Polarity(paper, found, f"{INK[paper]}, inside a line around each picture")


def _ring(light: np.ndarray, inset: int) -> float:
    """Share of light pixels on the rectangle so many pixels inside the border of (h, w) bool."""
    inner = light[inset:-inset, inset:-inset]
    if min(inner.shape) < 2:
        return 0.5
    return float(np.concatenate([inner[0], inner[-1], inner[:, 0], inner[:, -1]]).mean())


def _pieces(mask: np.ndarray) -> int:
    """How many connected pieces of more than two pixels are in a mask (h, w)."""
    from scipy import ndimage  # pyright: ignore[reportMissingTypeStubs]

    numbered, count = cast("tuple[np.ndarray, int]", ndimage.label(mask))  # pyright: ignore[reportUnknownMemberType]
    return int((np.bincount(numbered.ravel(), minlength=count + 1)[1:] > 2).sum())
