"""The canvas: draw anything and see what a model makes of it while the pen moves. The same answers
are an API.

`build` makes the Gradio page that the lab serves at /canvas; `python app/canvas.py` serves it
alone, as a Gradio Space does.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import gradio as gr
from gradio.themes import Base, Default

from app.canvas_tabs.files import file_tab, word_tab
from app.canvas_tabs.pad import ASSETS, pad
from app.canvas_tabs.reader import Reader
from app.canvas_tabs.teach import collect_tab, teach_tab
from app.canvas_tabs.views import Views

if TYPE_CHECKING:
    from engine.lab import Lab

KEPT_SECONDS = 86_400  # uploads and exports stay in Gradio's cache for a day


def build(lab: Lab) -> gr.Blocks:
    """The canvas of a lab. Serve it with the keyword arguments that `look()` returns."""
    reader = Reader(lab)
    with gr.Blocks(
        title="Glyphlab canvas",
        analytics_enabled=False,
        fill_width=True,
        delete_cache=(KEPT_SECONDS, KEPT_SECONDS),
    ) as page:
        drawing = pad(Views(reader).functions())
        with gr.Tabs():
            with gr.Tab("Teach"):
                teach_tab(reader, drawing, page)
            with gr.Tab("Collect"):
                collect_tab(reader, drawing, page)
            with gr.Tab("Words"):
                word_tab(reader, drawing)
            with gr.Tab("Files"):
                file_tab(reader)
    return page


def look() -> dict[str, Any]:
    """Keyword arguments of `launch` and `mount_gradio_app` that give the page the lab's appearance."""
    return {"theme": _theme(), "css_paths": [ASSETS / "page.css"], "footer_links": ["api"]}


def _theme() -> Base:
    """The dashboard's colours, light and dark."""
    from app.theme import DARK, LIGHT

    fonts = [
        "Inter",
        "-apple-system",
        "Segoe UI",
        "Roboto",
        "Helvetica Neue",
        "Arial",
        "sans-serif",
    ]
    theme = Default(
        primary_hue="blue", neutral_hue="slate", font=fonts, font_mono=["ui-monospace", "monospace"]
    )
    where = {
        "backgroundColor": (
            "body_background_fill",
            "background_fill_primary",
            "block_background_fill",
            "input_background_fill",
        ),
        "secondaryBackgroundColor": (
            "background_fill_secondary",
            "button_secondary_background_fill",
        ),
        "borderColor": ("border_color_primary", "block_border_color", "input_border_color"),
        "textColor": ("body_text_color", "block_label_text_color", "button_secondary_text_color"),
        "primaryColor": (
            "button_primary_background_fill",
            "button_primary_background_fill_hover",
            "color_accent",
            "border_color_accent",
        ),
    }
    colours: dict[str, str] = {}
    for name, variables in where.items():
        for variable in variables:
            colours[variable] = LIGHT[name]
            if variable != "color_accent":  # the only one without a dark twin
                colours[f"{variable}_dark"] = DARK[name]
    return theme.set(
        **colours,
        block_radius="8px",
        button_large_radius="8px",
        button_small_radius="8px",
        input_radius="8px",
    )


def main() -> None:
    """Serve the canvas alone."""
    from app.shared_lab import open_lab
    from engine.jobs.processes import THREADS_SLEEP

    os.environ.setdefault(*THREADS_SLEEP)  # before torch is loaded
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    lab = open_lab(os.environ)
    host = os.environ.get("GRADIO_SERVER_NAME") or lab.settings.host
    port = int(os.environ.get("GRADIO_SERVER_PORT") or lab.settings.port)
    build(lab).launch(
        server_name=host, server_port=port, show_error=True, run_history=False, **look()
    )


if __name__ == "__main__":
    main()
