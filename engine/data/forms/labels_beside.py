"""Labels in a text file of their own beside arrays of images: labels.csv, y.txt, labels.json, a label
a line.
"""

# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
# (JSON leaves the kinds of its values open.)
from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

import numpy as np

from engine.data.forms.text import read_text
from engine.errors import DataError

_CALLED = re.compile(r"([^/]*[_\W\d])?(y|labels?|targets?)([_\W\d][^/]*)?\.(csv|tsv|txt|json)")
_MORE = re.compile(rb"[,;\t|\0]")


def is_label_text(name: str, head: bytes) -> bool:
    """Whether a file is called like labels, and begins as one column or as a list in JSON."""
    last = name.lower().rpartition("/")[2]
    if not _CALLED.fullmatch(last):
        return False
    if last.endswith(".json"):
        return head.lstrip().startswith(b"[")
    return bool(head.strip()) and not _MORE.search(head[:4000])


def labels_beside(
    about: Mapping[str, bytes], counts: Sequence[int]
) -> list[tuple[str, np.ndarray]]:
    """The labels (N,) in such files by their names, where N is one of the `counts` of images; a
    first line above as many is a header.
    """
    found: list[tuple[str, np.ndarray]] = []
    for name, raw in sorted(about.items()):
        if not is_label_text(name, raw):
            continue
        try:
            values = _values(name, raw)
        except (DataError, ValueError, RecursionError):
            continue
        if len(values) not in counts and len(values) - 1 in counts:
            values = values[1:]
        if values and len(values) in counts:
            found.append((name, np.array(values)))
    return found


def _values(name: str, raw: bytes) -> list[str]:
    text, _ = read_text(name, raw)
    if not name.lower().endswith(".json"):
        lines = text.rstrip().splitlines()  # an empty line within is a label that is not there
        return [line.strip().strip('"') for line in lines]
    try:
        values = json.loads(text)
    except RecursionError:
        return []
    if not isinstance(values, list) or not all(isinstance(one, str | int) for one in values):
        return []
    return [str(one) for one in values]
