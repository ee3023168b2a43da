"""The pixel convention: from any picture to the uint8 square that models are trained on and asked
about.

uint8, channels first, ink 255 on paper 0 (photographs: RGB as they are), upright. Data sets,
uploads and drawings all pass through `square`; training and prediction both turn its result into
floats by `normalise`, and by nothing else.
"""

from __future__ import annotations

import io
import re
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from PIL import EpsImagePlugin, ExifTags, Image, ImageOps, UnidentifiedImageError
from PIL.PngImagePlugin import PngInfo

from engine.errors import ImageError, unknown
from engine.imaging.convention import EACH_ITS_OWN, Convention, Paper, in_range, on_white, plain
from engine.imaging.formats import image_in, kind_of_no_picture
from engine.imaging.ink import ink_box, ink_of
from engine.imaging.placement import Placement, settled, with_a_known_pen
from engine.imaging.squares import centred_by_mass, filling, placed, whole_page
from engine.imaging.stray_dots import without_stray_dots

if TYPE_CHECKING:
    import torch

# Whoever else opens a picture in this process, Gradio first of all, runs no program by it either.
EpsImagePlugin.gs_binary = False

# a picture above this is refused before it is decoded: a decompression bomb, or a mistake
MOST_PIXELS = 50_000_000
TOO_MUCH = "{} takes more memory to read than a picture may"
KNOWN_MODES = "1 L P RGB RGBA LA La PA RGBa I I;16 I;16B I;16L I;16N F".split()
# What a PNG says (a text chunk) that the lab wrote of a glyph: its levels are ink as they are.
GLYPH_MARK = ("Glyphlab", "glyph")
TURNED = "turned upright"  # in the info of a picture that its EXIF tag says lay otherwise
GLYPH_SIDE = 32  # a square picture up to this side may be a glyph without a page


class Style(NamedTuple):
    channels: int
    about: str


STYLES: dict[str, Style] = {
    "digit": Style(
        1,
        "MNIST: ink scaled to a 20/28 box, centre of mass at the centre; size and place on the page"
        " are lost",
    ),
    "page": Style(1, "the whole page, padded to a square: size and place on the page are kept"),
    "duo": Style(
        2,
        "two channels: the ink alone, filling the square, and the whole page; where there is no"
        " page, that channel is empty",
    ),
    "photo": Style(3, "RGB: the short side fills the square, the rest is cut off evenly"),
}


class Page:
    """An opened picture and the ink (H, W) uint8 on it, which is looked for once however often it
    is needed. glyph: the picture's levels (h, w) uint8 if it says that they are a glyph's ink.
    """

    def __init__(self, picture: Image.Image, convention: Convention = EACH_ITS_OWN) -> None:
        key, said = GLYPH_MARK
        marked = picture.mode == "L" and picture.info.get(key) == said
        self.glyph: np.ndarray | None = np.asarray(picture) if marked else None
        self.picture = in_range(picture, convention)
        self._paper: Paper | None = convention.paper

    @cached_property
    def ink(self) -> np.ndarray:
        return ink_of(self.picture, self._paper)

    @cached_property
    def drawn(self) -> np.ndarray:
        """The ink without dots that the pen left by a touch: what is read as one character. The
        same array where there are none.
        """
        return without_stray_dots(self.ink)


def check_style(style: str) -> str:
    if style not in STYLES:
        raise ImageError(unknown("style", style, STYLES))
    return style


def open_picture(
    source: Path | str | bytes | np.ndarray | Image.Image,
    name: str | None = None,
    most_pixels: int = MOST_PIXELS,
) -> Image.Image:
    """The picture in a file, in bytes, or in an array (H, W[, 1|3|4]) uint8, turned upright by its
    EXIF tag.

    Raises ImageError, naming the file, if it can't be decoded or holds more than `most_pixels`
    pixels.
    """
    if isinstance(source, Image.Image):
        return source
    if isinstance(source, np.ndarray):
        return _from_array(source)
    name = name or ("the picture" if isinstance(source, bytes) else str(source))
    raw = b""
    try:
        if not isinstance(source, bytes) and Path(source).is_fifo():
            raise ImageError(f"{name} is a pipe, no file")  # nobody may ever write into it
        raw = source if isinstance(source, bytes) else Path(source).read_bytes()
        picture = image_in(raw, name)
        if picture.width * picture.height > most_pixels:
            found = f"{picture.width:,} x {picture.height:,}"
            raise ImageError(
                f"{name} is too large", expected=f"at most {most_pixels:,} pixels", got=found
            )
        picture.load()
        with suppress(Exception):  # a damaged tag must not cost the picture
            if picture.getexif().get(ExifTags.Base.Orientation, 1) in range(2, 9):
                picture.info[TURNED] = True
            ImageOps.exif_transpose(picture, in_place=True)
        return picture if picture.mode in KNOWN_MODES else picture.convert("RGB")
    except FileNotFoundError:
        raise ImageError(f"{name} does not exist") from None
    except ImageError:
        raise
    except MemoryError:
        raise ImageError(TOO_MUCH.format(name)) from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        found = re.search(r"\d+", str(error))
        raise ImageError(
            f"{name} is too large",
            expected=f"at most {most_pixels:,} pixels",
            got=f"{int(found[0]):,}" if found else "more",
        ) from None
    except Exception as error:  # Pillow's readers raise anything on a broken file
        got = (
            kind_of_no_picture(raw)
            if isinstance(error, UnidentifiedImageError)
            else str(error)[:120]
        )
        raise ImageError(f"{name} is not a picture that can be read", got=got) from None


