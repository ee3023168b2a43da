"""MATLAB's cell arrays and arrays of structs, as scipy loads them, as plain arrays."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownParameterType=false
# (scipy leaves the kinds of its values open.)
from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from engine.data.forms.shapes import is_picture

DEEPEST = 6  # structs and cells within each other
Value = tuple[str, Any]


def flattened(prefix: str, value: Any, depth: int = 0) -> Iterator[Value]:
    """The arrays in a loaded value with their names, and what is none of them as it is.

    A cell array of numbers or of texts is an array of them, and one of pictures an array (N, h, w),
    or objects (N,) where their sizes differ. An array of structs is an array for each field, and a
    cell array whose columns hold different things one for each column. Cells of cells of pictures,
    and a table (K, M) of them, stay lists of K lists: a class each.
    """
    if isinstance(value, dict) and depth < DEEPEST:
        for key, inner in value.items():
            if not str(key).startswith("__"):
                yield from flattened(f"{prefix}/{key}", inner, depth + 1)
        return
    if not _is_cells(value):
        yield prefix, value
        return
    cells = list(value)
    if all(isinstance(one, dict) for one in cells):
        for key in cells[0] if depth < DEEPEST else ():
            field = [one.get(key) for one in cells]
            yield from flattened(f"{prefix}/{key}", field, depth + 1)
    elif len({_kind(column) for column in _columns(value)}) > 1:
        for number, column in enumerate(_columns(value), 1):
            yield from flattened(f"{prefix}(:,{number})", column, depth + 1)
    elif all(map(_is_cells, cells)):
        rows = [[one for one in row if np.size(one)] for row in cells]
        yield prefix, rows if all(_kind(row) == "images" for row in rows if row) else cells
    else:
        yield prefix, joined(cells)


def in_words(value: Any) -> str:
    """What a value is, for messages."""
    if isinstance(value, np.ndarray) and value.dtype != object:
        return f"{value.shape} {value.dtype}"
    if _is_cells(value):
        kinds = sorted({type(one).__name__ for one in value})
        return f"{len(value):,} cells of {', '.join(kinds[:3])}"
    return type(value).__name__


def _is_cells(value: Any) -> bool:
    is_objects = isinstance(value, np.ndarray) and value.dtype == object and value.ndim > 0
    return (isinstance(value, list) or is_objects) and len(value) > 0


def _columns(value: Any) -> list[list[Any]]:
    """The columns of a cell array (n, m); none of any other."""
    if not isinstance(value, np.ndarray) or value.ndim != 2:
        return []
    return [list(column) for column in value.T]


def joined(cells: Sequence[Any]) -> Any:
    """Cells as one array; as they are where they hold different things, or nothing."""
    kind = _kind(cells)
    if kind == "numbers":
        return np.array(cells)
    if kind == "texts":
        return np.array([one if isinstance(one, str) else "" for one in cells])
    if kind != "images":
        return cells
    if len({(one.shape, one.dtype) for one in cells}) == 1:
        return np.stack(cells)
    images = np.empty(len(cells), object)
    for number, one in enumerate(cells):
        images[number] = one
    return images


def _kind(cells: Sequence[Any]) -> str:
    """'numbers', 'texts' or 'images', of which some may be empty; 'others' of any other cells."""
    filled = [one for one in cells if np.size(one)]  # [] and '' are arrays of nothing
    if filled and all(isinstance(one, str) for one in filled):
        return "texts"
    if filled and all(isinstance(one, int | float | np.number) for one in cells):
        return "numbers"
    if filled and all(map(is_picture, filled)):
        return "images"
    return "others"
