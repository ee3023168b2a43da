"""What the pixels of a data set have in common, from some of its pictures: what kind of images they
are, their value range, and whether their paper is light or dark.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from PIL import Image

from engine.data.listing import Finding, Reader
from engine.data.picture_notes import notes_on
from engine.data.polarity import paper_side, polarity
from engine.errors import GlyphlabError
from engine.imaging.convention import (
    EACH_ITS_OWN,
    Convention,
    in_range,
    on_white,
    plain,
    wide,
)
from engine.imaging.images import GLYPH_SIDE, Page, open_picture

VOTERS = 12  # pictures that tell the kind
GLYPHS_LOOKED_AT = 300
LOOKED_AT = 60  # pictures, spread over the set, that tell range and polarity
MOST_PIXELS = 60_000_000  # of them together: a dozen photographs
FAINT = 0.25  # chosen: share of the range of pictures of more than 8 bits that a faint set takes
FEWEST_LEVELS = 32  # chosen: that ink on paper takes; the noise of an empty set takes fewer
DARK_SET = 128  # a set whose brightest pixel is below is stretched; photographs reach 255
NO_NUMBERS = "it holds values that are no numbers (NaN or infinite)"
FILLED_SIDE = 128  # a grey square up to this side may be filled by one character
SIDE = 64  # they are looked at this small


class Look(NamedTuple):
    """kind: 'digit', 'page' or 'photo'; how all pictures are read; what to say about that; polarity,
    in words; and where both sides are there, (position, whether its paper is light) of some.
    """

    kind: str
    convention: Convention
    findings: tuple[Finding, ...] = ()
    polarity: str = ""
    sides: tuple[tuple[int, bool], ...] = ()


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
    return Look(kind, EACH_ITS_OWN) if kind else _look(_Set(content, count, reader))


@lru_cache(maxsize=16)  # pages ask at every click
def _look(pictures: _Set) -> Look:
    reader, count = pictures.reader, pictures.count
    kind = guess_kind(reader, count)
    some = list(_opened(reader, np.unique(np.linspace(0, count - 1, LOOKED_AT).astype(int))))
    convention, findings = _range(some, reader, count)
    findings += notes_on(some)
    if kind == "photo":
        return Look(kind, convention, tuple(findings), "as they are: photographs")
    found = polarity([_grey(in_range(picture, convention)) for picture in some])
    convention = convention._replace(paper=found.paper)
    sides: tuple[tuple[int, bool], ...] = ()
    if found.mixed:
        more = np.unique(np.linspace(0, count - 1, GLYPHS_LOOKED_AT).astype(int))
        greys = ((at, _grey(in_range(one, convention))) for at, one in _opened_at(reader, more))
        sides = _sides(greys)
    return Look(kind, convention, (*findings, *found.findings), found.words, sides)


def _sides(greys: Iterable[tuple[int, np.ndarray]]) -> tuple[tuple[int, bool], ...]:
    """(position, whether its paper is light) of pictures (h, w) uint8 whose border tells."""
    found = ((at, paper_side(grey)) for at, grey in greys)
    return tuple((at, light) for at, light in found if light is not None)


def look_at_glyphs(load: Callable[[], np.ndarray], content: str) -> Look:
    """Range and polarity of glyphs (N, h, w) of any type, and what to say about them."""
    return _look_at_glyphs(_Glyphs(content, load))


@dataclass(frozen=True)
class _Glyphs:
    content: str
    load: Callable[[], np.ndarray] = field(compare=False)


@lru_cache(maxsize=64)
def _look_at_glyphs(glyphs: _Glyphs) -> Look:
    levels = _finite(glyphs.load())
    if not levels.size:
        return Look("digit", EACH_ITS_OWN)
    peak = float(levels.max())
    high: float | None = None
    findings: list[Finding] = []
    low = min(float(levels.min()), 0)
    if 0 < peak and (levels.dtype != np.uint8 or peak < DARK_SET):
        high = peak
    if high and (low, high) != (0, 255):  # which is the full range already
        text = f"no pixel is above {peak:g}: {low:g} to {peak:g} is stretched to the full range."
        findings.append(Finding("note", "pixels", text))
    at = np.unique(np.linspace(0, len(levels) - 1, GLYPHS_LOOKED_AT).astype(int))
    some = _stretched(levels[at], high)
    found = polarity(some)
    convention = Convention(high, found.paper, each=found.mixed)
    sides = _sides(zip(at.tolist(), some, strict=True)) if found.mixed else ()
    return Look("digit", convention, (*findings, *found.findings), found.words, sides)


def as_glyphs(levels: np.ndarray, convention: Convention) -> np.ndarray:
    """Glyphs (N, h, w) of any type as uint8, ink 255 on 0. Where the convention does not say which
    is paper, the first and last rows of a thousand of them do, or each one's own.
    """
    glyphs = _stretched(levels, convention.high)
    if convention.paper:
        return 255 - glyphs if convention.paper == "light" else glyphs
    if convention.each:
        sides = [glyphs[:, 0], glyphs[:, -1], glyphs[:, :, 0], glyphs[:, :, -1]]
        light = np.median(np.concatenate(sides, axis=1), axis=1) > 127
        return np.where(light[:, None, None], 255 - glyphs, glyphs)
    edge = np.concatenate([glyphs[:1000, 0].ravel(), glyphs[:1000, -1].ravel()])
    return 255 - glyphs if np.median(edge) > 127 else glyphs


def _stretched(levels: np.ndarray, high: float | None) -> np.ndarray:
    """Levels of any type as uint8, from 0 (or the lowest, where some are below it) to `high`, or to
    the highest.
    """
    if high is None and levels.dtype == np.uint8:
        return levels
    wide = _finite(levels).astype(np.float32)
    low = min(float(wide.min(initial=0)), 0.0)
    top = (high or max(float(wide.max(initial=0)), 1e-9)) - low
    return np.clip((wide - low) * (255 / top), 0, 255).astype(np.uint8)


def _finite(levels: np.ndarray) -> np.ndarray:
    """The same levels; 0 for what is not a number, or infinite."""
    if levels.dtype.kind != "f":
        return levels
    good = np.isfinite(levels)
    return levels if good.all() else np.where(good, levels, 0)


def are_numbers(image: np.ndarray) -> bool:
    """Whether no level of an image is NaN or infinite."""
    return image.dtype.kind != "f" or bool(np.isfinite(image).all())


def doubt_numbers(names: Sequence[str]) -> Finding:
    """What to say of images that are left out because their levels are no numbers."""
    shown = ", ".join(names[:5]) + (" …" if len(names) > 5 else "")
    one = len(names) == 1
    what = "1 image holds" if one else f"{len(names):,} images hold"
    then = f"and {'is' if one else 'are'} left out: {shown}."
    text = f"{what} values that are no numbers (NaN or infinite), {then}"
    return Finding("warning", "pixels", text)


def guess_kind(reader: Reader, count: int, looked_at: int = VOTERS) -> str:
    """'digit' for small squares, 'page' for marks on even paper, 'photo' otherwise: from a few
    pictures spread over the set.
    """
    votes: list[str] = []
    for picture in _opened(reader, np.unique(np.linspace(0, count - 1, looked_at).astype(int))):
        if Page(picture).glyph is not None:
            votes.append("digit")
            continue
        small = plain(picture).convert("RGBA").resize((SIDE, SIDE))
        pixels = np.asarray(small, np.int16)[..., :3]
        colourful = float((pixels.max(-1) - pixels.min(-1) > 24).mean())
        if max(picture.size) <= GLYPH_SIDE and (
            colourful <= 0.4 or picture.width == picture.height
        ):
            # Icons and photographs of 32 pixels are colourful all over, coloured ink is not.
            votes.append("photo" if colourful > 0.4 else "digit")
            continue
        grey = pixels.mean(-1)
        even = float((np.abs(grey - np.median(grey)) < 16).mean())
        low, high = np.percentile(grey, (2, 98))
        two_levels = float((np.minimum(grey - low, high - grey) < 0.15 * (high - low)).mean())
        flat = even > 0.6 or (two_levels > 0.85 and high - low > 64)
        # One character that fills its square leaves little paper. Of photographs of ants and bees made
        # grey and as small one in twenty has as few levels in between: not the most of a set.
        bold = two_levels > 0.55 and high - low > 200 and not colourful
        flat = flat or (bold and picture.width == picture.height <= FILLED_SIDE)
        votes.append("page" if flat and colourful < 0.3 else "photo")
    return max(sorted(set(votes)), key=votes.count) if votes else "page"


def _range(some: list[Image.Image], reader: Reader, count: int) -> tuple[Convention, list[Finding]]:
    """The levels that stand for white, where they are not 255, and what to say."""
    deep = [picture for picture in some if wide(picture) is not None]
    shallow = [picture for picture in some if wide(picture) is None]
    if not deep:
        high, findings = _range_of_bytes(some, reader, count)
        return Convention(high), findings
    levels = [level for picture in deep if (level := wide(picture)) is not None]
    most = max(float(level.max()) for level in levels)
    whole = all(picture.mode.startswith("I") for picture in deep)
    # Scanners of 10, 12 and 16 bits leave the upper bits empty; a black set stays black.
    high = float(2 ** max(8, int(most).bit_length()) - 1) if whole else most
    least = min(float(level.min()) for level in levels)
    # Faint scans: what is a shade or two of 256 here are hundreds of levels there, and ink in them.
    faint = max(high / 256, FEWEST_LEVELS if whole else 0) <= most - least < FAINT * high
    floor, high = (least, most) if faint and least > 0 else (0.0, high)
    which = f"{len(deep)} of {len(some)} pictures that were looked at" if shallow else "pictures"
    text = f"{which} have more than 8 bits: {floor:g} to {high:g} is stretched to the full range."
    return Convention(deep=high or None, floor=floor), [
        Finding("note", "pixels", text),
        *_of_floats(deep, reader, count),
    ]


def _of_floats(deep: Sequence[Image.Image], reader: Reader, count: int) -> Iterator[Finding]:
    """What to say of pictures of floats with levels that are no numbers, which `wide` replaces."""
    if all(picture.mode != "F" for picture in deep):
        return
    every = list(_opened(reader, range(count)))
    bad = sum(not are_numbers(np.asarray(picture)) for picture in every)
    if bad:
        text = (
            f"{bad:,} of {len(every):,} pictures that were looked at hold values that are no numbers"
            " (NaN or infinite): each of these counts as the median of its picture."
        )
        yield Finding("warning", "pixels", text)


def _range_of_bytes(
    some: list[Image.Image], reader: Reader, count: int
) -> tuple[float | None, list[Finding]]:
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
    return (picture for _, picture in _opened_at(reader, positions))


def _opened_at(reader: Reader, positions: Iterable[int]) -> Iterator[tuple[int, Image.Image]]:
    """The same with their positions."""
    pixels = 0
    for position in positions:
        try:
            picture = open_picture(reader.read(int(position)))
        except (GlyphlabError, OSError):
            continue
        yield int(position), picture
        pixels += picture.width * picture.height
        if pixels > MOST_PIXELS:
            return