def square(
    picture: Image.Image | Page, style: str, size: int, placement: Placement | None = None
) -> np.ndarray:
    """The uint8 square (C, size, size) that a model of this `style` is fed for any picture. Zeros
    if nothing is drawn.

    placement: where the model's training drawings stand; a drawing elsewhere on its page is put
    there (engine.imaging.placement).
    """
    check_style(style)
    page = picture if isinstance(picture, Page) else Page(picture)
    if page.glyph is not None:
        return square_of_glyph(page.glyph, style, size)
    picture = page.picture
    if style == "photo":
        picture = plain(picture)
        rgb = on_white(picture) if picture.mode == "RGBA" else picture.convert("RGB")
        return np.ascontiguousarray(
            np.asarray(ImageOps.fit(rgb, (size, size), Image.Resampling.BILINEAR)).transpose(
                2, 0, 1
            )
        )
    if picture.width == picture.height <= GLYPH_SIDE and _is_glyph(
        page.ink
    ):  # in MNIST's form: there is no page around it
        return square_of_glyph(page.ink, style, size)
    return square_of_page(page.drawn, style, size, placement)


def square_of_page(
    ink: np.ndarray, style: str, size: int, placement: Placement | None = None
) -> np.ndarray:
    """Place ink on a page (H, W) uint8 on the square: (C, size, size) uint8. placement: as in
    `square`.
    """
    if not ink.any():
        return np.zeros((STYLES[style].channels, size, size), np.uint8)
    if style == "digit":
        return centred_by_mass(ink, size)[None]
    put = settled(ink, placement) if placement else ink
    drawn = with_a_known_pen(put, placement) if placement else put
    ink = (
        ink if drawn is put else drawn
    )  # the glyph is cut from the drawing as it came, unless its strokes were widened
    page = whole_page(drawn, size)
    return page[None] if style == "page" else np.stack([filling(ink, size), page])


def square_of_glyph(ink: np.ndarray, style: str, size: int) -> np.ndarray:
    """Place a size-normalised glyph (h, w) uint8, as in MNIST or EMNIST, on the square: (C, size,
    size) uint8.

    Its page is unknown: style page puts it in the middle at seven tenths of the side, style duo
    leaves the page channel empty, style photo repeats it in three channels.
    """
    if style in ("digit", "photo"):
        whole = (
            ink
            if ink.shape == (size, size)
            else placed(ink, size / max(ink.shape), ink.shape[1] / 2, ink.shape[0] / 2, size)
        )
        return np.repeat(whole[None], STYLES[style].channels, axis=0)
    if style == "page":
        return placed(ink, 0.7 * size / max(ink.shape), ink.shape[1] / 2, ink.shape[0] / 2, size)[
            None
        ]
    glyph = filling(ink, size) if ink.any() else np.zeros((size, size), np.uint8)
    return np.stack([glyph, np.zeros((size, size), np.uint8)])


def normalise(images: torch.Tensor) -> torch.Tensor:
    """The only way from pixels to what a model sees: (B, C, H, W) in 0..255 (uint8 or float) →
    float32 in -1..1.

    Mean 0.5 and standard deviation 0.5 of the 0..1 range, as published in study A; networks with
    ImageNet weights shift to ImageNet's statistics inside.
    """
    return images.float().mul(1 / 127.5).sub_(1)


def glyph_as_png(glyph: np.ndarray) -> bytes:
    """A glyph (h, w) uint8 as a PNG that says so, and is read as the same glyph."""
    out, text = io.BytesIO(), PngInfo()
    text.add_text(*GLYPH_MARK)
    Image.fromarray(np.asarray(glyph, np.uint8)).save(out, "PNG", pnginfo=text)
    return out.getvalue()


def as_picture(image: np.ndarray) -> Image.Image:
    """A square (C, H, W) uint8 as a person sees it: dark ink on white, photographs in colour; of a
    duo, the ink.
    """
    return Image.fromarray(image.transpose(1, 2, 0) if image.shape[0] == 3 else 255 - image[0])


def _from_array(array: np.ndarray) -> Image.Image:
    flat = array[..., 0] if array.ndim == 3 and array.shape[-1] == 1 else array
    try:
        if flat.size and (flat.ndim == 2 or (flat.ndim == 3 and flat.shape[-1] in (3, 4))):
            return Image.fromarray(flat)
    except TypeError:
        pass
    raise ImageError(
        "the array is not a picture",
        expected="(H, W), (H, W, 3) or (H, W, 4) uint8",
        got=f"{array.shape} {array.dtype}",
    )


def _is_glyph(ink: np.ndarray) -> bool:
    """Whether ink (h, h) stands as MNIST's does: about as large as its square, and in the middle of
    it.
    """
    side = len(ink)
    left, top, right, bottom = ink_box(ink)
    middle = max(abs(left + right - side), abs(top + bottom - side)) / 2
    return max(right - left, bottom - top) >= 0.5 * side and middle <= 0.25 * side
