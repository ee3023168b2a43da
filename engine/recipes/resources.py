"""What a recipe asks of a cluster."""

from __future__ import annotations

from pydantic import Field

from engine.recipes.augmentation import Frozen


class Resources(Frozen):
    """What the run asks of a cluster; on one machine it changes nothing. Empty: the setting
    GLYPHLAB_RESOURCES.
    """

    cpus: int | None = Field(
        default=None, ge=1, le=1024, description="cores, which are also the training's threads"
    )
    gpus: int | None = Field(default=None, ge=0, le=1, description="devices")
    memory_gb: float | None = Field(default=None, gt=0, le=10_000, description="main memory in GB")
    minutes: int | None = Field(
        default=None, ge=1, le=100_000, description="longest time of one attempt in minutes"
    )
