"""Where ink is, how wide its strokes are, and strokes made wider, as ONNX functions: the twins of
`engine.imaging.ink`, `squares` and `stray_dots`.

Ink is (H, W) f32 in 0..255, whole numbers; corners are (2,) int64, down then across, the second
exclusive.
"""

# The functions are read as ONNX: their values are tensors of a graph, whose types no checker knows.
# pyright: reportOperatorIssue=false, reportArgumentType=false, reportReturnType=false
# pyright: reportOptionalSubscript=false, reportCallIssue=false, reportAttributeAccessIssue=false
# pyright: reportIndexIssue=false, reportOptionalOperand=false, reportGeneralTypeIssues=false

from __future__ import annotations

import math

import numpy as np
from onnxscript import DOUBLE, FLOAT, INT64, script
from onnxscript import opset20 as op

from engine.imaging import ink as finding
from engine.imaging import stray_dots as dots

EDGES = np.array(math.pi / 4)
FAINT = 25.0
STRONG = float(finding.STRONG)
BESIDE, APART = np.array(dots.BESIDE), np.array(dots.APART)
LARGEST, FILLED, TOUCHES = np.array(dots.LARGEST), np.array(dots.FILLED), dots.MOST


@script(default_opset=op)
def span(marks):
    """The first marked place and the place after the last, of marks (n,) bool; the whole where there
    is none.
    """
    numbers = op.Cast(marks, to=INT64.dtype)
    first = op.ArgMax(numbers, axis=0, keepdims=1, select_last_index=0)
    last = op.ArgMax(numbers, axis=0, keepdims=1, select_last_index=1)
    return first, last + 1


@script(default_opset=op)
def any_along(marks, axis):
    """Whether anything is marked along an axis (1,) int64 of marks (H, W) bool."""
    return op.Cast(op.ReduceMax(op.Cast(marks, to=FLOAT.dtype), axis, keepdims=0), to=9)


@script(default_opset=op)
def box_of(marks):
    """The corners of what is marked on (H, W) bool; of the whole where nothing is."""
    top, bottom = span(any_along(marks, op.Constant(value_ints=[1])))
    left, right = span(any_along(marks, op.Constant(value_ints=[0])))
    return op.Concat(top, left, axis=0), op.Concat(bottom, right, axis=0)


@script(default_opset=op)
def ink_box(ink):
    """The corners of the ink, without specks: engine.imaging.ink."""
    corner, opposite = box_of(ink > FAINT)
    return corner, opposite


@script(default_opset=op)
def stroke_width(ink):
    """Mean width of the strokes in pixels, f64: engine.imaging.ink."""
    marks = op.Cast(ink > 127.0, to=FLOAT.dtype)
    strong = op.Pad(marks, op.Constant(value_ints=[1, 1, 1, 1]))
    middle = strong[1:-1, 1:-1]
    beside = strong[:-2, 1:-1] * strong[2:, 1:-1] * strong[1:-1, :-2] * strong[1:-1, 2:]
    area = op.Cast(op.ReduceSum(middle, keepdims=0), to=DOUBLE.dtype)
    inner = op.Cast(op.ReduceSum(middle * beside, keepdims=0), to=DOUBLE.dtype)
    changes_down = op.ReduceSum(op.Abs(strong[1:, :] - strong[:-1, :]), keepdims=0)
    changes_across = op.ReduceSum(op.Abs(strong[:, 1:] - strong[:, :-1]), keepdims=0)
    edges = op.Cast(changes_down + changes_across, to=DOUBLE.dtype)
    outline = op.Max(area - inner, op.CastLike(1.0, area))
    turned = op.Max(edges, op.CastLike(1.0, area)) * EDGES
    return op.Min(2.0 * area / outline, 2.0 * area / turned)


@script(default_opset=op)
def thickened(ink, least, room):
    """Ink whose strokes are at least `least` (f64) pixels wide; `room` (int64, 0 or 1): whether it
    grows at its sides for that (engine.imaging.ink).
    """
    lacking = op.Round(least - stroke_width(ink))
    grow = op.Max(op.Cast(op.Min(lacking, op.CastLike(31.0, lacking)), to=INT64.dtype), 0)
    less = grow / 2
    more = grow - less
    side = room * more
    pads = op.Concat(
        op.Expand(side + more, op.Constant(value_ints=[2])),
        op.Expand(side + less, op.Constant(value_ints=[2])),
        axis=0,
    )
    wide = op.Unsqueeze(op.Pad(ink, pads), [0, 1])
    for _ in range(grow):  # windows of two pixels, one after another, make one of `grow` + 1
        wide = op.MaxPool(wide, kernel_shape=[2, 2])
    return op.Squeeze(wide, [0, 1])


