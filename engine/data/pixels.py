"""What the pixels of a data set have in common, from some of its pictures: what kind of images they
are, their value range, and whether their paper is light or dark.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple, cast

import numpy as np
from PIL import Image

from engine.data.listing import Finding, Reader
from engine.errors import GlyphlabError
from engine.imaging.convention import (
    EACH_ITS_OWN,
    Convention,
    Paper,
    in_range,
    on_white,
    plain,
    wide,
)
from engine.imaging.images import GLYPH_SIDE, open_picture

VOTERS = 12  # pictures that tell the kind
GLYPHS_LOOKED_AT = 300
LOOKED_AT = 60  # pictures, spread over the set, that tell range and polarity
MOST_PIXELS = 60_000_000  # of them together: a dozen photographs
DARK_SET = 128  # a set whose brightest pixel is below is stretched; photographs reach 255
SIDE = 64  # they are looked at this small
CLEAN = 0.9  # share of the border on one side of the middle that says what is paper
AGREED = 0.95  # of those that say it


class Look(NamedTuple):
    """kind: 'digit', 'page' or 'photo'; how all pictures are read; what to say about that."""

    kind: str
    convention: Convention
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class _Set:
    """A data set's pictures: equal if their content is."""

    content: str
    count: int
    reader: Reader = field(compare=False)


def look_at(reader: Reader, count: int, content: str, kind: str | None) -> Look:
    """What the pictures have in common. A set of a known `kind` is known to be as usual, and none
    of its pictures is opened.
    """
    return Look(kind, EACH_ITS_OWN, ()) if kind else _look(_Set(content, count, reader))


@lru_cache(maxsize=16)  # pages ask at every click
def _look(pictures: _Set) -> Look:
    reader, count = pictures.reader, pictures.count
    kind = guess_kind(reader, count)
    some = list(_opened(reader, np.unique(np.linspace(0, count - 1, LOOKED_AT).astype(int))))
    high, findings = _range(some, reader, count)
    paper: Paper | None = None
    if kind != "photo":
        convention = Convention(high)
        grey = [_grey(in_range(picture, convention)) for picture in some]
        paper, more = polarity(grey)
        findings += more
    return Look(kind, Convention(high, paper), tuple(findings))


def look_at_glyphs(
    load: Callable[[], np.ndarray], content: str
) -> tuple[Convention, tuple[Finding, ...]]:
    """Range and polarity of glyphs (N, h, w) of any type, and what to say about them."""
    return _look_at_glyphs(_Glyphs(content, load))


@dataclass(frozen=True)
class _Glyphs:
    content: str
    load: Callable[[], np.ndarray] = field(compare=False)


@lru_cache(maxsize=64)
def _look_at_glyphs(glyphs: _Glyphs) -> tuple[Convention, tuple[Finding, ...]]:
    levels = glyphs.load()
    if not levels.size:
        return EACH_ITS_OWN, ()
    peak = float(levels.max())
    high: float | None = None
    findings: list[Finding] = []
    if 0 < peak and (levels.dtype != np.uint8 or peak < DARK_SET):
        high = peak
        text = f"no pixel is above {peak:g}: 0 to {peak:g} is stretched to the full range."
        findings.append(Finding("note", "pixels", text))
    some = levels[np.unique(np.linspace(0, len(levels) - 1, GLYPHS_LOOKED_AT).astype(int))]
    paper, more = polarity(_stretched(some, high))
    return Convention(high, paper), (*findings, *more)


def as_glyphs(levels: np.ndarray, convention: Convention) -> np.ndarray:
    """Glyphs (N, h, w) of any type as uint8, ink 255 on 0. Where the convention does not say which
    is paper, the first and last rows of a thousand of them do.
    """
    glyphs = _stretched(levels, convention.high)
    if convention.paper:
        return 255 - glyphs if convention.paper == "light" else glyphs
    edge = np.concatenate([glyphs[:1000, 0].ravel(), glyphs[:1000, -1].ravel()])
    return 255 - glyphs if np.median(edge) > 127 else glyphs


def _stretched(levels: np.ndarray, high: float | None) -> np.ndarray:
    if high is None and levels.dtype == np.uint8:
        return levels
    top = high or max(float(levels.max(initial=0)), 1e-9)
    return np.clip(np.nan_to_num(levels.astype(np.float32)) * (255 / top), 0, 255).astype(np.uint8)


def guess_kind(reader: Reader, count: int, looked_at: int = VOTERS) -> str:
    """'digit' for small squares, 'page' for marks on even paper, 'photo' otherwise: from a few
    pictures spread over the set.
    """
    votes: list[str] = []
    for picture in _opened(reader, np.unique(np.linspace(0, count - 1, looked_at).astype(int))):
        small = plain(picture).convert("RGBA").resize((SIDE, SIDE))
        pixels = np.asarray(small, np.int16)[..., :3]
        colourful = float((pixels.max(-1) - pixels.min(-1) > 24).mean())
        if picture.width == picture.height <= GLYPH_SIDE:
            # Icons and photographs of 32 pixels are colourful all over, coloured ink is not.
            votes.append("photo" if colourful > 0.4 else "digit")
            continue
        grey = pixels.mean(-1)
        even = float((np.abs(grey - np.median(grey)) < 16).mean())
        low, high = np.percentile(grey, (2, 98))
        two_levels = float((np.minimum(grey - low, high - grey) < 0.15 * (high - low)).mean())
        flat = even > 0.6 or (two_levels > 0.85 and high - low > 64)
        votes.append("page" if flat and colourful < 0.3 else "photo")
    return max(sorted(set(votes)), key=votes.count) if votes else "page"


