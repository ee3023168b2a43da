"""The learner that the label doctor trusts no label with: a small network trained through a
transition matrix, on part of the images, and asked about the others.

Everything here sees given labels only. What is said of an image comes from networks that never saw
that image's label.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engine.data import loader
from engine.data.augment import augment
from engine.data.imageset import ImageSet
from engine.data.loader import Images
from engine.device import pick_device, pick_precision
from engine.imaging.images import normalise
from engine.models.glyphnet import glyphnet
from engine.models.inference import run_model
from engine.models.recognizer import Recognizer, conv_norm
from engine.progress import Progress
from engine.recipe import Augment
from engine.training.noisy_losses import forward

# Chosen while developing on mnistTask3, with mistakes counted by MNIST's true labels: 6 against
# none left a tenth fewer of them.
PULL = 6.0
HANDWRITING = Augment(rotate=12, translate=0.07, zoom=0.12, stretch=0.1, shear=8, elastic=0.03)
PENS = Augment(
    rotate=14, translate=0.07, zoom=0.12, stretch=0.15, shear=12, elastic=0.05, thickness=0.7
)  # a committee trains longer
GLANCE = Augment(
    rotate=6, translate=0.035, zoom=0.06, stretch=0.05, shear=4
)  # what a second look at handwriting may see
GLANCES = 10
# probability at first sight from which on more looks changed no class of 60,000; one image in ten
# is below
NO_DOUBT = 0.999
PHOTO = Augment(
    rotate=15,
    translate=0.1,
    zoom=0.2,
    flip_horizontal=0.5,
    brightness=0.15,
    contrast=0.2,
    colour=0.2,
)


def reader(channels: int, classes: int, width: int = 32) -> Recognizer:
    """Seven convolutions, two thirds of them at a quarter of the resolution: 3,300 images/s in
    training on one core of a 2024 EPYC at 28 px (bfloat16, batches of 256), and above 99% on MNIST
    in a few epochs."""
    w = width
    body = [
        nn.Sequential(
            conv_norm(channels, w, 5, 2), conv_norm(w, w), conv_norm(w, w), nn.MaxPool2d(2)
        ),
        nn.Sequential(conv_norm(w, 2 * w), conv_norm(2 * w, 2 * w), nn.MaxPool2d(2)),
        nn.Sequential(conv_norm(2 * w, 4 * w), nn.AdaptiveMaxPool2d(1), nn.Flatten()),
    ]
    return Recognizer(body, nn.Linear(4 * w, classes))


def expert(channels: int, classes: int) -> Recognizer:
    """Nearly four times the reader's weights at 0.4 of its speed: it takes over fewer of the
    mistakes that it is told.
    """
    return glyphnet(channels, classes, 28, width=32, stem=2, blocks=(1, 1, 1))


@dataclass(frozen=True)
class Patient:
    """The data set under examination, on its device: images, given labels (N,), K classes, and what
    training it takes.
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
        return len(self.given)


def admit(data: ImageSet, given: np.ndarray | None = None, device: str = "auto") -> Patient:
    """Put a data set's images on the device. given (N,) replaces its labels; images are never
    changed.
    """
    where, _ = pick_device(device)
    labels = np.asarray(data.labels if given is None else given, np.int64)
    change = PHOTO if data.style == "photo" else HANDWRITING
    return Patient(
        Images(data, where),
        labels,
        len(data.classes),
        data.size,
        change,
        where,
        pick_precision("auto", where)[0],
    )


@dataclass(frozen=True)
class Even:
    """Train through an even T whose diagonal starts at `right`, and follows the labels within
    low..high.
    """

    right: float
    low: float
    high: float


@dataclass(frozen=True)
class Fixed:
    """Train through this T (K, K)."""

    matrix: np.ndarray


@dataclass(frozen=True)
class Soft:
    """Train on these beliefs (N, K) float about the true class, of all N images; and, with
    `matrix`, a T (K, K), on given labels too: the forward loss of the images that `heard` (N,) bool
    names, PULL times.

    Beliefs repeat a teacher's mistakes. Where labels say what an image is not, only one in K - 1
    mistakes is contradicted by its label, so that what contradicts must weigh more than what merely
    agrees.
    """

    beliefs: np.ndarray
    matrix: np.ndarray | None = None
    heard: np.ndarray | None = None


