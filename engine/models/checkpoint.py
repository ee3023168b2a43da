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
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from engine import __version__
from engine.errors import CheckpointError, GlyphlabError
from engine.files import why_not_written
from engine.imaging.images import STYLES
from engine.imaging.placement import Placement, read_placement
from engine.recipe import Recipe, make_recipe

if TYPE_CHECKING:
    import torch

    from engine.models.recognizer import Recognizer

FORMAT = 1
META = "checkpoint.json"
REQUIRED = ("format", "recipe", "classes", "style", "size", "input_size", "weights", "metrics")


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
    metrics: dict[str, Any]
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
    metrics: Mapping[str, Any],
    *,
    style: str,
    input_size: int,
    temperature: float = 1.0,
    half: bool = False,
    extra: Mapping[str, Any] | None = None,
) -> None:
    """Write a checkpoint of the weights `tensors`. A crash at any point leaves the folder's
    previous checkpoint usable.

    half: store floating-point weights in 16 bits. Raises CheckpointError if the disk is full or not
    writable.
    """
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
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
    meta = {
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
        "metrics": dict(metrics),
        "recipe": recipe.model_dump(mode="json"),
        **(extra or {}),
    }
    try:
        _replace(folder / name, lambda path: save_file(stored, path))
        _replace(
            folder / "recipe.yaml", lambda path: path.write_text(recipe.to_yaml(), encoding="utf-8")
        )
        _replace(
            folder / "README.md", lambda path: path.write_text(model_card(meta), encoding="utf-8")
        )
        _replace(
            folder / META,
            lambda path: path.write_text(
                json.dumps(meta, indent=1, ensure_ascii=False, allow_nan=False), encoding="utf-8"
            ),
        )
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


def read_meta(folder: Path) -> dict[str, Any]:
    """What `checkpoint.json` says, checked for completeness; does not load torch. Raises
    CheckpointError.
    """
    path = folder / META
    try:
        meta = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise CheckpointError(
            f"{folder} holds no complete checkpoint", expected=f"a {META} in it"
        ) from None
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path} can't be read", got=str(error)[:120]) from None
    missing = (
        [key for key in REQUIRED if key not in meta] if isinstance(meta, dict) else list(REQUIRED)
    )
    if missing:
        raise CheckpointError(f"{path} is incomplete", expected=f"the keys {', '.join(missing)}")
    if meta["format"] != FORMAT:
        raise CheckpointError(
            f"{path} is of another version", expected=f"format {FORMAT}", got=meta["format"]
        )
    if not (folder / meta["weights"]).is_file():
        raise CheckpointError(
            f"the weights of {folder} are missing",
            expected=f"a file {meta['weights']} beside {META}",
        )
    return meta


