"""How the pictures of one data set are read: one value range and one polarity for all of them.

A single picture decides by itself (`EACH_ITS_OWN`). In a set, that would lose what only the set
can tell: in binary digits saved as 0 and 1 every picture is black, and in letters that touch their
frame the border is ink.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from PIL import Image

Paper = Literal["light", "dark"]


class Convention(NamedTuple):
    """high   the level that stands for 255 in pictures of 8 bits; None: 255
    paper  whether paper is 'light' or 'dark' in all of them; None: each picture's border tells
    deep   the level that stands for 255 in pictures of more bits; None: a picture's own
    each   of glyphs: whether their papers differ, so that each one's border tells
    floor  the level that stands for 0 in pictures of more bits
    """

    high: float | None = None
    paper: Paper | None = None
    deep: float | None = None
    each: bool = False
    floor: float = 0

    def on(self, paper: Paper | None) -> Convention:
        """The same with the paper that a person has chosen, if there is one."""
        return self._replace(paper=paper, each=False) if paper else self

    @property
    def range_in_words(self) -> str:
        """Which levels stand for black and white."""
        if self.high is None and self.deep is None:
            return "0 to 255"
        deep = (
            f"{self.floor:g} to {self.deep:g} (more than 8 bits)" if self.deep is not None else ""
        )
        high = f"0 to {self.high:g}" if self.high is not None else ""
        return f"{' and '.join(part for part in (high, deep) if part)}, stretched to 0 to 255"

    @property
    def key(self) -> str:
        """For caches: '' where each picture decides, so that what was decoded before stays."""
        more = f":{self.deep}:{self.each}" if self.deep is not None or self.each else ""
        more += f":{self.floor}" if self.floor else ""
        return "" if self == EACH_ITS_OWN else f"{self.high}:{self.paper}{more}"


EACH_ITS_OWN = Convention()


def wide(picture: Image.Image) -> np.ndarray | None:
    """The levels (H, W) float32 of a picture with more than 8 bits; None of any other. What is not
    a number counts as the picture's median.
    """
    if not picture.mode.startswith(("I", "F")):
        return None
    levels = np.asarray(picture, dtype=np.float32)
    bad = ~np.isfinite(levels)
    if not bad.any():
        return levels
    good = levels[~bad]
    return np.where(bad, np.float32(np.median(good) if len(good) else 0), levels)


def levels_to_bytes(levels: np.ndarray, high: float | None, is_float: bool) -> np.ndarray:
    """Levels (H, W) float32 as uint8, black to `high`, or to the brightest of them. Without a
    `high`, the noise of a black integer picture stays dark.
    """
    levels = levels - min(float(levels.min()), 0)
    least = 0 if is_float else 255
    top = high or max(float(levels.max()), least, 1e-9)
    return np.clip(levels * (255 / top), 0, 255).astype(np.uint8)


def in_range(picture: Image.Image, convention: Convention) -> Image.Image:
    """The picture stretched to the set's range; as it is where the set has none of its own."""
    levels = wide(picture)
    if levels is not None and convention.deep is not None:
        is_float = picture.mode.startswith("F")
        levels, top = levels - convention.floor, convention.deep - convention.floor
        levels = np.maximum(levels, 0) if convention.floor else levels
        return Image.fromarray(levels_to_bytes(levels, top, is_float))
    if levels is not None or convention.high is None:
        return picture
    if picture.mode in ("1", "P"):  # numbers of a palette, whose range is full
        return picture
    factor = 255 / convention.high
    bands = [
        band if name == "A" else band.point(lambda level: min(255, round(level * factor)))  # pyright: ignore[reportArgumentType]
        for name, band in zip(picture.getbands(), picture.split(), strict=True)
    ]
    return Image.merge(picture.mode, bands)


def plain(picture: Image.Image) -> Image.Image:
    """The picture in mode L, RGB or RGBA; more than 8 bits become 8, from black to the brightest
    pixel.
    """
    mode = picture.mode
    levels = wide(picture)
    if levels is not None:
        return Image.fromarray(levels_to_bytes(levels, None, mode == "F"))
    if mode in ("LA", "La", "PA", "RGBa") or "transparency" in picture.info and mode != "RGBA":
        return picture.convert("RGBA")
    if mode in ("L", "RGB", "RGBA"):
        return picture
    return picture.convert("L" if mode == "1" else "RGB")


def on_white(picture: Image.Image) -> Image.Image:
    """An RGBA picture on a white page: RGB."""
    page = Image.new("RGB", picture.size, "white")
    page.paste(picture, mask=picture.getchannel("A"))
    return page
