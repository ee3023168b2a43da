"""Where a sweep's trials are kept: an Optuna study in a journal file, or behind a storage URL that
several machines share.

    sweeps/<name>/    sweep.yaml  wanted.json  journal.log  ask.lock  trials/<number>.lock
                      workers/<id>.lock

A trial is worked on while its lock is held (flock), so a worker that was killed lets go of it at
that instant. Workers of another home can't be seen by their locks; theirs count as lost when their
last sign of life is older than LOST_SECONDS.
"""

from __future__ import annotations

import re
import time
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.errors import RunError
from engine.files import Lock, failure, is_locked
from engine.sweep.space import SweepSpec, decoded, pruner_of

if TYPE_CHECKING:
    from optuna import Study
    from optuna.storages import BaseStorage
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
        self.study = optuna.create_study(
            storage=open_storage(self.spec.storage or str(self.folder / "journal.log")),
            study_name=self.spec.name,
            direction=self.spec.direction,
            pruner=pruner_of(self.spec),
            load_if_exists=True,
        )

    def frozen(self) -> list[FrozenTrial]:
        """Every trial that counts: not those that repeat another or were handed on to a new one."""
        return [
            trial
            for trial in self.study.get_trials(deepcopy=False)
            if not trial.user_attrs.get("hidden")
        ]

    def trials(self) -> list[TrialInfo]:
        """Every trial that counts, in the order of their numbers."""
        return [self.info(trial) for trial in self.frozen()]

    def info(self, trial: FrozenTrial) -> TrialInfo:
        """The trial as tables show it; of a running one, the best figure so far."""
        attrs = trial.user_attrs
        history = tuple(
            trial.intermediate_values[step] for step in sorted(trial.intermediate_values)
        )
        pick = max if self.spec.direction == "maximize" else min
        elsewhere = attrs.get("home") if attrs.get("home") not in (None, str(self.home)) else None
        ended = trial.state.is_finished()
        if ended:
            state = (
                "finished"
                if trial.state.name == "COMPLETE"
                else "failed"
                if "error" in attrs
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
            run=attrs.get("run"),
            home=elsewhere,
            epochs=len(history),
            seconds=attrs.get("seconds"),
            retries=attrs.get("retries", 0),
            error=attrs.get("error", ""),
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
        return max(done, key=lambda trial: sign * trial.value)

    def importances(self) -> dict[str, float]:
        """Share of the value's variation that each field explains (fANOVA, Hutter et al. 2014),
        0..1; {} until three values differ.
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
            return {
                name: float(share)
                for name, share in optuna.importance.get_param_importances(
                    study, evaluator=evaluator
                ).items()
            }

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


def open_storage(url: str) -> BaseStorage:
    """Optuna's storage for a journal file or a database URL. Raises RunError, saying why, if it
    can't be used.
    """
    import optuna
    from optuna.storages.journal import JournalFileBackend

    if "://" not in url:
        path = Path(url).expanduser()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            _mend(path)
            return optuna.storages.JournalStorage(
                JournalFileBackend(str(path), lock_obj=_Flock(path))
            )
        except OSError as error:
            raise failure(error, path) from error
    try:
        return optuna.storages.RDBStorage(url)
    except (ImportError, RuntimeError, ValueError) as error:
        reason = str(error).strip().splitlines()[0]
    except Exception as error:  # the database driver's own: not reachable, wrong password
        if not type(error).__module__.startswith(("sqlalchemy", "optuna", "alembic")):
            raise
        reason = str(error).strip().splitlines()[0]
    shown = re.sub(r"://([^:/@]+):[^@]*@", r"://\1:…@", url)  # without the password
    raise RunError(
        f"the sweep's storage {shown} can't be used",
        got=reason,
        hint="Is its driver installed beside the lab?",
    )


class _Flock:
    """Optuna's own file lock outlives a killed process for half a minute; the kernel drops this one
    at once.
    """

    def __init__(self, journal: Path) -> None:
        self.journal = journal
        self.held: Lock | None = None

    def acquire(self) -> bool:
        self.held = _lock(self.journal)
        return True

    def release(self) -> None:
        if self.held:
            self.held.release()


def _mend(path: Path) -> None:
    """Cut off a last line that was left unfinished when the machine went down: Optuna would refuse
    the whole journal.
    """
    if not path.exists():
        return
    with _lock(path), open(path, "r+b") as file:
        content = file.read()
        if content and not content.endswith(b"\n"):
            file.truncate(content.rfind(b"\n") + 1)


def _lock(path: Path) -> Lock:
    held = Lock.take(path.with_name(f"{path.name}.lock"), seconds=60)
    if held is None:
        raise RunError(f"{path} is locked, and whoever holds it does not let go")
    return held
