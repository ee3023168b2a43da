"""The tabs Teach and Collect of the canvas, without its pad and its server."""

from __future__ import annotations

import gradio as gr
from own_loop import run

from app.canvas_tabs.reader import Reader
from app.canvas_tabs.teach import collect_tab, teach_tab
from engine.lab import Lab


def tabs(lab: Lab) -> tuple[gr.Blocks, dict]:
    """A page of the two tabs, and what its controls call, by name."""

    async def ask(*_: object) -> str:
        return ""

    async def made() -> gr.Blocks:  # Gradio makes a loop where none runs, and leaves it open
        with gr.Blocks() as page:
            pad = gr.HTML()
            collect_tab(Reader(lab), pad, page, teach_tab(Reader(lab), ask, pad, page))
        return page

    page = run(made())
    return page, {block.fn.__name__: block.fn for block in page.fns.values()}
