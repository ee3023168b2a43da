"""Which columns of a text table are pixels, and which the label and the split."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportMissingTypeStubs=false
# (pandas leaves the kinds of its values open.)
from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from engine.data.choices import Choices
from engine.data.forms.columns import LABELS, SPLITS, chosen, named, plain_name
from engine.data.forms.pixel_order import ordered
from engine.data.forms.shapes import side_of
from engine.data.forms.text import SEPARATORS, cells, read_text
from engine.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

HEAD_BYTES = 1 << 20
FEWEST = 36  # pixels
MOST_CLASSES = 100  # in a column each
# Names of columns that number the images, beside pixels without a label.
NUMBERS = frozenset("id ids imageid image_id index idx row row_id number no nr unnamed_0".split())
_PIXEL = re.compile(r"\D*\d+([x_]\d+)?$")  # pixel7, 7, 3x4, px_3_4


class Columns(NamedTuple):
    """Of a table of pixels: the numbers of the pixels' columns, from the picture's first pixel to its
    last, of the label and of the split; of columns a class of which one holds 1; and what to say
    where the pixels had to be put into order.
    """

    pixels: list[int]
    label: int | None
    split: int | None
    why: str
    classes: list[int] = []
    doubt: str = ""


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
        found = start_of("", raw)
    except DataError:
        return False
    return found is not None and pixels_of(found.first, found.header, len(found.first)) is not None


def start_of(name: str, raw: bytes) -> Start | None:
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
    """Whether numbers are names: 0, 1, 2 … as pandas calls columns without any, in any order, or 0,
    0.1, 0.2 … as it calls those whose header, a row of pixels once, says the same again and again.
    """
    numbers = sorted(int(cell) for cell in cells if re.fullmatch(r"\s*\d{1,6}\s*", cell))
    if len(numbers) >= len(cells) - 2 and numbers == list(
        range(numbers[0], numbers[0] + len(numbers))
    ):
        return True
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


def has_text(beginning: Start) -> bool:
    """Whether a label may lose something as a number: 007, or letters."""
    rows = beginning.rows if beginning.header else [beginning.first, *beginning.rows]
    ends = [cell for row in rows for cell in (row[0], row[-1])]
    return any(not _is_number(cell) or re.match(r"0\d", cell) for cell in ends)


def pixels_of(first: Sequence[str], header: bool, width: int) -> list[int] | None:
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
    marks = 0 if header else _marks_at_the_end(first)
    return list(range(width - marks)) if marks else None


def _marks_at_the_end(cells: Sequence[str]) -> int:
    """How many of the last cells of a row may be a column a class, as UCI's Semeion has them: the
    others are a square, and one of these is 1.
    """
    for count in range(3, MOST_CLASSES):
        numbers = [float(cell or 0) for cell in cells[-count:]]
        if _square(len(cells) - count) and sorted(numbers) == [0] * (count - 1) + [1]:
            return count
    return 0


def _square(count: int) -> bool:
    return count >= FEWEST and (
        side_of(count) is not None or (count % 3 == 0 and side_of(count // 3) is not None)
    )


def columns_in(names: Sequence[str], frame: pd.DataFrame, choices: Choices, name: str) -> Columns:
    """Which columns of a table of pixels are what. names: of its columns, '' where it has no header;
    frame: its first rows. Raises DataError for a chosen column that is not there or is a pixel.
    """
    first = names if any(names) else [str(value) for value in frame.iloc[0]]
    pixels = pixels_of(first, any(names), len(names))
    if pixels is None:
        raise DataError(f"{name} holds no square images", got=f"{len(names)} columns")
    if pixels[0] == 0 and len(names) - len(pixels) > 2 and not any(names):
        classes = list(range(len(pixels), len(names)))
        why = f"the one of the last {len(classes)} columns that holds 1"
        return Columns(pixels, None, None, why, classes)
    label = chosen(names, choices.label, name)
    split = chosen(names, choices.split, name)
    why = "as chosen in the import settings"
    rest = [c for c in range(len(names)) if c not in pixels]
    if split is None and (by_name := named([names[c] for c in rest], SPLITS)) is not None:
        split = rest[by_name]
    if label is None:
        by_name = named([names[c] for c in rest], LABELS)
        others = [c for c in rest if c != split and not _numbers_images(names[c], frame.iloc[:, c])]
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
    pixels, doubt = ordered(pixels, names)
    return Columns(pixels, label, split, why, doubt=doubt)


def _numbers_images(name: str, values: pd.Series) -> bool:
    """Whether a column is called like a number of the image, and says something else of each."""
    return plain_name(name) in NUMBERS and values.nunique() == len(values) > 1
