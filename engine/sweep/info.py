"""A sweep as lists show it, and what a person wants of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from engine.files.checked import Document

if TYPE_CHECKING:
    pass


class Wanted(Document):
    """What a person wants of a sweep: 'run', 'pause' (after the running trials) or 'stop' (at once;
    they can be resumed).
    """

    state: Literal["run", "pause", "stop"] = "pause"
    trials: int = Field(default=0, ge=0, le=100_000)


@dataclass(frozen=True)
class SweepInfo:
    """A sweep as lists show it.

    state    running, pausing, stopping, paused, stopped, interrupted (its workers died), finished;
             unreachable (its storage does not answer), damaged (its files can't be read)
    error    why it is unreachable or damaged, and what to do
    done     trials that have ended, of `trials`; `failed` and `pruned` are among them
    best     value of the best finished trial, by `metric`
    """

    name: str
    title: str
    recipe: str
    metric: str
    state: str
    done: int
    trials: int
    failed: int
    pruned: int
    workers: int
    best: float | None
    best_trial: int | None
    error: str = ""
