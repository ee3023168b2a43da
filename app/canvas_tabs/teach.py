"""Teach the lab new symbols, and collect drawings as a data set."""

from __future__ import annotations

import base64
import html
from pathlib import Path
from typing import Any

import gradio as gr
from gradio import processing_utils
from gradio.utils import get_upload_folder

from app.canvas_tabs.files import friendly
from app.canvas_tabs.pad import CLEARED, drawing_of
from app.canvas_tabs.reader import Reader
from app.charts.words import literal
from engine.errors import GlyphlabError
from engine.runs.run_info import ALIVE
from engine.services.few_shot import ENOUGH

SHOWN = 8  # pictures of a symbol or label
QUIET: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}


def teach_tab(reader: Reader, pad: gr.HTML, page: gr.Blocks) -> None:
    """Three to five examples of a symbol and a name for it."""

    def add(value: str | None, name: str) -> tuple[Any, ...]:
        with friendly():
            drawing = drawing_of(value)
            symbol = reader.lab.taught.add(name, drawing.picture)
        count = len(symbol.examples)
        left = ENOUGH - count
        then = f"Draw {left} more." if left > 0 else "Draw another to see it recognised."
        return (
            CLEARED,
            f"Example {count} of **{literal(symbol.name)}** is kept. {then}",
            *listed(value),
        )

    def forget(value: str | None, name: str | None) -> tuple[Any, ...]:
        with friendly():
            reader.lab.taught.remove(name or "")
        return f"**{literal(name or '')}** is forgotten.", *listed(value)

    def undo(value: str | None, name: str | None) -> tuple[Any, ...]:
        with friendly():
            reader.lab.taught.remove_last(name or "")
        return f"The last example of **{literal(name or '')}** is forgotten.", *listed(value)

    def listed(value: str | None) -> tuple[Any, ...]:
        names = [symbol.name for symbol in reader.lab.taught.symbols()]
        return _symbols(reader, value), gr.Dropdown(
            choices=names, value=names[0] if names else None
        )

    def export() -> Any:
        with friendly():
            return gr.File(_file(reader.lab.taught.export(), "taught-symbols.zip"), visible=True)

    def take_in(file: str, value: str | None) -> tuple[Any, ...]:
        with friendly():
            count = reader.lab.taught.take_in(Path(file))
        return f"{count} examples were added.", *listed(value)

    gr.Markdown(
        "Draw a new symbol (β, ♥, a signature, your own 7), name it and add it; do this three to"
        " five times. The next one is recognised at once. Key **a** adds the next drawing under the"
        " same name."
    )
    with gr.Row():
        with gr.Column(min_width=260):
            name = gr.Textbox("", label="Name of the symbol", max_lines=1, max_length=40)
            button = gr.Button("Add this drawing", variant="primary", elem_id="add-example")
            done = gr.Markdown("")
            chosen = gr.Dropdown([], label="Taught symbols", interactive=True)
            with gr.Row():
                last = gr.Button("Forget its last example", size="sm")
                whole = gr.Button("Forget the symbol", size="sm")
            with gr.Row():
                out = gr.Button("Export all", size="sm")
                into = gr.UploadButton("Import", size="sm", file_types=[".zip"])
            file = gr.File(label="Exported symbols", visible=False)
        with gr.Column(min_width=300):
            table = gr.HTML()
    state = [table, chosen]
    gr.on([button.click, name.submit], add, [pad, name], [pad, done, *state], **QUIET)
    whole.click(forget, [pad, chosen], [done, *state], **QUIET)
    last.click(undo, [pad, chosen], [done, *state], **QUIET)
    out.click(export, None, file, **QUIET)
    into.upload(take_in, [into, pad], [done, *state], **QUIET)
    page.load(listed, pad, state, **QUIET)


def collect_tab(reader: Reader, pad: gr.HTML, page: gr.Blocks) -> None:
    """Save drawings with their right labels, and train on them."""

    def save(value: str | None, label: str) -> tuple[Any, ...]:
        with friendly():
            saved = reader.lab.drawings.save(drawing_of(value).picture, label)
        return CLEARED, f"Saved as **{literal(saved.label)}**.", _collected(reader)

    def delete_last() -> tuple[Any, ...]:
        newest = reader.lab.drawings.all()[:1]
        if not newest:
            raise gr.Error("No drawing has been saved yet.", print_exception=False)
        with friendly():
            reader.lab.drawings.remove(newest[0].path.name)
        return f"The last drawing, **{literal(newest[0].label)}**, is deleted.", _collected(reader)

    def export_drawings() -> Any:
        with friendly():
            return gr.File(_file(reader.lab.drawings.export(), "drawings.zip"), visible=True)

    def tune(value: str | None) -> tuple[Any, ...]:
        model = _model_in(reader, value)
        with friendly():
            run = reader.lab.submit(reader.lab.drawings.recipe(model))
        return {"run": run, "model": model}, "Fine-tuning has been queued …", gr.Timer(active=True)

    def collected() -> str:
        return _collected(reader)

    def follow(state: dict[str, str] | None) -> tuple[Any, ...]:
        return _followed(reader, state)

    gr.Markdown(
        "Draw a character and save it under its right label. The drawings are the data set"
        " `drawings`: browse it, train on it, or fine-tune the chosen model."
    )
    with gr.Row():
        with gr.Column(min_width=260):
            label = gr.Textbox("", label="Right label", max_lines=1, max_length=40)
            button = gr.Button("Save this drawing", variant="primary")
            done = gr.Markdown("")
            with gr.Row():
                last = gr.Button("Delete the last", size="sm")
                out = gr.Button("Export as zip", size="sm")
            file = gr.File(label="Exported drawings", visible=False)
            start = gr.Button("Fine-tune the chosen model on them")
            progress = gr.Markdown("")
        with gr.Column(min_width=300):
            table = gr.HTML()
    running, timer = gr.State(None), gr.Timer(1.0, active=False)
    gr.on([button.click, label.submit], save, [pad, label], [pad, done, table], **QUIET)
    last.click(delete_last, None, [done, table], **QUIET)
    out.click(export_drawings, None, file, **QUIET)
    start.click(tune, pad, [running, progress, timer], **QUIET)
    timer.tick(follow, running, [progress, timer], **QUIET)
    page.load(collected, None, table, **QUIET)


