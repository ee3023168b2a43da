"""Tables with all pixels of a picture in one cell, as FER-2013 has them: '70 80 82 …'."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportMissingTypeStubs=false
# (pandas leaves the kinds of its values open.)
from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from engine.data.choices import Choices
from engine.data.forms.columns import LABELS, SPLITS, chosen, named, roles_in
from engine.data.forms.pixel_columns import FEWEST, HEAD_BYTES
from engine.data.forms.shapes import as_images
from engine.data.forms.sink import Sink
from engine.data.forms.text import count_lines, read_text, separated
from engine.data.listing import TRAIN
from engine.data.roles import UNLABELLED, role_of
from engine.errors import DataError

ROWS = 1_000  # at a time
_NUMBERS = re.compile(r"\s*[\[(]?\s*-?\d+(\.\d*)?([\s,;]+-?\d+(\.\d*)?)+\s*[\])]?\s*")


class Start(NamedTuple):
    """How such a table begins: separator, encoding, names of columns, and the pixels' column."""

    separator: str
    encoding: str
    names: list[str]
    pixels: int


def is_pixel_texts(raw: bytes) -> bool:
    """Whether the first bytes of a text file are those of such a table."""
    try:
        return _start("", raw) is not None
    except DataError:
        return False


def read_pixel_texts(
    files: Sequence[tuple[str, Path]], sink: Sink, choices: Choices, about: Mapping[str, bytes]
) -> None:
    """The images of such tables. Raises DataError."""
    import pandas as pd

    for name, path in files:
        with path.open("rb") as file:
            start = _start(name, file.read(HEAD_BYTES))
        assert start is not None  # is_pixel_texts has seen it
        count_lines(name, path)  # none is too long
        label, split = _label(start, choices, name), chosen(start.names, choices.split, name)
        split = named(start.names, SPLITS) if split is None else split
        called = f"'{start.names[label]}'" if label is not None else "no column"
        sink.roles = roles_in(start.names, {"label": label, "split": split})
        sink.why.append(f"{name}: pixels are in '{start.names[start.pixels]}', labels in {called}")
        done = 0
        reader = pd.read_csv(
            path,
            sep=start.separator,
            encoding=start.encoding,
            encoding_errors="replace",
            dtype=str,
            keep_default_na=False,
            chunksize=ROWS,
        )
        with reader:
            for chunk in reader:
                rows = chunk.to_numpy(dtype=object)
                for number, row in enumerate(rows, done):
                    _take(name, number, row, start.pixels, label, split, sink)
                done += len(rows)


def _take(
    name: str,
    number: int,
    row: np.ndarray,
    pixels: int,
    label: int | None,
    split: int | None,
    sink: Sink,
) -> None:
    text = str(row[pixels])
    cells = re.split(r"[\s,;]+", text.strip(" \t[]()"))
    images = None
    if _NUMBERS.fullmatch(text):
        levels = np.array(cells, np.float32)
        whole = levels.min() >= 0 and levels.max() <= 255 and (levels == np.floor(levels)).all()
        images = as_images((levels.astype(np.uint8) if whole else levels)[None])
    if images is None:
        sink.skipped.append((f"{name}/{number}", "its pixels are no square of numbers"))
        return
    given = None if label is None else str(row[label])
    said = name.rpartition("/")[2].rpartition(".")[0] if split is None else str(row[split])
    role = role_of(said)
    if split is not None and role is None and said.strip():
        text = f"{name}: the split '{said}' is not known: its images are taken for training."
        sink.note("warning", "splits", text)
    official = TRAIN if role is None or role.code == UNLABELLED else role.code
    sink.images(images, [given], name, official, first=number)


def _start(name: str, raw: bytes) -> Start | None:
    cut = raw[: raw.rfind(b"\n") + 1] if len(raw) >= HEAD_BYTES else raw
    text, encoding = read_text(name, cut or raw)
    if text.count("\n") < 1:
        return None
    separator, rows = separated(name, "\n".join(text.splitlines()[:5]) + "\n")
    if not separator or separator == " " or len(rows) < 2 or len(rows[1]) != len(rows[0]):
        return None
    for column, cell in enumerate(rows[1]):
        count = len(cell.replace(",", " ").split())
        if count >= FEWEST and _NUMBERS.fullmatch(cell) and not _NUMBERS.fullmatch(rows[0][column]):
            return Start(separator, encoding, [one.strip() for one in rows[0]], column)
    return None


def _label(start: Start, choices: Choices, name: str) -> int | None:
    label = chosen(start.names, choices.label, name)
    if label is None:
        label = named(start.names, LABELS)
    if label is None:
        rest = [
            c
            for c in range(len(start.names))
            if c != start.pixels and named([start.names[c]], SPLITS) is None
        ]
        label = rest[0] if len(rest) == 1 else None
    return label
