"""How a run ended: its state, and why in words."""

from __future__ import annotations

import traceback
from dataclasses import asdict, dataclass, field
from typing import Any

from engine.errors import GlyphlabError
from engine.progress import Cancelled
from engine.runs.run import Run


@dataclass(frozen=True)
class Outcome:
    """state: 'finished', 'stopped' or 'failed'. mistake: a person can mend the error. more: what else
    its status says from then on.
    """

    state: str
    message: str = ""
    error: str | None = None
    mistake: bool = False
    more: dict[str, Any] = field(default_factory=dict)

    def written(self) -> dict[str, Any]:
        """As the run's status has it."""
        out = asdict(self)
        return {**out.pop("more"), **({"mistake": True} if out.pop("mistake") else {}), **out}


def outcome_of(run: Run, error: BaseException) -> Outcome:
    """What an exception makes of a run; the traceback of one that nobody foresaw goes into its log."""
    if isinstance(error, Cancelled):
        return Outcome("stopped", "stopped before the training began")
    if isinstance(error, KeyboardInterrupt):
        return Outcome("stopped", "interrupted")
    if isinstance(error, GlyphlabError):
        return Outcome("failed", error=str(error), mistake=True)
    run.log("".join(traceback.format_exception(error)).rstrip())
    return Outcome("failed", error=in_words(error))


def in_words(error: BaseException) -> str:
    """One line for an error that nobody foresaw; memory or disk running out is named as what it is."""
    text = (str(error).strip().splitlines() or [""])[0]
    if (
        isinstance(error, MemoryError)
        or "out of memory" in text.lower()
        or "can't allocate memory" in text.lower()
    ):
        return "there was not enough memory. Lower batch_size or the image size."
    if "no space left" in text.lower():  # safetensors has an error of its own for it
        return "there is no room left on the disk. Free some space, then resume."
    return f"{type(error).__name__}: {text}"[:300]