def train(
    patient: Patient,
    index: np.ndarray,
    through: Even | Fixed | Soft,
    epochs: int,
    seed: int,
    progress: Progress,
    what: str,
    network: Callable[[int, int], Recognizer] = reader,
) -> tuple[Recognizer, float]:
    """A fresh `network` trained on the images at `index` (n,); also the diagonal that an Even T
    ended with (nan otherwise).

    One cycle of AdamW. Weights, order and augmentation follow from `seed`.
    """
    torch.manual_seed(seed)
    device, n = patient.device, len(index)
    batch_size = 256 if n > 20_000 else 128 if n > 5_000 else 64
    model = network(patient.images.data.channels, patient.classes).to(
        device, memory_format=torch.channels_last
    )
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, betas=(0.9, 0.99), weight_decay=0.02)
    steps = epochs * max(1, n // batch_size)
    rates = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, 3e-3, total_steps=steps, pct_start=0.25, div_factor=10, final_div_factor=100
    )
    rng, draws = np.random.default_rng(seed), torch.Generator(device).manual_seed(seed)
    judge = _Judge(through, patient, steps)
    model.train()
    done = 0
    for _ in range(epochs):
        for batch in patient.images.batches(loader.shuffled(index, batch_size, rng)):
            x = normalise(augment(batch.images, patient.augment, patient.size, draws)).contiguous(
                memory_format=torch.channels_last
            )
            with torch.autocast(
                device.type,
                dtype=patient.autocast or torch.bfloat16,
                enabled=patient.autocast is not None,
            ):
                logits = model(x).logits
            loss = judge(logits, batch.index)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            rates.step()
            done += 1
            if done % 8 == 0 or done == steps:
                progress(done * batch_size, steps * batch_size, what)
    return model, judge.right


def ask(patient: Patient, model: Recognizer, index: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Logits (n, K) and embeddings (n, D), float32, of the images at `index`, without augmentation."""
    logits, embeddings = run_model(
        model, patient.images, index, patient.size, autocast=patient.autocast, batch_size=512
    )
    return logits.numpy(), embeddings.numpy()


@torch.no_grad()
def ponder(
    patient: Patient,
    say: Callable[[Tensor], Tensor],
    index: np.ndarray,
    progress: Progress,
    what: str,
) -> np.ndarray:
    """Log-probabilities (n, K) float32 of the images at `index` (n,), each looked at as it is and,
    unless that leaves no doubt, GLANCES times more, slightly changed.

    say: images (B, C, S, S) in 0..255 to log-probabilities (B, K). What it says of all looks at an
    image is averaged.
    """
    change = GLANCE if patient.augment is HANDWRITING else patient.augment
    draws, out, done = torch.Generator(patient.device).manual_seed(0), [], 0
    for batch in patient.images.batches(loader.in_order(index, 512)):
        said = say(batch.images).float()
        unsure = said.max(1).values < math.log(NO_DOUBT)
        if unsure.any():
            more = [
                said[unsure],
                *(
                    say(augment(batch.images[unsure], change, patient.size, draws)).float()
                    for _ in range(GLANCES)
                ),
            ]
            said[unsure] = torch.stack(more).mean(0)
        out.append(said.cpu().numpy())
        done += len(out[-1])
        progress(done, len(index), what)
    return np.concatenate(out)


def voice(patient: Patient, model: Recognizer) -> Callable[[Tensor], Tensor]:
    """What a network says, in the form that `ponder` asks for."""
    model.eval()

    def say(images: Tensor) -> Tensor:
        x = normalise(images).contiguous(memory_format=torch.channels_last)
        with torch.autocast(
            patient.device.type,
            dtype=patient.autocast or torch.bfloat16,
            enabled=patient.autocast is not None,
        ):
            return F.log_softmax(model(x).logits.float(), 1)

    return say


class _Judge:
    """The loss of a batch, and the running estimate of an Even T's diagonal: how often the given
    label is the true one.
    """

    def __init__(self, through: Even | Fixed | Soft, patient: Patient, steps: int) -> None:
        self.through, self.device = through, patient.device
        self.given = torch.from_numpy(patient.given)
        self.right = through.right if isinstance(through, Even) else math.nan
        self.steps, self.step = steps, 0
        matrix = getattr(through, "matrix", None)
        self.matrix = (
            None
            if matrix is None
            else torch.as_tensor(matrix, dtype=torch.float32, device=self.device)
        )
        soft = isinstance(through, Soft)
        self.beliefs = torch.from_numpy(np.asarray(through.beliefs, np.float32)) if soft else None
        self.heard = torch.from_numpy(through.heard) if soft and through.heard is not None else None

    def __call__(self, logits: Tensor, index: Tensor) -> Tensor:
        self.step += 1
        given = self.given[index].to(self.device)
        if self.beliefs is not None:
            loss = -(self.beliefs[index].to(self.device) * F.log_softmax(logits, 1)).sum(1).mean()
            heard = None if self.heard is None else self.heard[index].to(self.device)
            if heard is None or not heard.any():
                return loss
            return loss + PULL * heard.float().mean() * forward(
                logits[heard], given[heard], transition=self.matrix
            )
        if self.matrix is not None:
            return forward(logits, given, transition=self.matrix)
        loss = forward(logits, given, right=self.right)
        self._follow(logits.detach(), given)
        return loss

    def _follow(self, logits: Tensor, given: Tensor) -> None:
        # The first fifth only learns: T would otherwise fit a network that knows nothing yet.
        if self.step < self.steps / 5:
            return
        own = F.softmax(logits, 1).gather(1, given[:, None])[:, 0]
        spread = (1 - self.right) / (logits.shape[1] - 1)
        seen = float(
            (self.right * own / (self.right * own + spread * (1 - own)).clamp_min(1e-12)).mean()
        )
        self.right = min(max(0.97 * self.right + 0.03 * seen, self.through.low), self.through.high)
