"""Arrays whose classes are an axis, or an array each, instead of a list of labels: USPS's (256, 1100,
10), MNIST's train0 … test9, a field of a struct for each class.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from engine.data.forms.named_arrays import IMAGE_WORDS, LABEL_WORDS, Named, last_of
from engine.data.forms.shapes import SMALLEST, as_images, as_labels, side_of
from engine.data.forms.sink import Sink
from engine.data.roles import role_of

MOST_CLASSES = 128
LONGEST = 3  # times as long as wide: what is longer is no picture
SQUARE = 1.3  # the same of three axes, of which two may be a picture's
FEWEST_NAMED = 3  # arrays without a number in their names: two may be anything
# Roweis' usps_all.mat: the digits 1 to 9 and 0, each 16 x 16 column after column.
USPS = (256, 1100, 10)
_NUMBERED = re.compile(r"(?P<stem>.*?)_?(?P<number>\d{1,3})")


class Axes(NamedTuple):
    """An array's axes in the order (K, n, P) or (K, n, h, w)."""

    order: tuple[int, ...]
    shape: tuple[int, ...]


def axes_of(shape: tuple[int, ...]) -> Axes | None:
    """Which axis of an array counts its classes, which their images; None where it may be images in a
    row: (N, h, w) or (h, w, N).

    >>> axes_of((256, 1100, 10)).order, axes_of((10, 50, 784)).order, axes_of((28, 28, 50, 10)).order
    ((2, 1, 0), (0, 1, 2), (3, 2, 0, 1))
    >>> axes_of((28, 28, 500)), axes_of((500, 28, 28))
    (None, None)
    """
    if len(shape) == 3 and not (_is_picture(shape[:2], SQUARE) or _is_picture(shape[1:], SQUARE)):
        orders = [(2, 1, 0), (2, 0, 1)] if shape[2] <= shape[0] else [(0, 1, 2), (0, 2, 1)]
        fitting = [one for one in orders if side_of(shape[one[2]]) is not None]
    elif len(shape) == 4 and not {1, 3, 4} & set(shape[1:]):  # of one of these, its channels
        orders = [(3, 2, 0, 1)] if shape[3] <= shape[0] else [(0, 1, 2, 3)]
        fitting = [one for one in orders if _is_picture((shape[one[2]], shape[one[3]]))]
    else:
        return None
    for order in fitting:
        found = tuple(shape[axis] for axis in order)
        if 2 <= found[0] <= MOST_CLASSES and found[0] < found[1]:
            return Axes(order, found)
    return None


def _is_picture(sides: Sequence[int], longest: float = LONGEST) -> bool:
    return min(sides) >= SMALLEST and max(sides) <= longest * min(sides)


def with_class_axes(arrays: Sequence[Named], sink: Sink, by_columns: bool) -> list[Named]:
    """The arrays, those with an axis of classes as images (N, h, w) beside their labels. by_columns:
    pixels are stored column after column, and classes count from 1, as MATLAB has them.
    """
    if any(_given(one.array) is not None for one in arrays):
        return list(arrays)
    out: list[Named] = []
    for one in arrays:
        axes = axes_of(one.array.shape) if one.array.dtype.kind in "buif" else None
        if axes is None:
            out.append(one)
            continue
        count, number = axes.shape[:2]
        images = np.ascontiguousarray(one.array.transpose(axes.order))
        if len(axes.shape) == 3:
            side = side_of(axes.shape[2]) or 0
            images = images.reshape(count * number, side, side)
            images = images.swapaxes(1, 2) if by_columns else images
        images = images.reshape(count * number, *images.shape[-2:])
        names = _names(one, count, [other for other in arrays if other is not one], by_columns)
        out.append(one._replace(array=images))
        out.append(Named(f"{one.name}/labels", np.repeat(np.array(names.names), number)))
        _say(one, axes, names, by_columns and len(axes.shape) == 3, sink)
    return out


