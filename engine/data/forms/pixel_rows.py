"""Pixels in text tables, a row an image, as Kaggle's digit recogniser has them."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownParameterType=false
# pyright: reportMissingTypeStubs=false
# (pandas leaves the kinds of its values open.)
from __future__ import annotations

import re
import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from engine.data.choices import Choices
from engine.data.forms.columns import LABELS, SPLITS, chosen, named, split_of
from engine.data.forms.shapes import side_of
from engine.data.forms.sink import Sink
from engine.data.forms.text import SEPARATORS, Table, cells, read_text
from engine.data.listing import TRAIN
from engine.data.roles import UNLABELLED, role_of
from engine.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

ROWS = 4_000  # at a time
HEAD_BYTES = 1 << 20
FEWEST = 36  # pixels
_PIXEL = re.compile(r"\D*\d+([x_]\d+)?$")  # pixel7, 7, 3x4, px_3_4


class Columns(NamedTuple):
    """Of a table of pixels: the numbers of the pixels' columns, of the label and of the split."""

    pixels: list[int]
    label: int | None
    split: int | None
    why: str


class Start(NamedTuple):
    """How a text table begins: separator, encoding, the cells of its first row, whether that is a
    header, and the rows after it.
    """

    separator: str
    encoding: str
    first: list[str]
    header: bool
    rows: list[list[str]]


def is_pixel_table(raw: bytes) -> bool:
    """Whether the first bytes of a text file are those of a table of pixels."""
    try:
        start = _start("", raw)
    except DataError:
        return False
    return start is not None and _pixels_of(start.first, start.header, len(start.first)) is not None


def read_pixel_tables(
    files: Sequence[tuple[str, Path]], sink: Sink, choices: Choices, about: Mapping[str, bytes]
) -> None:
    """The images of text tables. Raises DataError."""
    for name, path in files:
        _read_table(path, name, sink, choices)


def _read_table(path: Path, name: str, sink: Sink, choices: Choices) -> None:
    import pandas as pd

    with path.open("rb") as file:
        start = _start(name, file.read(HEAD_BYTES))
    assert start is not None  # is_pixel_table has seen it
    names = start.first if start.header else [""] * len(start.first)
    role = role_of(name.rpartition("/")[2].rpartition(".")[0])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of columns whose kind changes: they are looked at below
        reader = pd.read_csv(
            path,
            sep=start.separator if start.separator != " " else r"\s+",
            header=0 if start.header else None,
            encoding=start.encoding,
            encoding_errors="replace",
            chunksize=ROWS,
            dtype=object if _has_text(start) else None,
            on_bad_lines="skip",
            keep_default_na=False,
            na_values=[""],
        )
        columns: Columns | None = None
        done = 0
        with reader:  # which is open otherwise where a row is refused
            for chunk in reader:
                if columns is None:
                    columns = _columns(names, chunk, choices, name)
                    _describe(sink, columns, names, name, start, role)
                _take(sink, chunk, columns, name, done, role and role.code)
                done += len(chunk)
    lines = _lines(path) - start.header
    if lines > done:
        sink.skipped.append((name, f"{lines - done:,} rows have more cells than the others"))


def take_frame(frame: Any, name: str, sink: Sink, choices: Choices, role: int | None) -> bool:
    """The images in a pandas table of pixels, read elsewhere; False if it is none."""
    names = [str(column) for column in frame.columns]
    if _pixels_of(names, True, len(names)) is None:
        return False
    frame = frame.copy()
    frame.columns = range(len(names))
    columns = _columns(names, frame, choices, name)
    _take(sink, frame, columns, name, 0, role)
    return True


def _start(name: str, raw: bytes) -> Start | None:
    """None if it is no table of FEWEST columns."""
    cut = raw[: raw.rfind(b"\n") + 1] if len(raw) >= HEAD_BYTES else raw
    text, encoding = read_text(name, cut or raw)
    lines = [line for line in text.splitlines()[:50] if line.strip()]
    if not lines:
        return None
    for separator in SEPARATORS:
        rows = cells(lines, separator)
        if len(rows[0]) >= FEWEST and len({len(row) for row in rows[1:]}) <= 2:
            header = not all(_is_number(cell) for cell in rows[0][1:-1]) or _counts(rows[0])
            return Start(separator, encoding, rows[0], header, rows[1:])
    return None


def _counts(cells: Sequence[str]) -> bool:
    """Whether numbers are names: 0, 1, 2 … as pandas calls columns without any, or 0, 0.1, 0.2 … as
    it calls those whose header, a row of pixels once, says the same again and again.
    """
    seen: Counter[str] = Counter()
    named = 0
    for cell in cells:
        base, dot, again = cell.strip().partition(".")
        named += bool(dot) and again == str(seen[base])
        seen[base] += 1
    in_order = sum(cell.strip() == str(number) for number, cell in enumerate(cells[1:]))
    in_order = max(in_order, sum(c.strip() == str(n) for n, c in enumerate(cells)))
    return max(named, in_order) > len(cells) // 2


def _is_number(text: str) -> bool:
    try:
        float(text or "0")
    except ValueError:
        return False
    return True


def _has_text(start: Start) -> bool:
    """Whether a label may lose something as a number: 007, or letters."""
    rows = start.rows if start.header else [start.first, *start.rows]
    ends = [cell for row in rows for cell in (row[0], row[-1])]
    return any(not _is_number(cell) or re.match(r"0\d", cell) for cell in ends)


