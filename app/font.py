"""The typeface of the lab's pages: that of Streamlit's, whose file comes with Streamlit."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

FONT = "Source Sans"
WEIGHTS = "200 900"  # one file holds all


def font_file() -> Path | None:
    """The file of the font, upright, in Streamlit's folder `static/media`; None if a new version has none
    of that name.
    """
    spec = find_spec("streamlit")
    folder = Path((spec and spec.origin) or "").parent / "static" / "static" / "media"
    return next(folder.glob("SourceSansVF-Upright*.woff2"), None)
