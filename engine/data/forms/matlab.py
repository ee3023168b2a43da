"""MATLAB's files up to version 7: arrays, structs and cell arrays of images."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false
# (scipy leaves the kinds of its values open.)
from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from engine.data.archive import CUT_SHORT
from engine.data.choices import Choices
from engine.data.forms.arrays import Named, none_found, take_arrays
from engine.data.forms.cells import flattened, in_words, joined
from engine.data.forms.shapes import as_images
from engine.data.forms.sink import Sink
from engine.data.listing import Finding
from engine.errors import DataError


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
    if emnist:  # a row is an image, column after column
        arrays = [one._replace(array=_turned(one.array)) for one in arrays]
        text = "images are turned, as EMNIST's MATLAB files store them transposed."
        sink.findings.append(Finding("note", "pixels", text))
    mapping = next((one.array for one in arrays if one.name.endswith("mapping")), None)
    if not take_arrays(arrays, sink, _mapped(mapping), choices.unlabelled):
        raise none_found(arrays, others)


def _load(name: str, path: Path) -> dict[str, Any]:
    from scipy.io import loadmat  # pyright: ignore[reportMissingTypeStubs]

    try:
        load: Any = loadmat
        return load(path, simplify_cells=True)
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


def _mapped(mapping: np.ndarray | None) -> dict[int, str]:
    """Class name by label, of EMNIST's `mapping`: a row is a label and one or two codes."""
    if mapping is None or mapping.ndim != 2 or mapping.shape[1] < 2:
        return {}
    codes = {int(row[0]): int(row[1]) for row in mapping}
    return {label: chr(code) for label, code in codes.items() if 32 < code < 0x110000}
