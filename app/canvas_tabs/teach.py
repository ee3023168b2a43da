"""Teach the lab new symbols, and collect drawings as a data set."""

from __future__ import annotations

from typing import Any

import gradio as gr
from gradio import processing_utils
from gradio.utils import get_upload_folder
from starlette.concurrency import run_in_threadpool

from app.canvas_tabs.drawing import drawing_of, kept
from app.canvas_tabs.files import Ask, friendly
from app.canvas_tabs.reader import Reader
from app.canvas_tabs.tables import NOTHING_TAUGHT, drawings_table, many, model_in, to_draw
from app.charts.words import literal
from app.people.asking import person_in_canvas
from app.people.presence import AWAY_SECONDS
from engine.errors import DataError, GlyphlabError, sentence
from engine.runs.run_info import ALIVE

QUIET: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}

SAVE = "Draw a character and save it under its right label."
_A_DATA_SET = "The drawings are the data set `drawings`: browse it, train on it, or fine-tune the chosen model."
KEPT = {  # role → what becomes of the drawings
    "owner": _A_DATA_SET,
    "teacher": f"{_A_DATA_SET} Only your own are in it: those of your students are gathered on Classroom.",
    "student": "Your drawings are kept apart, for you alone, and are no data set on *Data*: fine-tune the"
    " chosen model on them here, or export them. Your teacher can copy those of the whole class into a"
    " data set.",
    "visitor": "Your drawings are kept apart, for you alone, and are no data set on *Data*: export them to"
    f" keep them. They are deleted once you have been away for {AWAY_SECONDS / 3600:g} hours.",
}
ONLY_DRAWN = (
    " It is trained on the drawings alone, as no other data set of the chosen model is here: it knows only"
    " the characters that were drawn."
)
CLEARED = "Your teacher has cleared what you had saved."
LOOK_SECONDS = 10.0  # between two looks of a student's page whether their work was cleared


def teach_tab(reader: Reader, ask: Ask, pad: gr.HTML, page: gr.Blocks) -> list[Any]:
    """Three to five examples of a symbol and a name for it. Returns what shows the symbols: table, choice
    and the words about the last deed.
    """

    async def add(value: str | None, name: str) -> tuple[Any, ...]:
        with friendly():
            drawing = drawing_of(value)
            symbol = await run_in_threadpool(reader.lab.taught.add, name, drawing.picture)
        count = len(symbol.examples)
        return (
            kept(value),
            f"Example {count} of **{literal(symbol.name)}** is kept. {to_draw(count)}",
            *await listed(value, symbol.name),
        )

    async def forget(value: str | None, name: str | None) -> tuple[Any, ...]:
        with friendly():
            await run_in_threadpool(reader.lab.taught.remove, _taught(name))
        return f"**{literal(name or '')}** is forgotten.", *await listed(value)

    async def undo(value: str | None, name: str | None) -> tuple[Any, ...]:
        with friendly():
            await run_in_threadpool(reader.lab.taught.remove_last, _taught(name))
        words = f"The last example of **{literal(name or '')}** is forgotten."
        return words, *await listed(value, name)

    async def listed(value: str | None, chosen: str | None = None) -> tuple[Any, ...]:
        symbols = await run_in_threadpool(reader.lab.taught.symbols)
        names = [symbol.name for symbol in symbols]
        with friendly():
            table = await ask("symbols", value) if names else NOTHING_TAUGHT
        shown = chosen if chosen in names else next(iter(names), None)
        return table, gr.Dropdown(choices=names, value=shown)

    def export() -> Any:
        with friendly():
            return gr.File(_file(reader.lab.taught.export(), "taught-symbols.zip"), visible=True)

    async def take_in(file: str, value: str | None) -> tuple[Any, ...]:
        with friendly():
            count = await ask("take_in", file)
        words = "1 example was added." if count == 1 else f"{count} examples were added."
        return words, *await listed(value)

    held = gr.Markdown("")
    gr.Markdown(
        "Draw a new symbol (β, ♥, a signature, your own 7), name it and add it; do this three to"
        " five times. The next one is recognised at once. Key **a** adds the next drawing under the"
        " same name."
    )
    with gr.Row():
        with gr.Column(min_width=260):
            name = gr.Textbox("", label="Name of the symbol", max_lines=1)
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
    gr.on([button.click, name.submit], add, [pad, name], [pad, done, *state], **_at(button))
    whole.click(forget, [pad, chosen], [done, *state], **_at(whole))
    last.click(undo, [pad, chosen], [done, *state], **_at(last))
    out.click(export, None, file, **_at(out))
    into.upload(take_in, [into, pad], [done, *state], **_at(into))
    page.load(listed, pad, state, **QUIET)
    _hold(reader, page, "teach", held, [button, last, whole, out, into])
    return [*state, done]


