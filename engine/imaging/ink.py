"""Finding the ink in a picture: what the pen left, whatever the paper, the light and the colour of
either.
"""

from __future__ import annotations

import math

import numpy as np
from PIL import Image, ImageChops, ImageFilter

from engine.imaging.convention import Paper, on_white, plain
from engine.imaging.rank_filters import largest, median_of_levels, median_of_nine, smallest
from engine.imaging.smooth_paper import ink_is_dark

# pictures of twice this side and more are reduced towards it before ink is looked for; no style
# needs more
WORKING_SIDE = 600
# up to this side a stroke is as wide as a shadow, and there is no room for anything around the
# paper
SMALL = 64
STRONG = 96  # ink that counts as a stroke
FAINTEST = 20  # a picture whose strongest mark differs from its paper by less (of 255) is blank


def ink_of(picture: Image.Image, paper: Paper | None = None) -> np.ndarray:
    """Ink (H, W) uint8, 255 where the pen was and 0 on paper, from dark on light, light on dark,
    colour or transparency.

    Ink is what differs from the paper. The paper's colour is read from the picture's border, of
    which only the side that `paper` names ('light' or 'dark') counts if it is given; if light falls
    unevenly (a photograph), it is followed across the page. The strongest mark becomes 255, so that
    grey strokes count as ink. A blank picture gives zeros. Large pictures are reduced towards
    WORKING_SIDE first.
    """
    picture = plain(picture)
    factor = reduction(picture)
    if factor > 1:
        picture = picture.reduce(factor)
    if picture.mode == "RGBA":
        alpha = np.asarray(picture.getchannel("A"))
        solid = np.count_nonzero(alpha >= 128) / alpha.size
        if (
            solid < 0.6 and alpha.min() < 128
        ):  # strokes on a transparent layer: the alpha is the ink, whatever its colour
            return _full(alpha, 0, 0)
        picture = on_white(picture)
        if alpha.min() < 128 and np.ptp(np.asarray(picture)) < FAINTEST:  # white on transparent
            return _full(alpha, 0, 0)
    noise = _paper_of(np.asarray(picture), paper)[1]
    sheet = _sheet(picture) if noise >= 1 and min(picture.size) > SMALL else None
    if sheet is None:
        return _ink_on_paper(picture, paper)
    ink = np.zeros((picture.height, picture.width), np.uint8)
    left, top, right, bottom = sheet
    ink[top:bottom, left:right] = _ink_on_paper(picture.crop(sheet), paper)
    return ink


