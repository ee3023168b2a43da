"""The square of each style from a picture, as ONNX functions: the twins of
`engine.imaging.images.square`.
"""

# The functions are read as ONNX: their values are tensors of a graph, whose types no checker knows.
# pyright: reportOperatorIssue=false, reportArgumentType=false, reportReturnType=false
# pyright: reportOptionalSubscript=false, reportCallIssue=false, reportAttributeAccessIssue=false
# pyright: reportIndexIssue=false, reportOptionalOperand=false, reportGeneralTypeIssues=false

from __future__ import annotations

import numpy as np
from onnxscript import DOUBLE, script
from onnxscript import opset20 as op

from engine.imaging.images import GLYPH_SIDE
from engine.models.portable.ink_measures import without_stray_dots
from engine.models.portable.squares import (
    centred_by_mass,
    filling,
    in_the_middle,
    is_glyph,
    settled,
    whole_page,
    with_a_known_pen,
)

ONE, OF_PAGE = np.array(1.0), np.array(0.7)  # shares of the square that a glyph takes


@script(default_opset=op)
def stands_alone(ink, sides):
    """Whether a picture of `sides` (2,) is a glyph in MNIST's form, without a page around it."""
    square = op.And(sides[0] == sides[1], sides[0] <= GLYPH_SIDE)
    if square:
        alone = is_glyph(ink)
    else:
        alone = op.Identity(square)
    return alone


@script(default_opset=op)
def empty(size):
    """Paper: (size, size) f32."""
    return op.Expand(op.Constant(value_float=0.0), op.Expand(size, op.Constant(value_ints=[2])))


@script(default_opset=op)
def of_side(ink, share, size):
    """The scale f64 at which the longer side of ink takes a share f64 of the square."""
    long = op.Cast(op.ReduceMax(op.Shape(ink), keepdims=0), to=DOUBLE.dtype)
    return share * op.Cast(size, to=DOUBLE.dtype) / long


@script(default_opset=op)
def digit_square(ink, sides, size, ranges, pen):
    """(1, size, size) f32 of ink (h, w) from a picture of `sides`."""
    inked = op.ReduceMax(ink, keepdims=0) > 0.0
    if stands_alone(ink, sides):
        square = in_the_middle(ink, of_side(ink, op.Constant(value=ONE), size), size)
    else:
        if inked:
            square = centred_by_mass(without_stray_dots(ink), size)
        else:
            square = empty(size)
    return op.Unsqueeze(square, [0])


@script(default_opset=op)
def page_square(ink, sides, size, ranges, pen):
    """(1, size, size) f32 of ink (h, w) from a picture of `sides`; ranges and pen: where the training
    drawings stand (engine.models.portable.squares).
    """
    inked = op.ReduceMax(ink, keepdims=0) > 0.0
    if stands_alone(ink, sides):
        square = in_the_middle(ink, of_side(ink, op.Constant(value=OF_PAGE), size), size)
    else:
        if inked:
            drawn, widened = with_a_known_pen(settled(without_stray_dots(ink), ranges), pen)
            square = whole_page(drawn, size)
        else:
            square = empty(size)
    return op.Unsqueeze(square, [0])


@script(default_opset=op)
def duo_square(ink, sides, size, ranges, pen):
    """(2, size, size) f32 of ink (h, w), as in `page_square`: the ink alone, and the page."""
    inked = op.ReduceMax(ink, keepdims=0) > 0.0
    alone = stands_alone(ink, sides)
    if inked:
        if alone:
            glyph = filling(ink, size)
            page = empty(size)
        else:
            seen = without_stray_dots(ink)
            drawn, widened = with_a_known_pen(settled(seen, ranges), pen)
            page = whole_page(drawn, size)
            if widened:  # the glyph is cut from the drawing as it came, unless its pen was too thin
                glyph = filling(drawn, size)
            else:
                glyph = filling(seen, size)
    else:
        glyph = empty(size)
        page = empty(size)
    return op.Concat(op.Unsqueeze(glyph, [0]), op.Unsqueeze(page, [0]), axis=0)
