"""From ink to the square of each style as ONNX functions: the twins of `engine.imaging.images`,
`squares` and `placement`.

Ink is (H, W) f32 in 0..255, whole numbers; lengths are f64; sizes int64.
"""

# The functions are read as ONNX: their values are tensors of a graph, whose types no checker knows.
# pyright: reportOperatorIssue=false, reportArgumentType=false, reportReturnType=false
# pyright: reportOptionalSubscript=false, reportCallIssue=false, reportAttributeAccessIssue=false
# pyright: reportIndexIssue=false, reportOptionalOperand=false, reportGeneralTypeIssues=false

from __future__ import annotations

import numpy as np
from onnxscript import DOUBLE, INT64, script
from onnxscript import opset20 as op

from engine.imaging.squares import BOX, FINE
from engine.models.portable.ink_measures import ink_box, stroke_width, thickened
from engine.models.portable.resampling import (
    LINEAR,
    coarse,
    kind_of,
    placed,
    resized,
    with_full_ink,
)

BOX_SHARE, FILLED_SHARE = np.array(BOX), np.array(0.84)
DIGIT_PEN, TENTH = np.array(1.6), np.array(0.1)


@script(default_opset=op)
def cut_out(ink, box, least):
    """The ink alone, coarse enough for a `box` (int64) of so many pixels, its strokes at least `least`
    wide there.
    """
    corner, opposite = ink_box(ink)
    glyph = coarse(op.Slice(ink, corner, opposite), box * FINE)
    longer = op.Cast(op.ReduceMax(op.Shape(glyph), keepdims=0), to=DOUBLE.dtype)
    wanted = least * longer / op.Cast(box, to=DOUBLE.dtype)
    return thickened(glyph, wanted, op.Constant(value_int=1))


@script(default_opset=op)
def centred_by_mass(ink, size):
    """The ink in a 20/28 box, its centre of mass at the centre: (size, size)."""
    side = op.Cast(size, to=DOUBLE.dtype)
    box = op.Cast(op.Round(side * BOX_SHARE), to=INT64.dtype)
    glyph = cut_out(ink, box, DIGIT_PEN * side / 28.0)
    shape = op.Shape(glyph)
    long = op.Cast(op.ReduceMax(shape, keepdims=0), to=DOUBLE.dtype)
    scale = op.Cast(box, to=DOUBLE.dtype) / long
    mass = op.Cast(glyph, to=DOUBLE.dtype)
    total = op.ReduceSum(mass, keepdims=0)
    columns = op.Cast(op.Range(0, shape[1], 1), to=DOUBLE.dtype) + 0.5
    rows = op.Cast(op.Range(0, shape[0], 1), to=DOUBLE.dtype) + 0.5
    x = op.ReduceSum(op.ReduceSum(mass, [0], keepdims=0) * columns, keepdims=0) / total
    y = op.ReduceSum(op.ReduceSum(mass, [1], keepdims=0) * rows, keepdims=0) / total
    half = side / 2.0 / scale
    width = op.Cast(shape[1], to=DOUBLE.dtype)
    height = op.Cast(shape[0], to=DOUBLE.dtype)
    put = placed(
        glyph,
        scale,
        op.Min(op.Max(x, width - half), half),
        op.Min(op.Max(y, height - half), half),
        size,
    )
    return with_full_ink(put)


@script(default_opset=op)
def in_the_middle(ink, scale, size):
    """Ink scaled, its middle at the square's: (size, size)."""
    middle = op.Cast(op.Shape(ink), to=DOUBLE.dtype) / 2.0
    return placed(ink, scale, middle[1], middle[0], size)


@script(default_opset=op)
def filling(ink, size):
    """The ink alone, filling 0.84 of the square: (size, size)."""
    side = op.Cast(size, to=DOUBLE.dtype)
    box = op.Cast(op.Round(side * FILLED_SHARE), to=INT64.dtype)
    glyph = cut_out(ink, box, side / 24.0)
    long = op.Cast(op.ReduceMax(op.Shape(glyph), keepdims=0), to=DOUBLE.dtype)
    return in_the_middle(glyph, op.Cast(box, to=DOUBLE.dtype) / long, size)


@script(default_opset=op)
def whole_page(ink, size):
    """The page with its ink, padded to a square: (size, size)."""
    page = coarse(ink, size * FINE)
    long = op.Cast(op.ReduceMax(op.Shape(page), keepdims=0), to=DOUBLE.dtype)
    drawn = thickened(page, long / 60.0, op.Constant(value_int=0))
    return in_the_middle(drawn, op.Cast(size, to=DOUBLE.dtype) / long, size)


@script(default_opset=op)
def extent(profile):
    """Where ink begins and ends along a profile (n,) f32, to a fraction of a pixel: f64."""
    exact = op.Cast(profile, to=DOUBLE.dtype)
    peak = op.ReduceMax(exact, keepdims=0)
    share = exact / op.Max(peak, op.CastLike(1.0, peak))
    inked = op.Cast(share > TENTH, to=INT64.dtype)
    first = op.ArgMax(inked, axis=0, keepdims=0, select_last_index=0)
    last = op.ArgMax(inked, axis=0, keepdims=0, select_last_index=1)
    begin = op.Cast(first, to=DOUBLE.dtype) + 1.0 - op.Gather(share, first)
    return begin, op.Cast(last, to=DOUBLE.dtype) + op.Gather(share, last)


