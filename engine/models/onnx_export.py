"""A model's network as ONNX: squares in, classes out, with everything after the square inside."""

from __future__ import annotations

import json
import logging
import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import GlyphlabError
from engine.files.atomic import failure

if TYPE_CHECKING:
    import onnx

    from engine.models.checkpoint import Checkpoint

OUTPUTS = ("probabilities", "logits", "embeddings")


def export_onnx(folder: Path, file: Path) -> Path:
    """Write the checkpoint in `folder` to `file` and return it.

    Input `images` (B, C, S, S) uint8, squares as engine.imaging.images makes them: ink 255 on paper
    0, photographs RGB. Outputs `probabilities` (B, K) f32, calibrated; `logits` (B, K) f32;
    `embeddings` (B, D) f32, L2-normalised. B is free. The metadata holds the class names
    (`classes`, a JSON list) and how pictures are placed on the square (`style`, `size`). Raises
    CheckpointError; GlyphlabError if `file` can't be written. For pictures as they are, see
    engine.models.portable.package.
    """
    from engine.models.checkpoint import load_checkpoint

    check_place(file)
    save_graph(network_graph(load_checkpoint(folder)), file)
    return file


def network_graph(checkpoint: Checkpoint) -> onnx.ModelProto:
    """The graph that `export_onnx` writes."""
    import torch

    from engine.data.augment import fit_size
    from engine.imaging.images import STYLES, normalise

    class Whole(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = checkpoint.model

        def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
            output = self.model(normalise(fit_size(images, checkpoint.input_size, checkpoint.crop)))
            return (
                torch.softmax(output.logits / checkpoint.temperature, 1),
                output.logits,
                output.embeddings,
            )

    channels = STYLES[checkpoint.style].channels
    example = torch.zeros(2, channels, checkpoint.size, checkpoint.size, dtype=torch.uint8)
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            Whole().eval(),
            (example,),
            dynamo=True,
            dynamic_shapes={"images": {0: torch.export.Dim("B", min=1, max=65_536)}},
            input_names=["images"],
            output_names=list(OUTPUTS),
            verbose=False,
        )
    assert program is not None  # what `dynamo=True` returns
    graph = program.model_proto
    describe(graph, checkpoint)
    return graph


def describe(graph: onnx.ModelProto, checkpoint: Checkpoint) -> None:
    """Write what a user of the graph needs to know into its metadata."""
    metadata = {
        "classes": json.dumps(checkpoint.classes, ensure_ascii=False),
        "style": checkpoint.style,
        "size": str(checkpoint.size),
        "name": checkpoint.recipe.name,
        "temperature": str(checkpoint.temperature),
    }
    for key, value in metadata.items():
        graph.metadata_props.add(key=key, value=value)


def check_place(file: Path) -> None:
    """Raises GlyphlabError if `file` can't be written for want of a folder."""
    if not file.parent.is_dir():
        raise GlyphlabError(f"{file} can't be written", got=f"no folder {file.parent}")


def save_graph(graph: onnx.ModelProto, file: Path) -> None:
    """Write a graph, whole or not at all. Raises GlyphlabError if it can't be written."""
    import onnx

    fresh = file.with_name(f".{file.name}.{os.getpid()}.tmp")
    try:
        onnx.save(graph, fresh)
        os.replace(fresh, file)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        raise failure(error, file) from error
