"""Pictures from files: one, many, or a line of writing. Each form is an endpoint of the API too."""

from __future__ import annotations

import html
from collections.abc import Awaitable, Callable
from typing import Any

import gradio as gr

from app.canvas_tabs.drawing import model_of
from engine.errors import GlyphlabError, sentence

AT_ONCE = (
    2  # questions of API clients computed at the same time; the pad's own do not wait for them
)
MOST_FILES = 500
BLOCKED = {"concurrency_limit": AT_ONCE, "concurrency_id": "read", "show_progress": "minimal"}


# A question to the process that reads, by its name in app.canvas_tabs.pictures.Pictures, and its arguments.
Ask = Callable[..., Awaitable[Any]]


def word_tab(ask: Ask, pad: gr.HTML) -> None:
    """A word or a line: the drawing on the pad, or a picture."""

    async def read(image: str | None, model: str | None) -> dict[str, Any]:
        """Read a word or a line, cut into characters from left to right."""
        with friendly():
            return await ask("lines", _given(image), model)

    async def show_drawing(value: str | None) -> str:
        with friendly():
            return _line_table(await ask("drawn_lines", value))

    async def show_picture(image: str | None, value: str | None) -> str:
        with friendly():
            model = model_of(value)
        return _line_table(await read(image, model))

    gr.Markdown(
        "Write a word on the pad, or choose a photograph or scan of a line. It is cut into"
        " characters, each read on its own."
    )
    with gr.Row():
        with gr.Column(min_width=260):
            drawn = gr.Button("Read the drawing", variant="primary")
            picture = picture_input("Picture of a line", height=200)
        with gr.Column(min_width=300):
            shown = gr.HTML(_EMPTY_LINE)
    drawn.click(show_drawing, pad, shown, api_visibility="private", **BLOCKED)
    picture.upload(show_picture, [picture, pad], shown, api_visibility="private", **BLOCKED)
    _api(
        read,
        [picture_input(visible=False), gr.Textbox("", visible=False)],
        gr.JSON(visible=False),
        "read",
    )


def file_tab(ask: Ask, pad: gr.HTML) -> None:
    """One picture of one character, or many. pad: says which model is chosen."""

    async def predict(image: str | None, model: str | None) -> dict[str, float] | str:
        """Class probabilities for a picture of one character: a drawing, a scan or a photograph."""
        with friendly():
            return await ask("probabilities", _given(image), model or None)

    async def predict_batch(images: list[str] | None, model: str | None) -> list[dict[str, Any]]:
        """Class probabilities for many pictures, in order: for each `label`, `confidences`, or
        `error` where it can't be read.
        """
        if len(images or []) > MOST_FILES:
            raise gr.Error(
                f"These are {len(images or [])} pictures. At most {MOST_FILES} are read at once.",
                print_exception=False,
            )
        with friendly():
            return await ask("batch", images or [], model or None)

    async def show_picture(image: str | None, value: str | None) -> dict[str, float] | str:
        with friendly():
            model = model_of(value)
        return await predict(image, model)

    gr.Markdown(
        "Choose a picture of one character: dark on light or light on dark, transparent, a scan or"
        " a photograph. The model that is chosen above reads it."
    )
    with gr.Row():
        with gr.Column(min_width=260):
            image = picture_input("Picture of one character", height=220)
        label = gr.Label(label="Probabilities", num_top_classes=8, min_width=260)
    button = gr.Button("Read it", variant="primary")
    reads = [image.upload, button.click]
    gr.on(reads, show_picture, [image, pad], label, api_visibility="private", **BLOCKED)
    every = gr.Label(
        visible=False
    )  # all classes: a Label that is shown passes on no more than it shows
    _api(predict, [picture_input(visible=False), gr.Textbox("", visible=False)], every, "predict")
    many = gr.File(file_count="multiple", visible=False)
    _api(
        predict_batch,
        [many, gr.Textbox("", visible=False)],
        gr.JSON(visible=False),
        "predict_batch",
    )


def picture_input(label: str | None = None, **options: Any) -> gr.Image:
    """An image input that hands over the file as it was sent: engine.imaging.images reads every
    mode, alpha included, and says what is wrong.
    """
    image = gr.Image(
        label=label, type="filepath", image_mode=None, sources=["upload", "clipboard"], **options
    )
    ordinary = image.preprocess
    image.preprocess = lambda payload: (
        payload.path if payload is not None and payload.path else ordinary(payload)
    )
    return image


class friendly:  # noqa: N801 - reads as a statement
    """Turn a person's mistake into a message on the page, and in the answer of the API."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, GlyphlabError):
            raise shown(error) from None


def shown(error: GlyphlabError) -> gr.Error:
    """What the page is to show of an error: one message in its corner."""
    return gr.Error(sentence(error), print_exception=False)


def _given(image: str | None) -> str:
    if not image:
        raise gr.Error("No picture was given. Choose one first.", print_exception=False)
    return image


def _api(function: Any, inputs: list[Any], output: Any, name: str) -> None:
    gr.Button(visible=False).click(function, inputs, output, api_name=name, **BLOCKED)


def _cell(one: dict[str, Any]) -> str:
    others = f" · {' '.join(one['alternatives'])}" if one["alternatives"] else ""
    return (
        f'<figure{" class=gl-gap" if one["after_space"] else ""}><img class="gl-ink"'
        f' src="{one["image"]}" alt="">'
        f"<b>{html.escape(one['label'])}</b><figcaption>{one['confidence']:.0%}{html.escape(others)}</figcaption></figure>"
    )


_EMPTY_LINE = '<p class="gl-quiet">What was read appears here.</p>'


def _line_table(read: dict[str, Any]) -> str:
    if not read["characters"]:
        return '<p class="gl-quiet">Nothing is written there.</p>'
    cells = "".join(_cell(one) for one in read["characters"])
    return (
        f'<p class="gl-text">{html.escape(read["text"]).replace(chr(10), "<br>")}</p><div'
        f' class="gl-line">{cells}</div>'
    )