@script(default_opset=op)
def is_stray(strong, beyond):
    """Whether what is inked on strong (H, W) bool in the columns `beyond` (W,) bool is a stray dot:
    engine.imaging.stray_dots.
    """
    shape = op.Shape(strong)
    dot = op.And(strong, op.Unsqueeze(beyond, [0]))
    rest = op.And(strong, op.Not(op.Unsqueeze(beyond, [0])))
    rows = op.Cast(op.Unsqueeze(op.Range(0, shape[0], 1), [1]), to=DOUBLE.dtype)
    columns = op.Cast(op.Unsqueeze(op.Range(0, shape[1], 1), [0]), to=DOUBLE.dtype)
    weight = op.Cast(dot, to=DOUBLE.dtype)
    count = op.ReduceSum(weight, keepdims=0)
    across = op.ReduceSum(weight * columns, keepdims=0) / count
    down = op.ReduceSum(weight * rows, keepdims=0) / count
    dot_corner, dot_opposite = box_of(dot)
    sides = op.Cast(dot_opposite - dot_corner, to=DOUBLE.dtype)
    longer = op.ReduceMax(sides, keepdims=0)
    shorter = op.ReduceMin(sides, keepdims=0)
    corner, opposite = box_of(rest)
    inked = op.Cast(opposite - corner, to=DOUBLE.dtype)
    diagonal = op.Sqrt(op.ReduceSum(inked * inked, keepdims=0))
    first = op.Cast(corner, to=DOUBLE.dtype)
    last = op.Cast(opposite - 1, to=DOUBLE.dtype)
    beside = op.Max(first[1] - across, across - last[1])
    above = op.Max(first[0] - down, down - last[0])
    square = (columns - across) * (columns - across) + (rows - down) * (rows - down)
    nearest = op.ReduceMin(op.Where(rest, square, op.CastLike(1e30, square)), keepdims=0)
    apart = op.Sqrt(nearest) - longer / 2.0
    round_enough = op.And(
        op.Not(longer > shorter * 1.5), op.Not(count < FILLED * sides[1] * sides[0])
    )
    corner_wise = op.And(beside > BESIDE * diagonal, above > BESIDE * diagonal)
    small = op.Not(longer > LARGEST * diagonal)
    return op.And(op.And(round_enough, corner_wise), op.And(small, apart > APART * diagonal))


@script(default_opset=op)
def without_stray_dots(ink):
    """Ink without round dots that lie off a corner of the rest: engine.imaging.stray_dots."""
    kept = op.Identity(ink)
    places = op.Range(0, op.Shape(ink)[1], 1)
    for _ in range(TOUCHES):
        strong = kept > STRONG
        inked = op.Cast(any_along(strong, op.Constant(value_ints=[0])), to=INT64.dtype)
        padded = op.Pad(inked, op.Constant(value_ints=[1, 1]))
        step = padded[1:] - padded[:-1]
        begins = op.Reshape(op.NonZero(step > 0), op.Constant(value_ints=[-1]))
        ends = op.Reshape(op.NonZero(step < 0), op.Constant(value_ints=[-1]))
        parted = op.Size(begins) > 1
        stray = op.Expand(op.Not(parted), op.Shape(places))
        if parted:
            before = places < (ends[0] + begins[1]) / 2
            after = places >= (ends[-2] + begins[-1]) / 2
            first = is_stray(strong, before)
            second = op.And(op.Not(first), is_stray(strong, after))
            stray = op.Or(op.And(before, first), op.And(after, second))
        else:
            stray = places < 0
        kept = op.Where(op.Unsqueeze(stray, [0]), op.CastLike(0.0, kept), kept)
        changed = op.ReduceMax(op.Cast(stray, to=FLOAT.dtype), keepdims=0) > 0.0
        done = op.Not(changed)
        if done:
            break
    return kept
