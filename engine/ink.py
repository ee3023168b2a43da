"""Finding the ink in a picture: what the pen left, whatever the paper, the light and the colour of either."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image, ImageChops, ImageFilter

WORKING_SIDE = 600  # pictures of twice this side and more are reduced towards it before ink is looked for; no style needs more
FAINTEST = 20  # a picture whose strongest mark differs from its paper by less (of 255) is blank


def ink_of(picture: Image.Image) -> np.ndarray:
    """Ink (H, W) uint8, 255 where the pen was and 0 on paper, from dark on light, light on dark, colour or transparency.

    Ink is what differs from the paper. The paper's colour is read from the picture's border; if light falls unevenly
    (a photograph), it is followed across the page. The strongest mark becomes 255, so that grey strokes count as ink.
    A blank picture gives zeros. Large pictures are reduced towards WORKING_SIDE first.
    """
    picture = plain(picture)
    factor = max(picture.size) // WORKING_SIDE
    if factor > 1:
        picture = picture.reduce(factor)
    if picture.mode == "RGBA":
        alpha = picture.getchannel("A")
        solid = sum(alpha.histogram()[128:]) / (picture.width * picture.height)
        if solid < 0.6 and alpha.getextrema()[0] < 128:  # strokes on a transparent layer: the alpha is the ink, whatever its colour
            return _full(np.asarray(alpha), 0, 0)
        picture = on_white(picture)
    pixels = np.asarray(picture)
    pixels = pixels[..., None] if pixels.ndim == 2 else pixels  # (H, W, C)
    border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]]).astype(np.int16)
    paper = np.median(border, axis=0).astype(np.int16)
    noise = float(np.median(np.abs(border - paper)))
    if noise > 3 and min(picture.size) > 64:  # in a small picture a stroke is as wide as a shadow
        return _full(*_marks_on_uneven_paper(picture.convert("L")), least=0.25)
    return _full(_difference(pixels, paper), 0, noise)


def plain(picture: Image.Image) -> Image.Image:
    """The picture in mode L, RGB or RGBA; more than 8 bits become 8, from black to the brightest pixel."""
    mode = picture.mode
    if mode in ("L", "RGB", "RGBA"):
        return picture
    if mode.startswith(("I", "F")):
        wide = np.asarray(picture, dtype=np.float32)
        wide = wide - min(float(wide.min()), 0)
        least = 0 if mode == "F" else 255  # the noise of a black picture stays dark
        return Image.fromarray((wide * (255 / max(float(wide.max()), least, 1e-9))).astype(np.uint8))
    if mode in ("LA", "La", "PA", "RGBa") or "transparency" in picture.info:
        return picture.convert("RGBA")
    return picture.convert("L" if mode == "1" else "RGB")


def on_white(picture: Image.Image) -> Image.Image:
    """An RGBA picture on a white page: RGB."""
    page = Image.new("RGB", picture.size, "white")
    page.paste(picture, mask=picture.getchannel("A"))
    return page


def ink_box(ink: np.ndarray) -> tuple[int, int, int, int]:
    """Left, top, right, bottom (exclusive) of the ink (H, W) in pixels; faint specks under a tenth of full ink are ignored."""
    strong = ink > 25
    columns, rows = np.flatnonzero(strong.any(0)), np.flatnonzero(strong.any(1))
    if not len(columns):
        return 0, 0, ink.shape[1], ink.shape[0]
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def stroke_width(ink: np.ndarray) -> float:
    """Mean width of the strokes (H, W) in pixels: twice the area over the length of the outline. Zero without ink."""
    strong = np.pad(ink > 127, 1)
    area = int(np.count_nonzero(strong))
    if not area:
        return 0.0
    inner = strong[1:-1, 1:-1] & strong[:-2, 1:-1] & strong[2:, 1:-1] & strong[1:-1, :-2] & strong[1:-1, 2:]
    outline = area - int(np.count_nonzero(inner))
    # Outline pixels are one to a pixel of length, but on both sides at once where a stroke is one pixel wide; there the edges
    # between ink and paper tell, of which a line in a random direction has 4/pi to a pixel.
    edges = int(np.count_nonzero(strong[1:] != strong[:-1]) + np.count_nonzero(strong[:, 1:] != strong[:, :-1]))
    return min(2 * area / outline, 2 * area / (edges * math.pi / 4))


def _difference(pixels: np.ndarray, paper: np.ndarray) -> np.ndarray:
    """How far each pixel (H, W, C) uint8 is from the paper's colour (C,), the largest over channels: (H, W) uint8, by table."""
    levels = np.arange(256, dtype=np.int16)
    marks = [np.abs(levels - level).astype(np.uint8)[pixels[..., channel]] for channel, level in enumerate(paper)]
    return marks[0] if len(marks) == 1 else np.maximum(np.maximum(marks[0], marks[1]), marks[2])