def polarity(grey: Iterable[np.ndarray]) -> tuple[Paper | None, list[Finding]]:
    """Whether paper is light or dark in all of some pictures (h, w) uint8, and what to say. None
    where each picture's own border tells.

    A clean border is paper. Where ink touches it, what forms one piece is the ink, and what it cuts
    into several is the paper: in four alphabets of a font in five weights, fitted to their frame,
    ink was in 1.0 to 1.2 pieces a character and paper in 2.1 to 5.4.
    """
    clean: list[bool] = []
    touching, pieces = 0, np.zeros(2)
    for picture in grey:
        low, high = int(picture.min()), int(picture.max())
        if high - low < 32:
            continue
        light = picture > (low + high) / 2
        border = np.concatenate([light[0], light[-1], light[:, 0], light[:, -1]]).mean()
        if border < 1 - CLEAN or border > CLEAN:
            clean.append(bool(border > 0.5))
            continue
        touching += 1
        pieces += _pieces(~light), _pieces(light)
    share = float(np.mean(clean)) if clean else 0.5
    agreed = bool(clean) and max(share, 1 - share) >= AGREED
    if not touching or touching < 0.05 * len(clean):
        if agreed or not clean:
            return None, []
        text = (
            f"{share:.0%} of the pictures are dark on light, the others light on dark: each"
            " picture's border decides."
        )
        return None, [Finding("note", "pixels", text)]
    if agreed and len(clean) >= touching:
        paper: Paper = "light" if share > 0.5 else "dark"
    elif pieces.max() >= 1.5 * pieces.min():
        paper = "light" if pieces[1] > pieces[0] else "dark"
    else:
        text = (
            f"{touching} of {touching + len(clean)} pictures that were looked at touch their frame,"
            " and whether ink or paper is darker can't be told: look at the samples."
        )
        return None, [Finding("warning", "pixels", text)]
    ink = "dark on light" if paper == "light" else "light on dark"
    text = (
        f"{touching} of {touching + len(clean)} pictures that were looked at touch their frame: all"
        f" of the set is read as {ink}."
    )
    return paper, [Finding("note", "pixels", text)]


def _pieces(mask: np.ndarray) -> int:
    """How many connected pieces of more than two pixels are in a mask (h, w)."""
    from scipy import ndimage  # pyright: ignore[reportMissingTypeStubs]

    numbered, count = cast("tuple[np.ndarray, int]", ndimage.label(mask))  # pyright: ignore[reportUnknownMemberType]
    return int((np.bincount(numbered.ravel(), minlength=count + 1)[1:] > 2).sum())


def _range(
    some: list[Image.Image], reader: Reader, count: int
) -> tuple[float | None, list[Finding]]:
    """The level that stands for white, if it is not 255, and what to say."""
    levels = [wide(picture) for picture in some]
    deep = [float(level.max()) for level in levels if level is not None]
    if deep:
        most = max(deep)
        whole = all(picture.mode.startswith("I") for picture in some)
        # Scanners of 10, 12 and 16 bits leave the upper bits empty; a black set stays black.
        high = float(2 ** max(8, int(most).bit_length()) - 1) if whole else most
        text = f"pictures have more than 8 bits: 0 to {high:g} is stretched to the full range."
        return (high or None), [Finding("note", "pixels", text)]
    peak = max((_peak(picture) for picture in some), default=255)
    if peak >= DARK_SET:
        return None, []
    peak = max((_peak(picture) for picture in _opened(reader, range(count))), default=0)
    if peak == 0:
        text = "every picture that was looked at is black all over."
        return None, [Finding("warning", "pixels", text)]
    if peak >= DARK_SET:
        return None, []
    text = f"no pixel is above {peak} (of 255): 0 to {peak} is stretched to the full range."
    return float(peak), [Finding("note", "pixels", text)]


def _peak(picture: Image.Image) -> int:
    flat = plain(picture)
    flat = on_white(flat) if flat.mode == "RGBA" else flat
    return max(int(np.asarray(band).max()) for band in flat.split())


def _grey(picture: Image.Image) -> np.ndarray:
    flat = plain(picture)
    grey = (on_white(flat) if flat.mode == "RGBA" else flat).convert("L")
    if max(grey.size) > SIDE:
        grey.thumbnail((SIDE, SIDE), Image.Resampling.BOX)
    return np.asarray(grey)


def _opened(reader: Reader, positions: Iterable[int]) -> Iterator[Image.Image]:
    """The pictures at those positions that can be opened, up to MOST_PIXELS together."""
    pixels = 0
    for position in positions:
        try:
            picture = open_picture(reader.read(int(position)))
        except (GlyphlabError, OSError):
            continue
        yield picture
        pixels += picture.width * picture.height
        if pixels > MOST_PIXELS:
            return
