"""Where a sweep's trials are kept: an Optuna study in a journal file, or behind a storage URL that
several machines share.

    sweeps/<name>/    sweep.yaml  wanted.json  journal.log  ask.lock  trials/<number>.lock
                      workers/<id>.lock

A trial is worked on while its lock is held (flock), so a worker that was killed lets go of it at
that instant. Workers of another home can't be seen by their locks; theirs count as lost when their
last sign of life is older than LOST_SECONDS.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.errors import DamagedError, GlyphlabError, RunError
from engine.files.checked import Document
from engine.files.locks import is_locked
from engine.sweep.space import decoded, pruner_of
from engine.sweep.spec import SweepSpec
from engine.sweep.storage import OWN_JOURNAL, open_storage

if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import FrozenTrial, Trial

LOST_SECONDS = 600


@dataclass(frozen=True)
class TrialInfo:
    """A trial as tables show it.

    state    running (a worker is at it), waiting (its worker is gone; the next one goes on with
             it), finished, pruned, failed
    values   key.path → value, as drawn; `params` is the same in the form that Optuna keeps
    value    the sweep's metric at the best epoch so far; None before the first
    history  that metric at every epoch
    run      id of its run; home: the lab that holds the run, if not this one
    """

    number: int
    state: str
    values: dict[str, Any]
    params: dict[str, Any]
    value: float | None
    history: tuple[float, ...] = ()
    run: str | None = None
    home: str | None = None
    epochs: int = 0
    seconds: float | None = None
    retries: int = 0
    error: str = ""

    @property
    def name(self) -> str:
        return f"{self.number:03d}"


class Notes(Document):
    """What workers keep with a trial."""

    run: str | None = None
    home: str | None = None
    seconds: float | None = None
    retries: int = 0
    error: str | None = None


@dataclass
class TrialStore:
    """The study of one sweep. Reading is cheap: a storage remembers what it has read."""

    folder: Path
    spec: SweepSpec
    home: Path
    study: Study = field(init=False)

    def __post_init__(self) -> None:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        with self._reading():
            storage = open_storage(self.spec.storage or str(self.folder / OWN_JOURNAL))
            self.study = optuna.create_study(
                storage=storage,
                study_name=self.spec.name,
                direction=self.spec.direction,
                pruner=pruner_of(self.spec),
                load_if_exists=True,
            )
        self.trials()

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """Optuna replays a journal without checking what it holds: whatever then fails means that
        the journal is damaged. Raises DamagedError.
        """
        import optuna

        try:
            yield
        except (GlyphlabError, MemoryError):
            raise
        except OSError as error:  # gone, or not a file any more
            raise DamagedError(
                f"the trials of sweep {self.spec.name} can't be read",
                got=error.strerror or type(error).__name__,
                hint="Put its journal back, or delete the sweep; its runs stay.",
            ) from None
        except optuna.exceptions.StorageInternalError as error:
            raise RunError("the sweep's storage can't be used", got=str(error)[:160]) from None
        except Exception as error:
            raise DamagedError(
                f"the trials of sweep {self.spec.name} can't be read",
                got=f"{type(error).__name__}: {error}"[:160],
                hint="Delete the sweep; its runs stay.",
            ) from None

    def frozen(self) -> list[FrozenTrial]:
        """Every trial that counts: not those that repeat another or were handed on to a new one."""
        with self._reading():
            return [
                trial
                for trial in self.study.get_trials(deepcopy=False)
                if not trial.user_attrs.get("hidden")
            ]

    def trials(self) -> list[TrialInfo]:
        """Every trial that counts, in the order of their numbers."""
        trials = self.frozen()
        with self._reading():
            return [self.info(trial) for trial in trials]

    def info(self, trial: FrozenTrial) -> TrialInfo:
        """The trial as tables show it; of a running one, the best figure so far."""
        notes = Notes.model_validate(trial.user_attrs)
        history = tuple(
            trial.intermediate_values[step] for step in sorted(trial.intermediate_values)
        )
        pick = max if self.spec.direction == "maximize" else min
        elsewhere = notes.home if notes.home not in (None, str(self.home)) else None
        ended = trial.state.is_finished()
        if ended:
            state = (
                "finished"
                if trial.state.name == "COMPLETE"
                else "failed"
                if notes.error is not None
                else "pruned"
            )
        else:
            state = "running" if self.worked_on(trial) else "waiting"
        return TrialInfo(
            number=trial.number,
            state=state,
            values=decoded(self.spec, trial.params),
            params=dict(trial.params),
            value=pick(history)
            if history
            else (trial.value if trial.state.name == "COMPLETE" else None),
            history=history,
            run=notes.run,
            home=elsewhere,
            epochs=len(history),
            seconds=notes.seconds,
            retries=notes.retries,
            error=notes.error or "",
        )

    def worked_on(self, trial: FrozenTrial) -> bool:
        """Whether a worker is at this unfinished trial."""
        if self.is_ours(trial):
            return is_locked(self.lock_of(trial.number))
        start = trial.datetime_start.timestamp() if trial.datetime_start else 0
        return time.time() - trial.user_attrs.get("beat", start) < LOST_SECONDS

    def is_ours(self, trial: FrozenTrial) -> bool:
        """Whether this home holds the trial's run. One that was drawn this instant, in a shared
        storage, is nobody's yet.
        """
        home = trial.user_attrs.get("home")
        return home == str(self.home) or (home is None and not self.spec.storage)

    def is_open(self, number: int) -> bool:
        """Whether a trial has not ended yet."""
        return not self.study.get_trials(deepcopy=False)[number].state.is_finished()

    def lock_of(self, number: int) -> Path:
        return self.folder / "trials" / f"{number:06d}.lock"

    def best(self) -> TrialInfo | None:
        """The finished trial with the best value; None before there is one."""
        done = [
            trial
            for trial in self.trials()
            if trial.state == "finished" and trial.value is not None
        ]
        if not done:
            return None
        sign = 1 if self.spec.direction == "maximize" else -1
        return max(done, key=lambda trial: sign * (trial.value or 0.0))

    def importances(self) -> dict[str, float]:
        """Share of the value's variation over the search space that each field explains alone, as a
        random forest fitted to the finished trials predicts it (fANOVA, Hutter et al. 2014), 0..1,
        largest first; {} until three values differ. What is missing to 1 is of interactions.
        """
        import optuna

        done = [
            trial
            for trial in self.frozen()
            if trial.state.name == "COMPLETE" and trial.value is not None
        ]
        if len({trial.value for trial in done}) < 3:
            return {}
        study = optuna.create_study(
            direction=self.spec.direction
        )  # in memory: without the hidden trials
        study.add_trials(done)
        evaluator = optuna.importance.FanovaImportanceEvaluator(seed=0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # Asked itself: `get_param_importances` divides by the sum, which leaves interactions out.
            return {name: float(share) for name, share in evaluator.evaluate(study).items()}

    def tell(self, number: int, state: str, value: float | None = None, **notes: Any) -> bool:
        """End a trial, with `notes` kept beside it; False if another worker already has.

        state: 'finished' with its value, 'pruned', 'failed' with a note `error`, or 'dropped' with
        a note `hidden`. A failed trial is told as a pruned one: the sampler then takes it for a bad
        one, where it would learn nothing from Optuna's own 'failed'.
        """
        from optuna.trial import TrialState

        end = {"finished": TrialState.COMPLETE, "dropped": TrialState.FAIL}.get(
            state, TrialState.PRUNED
        )
        try:
            self.note(number, **notes)
            self.study.tell(number, value if state == "finished" else None, state=end)
        except (ValueError, RuntimeError):  # Optuna's way of saying that the trial has ended
            return False
        return True

    def note(self, number: int, **notes: Any) -> None:
        """Keep values with a trial that has not ended."""
        trial = self.trial(number)
        for key, value in notes.items():
            trial.set_user_attr(key, value)

    def trial(self, number: int) -> Trial:
        """A trial to report to, whoever began it."""
        from optuna.trial import Trial

        return Trial(self.study, self.study.get_trials(deepcopy=False)[number]._trial_id)