def read_weights(folder: Path) -> dict[str, torch.Tensor]:
    """The tensors of a checkpoint, in float32. Raises CheckpointError for a file that is no
    safetensors.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    path = folder / read_meta(folder)["weights"]
    try:
        return {
            key: value.float() if value.is_floating_point() else value
            for key, value in load_file(path).items()
        }
    except (SafetensorError, OSError) as error:
        raise CheckpointError(
            f"{path} is no readable safetensors file",
            got=str(error)[:120],
            hint="Copy or download it again.",
        ) from None


def load_checkpoint(folder: Path, device: str = "cpu") -> Checkpoint:
    """The model of a checkpoint, in evaluation mode on `device`.

    Raises CheckpointError if it is incomplete, or if its weights are another model's or another
    number of classes' than it says.
    """
    from engine.models.catalog import build_model

    meta = read_meta(folder)
    classes = tuple(meta["classes"])
    try:
        recipe = make_recipe(meta["recipe"], {"scale": "full", "small": {}})
        channels = STYLES[meta["style"]].channels
        model = build_model(
            recipe.model.name,
            recipe.model.options,
            channels,
            len(classes),
            meta["input_size"],
            pretrained=False,
        )
    except (GlyphlabError, KeyError) as error:
        raise CheckpointError(
            f"checkpoint {folder.name} can't be used by this version of Glyphlab", got=str(error)
        ) from None
    weights = read_weights(folder)
    own = model.state_dict()
    wrong = [
        key
        for key in sorted(own.keys() | weights.keys())
        if key not in own or key not in weights or own[key].shape != weights[key].shape
    ]
    if wrong:
        key = wrong[0]
        given = tuple(weights[key].shape) if key in weights else "nothing"
        raise CheckpointError(
            f"the weights of {folder} are another model's: {len(wrong)} of {len(own)} tensors do"
            f" not fit '{recipe.model.name}' with {len(classes)} classes; {key}",
            expected=tuple(own[key].shape) if key in own else "nothing",
            got=given,
        )
    model.load_state_dict(weights)
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


def model_card(meta: Mapping[str, Any]) -> str:
    """The card: what the model is for, what it was trained on, how good it is and on what. Markdown
    with Hub front matter.
    """
    recipe, metrics, style = meta["recipe"], meta["metrics"], meta["style"]
    classes = list(meta["classes"])
    shown = (
        " ".join(classes)
        if len(" ".join(classes)) < 200
        else f"{' '.join(classes[:20])} … ({len(classes)} in all)"
    )
    front = yaml.safe_dump(
        {
            "library_name": "glyphlab",
            "pipeline_tag": "image-classification",
            "tags": ["handwriting", meta["model"]],
        },
        sort_keys=False,
    )
    lines = [
        "---",
        front.strip(),
        "---",
        f"# {meta['title'] or meta['name']}",
        "",
        recipe.get("about", "").strip(),
        "",
        "| | |",
        "|---|---|",
        (
            f"| network | `{meta['model']}`, {meta['parameters']:,} parameters, 128-d embedding |"
            if meta["model"] != "tiny"
            else f"| network | `{meta['model']}`, {meta['parameters']:,} parameters |"
        ),
        f"| classes | {len(classes)}: {shown} |",
        (
            f"| input | style `{style}` ({STYLES[style].about}), {meta['size']} px; the network"
            f" sees {meta['input_size']} px |"
        ),
        (
            f"| trained on | {recipe['data']['name']}, split seed {recipe['data']['seed']}, seed"
            f" {recipe['seed']} |"
        ),
        f"| calibration | logits are divided by {meta['temperature']:.3f} |",
        f"| made | {meta['created']}, torch {meta['versions']['torch']} |",
        *_placement_row(meta.get("placement")),
        "",
    ]
    rows = [(label, metrics.get(key)) for label, key in CARD_ROWS]
    lines += ["| measured | |", "|---|---|"] + [
        f"| {label} | {_figure(label, value)} |" for label, value in rows if value is not None
    ]
    if metrics.get("test_data"):
        read = (
            "followed through the epochs, but nothing was chosen by them"
            if "test_last5" in metrics
            else "read once, after training"
        )
        lines += [
            "",
            (
                f"Test figures are on {metrics['test_data']}, split {metrics['test_split']},"
                f" {metrics['test_n']:,} images, {read}."
            ),
        ]
    if held := meta.get("held_out"):
        lines += [
            "",
            (
                f"This model learned from every image. {held['models']} models of its recipe, each"
                f" with another {held['n']:,} images held out, read {100 * held['accuracy']:.2f}%"
                f" of those right (standard deviation {100 * held['spread']:.2f};"
                f" {100 * held['accuracy_ignoring_case']:.2f}% ignoring case)."
            ),
        ]
    return "\n".join(lines) + "\n"


CARD_ROWS = (
    ("test accuracy", "test_accuracy"),
    ("test accuracy, mean of the last five epochs", "test_last5"),
    ("test top-3", "test_top3"),
    ("test calibration error", "test_ece"),
    ("validation accuracy", "val_accuracy"),
    ("kNN accuracy of the embedding (k = 13)", "knn_accuracy"),
    ("epochs", "epochs"),
    ("training seconds", "seconds"),
)


def _placement_row(found: Mapping[str, Sequence[float]] | None) -> list[str]:
    """The card's words for `placement`."""
    if not found:
        return []
    (left, _, right), (up, _, down), (small, _, large) = (
        found[name] for name in ("x", "y", "side")
    )
    said = (
        f"ink of {small:.0%} to {large:.0%} of its longer side, {left:+.0%} to {right:+.0%} across,"
        f" {up:+.0%} to {down:+.0%} down"
    )
    pen = (
        f"; strokes thinner than {found['pen'][0]:.1%} of that side are widened to it"
        if found.get("pen")
        else ""
    )
    return [
        f"| the page | {said} from its middle; a drawing beyond is put into the middle of these"
        f" ranges{pen} |"
    ]


def _figure(label: str, value: float) -> str:
    return f"{value:,.0f}" if label in ("epochs", "training seconds") else f"{100 * value:.2f}%"


def _torch_version() -> str:
    import torch

    return torch.__version__


def _replace(path: Path, write: Any) -> None:
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    os.close(descriptor)
    temporary = Path(name)
    try:
        write(temporary)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
