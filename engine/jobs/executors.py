"""The places where work can be computed, by the names of GLYPHLAB_EXECUTOR."""

from __future__ import annotations

import sys
from collections.abc import Callable

from engine.errors import SettingsError, unknown
from engine.jobs.executor import Executor, LocalExecutor
from engine.settings import Settings


def _ray(settings: Settings) -> Executor:
    from engine.jobs.cluster.executor import ClusterExecutor
    from engine.jobs.cluster.ray_jobs import RayJobs

    return ClusterExecutor(settings, RayJobs(settings.ray_address, sys.executable))


def _slurm(settings: Settings) -> Executor:
    from engine.jobs.cluster.executor import ClusterExecutor
    from engine.jobs.cluster.slurm_jobs import SlurmJobs

    options = dict(part.split("=", 1) for part in settings.slurm_options.split(",") if part)
    return ClusterExecutor(settings, SlurmJobs(settings.home / "cluster" / "slurm", options))


EXECUTORS: dict[str, Callable[[Settings], Executor]] = {
    "local": LocalExecutor,
    "ray": _ray,
    "slurm": _slurm,
}


def executor_of(settings: Settings) -> Executor:
    """The executor that the settings name. Raises SettingsError."""
    if settings.executor not in EXECUTORS:
        raise SettingsError(unknown("executor", settings.executor, EXECUTORS))
    return EXECUTORS[settings.executor](settings)
