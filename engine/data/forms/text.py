"""Tables in text files: separators, encodings and headers found out."""

from __future__ import annotations

import codecs
import csv
import io
import itertools
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from engine.data.listing import Finding
from engine.data.names import guess_encoding
from engine.errors import DataError

LOOKED_AT = 100  # lines that tell the separator
SEPARATORS = (",", "\t", ";", "|", " ")
MOST_CELL = 10_000_000  # characters
MOST_LINE = 10_000_000  # bytes of a line that holds an image's pixels or strokes
MOST_LINES = 30_000_000
MOST_MEMORY = 4_000_000_000  # bytes that a table takes as Python's values
ROW_BYTES, CELL_BYTES = 80, 60  # of main memory that a row and a short text take
_NEW_LINES = "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"
# Bytes that no encoding has within a character: what stands between them counts once.
_BETWEEN = re.compile(rb"[\s,;:\"']+")
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


class Table(NamedTuple):
    """Rows of as many texts as there are columns. None stands for a cell that is not there.

    columns  their names; '' where the file has none
    how      what it was read as, in words
    broken   (row, reason) of rows that fit no columns, counted from 1 without the header
    guessed  the encoding, where nothing says it
    doubts   what does not fit in the file, in sentences
    """

    name: str
    columns: tuple[str, ...]
    rows: Sequence[Sequence[str | None]]
    how: str
    broken: tuple[tuple[int, str], ...] = ()
    guessed: str = ""
    doubts: tuple[str, ...] = ()


def read_text(name: str, raw: bytes) -> tuple[str, str]:
    """A file's text, and its encoding: by its mark, UTF-8, or the likeliest. Raises DataError."""
    encoding = next((name for mark, name in _MARKS if raw.startswith(mark)), "")
    if not encoding:
        head = raw[:400]
        encoding = "utf-8"
        if head.count(0) > len(head) // 4:  # every other byte: UTF-16 without its mark
            encoding = "utf-16-le" if raw[1:2] == b"\0" else "utf-16-be"
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError:
        encoding = guess_encoding(_BETWEEN.split(raw))
        text = raw.decode(encoding, "replace")
    if "\0" in text:
        raise DataError(f"{name} is no text", got="null bytes")
    lines = sum(text.count(sign) for sign in _NEW_LINES)
    if lines > MOST_LINES:
        raise DataError(f"{name} has {lines:,} lines", expected=f"at most {MOST_LINES:,}")
    return text, encoding.removesuffix("-sig")


def doubt_encoding(name: str, encoding: str, texts: Iterable[str | None]) -> list[Finding]:
    """What to say of a table whose encoding was guessed, with some of its texts; nothing of UTF-8
    and UTF-16, which are seen.
    """
    if encoding.startswith(("utf", "ascii")):
        return []
    there = (text.strip() for text in texts if text and not text.isascii())
    shown = list(itertools.islice(dict.fromkeys(there), 5))
    gives = f", which gives {', '.join(shown)}" if shown else ""
    text = (
        f"{name} is not in UTF-8 and nothing says in which encoding: {encoding} was guessed{gives}. If"
        " that is wrong, save it as UTF-8."
    )
    return [Finding("warning", "names", text)]


def separated(name: str, text: str, most_memory: int = MOST_MEMORY) -> tuple[str, list[list[str]]]:
    """The separator that a table's lines agree on most, and its rows; '' if each line is one cell.

    Raises DataError if a cell is too long, or the cells would take more bytes than `most_memory`.
    """
    csv.field_size_limit(MOST_CELL)
    text, said = _without_preamble(text)
    head = _head(text)
    best, separator = (0.0, 0), ""
    for one in (said,) if said else SEPARATORS:
        widths = [len(row) for row in _rows(head, one, name) if row]
        common = max(set(widths), key=widths.count, default=1)
        if common > 1:
            score = (round(widths.count(common) / len(widths), 1), common if one != " " else 0)
            best, separator = max((best, separator), (score, one))
    if not separator or best[0] < 0.5:
        return "", [[line.strip()] for line in text.splitlines() if line.strip()]
    rows = _rows(text, separator, name, most_memory)
    if separator == " ":
        rows = [[cell for cell in row if cell] for row in rows]
    return separator, [row for row in rows if any(cell.strip() for cell in row)]


