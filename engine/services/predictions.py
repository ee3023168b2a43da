"""Looking inside a model: its answers to test images, the filters of its first layer, and what in
an image it went by.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.errors import DataError
from engine.recipe import DataSpec

if TYPE_CHECKING:
    from torch import nn

    from engine.data.imageset import ImageSet
    from engine.lab import Lab
    from engine.models.predictor import Predictor

ASKED = 120  # test images that a model without recorded predictions is asked about
MOST_FILTERS = 64


@dataclass(frozen=True)
class Answers:
    """A model's answers to test images.

    images         (n, C, S, S) uint8
    labels         (n,) int64, places in `classes`
    probabilities  (n, K) f32
    files          n names, relative to the data set
    of             how many test images there are in all; data, split: which
    """

    images: np.ndarray
    labels: np.ndarray
    probabilities: np.ndarray
    files: tuple[str, ...]
    classes: tuple[str, ...]
    data: str
    split: str
    of: int

    @property
    def predicted(self) -> np.ndarray:
        return self.probabilities.argmax(1)

    @property
    def right(self) -> np.ndarray:
        return self.predicted == self.labels

    @property
    def confidence(self) -> np.ndarray:
        return self.probabilities.max(1)


def answers(lab: Lab, model: str, which: str = "all", count: int = 30, seed: int = 0) -> Answers:
    """`count` of a model's answers to images held out from it, at random: 'all', or only the
    'right' or 'wrong' ones, the surest first.

    Read from its run's predictions where there are some; else the model is asked. Raises DataError
    if its data set is not there.
    """
    folder = lab.model_folder(model)
    meta = lab.model_meta(model)
    spec = DataSpec.model_validate(meta["recipe"]["data"])
    if spec.test_on:
        spec = spec.model_copy(update={"name": spec.test_on, "limit": None, "test_on": None})
    data = lab.dataset(spec)
    split = "test" if len(data.splits.get("test", ())) else "val"
    rng = np.random.default_rng(seed)
    kept = _recorded(folder, len(data))
    classes = tuple(meta["classes"])
    if kept is None:
        of = len(data.split(split))
        index = np.sort(rng.choice(data.split(split), min(ASKED, of), replace=False))
        labels, probabilities = (
            _places(data, index, classes),
            lab.predictor(model).squares(np.asarray(data.images[index])),
        )
    else:
        labels, probabilities, index = kept
        of = len(index)
    right = probabilities.argmax(1) == labels
    chosen = np.flatnonzero({"all": np.ones_like(right), "right": right, "wrong": ~right}[which])
    if which == "all":
        chosen = rng.permutation(chosen)[:count]
    else:
        chosen = chosen[np.argsort(-probabilities[chosen].max(1), kind="stable")][:count]
    at = index[chosen]
    files = tuple(data.files[i] for i in at)
    return Answers(
        np.asarray(data.images[at]),
        labels[chosen],
        probabilities[chosen],
        files,
        classes,
        data.name,
        split,
        of,
    )


def _recorded(folder: Path, length: int) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """What a run kept of its answers: labels (n,), probabilities (n, K), index (n,); None without,
    or if they are of other data.
    """
    try:
        with np.load(folder.parent / "predictions.npz", allow_pickle=False) as arrays:
            labels, probabilities, index = (
                arrays["labels"],
                arrays["probabilities"],
                arrays["index"],
            )
    except (OSError, ValueError, KeyError):
        return None
    if not len(index) or index.max() >= length:
        return None
    return labels.astype(np.int64), probabilities.astype(np.float32), index.astype(np.int64)


def _places(data: ImageSet, index: np.ndarray, classes: tuple[str, ...]) -> np.ndarray:
    """The data's labels as places in the model's classes, by name. Raises DataError if they share
    none.
    """
    place = np.array([classes.index(name) if name in classes else -1 for name in data.classes])
    if (place < 0).all():
        raise DataError(
            f"data set {data.name} shares no class with the model",
            expected=", ".join(classes[:10]),
            got=", ".join(data.classes[:10]),
        )
    return place[data.labels[index]]


def filters(predictor: Predictor) -> np.ndarray:
    """The kernels of the first convolution as pictures (F, C, k, k) uint8: colour for RGB, else
    grey, each stretched to full contrast.
    """
    from torch import nn

    first = next(
        (layer for layer in predictor.model.modules() if isinstance(layer, nn.Conv2d)), None
    )
    if first is None:
        return np.zeros((0, 1, 1, 1), np.uint8)
    kernels = first.weight.detach().float().cpu().numpy()[:MOST_FILTERS]
    kernels = kernels if kernels.shape[1] == 3 else kernels[:, :1]
    low, high = kernels.min((1, 2, 3), keepdims=True), kernels.max((1, 2, 3), keepdims=True)
    return ((kernels - low) / np.maximum(high - low, 1e-9) * 255).round().astype(np.uint8)


def guided_saliency(predictor: Predictor, squares: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Guided backpropagation (Springenberg et al. 2014, arXiv 1412.6806): what in each image spoke
    for its label.

    squares: (n, C, S, S) uint8; labels: (n,) places in the model's classes. Returns (n, C, S, S)
    float32 in -1..1, 0 where a pixel does not matter; each image is scaled to its own strongest
    pixel.
    """
    import torch

    from engine.data.augment import fit_size
    from engine.imaging.images import normalise

    checkpoint = predictor.checkpoint
    model = _guided(predictor.model)
    batch = torch.from_numpy(np.ascontiguousarray(squares)).to(predictor.device)
    image = normalise(fit_size(batch, checkpoint.input_size, checkpoint.crop)).requires_grad_(True)
    logits = model(image).logits
    logits[torch.arange(len(image)), torch.as_tensor(labels, device=logits.device)].sum().backward()
    found = torch.nn.functional.interpolate(
        image.grad, size=squares.shape[-2:], mode="bilinear", align_corners=False
    )
    values = found.float().cpu().numpy()
    return values / np.maximum(np.abs(values).max((1, 2, 3), keepdims=True), 1e-12)


def _guided(model: nn.Module) -> nn.Module:
    """A copy whose activations let back only what speaks for the answer."""
    import copy

    from torch import nn

    def positive(layer: nn.Module, incoming: Any, outgoing: Any) -> Any:
        return tuple(None if part is None else part.clamp(min=0) for part in incoming)

    guided = copy.deepcopy(model).eval()
    for layer in guided.modules():
        if hasattr(layer, "inplace"):
            layer.inplace = False  # a hook on the gradient can't see through a change in place
        if isinstance(layer, nn.ReLU | nn.LeakyReLU | nn.GELU | nn.SiLU | nn.ELU | nn.Mish):
            layer.register_full_backward_hook(positive)
    return guided


def as_pictures(saliency: np.ndarray) -> np.ndarray:
    """Saliency (n, C, S, S) in -1..1 as pictures (n, 3, S, S) uint8: mid-grey where nothing
    mattered, in colour for photographs.
    """
    grey = np.repeat(saliency[:, :1], 3, 1) if saliency.shape[1] != 3 else saliency
    strength = np.sign(grey) * np.sqrt(np.abs(grey))  # a few pixels are far stronger than the rest
    return (127.5 + 127.5 * np.clip(strength, -1, 1)).round().astype(np.uint8)
