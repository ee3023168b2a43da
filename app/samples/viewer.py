"""One picture with zoom."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from streamlit.components.v2 import component

from app.scripts import joined

FOLDER = Path(__file__).parent
_HTML = """<div class="viewer">
<div class="stage" tabindex="0" data-keys role="group"
 aria-label="Picture; plus and minus zoom"><img draggable="false"></div>
<p><button data-do="in" aria-label="Zoom in">+</button><button data-do="out" aria-label="Zoom out">−</button>
<button data-do="fit">Fit</button><button data-do="exact">1:1</button><output></output></p></div>"""


def original(data: str, name: str, alt: str, enlarged: str = "") -> None:
    """Draw the picture of an image as it lies in its data set (see app.samples.routes). enlarged: the
    size it had before the lab enlarged it, '8 × 8'.
    """
    address = f"space/original?{urlencode({'data': data, 'sample': name})}"
    _component()(key="original", data={"address": address, "alt": alt, "enlarged": enlarged})


@cache
def _component() -> Callable[..., Any]:
    return component(
        "glyphlab_viewer",
        html=_HTML,
        css=(FOLDER / "viewer.css").read_text(encoding="utf-8"),
        js=joined(FOLDER / "viewer.js"),
    )