def _without_preamble(text: str) -> tuple[str, str]:
    """A table without the comments in front of it and without Excel's line 'sep=;', and the
    separator which that names; '' if there is none.
    """
    while text.startswith("#"):
        line, _, rest = text.partition("\n")
        if not rest or any(sign in line for sign in ",;\t|") and not rest.startswith("#"):
            break  # it may be the header
        text = rest
    line, _, rest = text.partition("\n")
    said = line.rstrip("\r").strip('"')
    if said.lower().startswith("sep=") and len(said) == 5:
        return rest, said[-1]
    return text, ""


def _head(text: str) -> str:
    """The first lines, complete ones only."""
    lines = text[:400_000].splitlines()[:LOOKED_AT]
    return "\n".join(lines) + "\n"


def _rows(text: str, separator: str, name: str, most_memory: int = MOST_MEMORY) -> list[list[str]]:
    try:
        lines = io.StringIO(text, newline="")
        # 1.png, "A": quotes behind a space are quotes, too
        rows: list[list[str]] = []
        taken = 0
        for row in csv.reader(lines, delimiter=separator, skipinitialspace=True):
            taken += ROW_BYTES + CELL_BYTES * len(row)
            check_memory(name, taken, most_memory)
            rows.append(row)
        return rows
    except csv.Error as error:
        raise DataError(f"{name} can't be read as a table", got=str(error)) from None


def check_memory(name: str, size: int, most: int = MOST_MEMORY) -> None:
    """Raise DataError if a table would take more than `most` bytes as Python's values."""
    if size > most:
        raise DataError(
            f"{name} holds more cells than fit into main memory",
            expected=f"at most {most / 1e9:,.0f} GB of them",
            hint="Split it, or save it as Parquet.",
        )


def count_lines(name: str, path: Path) -> int:
    """Lines of a file that are not empty. Raises DataError if one is longer than MOST_LINE."""
    count = 0
    with path.open("rb") as file:
        while line := file.readline(MOST_LINE + 1):
            if len(line) > MOST_LINE:
                raise DataError(
                    f"{name} has a line of more than {MOST_LINE / 1e6:,.0f} MB",
                    hint="A line is an image: this one is longer than any.",
                )
            count += bool(line.strip())
    return count


def cells(lines: Sequence[str], separator: str) -> list[list[str]]:
    """The cells of some lines. Raises DataError."""
    rows = _rows("\n".join(lines), separator, "the table")
    return [[cell.strip() for cell in row if cell or separator != " "] for row in rows]


def in_words(separator: str, encoding: str, header: bool) -> str:
    """How a table was read."""
    signs = {
        ",": "commas",
        "\t": "tabs",
        ";": "semicolons",
        "|": "bars",
        " ": "spaces",
        "": "lines",
    }
    return f"{signs[separator]}, {encoding}, {'with' if header else 'without'} a header"


def squared(
    rows: Sequence[Sequence[str]], width: int
) -> tuple[list[Sequence[str | None]], list[tuple[int, str]]]:
    """Rows of `width` cells, and those that have more, with the reason; missing cells are None."""
    out: list[Sequence[str | None]] = []
    broken: list[tuple[int, str]] = []
    for number, row in enumerate(rows, 1):
        if len(row) > width and any(cell.strip() for cell in row[width:]):
            broken.append((number, f"it has {len(row)} cells instead of {width}"))
            continue
        out.append([*row[:width], *[None] * (width - len(row))])
    return out, broken