def reduction(picture: Image.Image) -> int:
    """How many times smaller than the picture its ink is: a whole number."""
    return max(1, max(picture.size) // WORKING_SIDE)


def ink_box(ink: np.ndarray) -> tuple[int, int, int, int]:
    """Left, top, right, bottom (exclusive) of the ink (H, W) in pixels; faint specks under a tenth
    of full ink are ignored.
    """
    strong = ink > 25
    columns, rows = np.flatnonzero(strong.any(0)), np.flatnonzero(strong.any(1))
    if not len(columns):
        return 0, 0, ink.shape[1], ink.shape[0]
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def stroke_width(ink: np.ndarray) -> float:
    """Mean width of the strokes (H, W) in pixels: twice the area over the length of the outline.
    Zero without ink.
    """
    strong = np.pad(ink > 127, 1)
    area = int(np.count_nonzero(strong))
    if not area:
        return 0.0
    inner = (
        strong[1:-1, 1:-1]
        & strong[:-2, 1:-1]
        & strong[2:, 1:-1]
        & strong[1:-1, :-2]
        & strong[1:-1, 2:]
    )
    outline = area - int(np.count_nonzero(inner))
    # Outline pixels are one to a pixel of length, but on both sides at once where a stroke is one
    # pixel wide; there the edges between ink and paper tell, of which a line in a random direction
    # has 4/pi to a pixel.
    edges = int(
        np.count_nonzero(strong[1:] != strong[:-1])
        + np.count_nonzero(strong[:, 1:] != strong[:, :-1])
    )
    return min(2 * area / outline, 2 * area / (edges * math.pi / 4))


def thickened(ink: np.ndarray, least: float, pad: bool) -> np.ndarray:
    """Grow strokes to `least` pixels, so that a thin pen does not vanish when the picture shrinks;
    `pad` makes room for it.
    """
    grow = min(round(least - stroke_width(ink)), 31)
    if grow < 1:
        return ink
    ink = np.pad(ink, (grow + 1) // 2) if pad else ink
    more, less = (grow + 1) // 2, grow // 2  # an odd pixel goes to the right and down
    return _largest(_largest(ink, more, less).T, more, less).T


def _largest(ink: np.ndarray, before: int, after: int) -> np.ndarray:
    """The largest of each row's pixels from `before` above it to `after` below it: (H, W) uint8 in
    steps that double, where Pillow's MaxFilter looks at every pixel of its square (a thin pen's
    drawing of 960 by 720: 8 ms to prepare instead of 200)."""
    out, seen, all_seen = np.pad(ink, ((before, after), (0, 0))), 1, before + after + 1
    while seen < all_seen:
        step = min(seen, all_seen - seen)
        out = np.maximum(out[:-step], out[step:])
        seen += step
    return out


def _ink_on_paper(picture: Image.Image, side: Paper | None) -> np.ndarray:
    """Ink (H, W) uint8 of a picture in mode L or RGB that paper fills to its border, or whose paper
    is on the given side of the middle.
    """
    pixels = np.asarray(picture)
    small = min(picture.size) <= SMALL
    paper, noise = _paper_of(pixels, side)
    if noise > 3 and not small:
        return _full(*_marks_on_uneven_paper(picture.convert("L"), side), least=0.25, ruled=True)
    if side is not None:  # what the border holds beside paper is ink that touches it
        return _full(_difference(pixels, paper), 0, min(noise, 2))
    return _full(_difference(pixels, paper), 0, noise, ruled=not small)


def _paper_of(pixels: np.ndarray, side: Paper | None = None) -> tuple[np.ndarray, float]:
    """The paper's colour (C,) int16 and how much it varies, read from the border of pixels (H, W[,
    C]) uint8, or from what is light or dark of it.
    """
    border = (
        _border(pixels).reshape(-1, pixels.shape[2] if pixels.ndim == 3 else 1).astype(np.int16)
    )
    if side is not None:
        border = _on_side(border, pixels, side)
    paper = np.median(border, axis=0).astype(np.int16)
    return paper, float(np.median(np.abs(border - paper)))


def _on_side(border: np.ndarray, pixels: np.ndarray, side: Paper) -> np.ndarray:
    """Of the border (n, C) of pixels (H, W[, C]) what is light or dark; else of all pixels; else
    white or black itself.
    """
    low, high = int(pixels.min()), int(pixels.max())
    # Ink that fills the frame has soft corners, which are no paper.
    middle = (low + high) / 2 if high - low > 127 else 127.5
    for some in (border, pixels.reshape(-1, border.shape[1]).astype(np.int16)):
        grey = some.mean(1)
        chosen = some[grey > middle if side == "light" else grey <= middle]
        if len(chosen):
            return chosen
    return np.full((1, border.shape[1]), 255 if side == "light" else 0, np.int16)


def _difference(pixels: np.ndarray, paper: np.ndarray) -> np.ndarray:
    """How far each pixel (H, W[, C]) uint8 is from the paper's colour (C,), the largest over
    channels: (H, W) uint8, by table.
    """
    levels = np.arange(256, dtype=np.int16)
    pixels = pixels[..., None] if pixels.ndim == 2 else pixels
    marks = [
        np.abs(levels - level).astype(np.uint8)[pixels[..., channel]]
        for channel, level in enumerate(paper)
    ]
    return marks[0] if len(marks) == 1 else np.maximum(np.maximum(marks[0], marks[1]), marks[2])


def _marks_on_uneven_paper(
    grey: Image.Image, side: Paper | None
) -> tuple[np.ndarray, float, float]:
    """How far each pixel is from the paper around it, (H, W) uint8; how far paper is from that
    paper, and the spread of this.

    The paper is what remains when everything thinner than a sixth of the page is wiped away at low
    resolution: for dark ink by a closing (maximum, then minimum), for light ink by an opening.
    """
    grey = Image.fromarray(median_of_nine(np.asarray(grey)))
    low = grey.reduce(max(1, max(grey.size) // 96))
    reach = max(low.size) // 6 | 1
    pixels = np.asarray(low)
    dark = side == "light" if side else ink_is_dark(pixels.astype(np.float64))
    wiped = (
        smallest(largest(pixels, reach), reach) if dark else largest(smallest(pixels, reach), reach)
    )
    paper = Image.fromarray(wiped).filter(ImageFilter.GaussianBlur(1))
    paper = paper.resize(grey.size, Image.Resampling.BILINEAR)
    marks = np.asarray(
        ImageChops.subtract(paper, grey) if dark else ImageChops.subtract(grey, paper)
    )
    light = (
        np.asarray(paper, dtype=np.float32) + 32
    )  # a stroke in the shadow differs less from its paper; 32 keeps black from counting
    marks = np.minimum(marks * (light.mean() / light), 255).astype(np.uint8)
    counts = np.array(Image.fromarray(marks).histogram())
    middle = median_of_levels(np.arange(256), counts)
    return marks, middle, median_of_levels(np.abs(np.arange(256) - middle), counts)


def _full(
    marks: np.ndarray, middle: float, noise: float, least: float = 0, ruled: bool = False
) -> np.ndarray:
    """Marks (H, W) uint8 as ink (H, W) uint8: the strongest becomes 255; what is within the noise
    around `middle`, or below `least` of the strongest, becomes 0.

    On paper that may be `ruled`, so does what is no stronger than the weaker marks on the border:
    printed lines, the edge of a shadow.
    """
    most = strongest = int(marks.max())
    # A speck is not the strongest stroke: the 99.9th percentile is, by counting.
    if marks.size > 4096 and np.count_nonzero(marks == most) <= 0.001 * marks.size:
        below = np.cumsum(Image.fromarray(marks).histogram())
        strongest = max(int(np.searchsorted(below, 0.999 * marks.size)), 0.7 * most)
    if strongest < max(FAINTEST, middle + 8 * noise):
        return np.zeros(marks.shape, np.uint8)
    floor = max(least * strongest, min(middle + 3 * noise + (6 if noise else 0), 0.4 * strongest))
    if ruled:
        border = _border(marks)
        weak = border[border < 0.6 * strongest]
        floor = max(floor, 1.2 * float(np.percentile(weak, 99.5)) if len(weak) else 0.0)
    if floor == 0 and strongest == 255:
        return marks
    return np.clip((np.arange(256) - floor) * (255 / (strongest - floor)), 0, 255).astype(np.uint8)[
        marks
    ]


def _border(pixels: np.ndarray) -> np.ndarray:
    """The outermost pixels (n, …) of (H, W, …)."""
    return np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])


def _sheet(picture: Image.Image) -> tuple[int, int, int, int] | None:
    """Left, top, right, bottom of a light sheet that lies on something dark, with marks on it; None
    if there is no such thing.
    """
    scale = max(1, max(picture.size) // 96)
    grey = np.asarray(picture.reduce(scale).convert("L"), dtype=np.float32)
    low, high = np.percentile(grey, (5, 95))
    light = grey > (low + high) / 2
    if high - low < 40 or _border(light).mean() > 0.2 or not 0.2 < light.mean() < 0.95:
        return None
    rows, columns = np.flatnonzero(light.mean(1) > 0.4), np.flatnonzero(light.mean(0) > 0.4)
    if not len(rows) or not len(columns):
        return None
    inner = light[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    if inner.mean() < 0.75:  # a thick light stroke is no sheet
        return None
    edge = 3 + max(inner.shape) // 20  # sheets lie askew
    left, top, right, bottom = (
        columns[0] + edge,
        rows[0] + edge,
        columns[-1] + 1 - edge,
        rows[-1] + 1 - edge,
    )
    if right - left < 16 or bottom - top < 16:
        return None
    return int(left * scale), int(top * scale), int(right * scale), int(bottom * scale)
