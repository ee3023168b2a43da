"""A drawing, dark on a white page, changed as hands, pens and programs change it. Each takes and
returns a PIL image.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageChops, ImageOps
from scipy.ndimage import maximum_filter

from engine.imaging.ink import ink_box


def smaller(
    page: Image.Image, share: float, place: tuple[float, float] = (0.5, 0.5)
) -> Image.Image:
    """The ink at `share` of its size on the same page."""
    small = page.resize(
        (round(page.width * share), round(page.height * share)), Image.Resampling.BOX
    )
    out = Image.new("L", page.size, 255)
    out.paste(
        small,
        (
            round((page.width - small.width) * place[0]),
            round((page.height - small.height) * place[1]),
        ),
    )
    return out


def moved(page: Image.Image, across: int, down: int) -> Image.Image:
    """The ink moved by pixels, but never off the page."""
    left, top, right, bottom = ink_box(np.asarray(ImageOps.invert(page)))
    across = min(max(across, -left), page.width - right)
    down = min(max(down, -top), page.height - bottom)
    out = Image.new("L", page.size, 255)
    out.paste(page, (across, down))
    return out


def thin_and_grey(page: Image.Image) -> Image.Image:
    """Half the size, the strokes eroded by four pixels on each side and less than half as dark."""
    # Pillow's MaxFilter(9) comes to the same pixels, 30 times slower.
    fine = Image.fromarray(maximum_filter(np.asarray(page.reduce(2)), 9, mode="nearest"))
    return Image.eval(fine, lambda level: 255 - (255 - level) * 45 // 100)


def cut_out(page: Image.Image) -> Image.Image:
    """The ink with a margin: what stood where on the page, and how large, is lost."""
    left, top, right, bottom = ink_box(np.asarray(ImageOps.invert(page)))
    margin = max(right - left, bottom - top) // 7
    return ImageOps.expand(page, margin, 255).crop(
        (left, top, right + 2 * margin, bottom + 2 * margin)
    )


CHANGES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "inverted": ImageOps.invert,
    "a third of the size": lambda page: page.resize(
        (page.width // 3, page.height // 3), Image.Resampling.BOX
    ),
    "moved right and up": lambda page: moved(page, 150, -100),
    "moved left and down": lambda page: moved(page, -150, 100),
    "thin and grey": thin_and_grey,
    "transparent": lambda page: Image.merge(
        "RGBA", [Image.new("L", page.size)] * 3 + [ImageOps.invert(page)]
    ),
    "blue on yellow": lambda page: ImageChops.screen(
        Image.merge("RGB", [page] * 3), Image.new("RGB", page.size, "#1030c0")
    ).convert("RGB", (1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0.8, 0)),
    "small in a corner": lambda page: smaller(page, 1 / 3, (0.2, 0.15)),
}
