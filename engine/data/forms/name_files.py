"""Files that list names of classes by number: classes.txt, mapping.csv, class_indices.json,
data.yaml.
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false
# (JSON and YAML leave the kinds of their values open.)
from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from engine.data.forms.columns import plain_name
from engine.data.forms.text import read_text, separated
from engine.data.names import composed
from engine.data.roles import words_of
from engine.files.checked import texts_of_yaml
from engine.imaging.formats import is_picture

MOST_BYTES = 1_000_000  # of such a file
LONGEST = 80  # characters of a name; what is longer is a sentence
YAML = (".yaml", ".yml")
ENDINGS = (".txt", ".csv", ".tsv", ".json", ".names", ".lst", *YAML)
_CALLED = frozenset(
    "class classes classname classnames classmap label labels labelmap name names map mapping index"
    " indices category categories synset synsets symbol symbols character characters alphabet legend"
    " codebook".split()
)
# Keys of a JSON or YAML object below which the names are; id2label as transformers writes it.
_KEYS = tuple(
    "names classes class_names label_names labels categories id2label idx_to_class class_to_idx"
    " label_map mapping".split()
)
_NUMBERS = tuple("index idx id label_id class_id classid symbol_id label class number code".split())
_NAMES = tuple(
    "char character symbol letter latex name class_name classname label_name category_name sign_name"
    " signname label class category description".split()
)


class ClassList(NamedTuple):
    """Class name by label, as the file of this name lists them; `counted` where they are numbered by
    their places alone, from 0.
    """

    file: str
    names: dict[int, str]
    counted: bool

    def names_of(self, numbers: set[int]) -> dict[int, str] | None:
        """Names of all these labels, from a list that may be counted from 1; None if it lacks some,
        or if it is longer and its file may be about something else.
        """
        if self.counted and min(numbers) == 1 and max(numbers) == len(self.names):
            return {number + 1: name for number, name in self.names.items()}
        stem = self.file.rpartition("/")[2].rpartition(".")[0]
        meant = not self.counted or max(numbers) + 1 == len(self.names)
        meant = meant or words_of(stem) <= _CALLED
        return self.names if meant and numbers <= self.names.keys() else None


def list_in(name: str, raw: bytes) -> ClassList | None:
    """The names that a file lists; None if it lists none. Raises DataError if it is no text."""
    lower = name.lower()
    text, _ = read_text(name, raw)
    if lower.endswith(YAML):
        found = _in_value(texts_of_yaml(text))
    elif lower.endswith(".json"):
        try:
            found = _in_value(json.loads(text))
        except (ValueError, RecursionError):
            return None
    else:
        found = _in_table(name, text)
    if found is None:
        return None
    names, counted = found
    names = {number: composed(one.strip()) for number, one in names.items()}
    short = all(0 < len(one) <= LONGEST for one in names.values())
    if len(names) < 2 or not short or len(set(names.values())) < len(names):
        return None
    if any(map(is_picture, names.values())):
        return None
    return ClassList(name, names, counted)


def is_called_so(name: str) -> bool:
    """Whether a file's name says that it lists classes."""
    stem, _, ending = name.rpartition("/")[2].rpartition(".")
    if f".{ending.lower()}" not in ENDINGS:
        return False
    return bool(words_of(stem) & _CALLED) or f".{ending.lower()}" in YAML


def is_list(name: str, rows: Sequence[Sequence[str | None]]) -> bool:
    """Whether the rows of a table, the first its header ('' for cells of none), list names of
    classes.
    """
    if not is_called_so(name):
        return False
    cells = [[cell or "" for cell in row] for row in rows if any(row)]
    if any(is_picture(cell) for row in cells for cell in row):
        return False
    found = _in_rows(cells, "mapping" in name.lower())
    names = list(found[0].values()) if found else []
    return len(set(names)) == len(names) > 1


def _in_value(value: Any, depth: int = 0) -> tuple[dict[int, str], bool] | None:
    """Names by number in what a JSON or YAML file holds, and whether their places number them."""
    if isinstance(value, list):
        if value and all(isinstance(one, str) for one in value):
            return None if all(map(is_number, value)) else (dict(enumerate(value)), True)
        if value and all(isinstance(one, dict) for one in value):
            return _in_records(value)
        return None
    if not isinstance(value, dict) or depth > 2:
        return None
    texts = {str(key): one for key, one in value.items() if isinstance(one, str | int)}
    if len(texts) == len(value) > 0:
        if all(map(is_number, texts)) and not all(is_number(one) for one in texts.values()):
            return {int(key): str(one) for key, one in texts.items()}, False
        if all(is_number(one) for one in texts.values()) and not all(map(is_number, texts)):
            by_number = {int(one): key for key, one in texts.items()}
            return (by_number, False) if len(by_number) == len(texts) else None
    keys = {plain_name(str(key)): one for key, one in value.items()}
    return next(
        (found for key in _KEYS if key in keys and (found := _in_value(keys[key], depth + 1))),
        None,
    )


def _in_records(records: Sequence[Mapping[str, Any]]) -> tuple[dict[int, str], bool] | None:
    columns = list(records[0])
    if any(list(one) != columns for one in records):
        return None
    rows = [[str(one[column]) for column in columns] for one in records]
    return _in_rows([columns, *rows])


def _in_table(name: str, text: str) -> tuple[dict[int, str], bool] | None:
    separator, rows = separated(name, text)
    if separator and (found := _in_rows(rows, "mapping" in name.lower())):
        return found
    if separator not in ("", " ") and name.lower().endswith((".csv", ".tsv")):
        return None
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    numbers = all(is_number(part) for line in lines for part in line.split())
    return None if numbers else (dict(enumerate(lines)), True)


def _in_rows(
    rows: Sequence[Sequence[str]], may_be_codes: bool = False
) -> tuple[dict[int, str], bool] | None:
    """Names by number in rows of cells, of which the first may be a header."""
    width = len(rows[0]) if rows else 0
    if width < 2 or len(rows) < 2 or any(len(row) != width for row in rows):
        return None
    header = [plain_name(cell) for cell in rows[0]]
    is_header = not any(map(is_number, rows[0]))
    body = rows[1:] if is_header else rows
    columns = range(width)
    numbered = [
        c
        for c in columns
        if all(is_number(row[c]) for row in body) and len({row[c] for row in body}) == len(body)
    ]
    if not numbered:
        return None
    own = _first(header, _NUMBERS, numbered) if is_header else numbered[0]
    others = [c for c in columns if c != own and not all(is_number(row[c]) for row in body)]
    if not others and may_be_codes:  # EMNIST's 'label code code', a Unicode number
        codes = {int(row[own]): int(row[1 if own == 0 else 0]) for row in body}
        if all(32 < code < 0x110000 for code in codes.values()):
            return {number: chr(code) for number, code in codes.items()}, False
    if not others:
        return None
    named = _first(header, _NAMES, others) if is_header else others[-1]
    return {int(row[own]): row[named] for row in body}, False


def _first(header: Sequence[str], words: Sequence[str], columns: Sequence[int]) -> int:
    """Of some columns, the one whose name is the first of these words that any has; else the first."""
    by_name = {header[c]: c for c in reversed(columns)}
    return next((by_name[word] for word in words if word in by_name), columns[0])


def is_number(cell: Any) -> bool:
    """Whether a cell is a whole number that may be a label."""
    text = str(cell).strip()
    return text.isascii() and text.isdigit() and len(text) < 10