def _pixels_of(first: Sequence[str], header: bool, width: int) -> list[int] | None:
    """The columns that are pixels: those that are called so, or all but one or two at the ends."""
    if header:
        called = [c for c, text in enumerate(first) if _PIXEL.match(text.lower())]
        if len(called) >= FEWEST and _square(len(called)):
            return called
        label = named(first, LABELS)
        if label is not None and _square(width - 1):
            return [column for column in range(width) if column != label]
    for aside in (0, 1, 2):
        if _square(width - aside):
            return list(range(aside, width)) if aside < 2 else list(range(1, width - 1))
    return None


def _square(count: int) -> bool:
    return count >= FEWEST and (
        side_of(count) is not None or (count % 3 == 0 and side_of(count // 3) is not None)
    )


def _columns(names: Sequence[str], frame: pd.DataFrame, choices: Choices, name: str) -> Columns:
    pixels = _pixels_of(names, any(names), len(names))
    if pixels is None:
        raise DataError(f"{name} holds no square images", got=f"{len(names)} columns")
    label = chosen(names, choices.label, name)
    split = chosen(names, choices.split, name)
    why = "as chosen at the import"
    rest = [c for c in range(len(names)) if c not in pixels]
    if split is None and (by_name := named([names[c] for c in rest], SPLITS)) is not None:
        split = rest[by_name]
    if label is None:
        by_name = named([names[c] for c in rest], LABELS)
        others = [c for c in rest if c != split]
        if by_name is not None:
            label, why = rest[by_name], "by its name"
        elif any(names) and others:
            label, why = (others[0], "it is no pixel") if len(others) == 1 else (None, "")
        elif others:  # no header: first or last; corners of pictures are mostly all the same
            ends = [0, len(names) - 1]
            spread = [frame.iloc[:, end].nunique() for end in ends]
            label = ends[int(spread[1] > spread[0])]
            why = "of the first and the last column it has more values"
            if len(others) == 1:
                pixels = [c for c in range(len(names)) if c != label]
    elif label in pixels:
        pixels = [c for c in range(len(names)) if c not in (label, split)]
        if not _square(len(pixels)):
            raise DataError(f"{name}: column '{choices.label}' is a pixel")
    return Columns(pixels, label, split, why)


def _describe(
    sink: Sink, columns: Columns, names: Sequence[str], name: str, start: Start, role: Any
) -> None:
    if columns.label is None:
        text = "no column is a label"
    else:
        called = names[columns.label] or f"column {columns.label + 1}"
        text = f"the label is '{called}': {columns.why}"
    header = "with" if start.header else "without"
    sink.why.append(f"{name}: {len(columns.pixels)} pixels a row, {header} a header, {text}")


def _take(
    sink: Sink,
    chunk: pd.DataFrame,
    columns: Columns,
    name: str,
    first: int,
    role: int | None,
) -> None:
    levels, bad = _numbers(chunk.iloc[:, columns.pixels])
    labels = (
        [_text(value) for value in chunk.iloc[:, columns.label]]
        if columns.label is not None
        else [None] * len(chunk)
    )
    official: list[int] = [TRAIN if role in (None, UNLABELLED) else role] * len(chunk)
    if columns.split is not None:
        values = [_text(value) for value in chunk.iloc[:, columns.split]]
        codes, doubt = split_of(Table(name, ("split",), [[v] for v in values], ""), 0)
        if doubt:
            sink.note("warning", "splits", f"{name}: {doubt}")
        official = [min(codes.get(value or "", TRAIN), UNLABELLED - 1) for value in values]
    for row in np.flatnonzero(bad):
        sink.skipped.append((f"{name}/{first + row}", "a pixel in this row is no number"))
    kept = np.flatnonzero(~bad)
    images = levels[kept]
    side = side_of(images.shape[1])
    if side is None:
        side = side_of(images.shape[1] // 3) or 0
        shaped = images.reshape(-1, 3, side, side).transpose(0, 2, 3, 1)
    else:
        shaped = images.reshape(-1, side, side)
    if "emnist" in name.lower():
        shaped = shaped.swapaxes(1, 2)
        text = f"{name}: images are turned, as EMNIST stores them transposed."
        sink.note("note", "pixels", text)
    if len(kept):
        sink.images(
            shaped, [labels[i] for i in kept], name, [official[i] for i in kept], first=first
        )


def _numbers(frame: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Pixels (n, p) of bytes where all are, else float32, and which rows (n,) hold what is no
    number.
    """
    import pandas as pd

    numbers: Any = frame
    if any(getattr(kind, "kind", "O") not in "buif" for kind in frame.dtypes):
        numbers = frame.apply(pd.to_numeric, errors="coerce")
    values: np.ndarray = numbers.to_numpy(np.float32)
    bad: np.ndarray = ~np.asarray(np.isfinite(values).all(1))
    good = values[~bad]
    if good.size and good.min() >= 0 and good.max() <= 255 and (good == np.floor(good)).all():
        return np.where(bad[:, None], 0, values).astype(np.uint8), bad
    return values, bad


def _text(value: Any) -> str | None:
    if value is None or value != value:
        return None
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def _lines(path: Path) -> int:
    """Lines that are not empty."""
    with path.open("rb") as file:
        return sum(1 for line in file if line.strip())
