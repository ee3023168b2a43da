"""The canvas: draw a character and see what a model makes of it while the pen moves. The same answers are an API.

`build` makes the Gradio page that the lab serves at /canvas; `python app/canvas.py` serves it alone, as a Gradio Space does.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import gradio as gr

from app.canvas_pad import Pad
from app.canvas_read import Reader, server_functions
from engine.errors import GlyphlabError

if TYPE_CHECKING:
    from engine.lab import Lab

AT_ONCE = 2  # predictions of API clients computed at the same time; the pad's own do not wait for them


class Picture(gr.Image):
    """An image input that hands over the file as it was sent: engine.images reads every mode, alpha included, and says what is wrong."""

    def __init__(self, **options: Any) -> None:
        super().__init__(type="filepath", image_mode=None, **options)

    def get_block_name(self) -> str:
        return "image"

    def preprocess(self, payload: Any) -> str | None:
        """The path of the file."""
        return payload.path if payload is not None and payload.path else super().preprocess(payload)


def build(lab: Lab) -> gr.Blocks:
    """The canvas of a lab. Serve it with the keyword arguments that `look()` returns."""
    reader = Reader(lab)

    def predict(image: str | None, model: str | None) -> dict[str, float] | str:
        """Class probabilities for a picture of one character: a drawing, a scan or a photograph."""
        if not image:
            raise gr.Error("No picture was given.", print_exception=False)
        try:
            return reader.probabilities(Path(image), model or None)
        except GlyphlabError as error:
            raise gr.Error(str(error), print_exception=False) from None

    with gr.Blocks(title="Glyphlab canvas", analytics_enabled=False) as page:
        Pad(server_functions(reader), elem_id="pad")
        with gr.Accordion("Read a picture from a file", open=False):
            with gr.Row():
                image = Picture(label="Picture of one character", sources=["upload", "clipboard"], height=260)
                with gr.Column():
                    model = gr.Textbox("", label="Model", placeholder="the best one", max_lines=1)
                    button = gr.Button("Read it", variant="primary")
                label = gr.Label(label="Probabilities", num_top_classes=10)
        button.click(predict, [image, model], label, api_name="predict", concurrency_limit=AT_ONCE, concurrency_id="predict")
    return page


def look() -> dict[str, Any]:
    """Keyword arguments of `launch` and `mount_gradio_app` that give the page the lab's appearance."""
    return {"theme": gr.themes.Default(primary_hue="blue", neutral_hue="slate", font=["Inter", "system-ui", "sans-serif"]), "footer_links": ["api"]}


def main() -> None:
    """Serve the canvas alone."""
    from app.door import open_lab

    lab = open_lab(os.environ)
    port = int(os.environ.get("GRADIO_SERVER_PORT") or lab.settings.port)
    build(lab).queue().launch(server_port=port, server_name=os.environ.get("GRADIO_SERVER_NAME") or lab.settings.host, show_error=True, **look())


if __name__ == "__main__":
    main()
