"""On what a run is computed: how many devices or processes, and what it asks of a cluster."""

from __future__ import annotations

from pydantic import Field, model_validator

from engine.recipes.augmentation import Frozen

MOST = 64  # devices of one node; nodes of one run


class Resources(Frozen):
    """gpus, processes and nodes say over how many the run trains, here and on a cluster; the others are what
    it asks of a cluster. Empty: the setting GLYPHLAB_RESOURCES.
    """

    cpus: int | None = Field(
        default=None, ge=1, le=1024, description="cores, which are also the training's threads"
    )
    gpus: int | None = Field(
        default=None,
        ge=0,
        le=MOST,
        description=(
            "GPUs of one machine. With several each takes its part of every batch, and the result is"
            " that of one: batch normalisation uses the statistics of the whole batch, since those of"
            " a part would train another network"
        ),
    )
    processes: int | None = Field(
        default=None,
        ge=1,
        le=MOST,
        description="the same on the CPU: so many processes, each with its part of every batch",
    )
    nodes: int | None = Field(
        default=None,
        ge=1,
        le=MOST,
        description=(
            "machines of a cluster that train together; cpus, gpus, processes and memory_gb are then"
            " of each"
        ),
    )
    memory_gb: float | None = Field(default=None, gt=0, le=10_000, description="main memory in GB")
    minutes: int | None = Field(
        default=None, ge=1, le=100_000, description="longest time of one attempt in minutes"
    )

    @model_validator(mode="after")
    def _one_kind(self) -> Resources:
        if self.gpus and (self.processes or 1) > 1:
            raise ValueError(
                "gpus and processes can't both be given: there is one process for each GPU"
            )
        return self