def _marks_on_uneven_paper(grey: Image.Image) -> tuple[np.ndarray, float, float]:
    """How far each pixel is from the paper around it, (H, W) uint8; how far paper is from that paper, and the spread of this.

    The paper is what remains when everything thinner than a sixth of the page is wiped away at low resolution: for dark ink by a
    closing (maximum, then minimum), for light ink by an opening.
    """
    grey = grey.filter(ImageFilter.MedianFilter(3))
    low = grey.reduce(max(1, max(grey.size) // 96))
    reach = max(low.size) // 6 | 1
    dark = _ink_is_dark(np.asarray(low, dtype=np.float64))
    first, second = (ImageFilter.MaxFilter, ImageFilter.MinFilter) if dark else (ImageFilter.MinFilter, ImageFilter.MaxFilter)
    paper = low.filter(first(reach)).filter(second(reach)).filter(ImageFilter.GaussianBlur(reach / 4))
    paper = paper.resize(grey.size, Image.Resampling.BILINEAR)
    marks = np.asarray(ImageChops.subtract(paper, grey) if dark else ImageChops.subtract(grey, paper))
    light = np.asarray(paper, dtype=np.float32) + 32  # a stroke in the shadow differs less from its paper; 32 keeps black from counting
    marks = np.minimum(marks * (light.mean() / light), 255).astype(np.uint8)
    middle = float(np.median(marks))
    return marks, middle, float(np.median(np.abs(marks - middle)))


def _ink_is_dark(grey: np.ndarray) -> bool:
    """Whether what differs most from a smooth surface through the paper (h, w) is darker than it."""
    y, x = (axis / max(grey.shape) for axis in np.indices(grey.shape).reshape(2, -1))
    terms, levels = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], 1), grey.ravel()
    rest, kept = levels, np.ones(len(levels), bool)
    for _ in range(4):  # a least-squares fit, repeated without what lies far from it: without the ink
        rest = levels - terms @ np.linalg.lstsq(terms[kept], levels[kept], rcond=None)[0]
        kept = np.abs(rest) <= 2 * np.median(np.abs(rest)) + 1
    rest = np.sort(rest)
    return -rest[:10].mean() > rest[-10:].mean()


def _full(marks: np.ndarray, middle: float, noise: float, least: float = 0) -> np.ndarray:
    """Marks (H, W) uint8 as ink (H, W) uint8: the strongest becomes 255; what is within the noise around `middle`, or below `least` of
    the strongest, becomes 0."""
    most = strongest = int(marks.max())
    if marks.size > 4096:  # a speck is not the strongest stroke: the 99.9th percentile is, by counting
        below = np.cumsum(Image.fromarray(marks).histogram())
        strongest = max(int(np.searchsorted(below, 0.999 * marks.size)), 0.7 * most)
    if strongest < max(FAINTEST, middle + 8 * noise):
        return np.zeros(marks.shape, np.uint8)
    floor = max(least * strongest, min(middle + 3 * noise + (6 if noise else 0), 0.4 * strongest))
    return np.clip((np.arange(256) - floor) * (255 / (strongest - floor)), 0, 255).astype(np.uint8)[marks]
