"""The drawing pad: a component of ours with pointer events, because Gradio's Sketchpad speaks only
when a stroke has ended.

HTML, style and scripts lie in assets/canvas/. The scripts ask the server functions directly, one
question at a time and the newest drawing next; the component's value is what other parts of the
page read when a stroke has ended.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr

from app.scripts import joined

ASSETS = Path(__file__).parents[2] / "assets" / "canvas"
START = "startPad({ element, props, trigger, server, watch });\n"  # names that Gradio offers


def pad(functions: list[Callable[..., Any]], dashboard: str = "") -> gr.HTML:
    """The pad and the answer beside it. `drawing_of` and `model_of` (app.canvas_tabs.drawing) read its
    value; `kept` makes the one that takes a drawing from it. dashboard: its address, seen from the
    pad's page; without one no image beside a drawing is a link.
    """
    return gr.HTML(
        "",
        html_template=_asset("pad.html").replace("{DASHBOARD}", dashboard),
        css_template=_asset("pad.css"),
        js_on_load=joined(ASSETS / "pad.js") + START,
        server_functions=functions,
        apply_default_css=False,
        elem_id="pad",
    )


def _asset(name: str) -> str:
    return (ASSETS / name).read_text(encoding="utf-8") + "\n"