@script(default_opset=op)
def measured(page):
    """The ink's centre, x and y from the page's middle, and its longer side, as shares of the page's
    longer side: f64.
    """
    exact = op.Cast(op.Shape(page), to=DOUBLE.dtype)
    long = op.ReduceMax(exact, keepdims=0)
    left, right = extent(op.ReduceMax(page, [0], keepdims=0))
    top, bottom = extent(op.ReduceMax(page, [1], keepdims=0))
    x = (left + right - exact[1]) / 2.0 / long
    y = (top + bottom - exact[0]) / 2.0 / long
    return x, y, op.Max(right - left, bottom - top) / long


@script(default_opset=op)
def moved(ink, x, y, scale):
    """The ink alone, scaled, its centre at x and y (shares of the longer side from the middle) of a
    square page as long as its own.
    """
    long = op.ReduceMax(op.Shape(ink), keepdims=0)
    corner, opposite = ink_box(ink)
    glyph = op.Slice(ink, corner, opposite)
    shape = op.Shape(glyph)
    exact = op.Cast(shape, to=DOUBLE.dtype)
    size = op.Max(op.Cast(op.Round(exact * scale), to=INT64.dtype), 1)
    glyph = resized(glyph, size, exact * 0.0, exact, kind_of(scale))
    centre = op.Concat(op.Reshape(y, [1]), op.Reshape(x, [1]), axis=0) + 0.5
    middle = centre * op.Cast(long, to=DOUBLE.dtype)
    put = op.Cast(op.Round(middle - op.Cast(size, to=DOUBLE.dtype) / 2.0), to=INT64.dtype)
    return op.Pad(glyph, op.Concat(put, long - put - size, axis=0))  # a negative pad cuts off


@script(default_opset=op)
def settled(ink, ranges):
    """Ink on a page, moved or scaled if it stands where no training drawing does. ranges (3, 3) f64:
    low, middle, high of x, y and side (engine.imaging.placement).
    """
    x, y, side = measured(ink)
    fits = op.And(ranges[2, 0] <= side, side <= ranges[2, 2])
    stands_across = op.And(ranges[0, 0] <= x, x <= ranges[0, 2])
    stands = op.And(stands_across, op.And(ranges[1, 0] <= y, y <= ranges[1, 2]))
    if op.And(fits, stands):
        page = op.Identity(ink)
    else:
        there_x = op.Where(stands, x, ranges[0, 1])
        there_y = op.Where(stands, y, ranges[1, 1])
        scale = op.Where(fits, op.CastLike(1.0, side), ranges[2, 1] / side)
        page = moved(ink, there_x, there_y, scale)
    return page


@script(default_opset=op)
def thickened_around(ink, corner, opposite, least, width):
    """Ink whose strokes between two corners are at least `least` wide, now `width`."""
    room = op.Cast(op.Ceil(least - width), to=INT64.dtype)
    shape = op.Shape(ink)
    first = op.Max(corner - room, 0)
    last = op.Min(opposite + room, shape)
    part = thickened(op.Slice(ink, first, last), least, op.Constant(value_int=0))
    there = op.Pad(part, op.Concat(first, shape - last, axis=0))
    return op.Max(ink, there)


@script(default_opset=op)
def with_a_known_pen(ink, least_share):
    """Ink on a page, its strokes at least `least_share` (f64) of its longer side wide, and whether
    they were widened.
    """
    long = op.Cast(op.ReduceMax(op.Shape(ink), keepdims=0), to=DOUBLE.dtype)
    corner, opposite = ink_box(ink)
    width = stroke_width(op.Slice(ink, corner, opposite)) / long
    thin = width < least_share
    if thin:
        drawn = thickened_around(ink, corner, opposite, least_share * long, width * long)
    else:
        drawn = op.Identity(ink)
    return drawn, thin


@script(default_opset=op)
def is_glyph(ink):
    """Whether ink (h, h) stands as MNIST's does: engine.imaging.images."""
    side = op.Shape(ink)[0]
    corner, opposite = ink_box(ink)
    middle = op.ReduceMax(op.Abs(corner + opposite - side), keepdims=0)
    long = op.ReduceMax(opposite - corner, keepdims=0)
    return op.And(long * 2 >= side, middle * 2 <= side)


@script(default_opset=op)
def fitted(pixels, size):
    """Pixels (3, H, W) f32 whose short side fills the square, the rest cut off evenly: (3, size, size)
    (ImageOps.fit).
    """
    sides = op.Cast(op.Shape(pixels)[1:], to=DOUBLE.dtype)
    short = op.ReduceMin(sides, keepdims=0)
    corner = (sides - short) * 0.5
    square = op.Expand(size, op.Constant(value_ints=[2]))
    return resized(pixels, square, corner, corner + short, op.Constant(value_int=LINEAR))
