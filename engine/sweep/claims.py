"""How workers share the trials of a sweep: one at a time takes a trial, an abandoned one first."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from engine.errors import RunError
from engine.files.locks import Lock
from engine.sweep.space import distributions, sampler_of, unseen
from engine.sweep.store import TrialStore

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

DRAWING_SECONDS = 10.0  # in which a trial that was begun elsewhere gets its values


def claim(store: TrialStore, trials: int) -> tuple[int, Lock] | None:
    """A trial to work on, and its lock: one whose worker is gone, or a new one; None if there is
    none to take.
    """
    (store.folder / "trials").mkdir(exist_ok=True)
    door = Lock.take(store.folder / "ask.lock", seconds=60)
    if door is None:
        raise RunError(
            f"another worker of sweep {store.spec.name} is still drawing a trial", hint="Try again."
        )
    with door:
        for trial in store.frozen():
            if trial.state.name != "RUNNING":
                continue
            if not store.is_ours(trial):
                if not store.worked_on(trial) and store.tell(
                    trial.number, "dropped", hidden="its worker was lost"
                ):
                    store.study.enqueue_trial(trial.params)
                continue
            if lock := Lock.take(store.lock_of(trial.number)):
                if not store.is_open(trial.number):  # its worker ended it between the two looks
                    lock.release()
                elif len(trial.params) == len(store.spec.space):
                    return trial.number, lock
                else:  # its worker died while it was drawing: nothing was begun
                    store.tell(trial.number, "dropped", hidden="it was never begun")
                    lock.release()
        return _draw(store, trials)


def _draw(store: TrialStore, trials: int) -> tuple[int, Lock] | None:
    spec, space = store.spec, distributions(store.spec)
    while True:
        counted = store.frozen()
        waiting = any(trial.state.name == "WAITING" for trial in counted)
        if not waiting:
            if len(counted) >= trials:
                return None
            if spec.sampler == "grid":
                params = unseen(spec, [trial.params for trial in counted], len(counted))
                if params is None:
                    return None
                store.study.enqueue_trial(params)
        store.study.sampler = sampler_of(spec, len(store.study.get_trials(deepcopy=False)))
        number = store.study.ask(fixed_distributions=space).number
        lock = Lock.take(store.lock_of(number), seconds=60)
        if lock is None:
            raise RunError(f"trial {number} of sweep {spec.name} is held by another process")
        store.note(number, home=str(store.home))
        earlier = _drawn_before(store, number)
        drawn = next(trial for trial in store.frozen() if trial.number == number)
        others = [trial.params for trial in earlier if trial.params]
        if drawn.params not in others:
            return number, lock
        with (
            lock
        ):  # seeds are fixed, so a repetition would come out the same: try something else instead
            store.tell(number, "dropped", hidden="it repeats another trial")
        params = unseen(spec, others, number)
        if params is None:
            return None
        store.study.enqueue_trial(params)


def _drawn_before(store: TrialStore, number: int) -> list[FrozenTrial]:
    """The trials with lower numbers, each with its values: another lab that shares the storage may be
    drawing one at the same time. One of two that draw the same sees the other's.
    """
    end = time.monotonic() + DRAWING_SECONDS
    while True:
        found = [trial for trial in store.frozen() if trial.number < number]
        drawing = [
            trial
            for trial in found
            if trial.state.name == "RUNNING" and len(trial.params) < len(store.spec.space)
        ]
        if not drawing or time.monotonic() > end:
            return found
        time.sleep(0.05)
