"""The pixel convention: from any picture to the uint8 square that models are trained on and asked about.

uint8, channels first, ink 255 on paper 0 (photographs: RGB as they are), upright. Data sets, uploads and drawings all
pass through `square`; training and prediction both turn its result into floats by `normalise`, and by nothing else.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from PIL import Image, ImageChops, ImageFilter, ImageOps

from engine.errors import ImageError, unknown

if TYPE_CHECKING:
    import torch

MOST_PIXELS = 50_000_000  # a picture above this is refused before it is decoded: a decompression bomb, or a mistake
WORKING_SIDE = 640  # pictures are reduced to this side before ink is looked for; no style needs more
FAINTEST = 20  # a picture whose strongest mark differs from its paper by less (of 255) is blank
BOX = 20 / 28  # MNIST: ink fills 20 of 28 pixels


class Style(NamedTuple):
    channels: int
    about: str


STYLES: dict[str, Style] = {
    "digit": Style(1, "MNIST: ink scaled to a 20/28 box, centre of mass at the centre; size and place on the page are lost"),
    "page": Style(1, "the whole page, padded to a square: size and place on the page are kept"),
    "duo": Style(2, "two channels: the ink alone, filling the square, and the whole page; where there is no page, that channel is empty"),
    "photo": Style(3, "RGB: the short side fills the square, the rest is cut off evenly"),
}


def check_style(style: str) -> str:
    if style not in STYLES:
        raise ImageError(unknown("style", style, STYLES))
    return style


def open_picture(source: Path | str | bytes | np.ndarray | Image.Image, name: str | None = None) -> Image.Image:
    """The picture in a file, in bytes, or in an array (H, W[, 1|3|4]) uint8, turned upright by its EXIF tag.

    Raises ImageError, naming the file, if it can't be decoded or holds more than MOST_PIXELS pixels.
    """
    if isinstance(source, Image.Image):
        return source
    if isinstance(source, np.ndarray):
        return Image.fromarray(source[..., 0] if source.ndim == 3 and source.shape[-1] == 1 else source)
    name = name or ("the picture" if isinstance(source, bytes) else str(source))
    try:
        picture = Image.open(io.BytesIO(source) if isinstance(source, bytes) else source)
        if picture.width * picture.height > MOST_PIXELS:
            raise ImageError(f"{name} is too large", expected=f"at most {MOST_PIXELS:,} pixels", got=f"{picture.width:,} x {picture.height:,}")
        picture.load()
        return ImageOps.exif_transpose(picture)
    except FileNotFoundError:
        raise ImageError(f"{name} does not exist") from None
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise ImageError(f"{name} is not a picture that can be read", got=str(error)[:120]) from None


def ink_of(picture: Image.Image) -> np.ndarray:
    """Ink (H, W) uint8, 255 where the pen was and 0 on paper, from dark on light, light on dark, colour or transparency.

    Ink is what differs from the paper. The paper's colour is read from the picture's border; if light falls unevenly
    (a photograph), it is followed across the page. The strongest mark becomes 255, so that grey strokes count as ink.
    A blank picture gives zeros.
    """
    picture = _reduced(picture)
    if picture.mode in ("RGBA", "LA", "PA") or (picture.mode == "P" and "transparency" in picture.info):
        rgba = np.asarray(picture.convert("RGBA"))
        opaque = float((rgba[..., 3] > 127).mean())
        if opaque < 0.6 and rgba[..., 3].min() < 128:  # strokes on a transparent layer: the alpha is the ink, whatever its colour
            return rgba[..., 3].copy()
        page = Image.new("RGB", picture.size, "white")
        page.paste(picture.convert("RGBA"), mask=Image.fromarray(rgba[..., 3]))
        picture = page
    if picture.mode in ("I;16", "I", "F"):
        wide = np.asarray(picture, dtype=np.float32)
        grey = ((wide - wide.min()) * (255 / max(float(np.ptp(wide)), 1e-9))).astype(np.uint8)
        picture = Image.fromarray(grey)
    picture = picture if picture.mode in ("L", "RGB") else picture.convert("RGB")
    pixels = np.asarray(picture)
    pixels = pixels[..., None] if pixels.ndim == 2 else pixels  # (H, W, C)
    border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]]).astype(np.int16)
    paper = np.median(border, axis=0).astype(np.int16)
    noise = float(np.median(np.abs(border - paper)))
    if noise > 3:
        marks = _marks_on_uneven_paper(pixels.mean(-1))
    else:
        marks = _difference(picture, paper)
    strongest = _percentile(marks, 99.9) if marks.size > 4096 else float(marks.max())
    strongest = max(strongest, float(marks.max()) * 0.7)
    if strongest < FAINTEST:
        return np.zeros(marks.shape, np.uint8)
    floor = min(3 * noise + (6 if noise else 0), 0.4 * strongest)
    if marks.dtype == np.uint8:
        return np.asarray(Image.fromarray(marks).point(_stretched(np.arange(256, dtype=np.float32), floor, strongest).tolist()))
    return _stretched(marks, floor, strongest)


def square(picture: Image.Image, style: str, size: int) -> np.ndarray:
    """The uint8 square (C, size, size) that a model of this `style` is fed for any picture. Zeros if nothing is drawn."""
    check_style(style)
    if style == "photo":
        rgb = picture.convert("RGB") if picture.mode not in ("RGBA", "LA", "P", "PA") else _on_white(picture)
        return np.ascontiguousarray(np.asarray(ImageOps.fit(rgb, (size, size), Image.Resampling.BILINEAR)).transpose(2, 0, 1))
    ink = ink_of(picture)
    if picture.width == picture.height <= 32:  # already a glyph in MNIST's form: there is no page around it
        return square_of_glyph(ink, style, size)
    return square_of_page(ink, style, size)


def square_of_page(ink: np.ndarray, style: str, size: int) -> np.ndarray:
    """Place ink on a page (H, W) uint8 on the square: (C, size, size) uint8."""
    if not ink.any():
        return np.zeros((STYLES[style].channels, size, size), np.uint8)
    if style == "digit":
        return _centred_by_mass(ink, size)[None]
    page = _whole_page(ink, size)
    return page[None] if style == "page" else np.stack([_filling(ink, size), page])


def square_of_glyph(ink: np.ndarray, style: str, size: int) -> np.ndarray:
    """Place a size-normalised glyph (h, h) uint8, as in MNIST or EMNIST, on the square: (C, size, size) uint8.

    Its page is unknown: style page puts it in the middle at half the side, style duo leaves the page channel empty.
    """
    if style == "digit":
        return _resized(ink, size, size)[None]
    if style == "page":
        half = _resized(ink, size * 7 // 10, size * 7 // 10)
        return _pasted(half, size, (size - half.shape[1]) // 2, (size - half.shape[0]) // 2)[None]
    glyph = _filling(ink, size) if ink.any() else np.zeros((size, size), np.uint8)
    return np.stack([glyph, np.zeros((size, size), np.uint8)])


def normalise(images: torch.Tensor) -> torch.Tensor:
    """The only way from pixels to what a model sees: (B, C, H, W) in 0..255 (uint8 or float) → float32 in -1..1.

    Mean 0.5 and standard deviation 0.5 of the 0..1 range, as published in study A; networks with ImageNet weights
    shift to ImageNet's statistics inside.
    """
    return images.float().mul_(1 / 127.5).sub_(1)


def as_picture(image: np.ndarray) -> Image.Image:
    """A square (C, H, W) uint8 as a person sees it: dark ink on white, photographs in colour; of a duo, the ink."""
    return Image.fromarray(image.transpose(1, 2, 0) if image.shape[0] == 3 else 255 - image[0])


def ink_box(ink: np.ndarray) -> tuple[int, int, int, int]:
    """Left, top, right, bottom (exclusive) of the ink (H, W) in pixels; faint specks under a tenth of full ink are ignored."""
    strong = ink > 25
    columns, rows = np.flatnonzero(strong.any(0)), np.flatnonzero(strong.any(1))
    if not len(columns):
        return 0, 0, ink.shape[1], ink.shape[0]
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def stroke_width(ink: np.ndarray) -> float:
    """Mean width of the strokes (H, W) in pixels: twice the area over the length of the outline."""
    strong = np.pad(ink > 127, 1)
    inner = strong[1:-1, 1:-1] & strong[:-2, 1:-1] & strong[2:, 1:-1] & strong[1:-1, :-2] & strong[1:-1, 2:]
    area = int(strong.sum())
    outline = area - int(inner.sum())
    return 2 * area / outline if outline else 0.0


def _difference(picture: Image.Image, paper: np.ndarray) -> np.ndarray:
    """How far each pixel of an L or RGB picture is from the paper's colour (C,), the largest over channels: (H, W) uint8.

    By table, in Pillow: 20 times faster on a page of 1200 x 900 than a maximum over NumPy's last axis.
    """
    table = np.concatenate([np.abs(np.arange(256) - int(level)) for level in paper]).tolist()
    channels = picture.point(table).split()
    marks = channels[0]
    for channel in channels[1:]:
        marks = ImageChops.lighter(marks, channel)
    return np.asarray(marks)


def _percentile(marks: np.ndarray, percent: float) -> float:
    """`numpy.percentile`; of uint8, by counting."""
    if marks.dtype != np.uint8:
        return float(np.percentile(marks, percent))
    below = np.cumsum(Image.fromarray(marks).histogram())
    place = percent / 100 * (marks.size - 1)
    low, high = np.searchsorted(below, [int(place), min(int(place) + 1, marks.size - 1)], side="right")
    return float(low + (high - low) * (place - int(place)))


def _stretched(marks: np.ndarray, floor: float, strongest: float) -> np.ndarray:
    return np.clip((marks - floor) * (255 / (strongest - floor)), 0, 255).astype(np.uint8)


def _on_white(picture: Image.Image) -> Image.Image:
    rgba = picture.convert("RGBA")
    page = Image.new("RGB", picture.size, "white")
    page.paste(rgba, mask=rgba.getchannel("A"))
    return page


def _reduced(picture: Image.Image) -> Image.Image:
    factor = max(picture.width, picture.height) // WORKING_SIDE
    if factor < 2:
        return picture
    if picture.mode == "P" or picture.mode == "1":
        picture = picture.convert("RGBA" if "transparency" in picture.info else "RGB")
    return picture.reduce(factor)


def _marks_on_uneven_paper(grey: np.ndarray) -> np.ndarray:
    # The paper is what remains when everything thinner than a sixth of the page is wiped away: for dark ink a closing
    # (maximum, then minimum) at low resolution, for light ink an opening. The right one of the two leaves less ink.
    height, width = grey.shape
    scale = max(1, max(height, width) // 96)
    low = Image.fromarray(np.clip(grey, 0, 255).astype(np.uint8)).resize((max(1, width // scale), max(1, height // scale)), Image.Resampling.BOX)
    reach = max(low.size) // 6 | 1
    marks = []
    for first, second, sign in ((ImageFilter.MaxFilter, ImageFilter.MinFilter, 1), (ImageFilter.MinFilter, ImageFilter.MaxFilter, -1)):
        paper = low.filter(first(reach)).filter(second(reach)).filter(ImageFilter.GaussianBlur(reach / 4))
        marks.append(np.clip(sign * (np.asarray(paper.resize((width, height), Image.Resampling.BILINEAR), np.float32) - grey), 0, None))
    return min(marks, key=lambda mark: float((mark > mark.max() * 0.5).mean()) if mark.max() >= FAINTEST else 2.0).astype(np.float32)


def _resized(ink: np.ndarray, width: int, height: int) -> np.ndarray:
    """Area filter when shrinking (every stroke keeps its ink), bicubic when growing."""
    if ink.shape == (height, width):
        return ink
    shrinking = height <= ink.shape[0] and width <= ink.shape[1]
    return np.asarray(Image.fromarray(ink).resize((width, height), Image.Resampling.BOX if shrinking else Image.Resampling.BICUBIC))


def _pasted(glyph: np.ndarray, size: int, left: int, top: int) -> np.ndarray:
    out = np.zeros((size, size), np.uint8)
    left, top = min(max(left, 0), size - glyph.shape[1]), min(max(top, 0), size - glyph.shape[0])
    out[top : top + glyph.shape[0], left : left + glyph.shape[1]] = glyph
    return out


def _thickened(ink: np.ndarray, least: float) -> np.ndarray:
    """Grow strokes to `least` pixels, so that a thin pen does not vanish when the picture shrinks."""
    grow = int(round(least - stroke_width(ink)))
    if grow < 2:  # a MaxFilter of 1 is a division by zero in Pillow 12.3 that ends the process
        return ink
    grow = min(grow, 31)
    return np.asarray(Image.fromarray(np.pad(ink, grow)).filter(ImageFilter.MaxFilter(grow // 2 * 2 + 1)))


def _scaled_to(ink: np.ndarray, box: int, least: float) -> np.ndarray:
    """The ink alone, strokes at least `least` pixels wide, its longer side `box` pixels."""
    left, top, right, bottom = ink_box(ink)
    glyph = ink[top:bottom, left:right]
    glyph = _thickened(glyph, least * max(glyph.shape) / box)
    scale = box / max(glyph.shape)
    return _resized(glyph, max(1, round(glyph.shape[1] * scale)), max(1, round(glyph.shape[0] * scale)))


def _centred_by_mass(ink: np.ndarray, size: int) -> np.ndarray:
    glyph = _scaled_to(ink, round(size * BOX), least=1.6 * size / 28)
    peak = int(glyph.max())
    if 0 < peak < 255:  # a thin stroke fades as it shrinks; MNIST's are at full ink
        glyph = np.clip(glyph.astype(np.float32) * (255 / peak), 0, 255).astype(np.uint8)
    mass = glyph.astype(np.float64)
    total = mass.sum()
    x = float((mass.sum(0) * np.arange(glyph.shape[1])).sum() / total)
    y = float((mass.sum(1) * np.arange(glyph.shape[0])).sum() / total)
    middle = (size - 1) / 2
    return _pasted(glyph, size, round(middle - x), round(middle - y))


def _filling(ink: np.ndarray, size: int) -> np.ndarray:
    glyph = _scaled_to(ink, round(size * 0.84), least=size / 24)
    return _pasted(glyph, size, (size - glyph.shape[1]) // 2, (size - glyph.shape[0]) // 2)


def _whole_page(ink: np.ndarray, size: int) -> np.ndarray:
    side = max(ink.shape)
    left, top, right, bottom = ink_box(ink)
    ink = _thickened(ink, side / 60) if stroke_width(ink[top:bottom, left:right]) < side / 60 else ink
    side = max(ink.shape)
    page = np.zeros((side, side), np.uint8)
    top, left = (side - ink.shape[0]) // 2, (side - ink.shape[1]) // 2
    page[top : top + ink.shape[0], left : left + ink.shape[1]] = ink
    return _resized(page, size, size)
