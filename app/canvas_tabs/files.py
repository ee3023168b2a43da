"""Pictures from files: one, many, or a line of writing. Each form is an endpoint of the API too."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import gradio as gr

from app.canvas_tabs.answers import NO_LINE, NO_PICTURE, answer_of, line_table, unread
from app.canvas_tabs.drawing import model_of
from engine.errors import GlyphlabError, ImageError, sentence

AT_ONCE = (
    2  # questions of API clients computed at the same time; the pad's own do not wait for them
)
MOST_FILES = 500
NOT_GIVEN = ImageError("no picture was given", hint="Choose one first.")
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
        try:
            return line_table(await ask("drawn_lines", value))
        except GlyphlabError as error:
            return unread(error)

    async def show_picture(image: str | None, value: str | None) -> str:
        try:
            return line_table(await ask("lines", _given(image), model_of(value)))
        except GlyphlabError as error:
            return unread(error)

    gr.Markdown(
        "Write a word on the pad, or choose a photograph or scan of a line. It is cut into"
        " characters, each read on its own."
    )
    with gr.Row():
        with gr.Column(min_width=260):
            drawn = gr.Button("Read the drawing", variant="primary")
            picture = picture_input("Picture of a line", height=200)
        with gr.Column(min_width=300):
            shown = gr.HTML(NO_LINE)
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

    async def predict(image: str | None, model: str | None) -> dict[str, Any]:
        """Class probabilities for a picture of one character (a drawing, a scan or a photograph): `label`,
        `confidences`, and the `verdict`: sure, unsure, unlike, several or blank.
        """
        with friendly():
            return await ask("probabilities", _given(image), model or None)

    async def predict_batch(images: list[str] | None, model: str | None) -> list[dict[str, Any]]:
        """Class probabilities for many pictures, in order: for each `label`, `confidences` and
        `verdict`, or `error` where it can't be read.
        """
        if len(images or []) > MOST_FILES:
            raise gr.Error(
                f"These are {len(images or [])} pictures. At most {MOST_FILES} are read at once.",
                print_exception=False,
            )
        with friendly():
            return await ask("batch", images or [], model or None)

    async def show_picture(image: str | None, value: str | None) -> str:
        if not image:
            return NO_PICTURE
        try:
            return answer_of(await ask("picture", image, model_of(value) or None))
        except GlyphlabError as error:
            return unread(error)

    async def read_file(image: str | None, value: str | None) -> str:
        # Beside the button the words must change, or it seems to do nothing.
        return await show_picture(image, value) if image else unread(NOT_GIVEN)

    gr.Markdown(
        "Choose a picture of one character: dark on light or light on dark, transparent, a scan or"
        " a photograph. The model that is chosen above reads it."
    )
    with gr.Row():
        with gr.Column(min_width=260):
            image = picture_input("Picture of one character", height=220)
        with gr.Column(min_width=300):
            shown = gr.HTML(NO_PICTURE)
    button = gr.Button("Read it", variant="primary")
    reads = [image.upload, image.clear]
    gr.on(reads, show_picture, [image, pad], shown, api_visibility="private", **BLOCKED)
    button.click(read_file, [image, pad], shown, api_visibility="private", **BLOCKED)
    fields = [picture_input(visible=False), gr.Textbox("", visible=False)]
    _api(predict, fields, gr.JSON(visible=False), "predict")
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
        raise shown(NOT_GIVEN)
    return image


def _api(function: Any, inputs: list[Any], output: Any, name: str) -> None:
    gr.Button(visible=False).click(function, inputs, output, api_name=name, **BLOCKED)
