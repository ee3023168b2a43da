"""A saved model is a folder: safetensors weights, `checkpoint.json` with everything needed to use
them, and a card.

`checkpoint.json` is written last, with `os.replace`: where it is present, the checkpoint is
complete. It names the weights file, so that new weights never meet an old description. No pickle is
ever loaded.
"""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from engine import __version__
from engine.errors import CheckpointError, GlyphlabError
from engine.files.atomic import make_folder, replacing, why_not_written
from engine.files.documents import CheckpointMeta, Figures, TrainedOn
from engine.imaging.images import STYLES
from engine.imaging.placement import Placement, read_placement
from engine.models.card import model_card
from engine.models.metadata import FORMAT, META, read_meta
from engine.recipes.recipe import Recipe, make_recipe

if TYPE_CHECKING:
    import torch

    from engine.models.recognizer import Recognizer


@dataclass(frozen=True)
class Checkpoint:
    """A loaded model. `size`: pixels at which pictures are placed on the square; `input_size`:
    pixels the network sees, after an optional resize to `crop`; `temperature`: what logits are
    divided by so that probabilities are calibrated; `placement`: where its training drawings stand
    on their pages, for styles that show the page."""

    folder: Path
    model: Recognizer
    recipe: Recipe
    classes: tuple[str, ...]
    metrics: Figures
    style: str
    size: int
    input_size: int
    crop: int | None
    temperature: float
    placement: Placement | None = None


def save_checkpoint(
    folder: Path,
    tensors: Mapping[str, torch.Tensor],
    recipe: Recipe,
    classes: Sequence[str],
    metrics: Figures,
    *,
    style: str,
    input_size: int,
    temperature: float = 1.0,
    half: bool = False,
    extra: TrainedOn | None = None,
) -> None:
    """Write a checkpoint of the weights `tensors`. A crash at any point leaves the folder's
    previous checkpoint usable.

    half: store floating-point weights in 16 bits. Raises CheckpointError if the disk is full or not
    writable.
    """
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    make_folder(folder)
    stored = {
        key: (
            (value.half() if half and value.is_floating_point() else value)
            .detach()
            .cpu()
            .contiguous()
            .clone()
        )
        for key, value in tensors.items()
    }
    digest = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
    name = f"model-{digest}.safetensors"
    last = recipe.resolved_stages()[-1]
    meta: CheckpointMeta = {
        "format": FORMAT,
        "glyphlab": __version__,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "name": recipe.name,
        "title": recipe.title,
        "model": recipe.model.name,
        "classes": list(classes),
        "style": style,
        "channels": STYLES[style].channels,
        "size": recipe.data.size,
        "input_size": input_size,
        "crop": last.augment.crop,
        "temperature": temperature,
        "weights": name,
        "parameters": sum(
            value.numel()
            for key, value in stored.items()
            if not key.endswith(("running_mean", "running_var", "num_batches_tracked"))
        ),
        "versions": {"python": platform.python_version(), "torch": _torch_version()},
        "metrics": metrics,
        "recipe": recipe.model_dump(mode="json"),
        **(extra or {}),
    }
    try:
        with replacing(folder / name) as path:
            save_file(stored, path)
            os.chmod(path, 0o644)
        for file, text in (
            ("recipe.yaml", recipe.to_yaml()),
            ("README.md", model_card(meta)),
            (META, json.dumps(meta, indent=1, ensure_ascii=False, allow_nan=False)),
        ):
            with replacing(folder / file) as path:
                path.write_text(text, encoding="utf-8")
    except (OSError, SafetensorError) as error:  # the disk is full
        (folder / name).unlink(missing_ok=True)
        raise CheckpointError(
            f"the checkpoint could not be written to {folder}",
            got=why_not_written(error),
            hint="Free some disk space.",
        ) from None
    for old in folder.glob("model-*.safetensors"):
        if old.name != name:
            old.unlink(missing_ok=True)


def read_shapes(folder: Path) -> dict[str, tuple[int, ...]]:
    """The names and shapes of a checkpoint's tensors, from the head of its file; no tensor is read.
    Raises CheckpointError for a file that is no safetensors.
    """
    from safetensors import SafetensorError, safe_open

    path = folder / read_meta(folder)["weights"]
    try:
        with safe_open(path, framework="pt") as file:
            return {key: tuple(file.get_slice(key).get_shape()) for key in file.keys()}
    except (SafetensorError, OSError, ValueError, OverflowError) as error:
        raise _no_weights(path, error) from None


def read_weights(folder: Path) -> dict[str, torch.Tensor]:
    """The tensors of a checkpoint, in float32. Raises CheckpointError for a file that is no
    safetensors, and for numbers that a network can't predict with.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    path = folder / read_meta(folder)["weights"]
    try:
        tensors = {
            key: value.float() if value.is_floating_point() else value
            for key, value in load_file(path).items()
        }
    except (SafetensorError, OSError, ValueError, KeyError, OverflowError, RuntimeError) as error:
        raise _no_weights(path, error) from None
    for key, value in tensors.items():
        if not value.isfinite().all():
            raise CheckpointError(
                f"the model in {folder} can't be used: weights in {key} are infinite or not a number",
                hint="Copy or download it again; if its training went wrong, train it again with a lower"
                " learning rate.",
            )
    return tensors


def _no_weights(path: Path, error: Exception) -> CheckpointError:
    return CheckpointError(
        f"{path} is not a readable safetensors file",
        got=str(error)[:120],
        hint="Copy or download it again.",
    )


def load_checkpoint(folder: Path, device: str = "cpu") -> Checkpoint:
    """The model of a checkpoint, in evaluation mode on `device`.

    What the metadata asks for is built without memory first and compared with the shapes that the
    weights have, so that a stranger's checkpoint never takes more than its file holds. Raises
    CheckpointError if it is incomplete, or if its weights are another model's or another number of
    classes' than it says.
    """
    import torch

    from engine.models.catalog import build_model

    meta = read_meta(folder)
    classes = tuple(meta["classes"])
    recipe = make_recipe(meta["recipe"], {"scale": "full", "small": {}})
    channels = STYLES[meta["style"]].channels

    def built() -> Recognizer:
        try:
            return build_model(
                recipe.model.name,
                recipe.model.options,
                channels,
                len(classes),
                meta["input_size"],
                pretrained=False,
            )
        except GlyphlabError as error:
            raise CheckpointError(
                f"checkpoint {folder.name} can't be used by this version of Glyphlab",
                got=str(error),
            ) from None

    with torch.device("meta"):
        own = {key: tuple(value.shape) for key, value in built().state_dict().items()}
    stored = read_shapes(folder)
    wrong = [key for key in sorted(own.keys() | stored.keys()) if own.get(key) != stored.get(key)]
    if wrong:
        key = wrong[0]
        raise CheckpointError(
            f"the weights of {folder} are another model's: {len(wrong)} of {len(own)} tensors do"
            f" not fit '{recipe.model.name}' with {len(classes)} classes; {key}",
            expected=own.get(key, "nothing"),
            got=stored.get(key, "nothing"),
        )
    model = built()
    model.load_state_dict(read_weights(folder))
    model.to(device).eval().requires_grad_(False)
    return Checkpoint(
        folder,
        model,
        recipe,
        classes,
        meta["metrics"],
        meta["style"],
        meta["size"],
        meta["input_size"],
        meta.get("crop"),
        meta.get("temperature", 1.0),
        read_placement(meta.get("placement")),
    )


def _torch_version() -> str:
    import torch

    return torch.__version__
