"""A model as one ONNX graph from a picture to probabilities: what the lab does to pixels, then the
network.
"""

# `graph` is read as ONNX: its values are tensors, whose types no checker knows.
# pyright: reportOperatorIssue=false, reportArgumentType=false, reportReturnType=false
# pyright: reportOptionalSubscript=false, reportCallIssue=false, reportAttributeAccessIssue=false
# pyright: reportIndexIssue=false, reportOptionalOperand=false, reportGeneralTypeIssues=false, reportInvalidTypeForm=false

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import numpy as np
from onnxscript import BOOL, UINT8, optimizer, script
from onnxscript import opset20 as op

from engine.imaging.placement import Placement
from engine.models.onnx_export import describe, network_graph
from engine.models.portable.ink_on_paper import channels_first, ink_of
from engine.models.portable.squares import fitted
from engine.models.portable.styles import digit_square, duo_square, page_square

if TYPE_CHECKING:
    import onnx

    from engine.models.checkpoint import Checkpoint

FROM_INK = {"digit": digit_square, "page": page_square, "duo": duo_square}
ANYWHERE = ((-9.0, 0.0, 9.0), (-9.0, 0.0, 9.0), (0.0, 1.0, 9.0))  # where every drawing stands
IR_VERSION = 10  # onnxruntime 1.18 and newer
NEVER = np.array([False])
PICTURE = UINT8["H", "W", "C"]


def preprocessing(style: str, size: int, placement: Placement | None) -> onnx.ModelProto:
    """The graph from `image` (H, W, 1 or 3) uint8 to `square` (1, C, size, size) uint8, as
    `engine.imaging.images.square` makes it of a picture without a convention of its set, and
    `blank` (1,) bool: nothing is drawn.
    """
    from onnx import inliner

    made = _from_colours(size) if style == "photo" else _from_ink(style, size, placement)
    types = [UINT8[1, "C", size, size], BOOL[1]]
    graph = inliner.inline_local_functions(
        made.to_model_proto(ir_version=IR_VERSION, output_types=types)
    )
    del graph.graph.value_info[:]  # names without types, which the checker refuses
    logging.getLogger("onnx_ir").setLevel(logging.ERROR)  # it logs what it leaves as it is
    return optimizer.optimize(graph)


def _from_colours(size: int) -> Any:
    @script(default_opset=op)
    def graph(image: PICTURE):
        fit = fitted(channels_first(image), op.Constant(value_int=size))
        square = op.Cast(op.Unsqueeze(fit, [0]), to=UINT8.dtype)
        blank = op.Constant(value=NEVER)
        return square, blank

    return graph


def _from_ink(style: str, size: int, placement: Placement | None) -> Any:
    square_of = FROM_INK[style]
    ranges = np.array(placement[:3] if placement else ANYWHERE)
    pen = np.array(placement.pen[0] if placement and placement.pen else 0.0)

    @script(default_opset=op)
    def graph(image: PICTURE):
        ink = ink_of(channels_first(image))
        sides = op.Shape(image)[0:2]
        drawn = square_of(
            ink,
            sides,
            op.Constant(value_int=size),
            op.Constant(value=ranges),
            op.Constant(value=pen),
        )
        blank = op.Reshape(op.ReduceMax(drawn, keepdims=0) == 0.0, [1])
        square = op.Cast(op.Unsqueeze(drawn, [0]), to=UINT8.dtype)
        return square, blank

    return graph


def whole_graph(checkpoint: Checkpoint) -> onnx.ModelProto:
    """The graph from one picture `image` (H, W, 1 or 3) uint8 to `probabilities` (1, K) f32,
    calibrated; `embedding` (1, D) f32, L2-normalised; `blank` (1,) bool; `square` (1, C, S, S)
    uint8, what the network was given.
    """
    import onnx
    from onnx import compose

    network = network_graph(checkpoint)
    del network.metadata_props[:]
    before = preprocessing(checkpoint.style, checkpoint.size, checkpoint.placement)
    # Prefixes go wrong in the branches of `preprocessing`: the network has none.
    network = compose.add_prefix(network, "network/", rename_inputs=False, rename_outputs=False)
    network.ir_version = before.ir_version = IR_VERSION
    graph = compose.merge_models(
        before,
        network,
        io_map=[("square", "images")],
        outputs=["probabilities", "embeddings", "square", "blank"],
    )
    describe(graph, checkpoint)
    onnx.checker.check_model(graph)
    return graph
