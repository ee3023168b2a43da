"""Images on a page: many small ones at once, crisp, and as one piece of HTML that is sent once."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from html import escape

import numpy as np
import streamlit as st
from PIL import Image

from engine.imaging.images import as_picture

_STYLE = """<style>
.glyphs {display: grid; gap: 10px 8px;}
.glyphs figure {margin: 0; min-width: 0;}
.glyphs img {width: 100%; display: block; border-radius: 4px; border: 1px solid rgba(128, 138, 150, .35);}
.glyphs figcaption {font-size: .78rem; line-height: 1.25; margin-top: 3px; opacity: .8; overflow-wrap: anywhere;}
</style>"""


def data_uri(image: np.ndarray, scale: int = 1) -> str:
    """A square (C, H, W) uint8 as a 'data:image/png;base64,…' address: dark ink on white, `scale`
    times as large, pixels kept sharp.
    """
    picture = as_picture(np.asarray(image))
    if scale != 1:
        picture = picture.resize(
            (picture.width * scale, picture.height * scale), Image.Resampling.NEAREST
        )
    stream = io.BytesIO()
    picture.save(stream, "PNG", compress_level=1)
    return "data:image/png;base64," + base64.b64encode(stream.getvalue()).decode()


def image_grid(
    images: np.ndarray,
    captions: Sequence[str] | None = None,
    columns: int = 10,
    key: str | None = None,
) -> None:
    """Draw images (n, C, H, W) uint8 in at most `columns` columns, fewer on a narrow screen, with
    `captions` (plain text) below them.

    `key` names the container, for tests and styles. Meant for up to a few hundred images; page
    through more.
    """
    size = images.shape[-1] if len(images) else 0
    least = 44 if captions is None else 64
    # In the element itself: a page holds several grids, and the last style sheet would speak for
    # all of them.
    layout = (
        f"grid-template-columns: repeat(auto-fill, minmax(max({least}px, calc(100% / {columns} -"
        " 8px)), 1fr));"
    )
    layout += f" image-rendering: {'pixelated' if size <= 96 else 'auto'};"
    pieces = []
    for number, image in enumerate(images):
        text = escape(str(captions[number])) if captions is not None else ""
        caption = f"<figcaption>{text}</figcaption>" if text else ""
        pieces.append(
            f'<figure><img src="{data_uri(image)}" alt="{text or f"image {number + 1}"}"'
            f' loading="lazy">{caption}</figure>'
        )
    with st.container(key=key):
        st.html(f'{_STYLE}<div class="glyphs" style="{layout}">{"".join(pieces)}</div>')
