"""The tables beside the pad: what was taught, and what was collected."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from app.canvas_tabs.drawing import model_of
from app.canvas_tabs.reader import Reader
from engine.errors import GlyphlabError, ImageError
from engine.imaging.images import open_picture
from engine.services.few_shot import ENOUGH

NOTHING_TAUGHT = '<p class="gl-quiet">Nothing has been taught yet.</p>'
SHOWN = 8  # pictures of a symbol or label
MOST_BYTES = 8_000  # of a picture that is shown as it is; the pad's own have three thousand
SMALL_SIDE = 56  # pixels of what is larger; shown at 28


def symbols_table(reader: Reader, value: str | None) -> str:
    """The taught symbols as HTML, with how well each is recognised by its other examples. value: of the
    pad, which says which model reads.
    """
    symbols = reader.lab.taught.symbols()
    if not symbols:
        return NOTHING_TAUGHT
    try:
        taught = reader.lab.taught
        measured = taught.leave_one_out(taught.embedder(model_in(reader, value)))
    except GlyphlabError as error:
        return f'<p class="gl-quiet">{html.escape(str(error))}</p>'
    by_name = {name: f"{right} of {n}" for name, right, n in measured.rows}
    rows = "".join(
        f"<tr><th>{html.escape(symbol.name)}</th><td"
        f" class=gl-thumbs>{_thumbs(symbol.examples)}</td><td>{len(symbol.examples)}</td>"
        f"<td>{by_name.get(symbol.name) or to_draw(len(symbol.examples))}</td></tr>"
        for symbol in symbols
    )
    total = ""
    if measured.accuracy is not None:
        words = (
            f"Leave-one-out: {measured.accuracy:.0%} of {measured.n} examples are recognised by the others,"
            " each left out in turn."
        )
        total = f'<p class="gl-quiet">{words}</p>'
    head = "<tr><th>Symbol</th><th>Examples</th><th></th><th>Recognised</th></tr>"
    return f'{total}<div class="gl-wide"><table class="gl-table">{head}{rows}</table></div>'


def to_draw(count: int) -> str:
    """What to do about a symbol with this many examples, in the words of everything that says so."""
    left = ENOUGH - count
    return f"Draw {left} more." if left > 0 else "Draw another to see it recognised."


def drawings_table(reader: Reader) -> str:
    """The drawings that were saved, as HTML."""
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
        f"{many(sum(map(len, by_label.values())), 'drawing')} of"
        f" {many(len(by_label), 'character')}."
    )
    return (
        f'<p class="gl-quiet">{words}</p><div class="gl-wide"><table class="gl-table">'
        f"<tr><th>Label</th><th>Drawings</th><th></th></tr>{rows}</table></div>"
    )


def model_in(reader: Reader, value: str | None) -> str:
    """The model that is chosen on the pad, or the best. Raises ImageError, and ModelError if there is
    none.
    """
    return model_of(value) or reader.best()


def many(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _thumbs(paths: Sequence[Path]) -> str:
    shown = list(paths)[:SHOWN]
    more = f" +{len(paths) - SHOWN}" if len(paths) > SHOWN else ""
    return "".join(f'<img class="gl-ink" alt="" src="{_thumb(path)}">' for path in shown) + more


def _thumb(path: Path) -> str:
    """A picture that was drawn as a data URI of some kilobytes; '' where it is gone."""
    try:
        stat = path.stat()
        if stat.st_size > MOST_BYTES:  # a photograph that was sent as a drawing
            return _small(path, stat.st_mtime_ns)
        content = base64.b64encode(path.read_bytes()).decode()
    except (OSError, ImageError):
        return ""
    return f"data:image/png;base64,{content}"


@lru_cache(maxsize=1000)
def _small(path: Path, stamp: int) -> str:
    picture = open_picture(path, path.name)
    picture.thumbnail((SMALL_SIDE, SMALL_SIDE))
    out = io.BytesIO()
    picture.save(out, "PNG")
    return f"data:image/png;base64,{base64.b64encode(out.getvalue()).decode()}"
