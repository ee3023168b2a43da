"""Cells of Parquet and Arrow tables as pictures and labels, in the shapes that Hugging Face's `datasets`
gives them: structs of bytes and path, lists of one picture, lists of numbers; class numbers, lists of
one label, one-hot lists, structs with a name.
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from engine.data.forms.records import as_text

NAMING = ("name", "label_name", "label", "class", "text", "value")  # fields that name a class
NO_PICTURE = "it holds no picture"
NOT_INSIDE = "its bytes are not in the table"
PATHS_ALONE = (
    "The table holds paths alone. `save_to_disk`, `to_parquet` and `push_to_hub` of `datasets` put the"
    " pictures into it."
)


def picture_in(value: Any) -> tuple[bytes | np.ndarray | None, str, str]:
    """The bytes or pixels of a cell, None where it holds no picture; its path, if it has one; and
    why there is none.
    """
    if isinstance(value, list) and value and isinstance(value[0], dict | bytes):
        if len(value) == 1:
            return picture_in(value[0])
        return None, "", f"it holds {len(value)} pictures: an image of a data set is one"
    if isinstance(value, dict):
        raw, path = value.get("bytes") or None, str(value.get("path") or "")
        return raw, path, NOT_INSIDE if path else NO_PICTURE
    if isinstance(value, bytes):
        return (value or None), "", NO_PICTURE
    if isinstance(value, list) and value:
        array = np.asarray(value)
        return (array if array.dtype.kind in "buif" else None), "", NO_PICTURE
    return None, "", NO_PICTURE


def label_in(value: Any, classes: Sequence[str]) -> tuple[str | None, bool]:
    """The label of a cell, None where it has none; and whether it holds several classes, so that it
    has no one label. classes: the names of class numbers, empty where nothing lists them.
    """
    if isinstance(value, dict):
        value = next((value[key] for key in NAMING if value.get(key) is not None), None)
    if isinstance(value, list):
        if len(value) > 1 and _is_one_hot(value, classes):
            value = value.index(max(value))
        elif len(value) > 1:
            return None, True
        else:
            value = value[0] if value else None
    if isinstance(value, int) and not isinstance(value, bool) and classes:
        return (classes[value] if 0 <= value < len(classes) else None), False
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    return as_text(value), False


def _is_one_hot(values: list[Any], classes: Sequence[str]) -> bool:
    """Whether a list has a place for each class, with 1 in one of them and 0 in the others."""
    if not all(isinstance(one, int | float) for one in values):
        return False
    if classes and len(values) != len(classes):
        return False
    return sorted(values) == [0] * (len(values) - 1) + [1] and (len(values) > 2 or bool(classes))
