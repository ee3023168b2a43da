"""A model as ONNX: pixels in, classes out, with everything else inside."""

from __future__ import annotations

import json
import logging
import os
import warnings
from pathlib import Path

from engine.errors import GlyphlabError
from engine.files.atomic import failure


def export_onnx(folder: Path, file: Path) -> Path:
    """Write the checkpoint in `folder` to `file` and return it.

    Input `images` (B, C, S, S) uint8, squares as engine.imaging.images makes them: ink 255 on paper
    0, photographs RGB. Outputs `probabilities` (B, K) f32, calibrated; `logits` (B, K) f32;
    `embeddings` (B, D) f32, L2-normalised. B is free. The metadata holds the class names
    (`classes`, a JSON list) and how pictures are placed on the square (`style`, `size`). Raises
    CheckpointError; GlyphlabError if `file` can't be written.
    """
    import onnx
    import torch

    from engine.data.augment import fit_size
    from engine.imaging.images import STYLES, normalise
    from engine.models.checkpoint import load_checkpoint

    checkpoint = load_checkpoint(folder)

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
    example = torch.randint(
        0, 256, (2, channels, checkpoint.size, checkpoint.size), dtype=torch.uint8
    )
    if not file.parent.is_dir():
        raise GlyphlabError(f"{file} can't be written", got=f"no folder {file.parent}")
    fresh = file.with_name(f".{file.name}.{os.getpid()}.tmp")
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            Whole().eval(),
            (example,),
            dynamo=True,
            dynamic_shapes={"images": {0: torch.export.Dim("B", min=1, max=65_536)}},
            input_names=["images"],
            output_names=["probabilities", "logits", "embeddings"],
            verbose=False,
        )
    assert program is not None  # what `dynamo=True` returns
    model = program.model_proto
    metadata = {
        "classes": json.dumps(checkpoint.classes, ensure_ascii=False),
        "style": checkpoint.style,
        "size": str(checkpoint.size),
        "name": checkpoint.recipe.name,
        "temperature": str(checkpoint.temperature),
    }
    for key, value in metadata.items():
        model.metadata_props.add(key=key, value=value)
    try:
        onnx.save(model, fresh)
        os.replace(fresh, file)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        raise failure(error, file) from error
    return file
