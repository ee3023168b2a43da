"""The drawing pad: a component of ours with pointer events, because Gradio's Sketchpad speaks only
when a stroke has ended.

HTML, style and scripts lie in assets/canvas/. The scripts ask the server functions directly, one
question at a time and the newest drawing next; the component's value is what other parts of the
page read when a stroke has ended.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import gradio as gr

from app.scripts import joined
from engine.errors import ImageError
from engine.files.checked import parse_json

ASSETS = Path(__file__).parents[2] / "assets" / "canvas"
LONGEST_PICTURE = 600_000  # characters of a data URI; a full pad is under 100,000
START = "startPad({ element, props, trigger, server, watch });\n"  # names that Gradio offers
CLEARED = ""  # the value that clears the pad


class Drawing(NamedTuple):
    """What is on the pad: a PNG (black ink on a transparent page) and the name of the chosen model."""

    picture: bytes
    model: str


def pad(functions: list[Callable[..., Any]]) -> gr.HTML:
    """The pad and the answer beside it. `drawing_of` reads its value; the value CLEARED clears it."""
    return gr.HTML(
        CLEARED,
        html_template=_asset("pad.html"),
        css_template=_asset("pad.css"),
        js_on_load=joined(ASSETS / "pad.js") + START,
        server_functions=functions,
        apply_default_css=False,
        elem_id="pad",
    )


def drawing_of(value: str | None) -> Drawing:
    """The drawing in the pad's value. Raises ImageError if nothing is drawn."""
    try:
        fields = parse_json(value) if value else {}
    except ValueError as error:
        raise ImageError("the drawing can't be read", got=str(error)) from None
    if not isinstance(fields, dict):
        raise ImageError("the drawing can't be read", expected="a picture and a model")
    if not fields.get("picture"):
        raise ImageError("nothing is drawn", hint="Draw first.")
    return Drawing(decode_picture(fields["picture"]), str(fields.get("model", "")))


def decode_picture(uri: object) -> bytes:
    """The bytes of a 'data:image/…;base64,…' address. Raises ImageError for anything else."""
    text = uri if isinstance(uri, str) else ""
    head, comma, body = text.partition(",")
    if (
        not comma
        or not head.startswith("data:image/")
        or not head.endswith(";base64")
        or len(text) > LONGEST_PICTURE
    ):
        raise ImageError(
            "the drawing can't be read", expected="a data URI of a picture", got=repr(text[:40])
        )
    try:
        return base64.b64decode(body, validate=True)
    except binascii.Error:
        raise ImageError(
            "the drawing can't be read", expected="base64", got=repr(body[:40])
        ) from None


def _asset(name: str) -> str:
    return (ASSETS / name).read_text(encoding="utf-8") + "\n"
