"""What a run's training is handed."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from engine.data.imageset import ImageSet
from engine.progress import Progress, no_progress
from engine.recipes.fields import DataSpec
from engine.training.group import ALONE, Group

if TYPE_CHECKING:
    pass


@dataclasses.dataclass(frozen=True)
class Tools:
    """What a method of training is handed: how to load data, find a model, report and be stopped, the
    processes that train together, and how many test images are read at the end.
    """

    load: Callable[[DataSpec], ImageSet]
    find_model: Callable[[str], Path]
    device: torch.device
    cancelled: Callable[[], bool] = lambda: False
    progress: Progress = no_progress
    group: Group = ALONE
    test_images: int = 0
