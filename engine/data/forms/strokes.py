"""Quick, Draw!'s drawings: lines of JSON with strokes, drawn as pictures."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw

from engine.data.choices import Choices
from engine.data.forms.sink import Sink
from engine.data.forms.text import MOST_LINE
from engine.data.listing import TRAIN
from engine.data.roles import UNLABELLED, role_of

SIDE, MARGIN, PEN = 128, 8, 6  # pixels; drawn at twice the size, so that edges are soft
MOST_POINTS = 100_000


def is_drawings(head: bytes) -> bool:
    """Whether a file begins as lines of drawings do."""
    line = head.splitlines()[0] if head.splitlines() else b""
    return b'"drawing"' in head[:4000] and line.lstrip().startswith(b"{")


def read_drawings(
    files: Sequence[tuple[str, Path]], sink: Sink, choices: Choices, about: Mapping[str, bytes]
) -> None:
    """The drawings in .ndjson files, as pictures of dark ink on light paper."""
    wrong = 0
    for name, path in files:
        role = role_of(name.rpartition("/")[2].rpartition(".")[0])
        code = TRAIN if role is None or role.code == UNLABELLED else role.code
        with path.open("rb") as file:
            for number, line in enumerate(iter(lambda: file.readline(MOST_LINE), b""), 1):
                if not line.strip():
                    continue
                try:
                    record = json.loads(line)
                    picture = drawn(record["drawing"])
                except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
                    sink.skipped.append((f"{name}/{number}", "it holds no strokes"))
                    continue
                word = record.get("word")
                wrong += record.get("recognized") is False
                out = io.BytesIO()
                picture.save(out, "PNG", compress_level=1)
                label = str(word) if word not in (None, "") else None
                sink.picture(f"{name}/{number}", out.getvalue(), label, code)
    sink.why.append("lines of drawings, as Quick, Draw! has them: the label is 'word'")
    if wrong:
        text = f"{wrong:,} drawings are marked as not recognised: their labels may be wrong."
        sink.note("note", "classes", text)


def drawn(strokes: Any) -> Image.Image:
    """Strokes, each of x and y (and times), as a picture that they fill. Raises ValueError,
    TypeError if they are none.
    """
    lines: list[list[tuple[float, float]]] = []
    for stroke in strokes:
        xs, ys = stroke[0], stroke[1]
        lines.append([(float(x), float(y)) for x, y in zip(xs, ys, strict=True)])
    points = [point for line in lines for point in line]
    if not 0 < len(points) <= MOST_POINTS:
        raise ValueError("no points, or too many")
    left, top = min(x for x, _ in points), min(y for _, y in points)
    extent = max(max(x for x, _ in points) - left, max(y for _, y in points) - top)
    if not extent < 1e9:  # not a number either
        raise ValueError("points are too far apart")
    scale = 2 * (SIDE - 2 * MARGIN) / max(extent, 1e-9) if extent else 0.0
    across = (max(x for x, _ in points) - left) * scale / 2
    down = (max(y for _, y in points) - top) * scale / 2
    picture = Image.new("L", (2 * SIDE, 2 * SIDE), 255)
    draw = ImageDraw.Draw(picture)
    for line in lines:
        placed = [
            (SIDE + (x - left) * scale - across, SIDE + (y - top) * scale - down) for x, y in line
        ]
        if len(placed) > 1:
            draw.line(placed, fill=0, width=2 * PEN, joint="curve")
        for x, y in placed:
            draw.ellipse((x - PEN, y - PEN, x + PEN, y + PEN), fill=0)
    return picture.resize((SIDE, SIDE), Image.Resampling.BOX)
