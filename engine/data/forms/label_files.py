"""A file beside each picture that says its class: 000.cls or 000.txt beside 000.png, as WebDataset
has them in its shards, or labels/000.txt beside images/000.png.
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false
# (JSON leaves the kinds of its values open.)
from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from engine.data.file_list import Files
from engine.data.forms.columns import LABELS, plain_name
from engine.data.forms.labels import plain_labels
from engine.data.forms.manifest import Named, classes_by_folders
from engine.data.forms.text import read_text
from engine.data.layout import Layout
from engine.data.listing import TRAIN
from engine.data.roles import UNLABELLED, splits_by_folders
from engine.errors import DataError

ENDINGS = (".cls", ".class", ".label", ".lbl", ".txt", ".json", ".xml")  # the first counts
ENOUGH = 0.9  # share of the pictures that have such a file
MOST_BYTES = 1_000_000  # of one
LONGEST = 60  # characters of a class; what is longer is a sentence
EACH = 2  # chosen: pictures of a class, on average, from which texts are classes
_PICTURES = frozenset("images image imgs img jpegimages pictures photos".split())
_LABELS = frozenset("labels label annotations annotation annots gt classes targets xmls".split())
_BOX = re.compile(r"-?\d+(\s+-?[\d.]+(e-?\d+)?){4,}", re.IGNORECASE)  # YOLO: class x y w h
_BOXES = "\n"  # stands for a file that gives boxes: no class holds it


def by_label_files(files: Files, pictures: Sequence[int], rest: Sequence[int]) -> Named | None:
    """The layout of the pictures at some positions by the files among the `rest` that say their
    classes; None if there are none, or if folders say the classes.

    Raises DataError where they say something else: boxes in the pictures, or a text of its own for
    each.
    """
    names = [files.names[i] for i in pictures]
    beside = _beside(names, files, rest)
    if not beside or classes_by_folders(names):
        return None
    labels = [_label(files, beside[n]) if n in beside else None for n in range(len(names))]
    first = files.names[beside[min(beside)]]
    if _BOXES in labels:
        raise DataError(
            f"{first} gives places in its picture, not the class of all of it",
            expected="one class for each picture",
            hint="Cut the characters out into a folder for each class, or say at the import that the"
            " images have no labels.",
        )
    labels, findings = plain_labels(labels)
    given = [label for label in labels if label is not None]
    different = len(set(given))
    if not given or max(map(len, given)) > LONGEST or different > max(2, len(given) // EACH):
        raise DataError(
            f"the texts beside the pictures ({first} …) are no classes",
            expected="the same few texts again and again",
            got=f"{different:,} different ones of {len(given):,}",
            hint="Put the pictures into class folders, or say at the import that they have no labels.",
        )
    splits = splits_by_folders(names, range(len(names)))
    ending = first.rpartition(".")[2]
    layout = Layout(
        list(range(len(names))),
        names,
        labels,
        [min(splits.get(n, TRAIN), UNLABELLED - 1) for n in range(len(names))],
        [],
        f"a .{ending} file beside each picture",
        f"{first} and its like hold a class each",
        tuple(findings),
    )
    return Named(layout, tuple(files.names[i] for i in sorted(beside.values())))


def _beside(names: Sequence[str], files: Files, rest: Sequence[int]) -> dict[int, int]:
    """The file of each picture, of the first ending that nearly all have; none if there is none."""
    by_ending: dict[str, dict[tuple[str, str], int]] = {}
    for i in rest:
        ending = f".{files.names[i].rpartition('.')[2].lower()}"
        if ending in ENDINGS:
            by_ending.setdefault(ending, {})[_key(files.names[i])] = i
    for ending in ENDINGS:
        there = by_ending.get(ending, {})
        found = {
            n: there[key]
            for n, name in enumerate(names)
            if len(there) >= ENOUGH * len(names) and (key := _key(name)) in there
        }
        if len(found) >= ENOUGH * len(names) and len(set(found.values())) == len(found):
            return found
    return {}


def _key(name: str) -> tuple[str, str]:
    """What a picture and its label have in common: the folder, with one word for images/ and
    labels/, and the name without its ending.
    """
    folder, _, last = name.rpartition("/")
    parts = folder.split("/") if folder else []
    same = ["*" if part.lower() in _PICTURES | _LABELS else part for part in parts]
    return "/".join(part for part in same if part != "*"), last.rpartition(".")[0]


def _label(files: Files, index: int) -> str | None:
    """What a file says: a class, _BOXES, or None if it is empty or can't be read."""
    name = files.names[index]
    try:
        text, _ = read_text(name, files.reader.read(index, MOST_BYTES))
    except (OSError, DataError):
        return None
    if name.lower().endswith(".xml"):
        return _BOXES
    if name.lower().endswith(".json"):
        try:
            return _in_json(json.loads(text))
        except (ValueError, RecursionError):
            return None
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if lines and all(map(_BOX.fullmatch, lines)):
        return _BOXES
    return " ".join(lines) or None


def _in_json(value: Any) -> str | None:
    if isinstance(value, str | int):
        return str(value)
    if not isinstance(value, dict):
        return None
    if isinstance(value.get("shapes"), list) and value["shapes"]:  # LabelMe
        return _BOXES
    flags = value.get("flags")
    marked = [key for key, one in flags.items() if one is True] if isinstance(flags, dict) else []
    if len(marked) == 1:
        return marked[0]
    there = {plain_name(key): one for key, one in value.items() if isinstance(one, str | int)}
    return next((str(there[word]) for word in LABELS if word in there), None)
