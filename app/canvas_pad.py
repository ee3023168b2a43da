"""The drawing pad: a component of ours with pointer events, because Gradio's Sketchpad speaks only when a stroke has ended.

HTML, style and script lie in assets/canvas/. The script asks the server functions directly, one question at a time
and the newest drawing next; the component's value is what other parts of the page read when a stroke has ended.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import gradio as gr

from engine.errors import ImageError

ASSETS = Path(__file__).parent.parent / "assets" / "canvas"
LONGEST_PICTURE = 4_000_000  # characters of a data URI; a full pad is under 100,000


class Drawing(NamedTuple):
    """What is on the pad: a PNG (black ink on a transparent page; None if nothing is drawn) and the chosen model's name."""

    picture: bytes | None
    model: str


class Pad(gr.HTML):
    """The pad and the answer beside it. Its value in Python is a `Drawing`; setting it to None clears the pad."""

    def __init__(self, functions: list[Callable[..., Any]], **options: Any) -> None:
        super().__init__(
            value="", html_template=_asset("pad.html"), css_template=_asset("pad.css"), js_on_load=_asset("pad.js"),
            server_functions=functions, apply_default_css=False, container=False, **options,
        )

    def get_block_name(self) -> str:
        return "html"

    def preprocess(self, payload: str | None) -> Drawing:
        """The drawing in the component's JSON text."""
        if not payload:
            return Drawing(None, "")
        value = json.loads(payload)
        return Drawing(decode_picture(value["picture"]) if value.get("picture") else None, str(value.get("model", "")))

    def postprocess(self, value: None) -> str:
        return ""


def decode_picture(uri: object) -> bytes:
    """The bytes of a 'data:image/…;base64,…' address. Raises ImageError for anything else."""
    text = uri if isinstance(uri, str) else ""
    head, comma, body = text.partition(",")
    if not comma or not head.startswith("data:image/") or not head.endswith(";base64") or len(text) > LONGEST_PICTURE:
        raise ImageError("the drawing can't be read", expected="a data URI of a picture", got=repr(text[:40]))
    try:
        return base64.b64decode(body, validate=True)
    except binascii.Error:
        raise ImageError("the drawing can't be read", expected="base64", got=repr(body[:40])) from None


def _asset(name: str) -> str:
    return (ASSETS / name).read_text(encoding="utf-8")