def _followed(reader: Reader, state: dict[str, str] | None) -> tuple[Any, ...]:
    """What to say about a fine-tuning run, and whether to go on asking."""
    if not state:
        return "", gr.Timer(active=False)
    try:
        run = reader.lab.run(state["run"])
        info = run.info()
        if info.state in ALIVE:
            return f"Fine-tuning ({info.state}): [{info.id}](../train?run={info.id})", gr.Timer(
                active=True
            )
        if info.state != "finished":
            return f"Fine-tuning has {info.state}: {run.log_tail(1).strip()}", gr.Timer(
                active=False
            )
        found = reader.lab.drawings.before_and_after(run.recipe(), [state["model"], info.id])
    except GlyphlabError as error:
        return str(error), gr.Timer(active=False)
    before, after = found[state["model"]], found[info.id]
    shares = f"**{before['accuracy']:.0%} before, {after['accuracy']:.0%} after**"
    result = (
        f"On {after['n']:.0f} held-back drawings: {shares}. Choose `{info.id}` above to draw"
        " with it."
    )
    return result, gr.Timer(active=False)


def _model_in(reader: Reader, value: str | None) -> str:
    with friendly():
        try:
            return drawing_of(value).model or reader.best()
        except GlyphlabError:
            return reader.best()


def _symbols(reader: Reader, value: str | None) -> str:
    symbols = reader.lab.taught.symbols()
    if not symbols:
        return '<p class="gl-quiet">Nothing has been taught yet.</p>'
    try:
        taught = reader.lab.taught
        measured = taught.leave_one_out(taught.embedder(_model_in(reader, value)))
    except (GlyphlabError, gr.Error) as error:
        return f'<p class="gl-quiet">{html.escape(str(error))}</p>'
    by_name = {name: f"{right} of {n}" for name, right, n in measured.rows}
    rows = "".join(
        f"<tr><th>{html.escape(symbol.name)}</th><td"
        f" class=gl-thumbs>{_thumbs(symbol.examples)}</td><td>{len(symbol.examples)}</td>"
        f"<td>{by_name.get(symbol.name, 'needs 2')}</td></tr>"
        for symbol in symbols
    )
    total = ""
    if measured.accuracy is not None:
        words = (
            f"Leave-one-out: {measured.accuracy:.0%} of {measured.n} examples are recognised from the"
            " others."
        )
        total = f'<p class="gl-quiet">{words}</p>'
    head = "<tr><th>Symbol</th><th>Examples</th><th></th><th>Recognised</th></tr>"
    return f'{total}<div class="gl-wide"><table class="gl-table">{head}{rows}</table></div>'


def _collected(reader: Reader) -> str:
    by_label: dict[str, list[Path]] = {}
    for drawing in reader.lab.drawings.all():
        by_label.setdefault(drawing.label, []).append(drawing.path)
    if not by_label:
        return '<p class="gl-quiet">No drawing has been saved yet.</p>'
    rows = "".join(
        f"<tr><th>{html.escape(label)}</th><td"
        f" class=gl-thumbs>{_thumbs(paths)}</td><td>{len(paths)}</td></tr>"
        for label, paths in sorted(by_label.items())
    )
    words = (
        f"{_many(sum(map(len, by_label.values())), 'drawing')} of"
        f" {_many(len(by_label), 'character')}."
    )
    return (
        f'<p class="gl-quiet">{words}</p><div class="gl-wide"><table class="gl-table">'
        f"<tr><th>Label</th><th>Drawings</th><th></th></tr>{rows}</table></div>"
    )


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _thumbs(paths: Any) -> str:
    shown = list(paths)[:SHOWN]
    more = f" +{len(paths) - SHOWN}" if len(paths) > SHOWN else ""
    encoded = [base64.b64encode(path.read_bytes()).decode() for path in shown if path.is_file()]
    return (
        "".join(
            f'<img class="gl-ink" alt="" src="data:image/png;base64,{content}">'
            for content in encoded
        )
        + more
    )


def _file(content: bytes, name: str) -> str:
    return processing_utils.save_bytes_to_cache(content, name, get_upload_folder())
