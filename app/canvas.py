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

from app.canvas_page import CanvasPage, mounted
from app.canvas_tabs.files import file_tab, word_tab
from app.canvas_tabs.pad import ASSETS, pad
from app.canvas_tabs.reader import Reader
from app.canvas_tabs.teach import collect_tab, teach_tab
from app.canvas_tabs.views import Views
from app.connections import Patience, more_files
from app.font import FONT, WEIGHTS, font_file
from app.reading.questions import asking, pad_functions
from app.reading.reading import Reading
from app.received import Received
from engine.errors import GlyphlabError, SettingsError

if TYPE_CHECKING:
    from engine.lab import Lab

ICON = Path(__file__).parent.parent / "assets" / "icon.svg"
FILES_SECONDS = 600.0  # for a question about files: 500 scans of 4 million pixels take five minutes
KEPT_SECONDS = 86_400  # uploads and exports stay in Gradio's cache for a day


def build(lab: Lab, dashboard: str = "") -> CanvasPage:
    """The canvas of a lab, with a new folder for what is sent to it. `mounted(page, **look())`
    serves it. dashboard: where that is, as an address seen from the page, if it is served beside it.
    """
    reader = Reader(lab)
    received = Received(lab.home, max(1, lab.settings.upload_mb) * 1024 * 1024)
    os.environ["GRADIO_TEMP_DIR"] = str(received.folder)  # read by every component as it is made
    pads, files = Reading(lab.settings), Reading(lab.settings, most_seconds=FILES_SECONDS)
    ask = asking(lab, pads, files)
    with CanvasPage(
        lab,
        received,
        (pads, files),
        title="Glyphlab canvas",
        analytics_enabled=False,
        fill_width=True,
        delete_cache=(KEPT_SECONDS, KEPT_SECONDS),
    ) as page:
        drawing = page.pad = pad(pad_functions(lab, Views(reader), pads), dashboard)
        with gr.Tabs():
            with gr.Tab("Teach"):
                taught = teach_tab(reader, ask, drawing, page)
            with gr.Tab("Collect"):
                collect_tab(reader, drawing, page, taught)
            with gr.Tab("Words"):
                word_tab(ask, drawing)
            with gr.Tab("Files"):
                file_tab(ask, drawing)
    return page


def look(fonts: str = "") -> dict[str, Any]:
    """Keyword arguments of `mounted` that give the page the lab's appearance. fonts: where the
    dashboard's lie, as an address seen from the page, if it is served beside the dashboard.
    """
    css = ""
    if fonts and (font := font_file()):
        css = f'@font-face {{ font-family: "{FONT}"; font-weight: {WEIGHTS}; src: url("{fonts}/{font.name}"); }}'
    return {
        "theme": _theme(),
        "css": css,
        "css_paths": [ASSETS / "page.css"],
        "footer_links": ["api"],
    }


def _theme() -> Base:
    """The dashboard's colours, light and dark."""
    from app.theme import DARK, LIGHT

    fonts = [
        FONT,
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
        # Gradio's own grey is 2.6:1 on white; these are 7.6:1 and 11:1
        body_text_color_subdued="*neutral_600",
        body_text_color_subdued_dark="*neutral_300",
        block_radius="8px",
        button_large_radius="8px",
        button_small_radius="8px",
        input_radius="8px",
    )


def main() -> int:
    """Serve the canvas alone, behind the same doors as in the lab; returns the exit status."""
    from app.doors.admission import admission_of, check_reach
    from app.doors.guard import guarded
    from app.doors.proxies import proxies_of
    from app.doors.table import canvas_table
    from app.people.welcome import welcome
    from app.serving import private, run, settings_of
    from app.shared_lab import open_lab

    named = {"GRADIO_SERVER_NAME": "GLYPHLAB_HOST", "GRADIO_SERVER_PORT": "GLYPHLAB_PORT"}
    for name, ours in named.items():  # what a Gradio Space sets
        if os.environ.get(name):
            os.environ[ours] = os.environ[name]
    try:
        settings = settings_of(os.environ)
        check_reach(settings)
        if settings.mode == "class":
            raise SettingsError(
                "the canvas alone has no class",
                hint="Start the whole lab, or set GLYPHLAB_MODE to own or public.",
            )
        private()
        lab = open_lab(os.environ)
        if settings.mode == "public":
            lab.visits.forget(lambda id: False)  # whoever was here before
        admission = admission_of(lab.classroom, settings, os.environ)
        doors = welcome(lab.classroom, settings)
        page = mounted(build(lab), favicon_path=str(ICON), **look())
    except GlyphlabError as error:
        print(error, file=sys.stderr)
        return 2
    app = guarded(page, canvas_table(), settings, os.environ, admission)
    more_files()
    patience = Patience(proxies_of(settings, os.environ).trusts)
    return run(app, settings, "The canvas", doors=doors, protocol=patience.protocol())


if __name__ == "__main__":
    sys.exit(main())
