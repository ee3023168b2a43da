"""Pillow's resampling as ONNX functions, to the bit: a picture is placed on the square outside the
lab exactly as inside.

Each function is the twin of one that numpy and Pillow compute in `engine.imaging`; a test compares
them. Ink is (H, W) f32 in 0..255, whole numbers. Sizes and corners are (2,) int64, down then
across. Lengths are f64, as Pillow's are.
"""

# The functions are read as ONNX: their values are tensors of a graph, whose types no checker knows.
# pyright: reportOperatorIssue=false, reportArgumentType=false, reportReturnType=false
# pyright: reportOptionalSubscript=false, reportCallIssue=false, reportAttributeAccessIssue=false
# pyright: reportIndexIssue=false, reportOptionalOperand=false, reportGeneralTypeIssues=false

from __future__ import annotations

import numpy as np
from onnxscript import DOUBLE, FLOAT, INT64, script
from onnxscript import opset20 as op

FIXED = np.array(2.0**22)  # Pillow multiplies by whole numbers: weights in 22 bits
HALF_FIXED = np.array(2.0**21)
BOX, CUBIC, LINEAR = 0, 1, 2  # kinds of resampling
SUPPORTS = np.array([0.5, 2.0, 1.0])  # in pixels to either side
FRACTION = np.array(2.0**24)  # and divides by a whole-number reciprocal


@script(default_opset=op)
def weights(begin, end, many, wanted, kind):
    """How much each of `many` pixels counts for each of `wanted` between `begin` and `end`: (wanted,
    many) f64, in whole 22-bit numbers (Pillow's precompute_coeffs). kind: BOX, CUBIC or LINEAR.
    """
    scale = op.Cast(
        op.Cast(end, to=FLOAT.dtype) - op.Cast(begin, to=FLOAT.dtype), to=DOUBLE.dtype
    ) / op.Cast(wanted, to=DOUBLE.dtype)
    stretch = op.Max(scale, op.CastLike(1.0, scale))
    support = stretch * op.Gather(SUPPORTS, kind)
    first = op.Cast(op.Cast(begin, to=FLOAT.dtype), to=DOUBLE.dtype)
    place = op.Cast(op.Range(0, wanted, 1), to=DOUBLE.dtype) + 0.5
    centre = op.Unsqueeze(first + place * scale, [1])  # (wanted, 1)
    pixel = op.Unsqueeze(op.Cast(op.Range(0, many, 1), to=DOUBLE.dtype), [0])  # (1, many)
    low = op.Floor(op.Max(centre - support + 0.5, op.CastLike(0.0, scale)))
    high = op.Floor(centre + support + 0.5)
    away = (pixel - centre + 0.5) * (1.0 / stretch)
    box = op.And(away > -0.5, away <= 0.5)
    far = op.Abs(away)
    near_part = (1.5 * far - 2.5) * far * far + 1.0
    far_part = (((far - 5.0) * far + 8.0) * far - 4.0) * -0.5
    curve = op.Where(
        far < 1.0, near_part, op.Where(far < 2.0, far_part, op.CastLike(0.0, far_part))
    )
    line = op.Max(1.0 - far, op.CastLike(0.0, far))
    smooth = op.Where(kind == CUBIC, curve, line)
    raw = op.Where(kind == BOX, op.CastLike(box, curve), smooth)
    reached = op.And(pixel >= low, pixel < high)
    kept = op.Where(reached, raw, op.CastLike(0.0, raw))
    total = op.ReduceSum(kept, [1], keepdims=1)
    share = kept / op.Where(total == 0.0, op.CastLike(1.0, total), total)
    return op.Sign(share) * op.Floor(op.Abs(share) * FIXED + 0.5)


@script(default_opset=op)
def clipped(sums):
    """Sums of pixels times 22-bit weights as pixels: f64 in 0..255, whole numbers."""
    whole = op.Floor((sums + HALF_FIXED) / FIXED)
    return op.Min(op.Max(whole, op.CastLike(0.0, whole)), op.CastLike(255.0, whole))


