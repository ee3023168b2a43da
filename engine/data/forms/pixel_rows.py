"""Pixels in text tables, a row an image, as Kaggle's digit recogniser has them."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownParameterType=false
# pyright: reportMissingTypeStubs=false
# (pandas leaves the kinds of its values open.)
from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from engine.data.choices import Choices
from engine.data.forms.columns import roles_in, split_of
from engine.data.forms.pixel_columns import (
    HEAD_BYTES,
    Columns,
    Start,
    columns_in,
    has_text,
    pixels_of,
    start_of,
)
from engine.data.forms.several import doubt_several
from engine.data.forms.shapes import side_of
from engine.data.forms.sink import Sink
from engine.data.forms.text import Table, count_lines, doubt_encoding, read_text
from engine.data.listing import TRAIN
from engine.data.roles import UNLABELLED, role_of
from engine.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

ROWS = 4_000  # at a time
# Endings that say the split: UCI's optdigits.tra and .tes; zip.train and zip.test, as USPS.
_SPLITS = {"tra": "train", "tes": "test", "train": "train", "test": "test"}


class Labels(NamedTuple):
    """A file of labels alone, a line an image, and the split that its name says."""

    name: str
    values: tuple[str, ...]
    role: int | None


def read_pixel_tables(
    files: Sequence[tuple[str, Path]], sink: Sink, choices: Choices, about: Mapping[str, bytes]
) -> None:
    """The images of text tables. Raises DataError.

    about  contents of files beside them by name, among them files of labels alone
    """
    beside = [_labels_in(name, raw) for name, raw in sorted(about.items()) if is_labels(name, raw)]
    used = {_read_table(path, name, sink, choices, beside) for name, path in files}
    for one in beside:
        if one not in used:
            text = (
                f"{one.name} is not read: no table holds the pixels of {len(one.values):,} images."
            )
            sink.note("warning", "files", text)
    doubt_several([name for name, _ in files], sink)


def is_labels(name: str, head: bytes) -> bool:
    """Whether a file is called like labels, csvTrainLabel.csv, and begins as one column."""
    last = name.lower().rpartition("/")[2]
    called = "label" in last and last.endswith((".csv", ".tsv", ".txt"))
    return called and not any(sign in head[:4000] for sign in b",;\t|\0")


def _labels_in(name: str, raw: bytes) -> Labels:
    text, _ = read_text(name, raw)
    lines = [line.strip().strip('"') for line in text.splitlines() if line.strip()]
    return Labels(name, tuple(lines), _role(name))


def _role(name: str) -> int | None:
    """The split that a file's name or ending says."""
    stem, _, ending = name.rpartition("/")[2].rpartition(".")
    role = role_of(stem) or role_of(_SPLITS.get(ending.lower(), ""))
    return role and role.code


def _read_table(
    path: Path, name: str, sink: Sink, choices: Choices, beside: Sequence[Labels]
) -> Labels | None:
    """Put the images of one table into the sink; returns the labels that lie apart from it."""
    import pandas as pd

    with path.open("rb") as file:
        start = start_of(name, file.read(HEAD_BYTES))
    assert start is not None  # is_pixel_table has seen it
    names = start.first if start.header else [""] * len(start.first)
    role, lines, apart = _role(name), count_lines(name, path) - start.header, None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of columns whose kind changes: they are looked at below
        reader = pd.read_csv(
            path,
            sep=start.separator if start.separator != " " else r"\s+",
            header=0 if start.header else None,
            encoding=start.encoding,
            encoding_errors="replace",
            chunksize=ROWS,
            dtype=object if has_text(start) else None,
            on_bad_lines="skip",
            keep_default_na=False,
            na_values=[""],
        )
        columns: Columns | None = None
        done = 0
        with reader:  # which is open otherwise where a row is refused
            for chunk in reader:
                if columns is None:
                    columns = columns_in(names, chunk, choices, name)
                    if columns.label is None:
                        apart = _fitting(beside, lines, role)
                    _describe(sink, columns, names, name, start, apart)
                labels = apart and apart.values[-lines:][done : done + len(chunk)]
                _take(sink, chunk, columns, name, done, role, labels)
                done += len(chunk)
    if lines > done and apart:
        raise DataError(f"{name} has rows of another length: {apart.name} does not fit it")
    if lines > done:
        sink.skipped.append((name, f"{lines - done:,} rows have more cells than the others"))
    return apart


def _fitting(beside: Sequence[Labels], count: int, role: int | None) -> Labels | None:
    """The labels of as many images, below a header or not, and of the same split."""
    same = [one for one in beside if one.role == role]
    return next((one for one in same if len(one.values) in (count, count + 1)), None)


def take_frame(frame: Any, name: str, sink: Sink, choices: Choices, role: int | None) -> bool:
    """The images in a pandas table of pixels, read elsewhere; False if it is none."""
    names = [str(column) for column in frame.columns]
    if pixels_of(names, True, len(names)) is None:
        return False
    frame = frame.copy()
    frame.columns = range(len(names))
    columns = columns_in(names, frame, choices, name)
    _note_order(sink, columns, name)
    _take(sink, frame, columns, name, 0, role)
    return True


def _note_order(sink: Sink, columns: Columns, name: str) -> None:
    if columns.doubt:
        sink.note("note", "tables", f"{name}: {columns.doubt}")


def _describe(
    sink: Sink,
    columns: Columns,
    names: Sequence[str],
    name: str,
    start: Start,
    apart: Labels | None,
) -> None:
    _note_order(sink, columns, name)
    cells = [cell for row in (start.first, *start.rows) for cell in row if not cell.isascii()]
    for finding in doubt_encoding(name, start.encoding, cells):
        sink.note(*finding)
    label = columns.label
    text = f"the labels are in {apart.name}" if apart else "no column is a label"
    text = f"the label is {columns.why}" if columns.classes else text
    if label is not None:
        text = f"the label is '{names[label] or f'column {label + 1}'}': {columns.why}"
    found = roles_in(names, {"label": columns.label, "split": columns.split})
    sink.roles = found._replace(columns=tuple(np.delete(found.columns, columns.pixels).tolist()))
    header = "with a" if start.header else "without a"
    sink.why.append(f"{name}: {len(columns.pixels)} pixels a row, {header} header, {text}")


def _take(
    sink: Sink,
    chunk: pd.DataFrame,
    columns: Columns,
    name: str,
    first: int,
    role: int | None,
    apart: Sequence[str] | None = None,
) -> None:
    levels, bad = _numbers(chunk.iloc[:, columns.pixels])
    labels: list[str | None] = list(apart or ()) or [None] * len(chunk)
    if columns.classes:
        marks, _ = _numbers(chunk.iloc[:, columns.classes])
        single = (marks == 1).sum(1) == 1
        labels = [str(n) if one else None for n, one in zip(marks.argmax(1), single, strict=True)]
    if columns.label is not None:
        labels = [_text(value) for value in chunk.iloc[:, columns.label]]
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
