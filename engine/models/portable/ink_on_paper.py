"""From a picture to the ink on it as ONNX functions: the twin of `engine.imaging.ink.ink_of`, for
pictures whose paper is evenly lit.
"""

# The functions are read as ONNX: their values are tensors of a graph, whose types no checker knows.
# pyright: reportOperatorIssue=false, reportArgumentType=false, reportReturnType=false
# pyright: reportOptionalSubscript=false, reportCallIssue=false, reportAttributeAccessIssue=false
# pyright: reportIndexIssue=false, reportOptionalOperand=false, reportGeneralTypeIssues=false

from __future__ import annotations

import numpy as np
from onnxscript import DOUBLE, FLOAT, INT64, script
from onnxscript import opset20 as op

from engine.imaging import ink as finding
from engine.models.portable.resampling import reduced

WORKING_SIDE, SMALL = finding.WORKING_SIDE, finding.SMALL
FAINTEST = float(finding.FAINTEST)
MANY_PIXELS = 4096
RARE, COMMON = np.array(0.001), np.array(0.999)
SEVEN_TENTHS, FOUR_TENTHS, SIX_TENTHS = np.array(0.7), np.array(0.4), np.array(0.6)
PERCENTILE, ABOVE = np.array(0.995), np.array(1.2)


@script(default_opset=op)
def channels_first(image):
    """A picture (H, W, 1 or 3) uint8 as (3, H, W) f32; an error for another number of channels."""
    shape = op.Shape(image)
    colour = op.Expand(image, op.Concat(shape[0:2], op.Constant(value_ints=[3]), axis=0))
    return op.Cast(op.Transpose(colour, perm=[2, 0, 1]), to=FLOAT.dtype)


@script(default_opset=op)
def border(pixels):
    """The outermost pixels (C, n) of (C, H, W)."""
    return op.Concat(pixels[:, 0, :], pixels[:, -1, :], pixels[:, :, 0], pixels[:, :, -1], axis=1)


@script(default_opset=op)
def median(values):
    """The median (C,) of values (C, n) f32."""
    count = op.Shape(values)[1:2]
    ordered, order = op.TopK(values, count, axis=1, largest=0, sorted=1)
    low = op.Gather(ordered, (count - 1) / 2, axis=1)
    high = op.Gather(ordered, count / 2, axis=1)
    return op.Squeeze((low + high) / 2.0, [1])


@script(default_opset=op)
def paper_of(pixels):
    """The paper's colour (3,) f32, whole numbers, and how much it varies, from the border."""
    outer = border(pixels)
    paper = op.Floor(median(outer))
    apart = op.Reshape(op.Abs(outer - op.Unsqueeze(paper, [1])), op.Constant(value_ints=[1, -1]))
    return paper, op.Cast(op.Squeeze(median(apart), [0]), to=DOUBLE.dtype)


@script(default_opset=op)
def weak_border(outer, strongest):
    """What 99.5% of the weaker marks on the border, of marks (n,) f32, do not exceed: f64; 0 where
    there are none.
    """
    values = op.Cast(outer, to=DOUBLE.dtype)
    weak = values < SIX_TENTHS * strongest
    count = op.ReduceSum(op.Cast(weak, to=INT64.dtype), keepdims=0)
    last = op.Max(count - 1, 0)
    sifted = op.Cast(op.Where(weak, values, op.CastLike(1e9, values)), to=FLOAT.dtype)
    ordered, order = op.TopK(sifted, op.Shape(sifted), axis=0, largest=0, sorted=1)
    place = op.Cast(last, to=DOUBLE.dtype) * PERCENTILE
    low = op.Cast(op.Floor(place), to=INT64.dtype)
    below = op.Cast(op.Gather(ordered, low), to=DOUBLE.dtype)
    above = op.Cast(op.Gather(ordered, op.Min(low + 1, last)), to=DOUBLE.dtype)
    found = below + (above - below) * (place - op.Floor(place))
    return op.Where(count > 0, found, op.CastLike(0.0, found))


@script(default_opset=op)
def strongest_of(marks):
    """The level f64 that becomes full ink, of marks (H, W) f32: the most, or the 99.9th percentile
    where the most is a speck.
    """
    many = op.Size(marks)
    pixels = op.Cast(many, to=DOUBLE.dtype)
    most = op.ReduceMax(marks, keepdims=0)
    at_most = op.ReduceSum(op.Cast(marks == most, to=DOUBLE.dtype), keepdims=0)
    speck = op.And(many > MANY_PIXELS, at_most <= RARE * pixels)
    rank = many - op.Cast(op.Ceil(COMMON * pixels), to=INT64.dtype) + 1
    ordered, order = op.TopK(
        op.Reshape(marks, op.Constant(value_ints=[-1])), op.Reshape(rank, [1]), axis=0
    )
    level = op.Cast(ordered[-1], to=DOUBLE.dtype)
    whole = op.Cast(most, to=DOUBLE.dtype)
    return op.Where(speck, op.Max(level, SEVEN_TENTHS * whole), whole)


@script(default_opset=op)
def full_ink(marks, noise, ruled):
    """Marks (H, W) f32, whole numbers, as ink: the strongest becomes 255, noise becomes 0. ruled
    (bool): so does what is no stronger than the weaker marks on the border.
    """
    strongest = strongest_of(marks)
    zero = op.CastLike(0.0, strongest)
    slack = op.Where(noise > 0.0, noise * 3.0 + 6.0, zero)
    quiet = op.Min(slack, FOUR_TENTHS * strongest)
    lines = ABOVE * weak_border(border(op.Unsqueeze(marks, [0]))[0], strongest)
    floor = op.Where(ruled, op.Max(quiet, lines), quiet)
    blank = strongest < op.Max(noise * 8.0, op.CastLike(FAINTEST, strongest))
    span = op.Max(strongest - floor, op.CastLike(1.0, strongest))
    levels = op.Cast(op.Range(0, 256, 1), to=DOUBLE.dtype)
    steps = op.Floor(op.Min(op.Max((levels - floor) * (255.0 / span), zero), zero + 255.0))
    inked = op.Gather(op.Cast(steps, to=FLOAT.dtype), op.Cast(marks, to=INT64.dtype))
    return op.Where(blank, op.CastLike(0.0, inked), inked)


@script(default_opset=op)
def ink_of(pixels):
    """Ink (h, w) f32 in 0..255 of pixels (3, H, W) f32, large pictures reduced: the twin of
    engine.imaging.ink.ink_of.
    """
    sides = op.Shape(pixels)[1:]
    factor = op.Max(op.ReduceMax(sides, keepdims=0) / WORKING_SIDE, 1)
    small = op.Identity(pixels)
    if factor > 1:
        small = reduced(pixels, factor)
    else:
        small = op.Identity(pixels)
    paper, noise = paper_of(small)
    apart = op.Abs(small - op.Unsqueeze(paper, [1, 2]))
    marks = op.ReduceMax(apart, [0], keepdims=0)
    roomy = op.ReduceMin(op.Shape(marks), keepdims=0) > SMALL
    return full_ink(marks, noise, roomy)