def collect_tab(reader: Reader, pad: gr.HTML, page: gr.Blocks, taught: list[Any]) -> None:
    """Save drawings with their right labels, and train on them. taught: what `teach_tab` returns."""

    def save(value: str | None, label: str) -> tuple[Any, ...]:
        with friendly():
            saved = reader.lab.drawings.save(drawing_of(value).picture, label)
        return kept(value), f"Saved as **{literal(saved.label)}**.", drawings_table(reader)

    def delete_last() -> tuple[Any, ...]:
        newest = reader.lab.drawings.all()[:1]
        if not newest:
            return "There is no drawing to delete.", drawings_table(reader)
        with friendly():
            reader.lab.drawings.remove(newest[0].path.name)
        return f"The last drawing, **{literal(newest[0].label)}**, is deleted.", drawings_table(
            reader
        )

    def export_drawings() -> Any:
        with friendly():
            return gr.File(_file(reader.lab.drawings.export(), "drawings.zip"), visible=True)

    def tune(value: str | None) -> tuple[Any, ...]:
        model = _model_in(reader, value)
        with friendly():
            run = reader.lab.submit(reader.lab.drawings.recipe(model))
        return {"run": run, "model": model}, "Fine-tuning has been queued …", gr.Timer(active=True)

    def collected(said: str) -> tuple[Any, ...]:
        """What is there now: a teacher may have cleared it, and then nothing says that it is kept."""
        person, own = person_in_canvas(reader.whole), reader.lab
        role, why = person.role, ""
        if role == "student" and reader.whole.lessons.is_to_be_told(person.id):
            why = CLEARED
        symbols = [gr.skip()] * len(taught)
        if not own.taught.symbols():
            symbols = [NOTHING_TAUGHT, gr.Dropdown(choices=[], value=None), why]
        still = said if own.drawings.all() else why
        # Visitors train what is as small as `quick` only: for them the button would always refuse.
        start = gr.Button(visible=role != "visitor")
        return gr.Markdown(f"{SAVE} {KEPT[role]}"), drawings_table(reader), start, still, *symbols

    def follow(state: dict[str, str] | None) -> tuple[Any, ...]:
        return _followed(reader, state)

    held = gr.Markdown("")
    about = gr.Markdown(SAVE)
    with gr.Row():
        with gr.Column(min_width=260):
            label = gr.Textbox("", label="Right label", max_lines=1)
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
    gr.on([button.click, label.submit], save, [pad, label], [pad, done, table], **_at(button))
    last.click(delete_last, None, [done, table], **_at(last))
    out.click(export_drawings, None, file, **_at(out))
    start.click(tune, pad, [running, progress, timer], **_at(start))
    timer.tick(follow, running, [progress, timer], **QUIET)
    there = [about, table, start, done, *taught]
    _hold(reader, page, "collect", held, [button, last, out, start])
    page.load(collected, done, there, **QUIET)
    if reader.whole.settings.mode == "class":
        gr.Timer(LOOK_SECONDS).tick(collected, done, there, **QUIET)


def _at(button: Any) -> dict[str, Any]:
    """Have what a button does mark nothing else: Gradio would write "Error" over every field that a
    refused deed would have changed, beside the message itself.
    """
    return {**QUIET, "show_progress_on": [button]}


def _hold(
    reader: Reader, page: gr.Blocks, deed: str, words: gr.Markdown, controls: list[Any]
) -> None:
    """Say why whoever asks may not do a deed now, before they draw for it, and shut its controls."""

    def held() -> list[Any]:
        why = reader.lab.why_not(deed)
        said = gr.Markdown(f"**{why}**" if why else "", visible=bool(why))
        return [said, *(type(one)(interactive=not why) for one in controls)]

    there = [words, *controls]
    if reader.whole.settings.mode == "class":
        page.load(held, None, there, **QUIET)
        gr.Timer(LOOK_SECONDS).tick(held, None, there, **QUIET)


def _followed(reader: Reader, state: dict[str, str] | None) -> tuple[Any, ...]:
    """What to say about a fine-tuning run, and whether to go on asking."""
    if not state:
        return "", gr.Timer(active=False)
    try:
        run = reader.lab.run(state["run"])
        info = run.info()
        knows = "" if "+" in info.data else ONLY_DRAWN
        if info.state in ALIVE:
            words = f"Fine-tuning ({info.state}): [{info.id}](../train?run={info.id}).{knows}"
            return words, gr.Timer(active=True)
        if info.state != "finished":
            return f"Fine-tuning has {info.state}: {run.log_tail(1).strip()}", gr.Timer(
                active=False
            )
    except GlyphlabError as error:
        return sentence(error), gr.Timer(active=False)
    try:
        found = reader.lab.drawings.before_and_after(run.recipe(), [state["model"], info.id])
        before, after = found[state["model"]], found[info.id]
        shares = f"**{before['accuracy']:.0%} before, {after['accuracy']:.0%} after**"
        result = f"On {many(int(after['n']), 'held-back drawing')}: {shares}."
    except GlyphlabError as error:  # it is trained all the same
        result = (
            f"Fine-tuning has finished. How good it is can't be told: {str(error).rstrip('.')}."
        )
    return f"{result} Choose `{info.id}` above to draw with it.{knows}", gr.Timer(active=False)


def _taught(name: str | None) -> str:
    """The symbol that is chosen. Raises DataError where there is none to choose."""
    if not name:
        raise DataError("no symbol has been taught yet", hint="Draw one, name it and add it.")
    return name


def _model_in(reader: Reader, value: str | None) -> str:
    with friendly():
        return model_in(reader, value)


def _file(content: bytes, name: str) -> str:
    return processing_utils.save_bytes_to_cache(content, name, get_upload_folder())