def _given(array: np.ndarray) -> np.ndarray | None:
    """Labels (N,) in an array; None of texts that are all different, as names of classes are."""
    labels = as_labels(array)
    is_list = labels is not None and labels.dtype.kind in "US" and labels.size == len(set(labels))
    return None if is_list else labels


class _Names(NamedTuple):
    names: list[str]
    why: str
    sure: bool


def _names(one: Named, count: int, others: Sequence[Named], from_one: bool) -> _Names:
    if one.array.shape == USPS:
        return _Names([*"1234567890"], "as in USPS, the digits 1 to 9 and 0", True)
    for other in others:
        texts = other.array.reshape(-1)
        if texts.dtype.kind in "US" and len(texts) == count == len(np.unique(texts)):
            return _Names([str(text).strip() for text in texts], f"{other.name} names them", True)
    first = int(from_one)
    names = [str(number) for number in range(first, first + count)]
    return _Names(names, f"nothing names them: they are {names[0]} to {names[-1]}", False)


def _say(one: Named, axes: Axes, names: _Names, turned: bool, sink: Sink) -> None:
    count, number = axes.shape[:2]
    shape = " x ".join(map(str, one.array.shape))
    text = f"{one.name} ({shape}) is {count} classes of {number:,} images each: {names.why}."
    if turned:
        text += " Its images are turned, as they are stored column after column."
    if not names.sure:
        text += " Look at the samples."
    sink.note("note" if names.sure else "warning", "classes", text)


def with_class_arrays(arrays: Sequence[Named], sink: Sink) -> list[Named]:
    """The arrays and labels for those that hold a class each, where no array holds labels: numbered
    (train0 … train9, test0 …), or called like the class, all of one size.
    """
    widths = {one.array.shape[1] for one in arrays if one.array.ndim == 2}
    # A class of one image is (pixels,), as scipy drops axes of one.
    rows = [
        one._replace(array=one.array[None]) if one.array.shape in {(w,) for w in widths} else one
        for one in arrays
    ]
    pictures = [one for one in rows if as_images(one.array) is not None]
    if len(pictures) < 2 or any(LABEL_WORDS.search(last_of(one.name)) for one in arrays):
        return list(arrays)
    if len({one.array.shape[1:] for one in pictures}) > 1:
        return list(arrays)
    found = [_class_of(last_of(one.name)) for one in pictures]
    classes = [one for one in found if one is not None]
    numbered = all(one.name.isdigit() for one in classes)
    enough = 2 if numbered else FEWEST_NAMED
    if len(classes) < len(found) or len({one.name for one in classes}) < enough:
        return list(arrays)
    out = [one for one in rows if not any(one is other for other in pictures)]
    for stem in dict.fromkeys(one.stem for one in classes):
        here = [(c, one) for c, one in zip(classes, pictures, strict=True) if c.stem == stem]
        name = f"{here[0][1].file}/{stem or 'images'}"
        out.append(Named(name, np.concatenate([one.array for _, one in here])))
        labels = [np.repeat(np.array([c.name]), len(one.array)) for c, one in here]
        out.append(Named(f"{name}/labels", np.concatenate(labels)))
    shown = ", ".join(dict.fromkeys(one.name for one in classes))
    text = f"no array holds labels: {len(pictures)} arrays are taken for a class each: {shown}."
    sink.note("warning", "classes", text)
    return out


class _Class(NamedTuple):
    """What an array's name says: its class, and what stands before that."""

    stem: str
    name: str


def _class_of(name: str) -> _Class | None:
    """The class of an array; None of `x`, `images`, `train` and `arr_0`."""
    numbered = _NUMBERED.fullmatch(name)
    if numbered:
        stem = numbered["stem"]
        return None if stem == "arr" else _Class(stem, str(int(numbered["number"])))
    return None if IMAGE_WORDS.search(name) or role_of(name) else _Class("", name)
