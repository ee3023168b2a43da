"""The menu of pages, where it lies over the page: on a phone."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from streamlit.components.v2 import component

from app.scripts import joined

SCRIPT = Path(__file__).parents[2] / "assets" / "menu.js"


def close_when_chosen() -> None:
    """On a phone, close the menu when a page was chosen from it. To be drawn in the menu itself."""
    _component()(key="menu")


@cache
def _component() -> Callable[..., Any]:
    return component("glyphlab_menu", html="<i></i>", js=joined(SCRIPT))
