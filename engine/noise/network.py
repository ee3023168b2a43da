"""The networks of the label-noise pipeline: small ones that train in seconds, on the images and
given labels of one data set.

Nothing here reads any other label. Callers choose the images to train on and to predict, so that a
prediction can be out of sample.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from engine.data import loader
from engine.data.augment import augment
from engine.data.imageset import ImageSet
from engine.data.loader import Images
from engine.device import pick_device, pick_precision
from engine.imaging.images import normalise
from engine.models.glyphnet import glyphnet
from engine.models.inference import run_model
from engine.models.recognizer import Recognizer, conv_norm
from engine.noise.targets import TargetLoss, Targets
from engine.progress import Progress
from engine.recipes.augmentation import Augment

HANDWRITING = Augment(rotate=12, translate=0.07, zoom=0.12, stretch=0.1, shear=8, elastic=0.03)
# stronger, for the ensemble's networks, which train for longer
HANDWRITING_STRONG = Augment(
    rotate=14, translate=0.07, zoom=0.12, stretch=0.15, shear=12, elastic=0.05, thickness=0.7
)
PHOTO = Augment(
    rotate=15,
    translate=0.1,
    zoom=0.2,
    flip_horizontal=0.5,
    brightness=0.15,
    contrast=0.2,
    colour=0.2,
)


# channels and classes to a new network
Network = Callable[[int, int], Recognizer]


def small_network(channels: int, classes: int, width: int = 32) -> Recognizer:
    """Seven convolutions, two thirds of them at a quarter of the resolution: 3,300 images/s in
    training on one core of a 2024 EPYC at 28 px (bfloat16, batches of 256), and above 99% on MNIST
    in a few epochs.
    """
    w = width
    body = [
        nn.Sequential(
            conv_norm(channels, w, 5, 2), conv_norm(w, w), conv_norm(w, w), nn.MaxPool2d(2)
        ),
        nn.Sequential(conv_norm(w, 2 * w), conv_norm(2 * w, 2 * w), nn.MaxPool2d(2)),
        nn.Sequential(conv_norm(2 * w, 4 * w), nn.AdaptiveMaxPool2d(1), nn.Flatten()),
    ]
    return Recognizer(body, nn.Linear(4 * w, classes))


def large_network(channels: int, classes: int) -> Recognizer:
    """Nearly four times the weights of the small network at 0.4 of its speed; trained on soft
    targets, it reproduces fewer of their mistakes.
    """
    return glyphnet(channels, classes, 28, width=32, stem=2, blocks=(1, 1, 1))


@dataclass(frozen=True)
class NoisyData:
    """A data set whose labels are in question, on its device.

    given (N,) int64: labels of all images; classes: K; size: side of the images in pixels; augment:
    augmentation in training; autocast: lower precision of the forward pass, or None.
    """

    images: Images
    given: np.ndarray
    classes: int
    size: int
    augment: Augment
    device: torch.device
    autocast: torch.dtype | None

    @property
    def count(self) -> int:
        """N, the number of images."""
        return len(self.given)


def noisy_data(data: ImageSet, given: np.ndarray | None = None, device: str = "auto") -> NoisyData:
    """Put a data set's images on the device. given (N,) replaces its labels."""
    where, _ = pick_device(device)
    labels = np.asarray(data.labels if given is None else given, np.int64)
    return NoisyData(
        images=Images(data, where),
        given=labels,
        classes=len(data.classes),
        size=data.size,
        augment=PHOTO if data.style == "photo" else HANDWRITING,
        device=where,
        autocast=pick_precision("auto", where)[0],
    )


def train(
    data: NoisyData,
    index: np.ndarray,
    targets: Targets,
    epochs: int,
    seed: int,
    progress: Progress,
    what: str,
    network: Network = small_network,
) -> tuple[Recognizer, float]:
    """A new `network` trained on the images at `index` (n,); also the final diagonal of a
    UniformTransition (nan for other targets).

    AdamW, one cycle of the learning rate. Weights, order and augmentation follow from `seed`.
    """
    torch.manual_seed(seed)
    batch_size, steps = steps_of(len(index), epochs)
    learner = Learner(data, network(data.images.data.channels, data.classes), steps)
    loss_of = TargetLoss(targets, data.given, data.device, steps)
    for done, (x, position) in enumerate(batches(data, index, epochs, seed), 1):
        learner.step(loss_of(learner.logits(x), position))
        if done % 8 == 0 or done == steps:
            progress(done * batch_size, steps * batch_size, what)
    return learner.model, loss_of.diagonal


class Learner:
    """A network in training: AdamW, one cycle of the learning rate over `steps` batches."""

    def __init__(self, data: NoisyData, model: Recognizer, steps: int) -> None:
        self.data = data
        self.model = model.to(data.device).to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
        self.optimizer = torch.optim.AdamW(
            self.model.parameters(), lr=3e-3, betas=(0.9, 0.99), weight_decay=0.02
        )
        self.rates = torch.optim.lr_scheduler.OneCycleLR(
            self.optimizer, 3e-3, total_steps=steps, pct_start=0.25, div_factor=10,
            final_div_factor=100,
        )  # fmt: skip
        self.model.train()

    def logits(self, x: Tensor) -> Tensor:
        """(B, K) of normalised images (B, C, H, W)."""
        lower = self.data.autocast
        with torch.autocast(
            self.data.device.type, dtype=lower or torch.bfloat16, enabled=lower is not None
        ):
            return self.model(x).logits

    def step(self, loss: Tensor) -> None:
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        self.rates.step()


def batches(
    data: NoisyData, index: np.ndarray, epochs: int, seed: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """The images at `index` (n,), shuffled and augmented in each epoch: normalised (B, C, H, W), and
    their positions (B,).
    """
    batch_size, _ = steps_of(len(index), epochs)
    rng, draws = np.random.default_rng(seed), torch.Generator(data.device).manual_seed(seed)
    for _ in range(epochs):
        for batch in data.images.batches(loader.shuffled(index, batch_size, rng)):
            x = normalise(augment(batch.images, data.augment, data.size, draws))
            yield x.contiguous(memory_format=torch.channels_last), batch.index


def steps_of(images: int, epochs: int) -> tuple[int, int]:
    """The size of a batch, and how many there are in so many epochs of so many images."""
    batch_size = 256 if images > 20_000 else 128 if images > 5_000 else 64
    return batch_size, epochs * max(1, images // batch_size)


def predict(data: NoisyData, model: Recognizer, index: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Logits (n, K) and embeddings (n, D), float32, of the images at `index`, not augmented."""
    logits, embeddings = run_model(
        model, data.images, index, data.size, autocast=data.autocast, batch_size=512
    )
    return logits.numpy(), embeddings.numpy()
