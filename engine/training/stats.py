"""What the loop yields: a live point now and then, and what every epoch came to."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class StepStats:
    """A live point within an epoch."""

    stage: int
    epoch: int
    step: int
    steps: int
    loss: float
    lr: float
    images_per_second: float
    images_seen: int
    seconds: float


@dataclass(frozen=True)
class EpochStats:
    """What an epoch came to. Accuracies are fractions; `val_*` are None without validation; seconds
    count both phases.
    """

    stage: int
    epoch: int
    epochs: int
    size: int
    train_loss: float
    train_accuracy: float | None
    val_loss: float | None
    val_accuracy: float | None
    lr: float
    images_per_second: float
    images_seen: int
    seconds: float
    best: bool
    extra: dict[str, float] = field(default_factory=dict)
