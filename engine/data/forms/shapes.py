"""Arrays of numbers as images (N, h, w) or (N, h, w, C), however they are laid out."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

SMALLEST = 6  # pixels of a side
LARGEST = 4096
CHANNELS = (1, 3, 4)


def side_of(width: int) -> int | None:
    """The side of a square image of so many pixels; None if it is no square, or tiny."""
    side = math.isqrt(width)
    return side if side * side == width and side >= SMALLEST else None


def is_images(array: np.ndarray, count: int | None = None) -> bool:
    """Whether an array may be images. count: how many there must be."""
    return as_images(array, count) is not None


def as_images(array: np.ndarray, count: int | None = None) -> np.ndarray | None:
    """(N, h, w) or (N, h, w, 3 or 4) of an array (N, pixels), (N, h, w), (N, C, h, w), (N, h, w, C)
    or, as MATLAB has them, (h, w, C, N) and (h, w, N). None of any other.

    count: how many images there must be, which tells where N is. Objects (N,), pictures of several
    sizes each, stay as they are.
    """
    if array.dtype == object and array.ndim == 1 and count in (None, len(array)):
        return array if any(map(is_picture, array)) else None
    if array.dtype.kind not in "buif":
        return None
    if array.ndim == 2:
        if count is not None and array.shape[0] != count:
            if array.shape[1] != count:
                return None
            array = array.T  # a column an image, as MATLAB has them
        side = side_of(array.shape[1])
        if side is None and array.shape[1] % 3 == 0 and (side := side_of(array.shape[1] // 3)):
            return array.reshape(-1, 3, side, side).transpose(0, 2, 3, 1)  # CIFAR's rows
        return None if side is None else array.reshape(-1, side, side)
    if array.ndim == 3 and count is not None and array.shape[0] != count == array.shape[2]:
        array = array.transpose(2, 0, 1)
    if array.ndim == 4 and count is not None and array.shape[0] != count == array.shape[3]:
        array = array.transpose(3, 0, 1, 2)
    if count is not None and len(array) != count:
        return None
    if array.ndim == 4 and array.shape[3] not in CHANNELS and array.shape[1] in CHANNELS:
        array = array.transpose(0, 2, 3, 1)
    if array.ndim == 4 and array.shape[3] == 1:
        array = array[..., 0]
    usable = array.ndim == 3 or (array.ndim == 4 and array.shape[3] in CHANNELS)
    sides = array.shape[1:3]
    return array if usable and all(SMALLEST <= side <= LARGEST for side in sides) else None


def are_same(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two arrays of images (N, …) hold the same numbers."""
    if one.dtype == object or other.dtype == object or one.shape != other.shape:
        return False
    return np.array_equal(one[:1], other[:1]) and np.array_equal(one, other)


def is_picture(value: Any) -> bool:
    """Whether a value is an array (h, w) or (h, w, C) that may be one picture."""
    is_array = isinstance(value, np.ndarray)
    array: np.ndarray = np.asarray(value if is_array else 0)
    plain = array.dtype != object and array.ndim in (2, 3)
    return plain and as_images(array[None]) is not None


def as_labels(array: np.ndarray) -> np.ndarray | None:
    """Labels (N,) of an array (N,), (N, 1), (1, N), or one-hot (N, K) or (K, N), -1 for what is not a
    number; None of any other.
    """
    if array.dtype.kind == "f" and array.size:
        good = np.isfinite(array)
        if np.isinf(array).any() or np.mod(array[good], 1).any():
            return None
        array = array if good.all() else np.where(good, array, -1)
    if array.ndim == 2 and 1 in array.shape:
        array = array.reshape(-1)
    if array.ndim == 2 and array.shape[1] > 1 and array.dtype.kind in "buif":
        return _of_one_hot(array) if _is_one_hot(array) else _of_one_hot(array.T)
    return array if array.ndim == 1 and array.dtype.kind in "buifUS" else None


def _of_one_hot(array: np.ndarray) -> np.ndarray | None:
    return array.argmax(1) if _is_one_hot(array) else None


def _is_one_hot(array: np.ndarray) -> bool:
    """Whether each row holds one 1, and 0 or -1 otherwise."""
    low = array.min(initial=0)
    return bool(((array == 1).sum(1) == 1).all() and ((array == low) | (array == 1)).all()) and (
        low in (0, -1)
    )
