"""MATLAB's files up to version 7: arrays, structs and cell arrays of images."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false
# (scipy leaves the kinds of its values open.)
from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from engine.data.archive import CUT_SHORT
from engine.data.choices import Choices
from engine.data.forms.arrays import none_found, take_arrays
from engine.data.forms.cells import flattened, in_words, joined
from engine.data.forms.class_axis import with_class_arrays, with_class_axes
from engine.data.forms.matlab_sizes import check_sizes
from engine.data.forms.named_arrays import Named
from engine.data.forms.shapes import as_images, as_labels
from engine.data.forms.sink import Sink
from engine.data.listing import Finding
from engine.errors import DataError

# Whose label 10 is the digit 0: SVHN's cropped digits, and the exercises of Ng's course, whose images
# (N, 400) are stored column after column.
_BY_COLUMNS = re.compile(r"(^|/)ex[34]data\d?\.mat/")
_DIGITS = re.compile(rf"(^|/)(train|test|extra)_32x32\.mat/|{_BY_COLUMNS.pattern}")


def read_matlab(
    files: Sequence[tuple[str, Path]], sink: Sink, choices: Choices, about: Mapping[str, bytes]
) -> None:
    """The images in .mat files up to version 7. Raises DataError."""
    arrays: list[Named] = []
    classes: list[tuple[str, list[list[np.ndarray]]]] = []
    others: list[str] = []
    for name, path in files:
        for called, value in flattened(name, _load(name, path)):
            if isinstance(value, np.ndarray) and value.dtype.kind in "buifUSO":
                arrays.append(Named(called, value))
            elif isinstance(value, list) and all(isinstance(one, list) for one in value):
                classes.append((called, value))
            else:
                others.append(f"{called} {in_words(value)}")
    for called, rows in classes:
        arrays = _with_rows(arrays, called, rows, sink)
    emnist = any("dataset/train/images" in one.name for one in arrays)
    if emnist or any(_BY_COLUMNS.search(one.name) for one in arrays):
        arrays = [one._replace(array=_turned(one.array)) for one in arrays]
        whose = "EMNIST's" if emnist else "these"
        text = f"images are turned, as {whose} MATLAB files store them, column after column."
        sink.findings.append(Finding("note", "pixels", text))
    if not choices.unlabelled:
        arrays = with_class_arrays(with_class_axes(arrays, sink, by_columns=True), sink)
    mapping = next((one.array for one in arrays if one.name.endswith("mapping")), None)
    names = _mapped(mapping) or _ten_is_zero(arrays, sink)
    if not take_arrays(arrays, sink, names, choices.unlabelled):
        raise none_found(arrays, others)


def _load(name: str, path: Path) -> dict[str, Any]:
    from scipy.io import loadmat  # pyright: ignore[reportMissingTypeStubs]

    try:
        check_sizes(name, path)
        load: Any = loadmat
        return load(path, simplify_cells=True)
    except DataError:
        raise
    except NotImplementedError:
        hint = "Save it with `save(…, '-v7')`, or as .npz."
        raise DataError(f"{name} is a MATLAB 7.3 file, which is HDF5", hint=hint) from None
    except Exception as error:  # noqa: BLE001 - scipy raises anything on a broken file
        raise DataError(f"{name} can't be read", got=str(error)[:120], hint=CUT_SHORT) from None


def _with_rows(
    arrays: Sequence[Named], name: str, rows: Sequence[Sequence[np.ndarray]], sink: Sink
) -> list[Named]:
    """The arrays with the images of a cell array that has a row for each class, as Binary Alphadigits
    has them, and their labels: from the array of as many texts, else the rows' numbers.
    """
    texts = [one for one in arrays if one.array.dtype.kind in "US" and one.array.ndim == 1]
    called = next((one for one in texts if len(one.array) == len(rows)), None)
    if called is not None:
        names, by = called.array.tolist(), f"{called.name} names them"
    else:
        names, by = [str(number) for number in range(1, len(rows) + 1)], "nothing names them"
    text = f"{name} has {len(rows)} rows of images, which are taken for the classes: {by}."
    sink.note("note" if called is not None else "warning", "classes", text)
    images = joined([one for row in rows for one in row])
    labels = [label for label, row in zip(names, rows, strict=True) for _ in row]
    given = Named(f"{name}/labels", np.array(labels))
    return [*(one for one in arrays if one is not called), Named(name, images), given]


def _turned(array: np.ndarray) -> np.ndarray:
    images = as_images(array) if array.ndim == 2 else None
    return array if images is None or images.ndim != 3 else images.swapaxes(1, 2)


def _ten_is_zero(arrays: Sequence[Named], sink: Sink) -> dict[int, str]:
    """Class name by label where the digit 0 has the label 10, as MATLAB counts from 1; empty where
    nothing says so.
    """
    labels = [found for one in arrays if (found := as_labels(one.array)) is not None]
    numbers = [one for one in labels if one.size and one.dtype.kind in "buif"]
    if not any(int(one.min()) == 1 and int(one.max()) == 10 for one in numbers):
        return {}
    if any(_DIGITS.search(one.name) for one in arrays):
        sink.note("note", "classes", "label 10 is the digit 0, as in all files of this data set.")
        return {number: str(number % 10) for number in range(1, 11)}
    text = (
        "labels are 1 to 10, and none is 0. If these are digits, 10 stands for the 0, as MATLAB counts"
        " from 1: classes keep their numbers."
    )
    sink.note("warning", "classes", text)
    return {}


def _mapped(mapping: np.ndarray | None) -> dict[int, str]:
    """Class name by label, of EMNIST's `mapping`: a row is a label and one or two codes."""
    if mapping is None or mapping.ndim != 2 or mapping.shape[1] < 2:
        return {}
    codes = {int(row[0]): int(row[1]) for row in mapping}
    return {label: chr(code) for label, code in codes.items() if 32 < code < 0x110000}