@script(default_opset=op)
def resized(ink, size, corner, opposite, kind):
    """The part of ink (…, H, W) between `corner` and `opposite` (2,) f64 at `size` (2,): across
    first, then down, as Pillow does.
    """
    shape = op.Shape(ink)
    across = weights(corner[1], opposite[1], shape[-1], size[1], kind)
    down = weights(corner[0], opposite[0], shape[-2], size[0], kind)
    rows = clipped(op.MatMul(op.Cast(ink, to=DOUBLE.dtype), op.Transpose(across)))
    return op.Cast(clipped(op.MatMul(down, rows)), to=FLOAT.dtype)


@script(default_opset=op)
def kind_of(scale):
    """How ink is resampled at a scale f64: an area filter when it shrinks, cubic when it grows."""
    return op.Where(scale > 1.0, op.Constant(value_int=CUBIC), op.Constant(value_int=BOX))


@script(default_opset=op)
def reduced(pixels, factor):
    """Pixels (C, H, W) f32 as the means of squares of `factor` pixels: Image.reduce."""
    shape = op.Shape(pixels)
    inner = shape[1:]
    small = (inner + factor - 1) / factor
    more = small * factor - inner
    padded = op.Pad(pixels, op.Concat(op.Constant(value_ints=[0, 0, 0, 0]), more, axis=0))
    one = op.Reshape(factor, [1])
    parted = op.Reshape(
        padded, op.Concat([-1], small[0:1], one, small[1:2], one, axis=0), allowzero=0
    )
    sums = op.Cast(op.ReduceSum(parted, [2, 4], keepdims=0), to=DOUBLE.dtype)
    down = op.Min(factor, inner[0] - op.Range(0, small[0], 1) * factor)
    across = op.Min(factor, inner[1] - op.Range(0, small[1], 1) * factor)
    many = op.Unsqueeze(down, [1]) * op.Unsqueeze(across, [0])  # pixels in each square
    half = op.Cast(many / 2, to=DOUBLE.dtype)
    reciprocal = op.Floor(FRACTION / op.Cast(many, to=DOUBLE.dtype))
    return op.Cast(op.Floor((sums + half) * reciprocal / FRACTION), to=FLOAT.dtype)


@script(default_opset=op)
def with_full_ink(ink):
    """Ink whose strongest stroke is 255: engine.imaging.squares."""
    peak = op.Max(op.ReduceMax(ink, keepdims=0), 1.0)
    factor = op.Cast(255.0 / op.Cast(peak, to=DOUBLE.dtype), to=FLOAT.dtype)
    return op.Floor(op.Clip(ink * factor, 0.0, 255.0))


@script(default_opset=op)
def coarse(ink, side):
    """Ink no larger than `side` (int64), still with full ink in it: engine.imaging.squares."""
    shape = op.Shape(ink)
    exact = op.Cast(shape, to=DOUBLE.dtype)
    scale = op.Cast(side, to=DOUBLE.dtype) / op.ReduceMax(exact, keepdims=0)
    smaller = op.Max(op.Cast(op.Round(exact * scale), to=INT64.dtype), 1)
    size = op.Where(scale < 1.0, smaller, shape)
    return with_full_ink(resized(ink, size, exact * 0.0, exact, kind_of(scale)))


@script(default_opset=op)
def placed(ink, scale, x, y, size):
    """The square (size, size) whose centre is the point (x, y) of the ink, scaled:
    engine.imaging.squares.
    """
    half = op.Cast(size, to=DOUBLE.dtype) / 2.0 / scale
    middle = op.Concat(op.Reshape(y, [1]), op.Reshape(x, [1]), axis=0)
    shape = op.Cast(op.Shape(ink), to=DOUBLE.dtype)
    beyond = op.ReduceMax(op.Max(half - middle, middle + half - shape), keepdims=0)
    pad = op.Max(op.Cast(op.Ceil(beyond), to=INT64.dtype), 0)
    pads = op.Expand(pad, op.Constant(value_ints=[4]))
    wide = op.Pad(ink, pads)
    moved = middle + op.Cast(pad, to=DOUBLE.dtype)
    corner = op.Max(moved - half, op.CastLike(0.0, moved))
    opposite = op.Min(moved + half, op.Cast(op.Shape(wide), to=DOUBLE.dtype))
    sides = op.Expand(size, op.Constant(value_ints=[2]))
    return resized(wide, sides, corner, opposite, kind_of(scale))
