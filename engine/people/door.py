"""The lab as one person has it: the same calls, each checked against the person's rights first.

A door stands around the lab, and around each part of it and each object that it hands out and that can
be changed through. What is called on it is a row of `engine.people.calls`; behind it everything is
trusted, so the parts themselves know nothing of people.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from functools import wraps
from inspect import ismethod
from typing import TYPE_CHECKING, Any

from engine.errors import GlyphlabError, RightsError, unknown
from engine.files.trash import SHORT_BYTES
from engine.people.calls import CALLS, FOUND, GIVEN, HIDDEN, LISTS, NESTED, TASK_DEEDS, TASK_OPENS
from engine.people.listed import check_listed, may_open, names_of, opened_by
from engine.people.person import Person
from engine.people.quota import ELSEWHERE, Quota, check_here, check_quota
from engine.people.rights import check, refusal, why_not
from engine.people.started import Started
from engine.people.untold import told, without_paths
from engine.runs.run_info import ALIVE

if TYPE_CHECKING:
    from engine.recipes.recipe import Recipe

PARTS = (
    "store launcher data notes labels annotators samples labelling noise spaces sweeps compare study taught drawings"
    " galleries exports classroom lessons visits tour trash"
).split()
PLAIN = ("home", "settings")
FILLING = ("teach", "collect", "train", "compute")  # deeds that need room on the disk
LEAST_FREE_BYTES = (
    2 * SHORT_BYTES
)  # others get none of the last of the disk: whoever leads needs it
MOST_TASKS = 2  # background computations beside which nobody but who leads starts another
_starting = threading.Lock()  # of two runs that are started at once, one counts the other


class Door:
    """Around `target`, whose calls are the rows of `subject`."""

    def __init__(self, target: Any, subject: str, gate: Gate) -> None:
        self._target, self._subject, self._gate = target, subject, gate

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._target, name)
        if name.startswith("_"):
            return value
        is_part = name in PARTS and not ismethod(value)  # as `data.samples` is
        if is_part or f"{self._subject}.{name}" in NESTED:
            return Door(value, NESTED.get(f"{self._subject}.{name}", name), self._gate)
        if not callable(value) and f"{self._subject}.{name}" not in CALLS:
            return value
        return self._gate.guarded(self._subject, name, value)


class LabDoor:
    """Around a whole lab."""

    def __init__(self, lab: Any, gate: Gate) -> None:
        self._lab, self._gate = lab, gate

    @property
    def person(self) -> Person:
        return self._gate.person

    def may(self, deed: str) -> bool:
        """Whether the person may do a deed, of what is their own."""
        return not self.why_not(deed)

    def why_not(self, deed: str, owner: str | None = None) -> str:
        """Why the person may not do a deed, as a sentence; '' where they may. owner: mark of whoever's it
        is that it is done to; None: their own.
        """
        person = self._gate.person
        whose = person.mark if owner is None else owner
        return why_not(person, deed, whose, self._gate.is_locked())

    def why_not_submit(self, recipe: Recipe) -> str:
        """Why `submit` would refuse this recipe now, as a sentence; '' where it would not."""
        if (why := self.why_not("train")) or self._gate.person.leads:
            return why
        return refusal(lambda: self._gate.quota_for(recipe))

    def __getattr__(self, name: str) -> Any:
        if name in PLAIN:
            return getattr(self._lab, name)
        if name in ("taught", "drawings"):
            return Door(getattr(self._gate.own(), name), name, self._gate)
        if name in PARTS:
            return Door(getattr(self._lab, name), name, self._gate)
        return self._gate.guarded("lab", name, getattr(self._lab, name))


class Gate:
    """Decides about one person's calls of a lab. own: asked for the parts that are the person's own,
    `taught` and `drawings`; is_locked: asked at every deed whether the class is.
    """

    def __init__(
        self, person: Person, lab: Any, own: Callable[[], Any], is_locked: Callable[[], bool]
    ) -> None:
        self.person, self.lab = person, lab
        self.own, self.is_locked = own, is_locked

    def guarded(self, subject: str, name: str, call: Any) -> Any:
        """The call, to be made if the person may. Raises RightsError, now if it is no row."""
        key = f"{subject}.{name}"
        if key in ("lab.start_task", "launcher.start_task"):
            return self._starting_task(call)
        deed = CALLS.get(key, HIDDEN)
        if deed == HIDDEN:
            raise RightsError(f"nobody but the owner of the lab may do this ({key})")
        if deed in ("train", "resume a run"):
            return self._training(deed, name, call)

        @wraps(call)
        def checked(*args: Any, **named: Any) -> Any:
            self._check(deed, args, named)
            found = self._answer(key, call, args, named)
            return Door(found, GIVEN[key], self) if key in GIVEN else found

        return checked

    def _answer(self, key: str, call: Any, args: tuple[Any, ...], named: dict[str, Any]) -> Any:
        """What a call answers, of data sets that the person may open, and without paths of the server,
        also in what goes wrong.
        """
        if self.person.leads:
            return call(*args, **named)
        try:
            names = opened_by(self.lab, key, call, args, named)
            if key == "data.is_here" and not all(self._lists(name) for name in names):
                return False
            check_listed(self.person, self.lab.home, names)
            found = call(*args, **named)
            if key in FOUND:
                check_listed(self.person, self.lab.home, [found.data])
        except GlyphlabError as error:
            error.args = (without_paths(str(error)),)
            raise
        if key in LISTS:
            found = [one for one in found if self._lists(getattr(one, LISTS[key]))]
        return told(key, found)

    def _lists(self, name: str) -> bool:
        return may_open(self.person, self.lab.home, name)

    def _check(self, deed: str, args: tuple[Any, ...], named: dict[str, Any]) -> None:
        owner = ""
        if deed in ("stop a run", "resume a run", "delete a run") and not self.person.leads:
            owner = self._owner_of(str(args[0] if args else named.get("id", named.get("name"))))
        elif deed == "stop a task" and not self.person.leads:
            owner = self.lab.launcher.task(str(args[0] if args else named.get("id"))).owner
        check(self.person, deed, owner, self.is_locked())
        if deed in FILLING and not self.person.leads:
            if shutil.disk_usage(self.lab.home).free < LEAST_FREE_BYTES:
                raise RightsError(
                    "the lab's disk is nearly full", hint="Tell the lab's owner or your teacher."
                )

    def _owner_of(self, id: str) -> str:
        """Whose run it is; '' of one that nobody of the class started, and of a model."""
        return str(self.lab.store.run(id).status().get("owner") or "")

    def quota_for(self, recipe: Recipe | None) -> Quota:
        """What a run of the person may use now. recipe: None for a run that goes on. Raises RightsError."""
        if recipe is not None:
            check_listed(self.person, self.lab.home, names_of(recipe))
            check_here(self.lab.store, recipe)
        started = Started(self.lab.home).count(self.person.mark) if self.person.id else 0
        return check_quota(self.person, recipe, self.lab.store.runs(), started)

    def _training(self, deed: str, name: str, call: Any) -> Any:
        @wraps(call)
        def started(*args: Any, **named: Any) -> Any:
            self._check(deed, args, named)
            if self.person.leads:
                return call(*args, **named)
            with _starting:
                if name == "resume" and (len(args) > 1 or named.keys() - {"id"}):
                    raise RightsError(ELSEWHERE)
                fresh = name == "submit"
                recipe = (args[0] if args else named["recipe"]) if fresh else None
                quota = self.quota_for(recipe)
                if name == "resume":
                    return call(*args, **named)
                named |= {
                    "owner": self.person.mark,
                    "by": self.person.name,
                    "most_minutes": quota.minutes,
                    "most_memory_gb": quota.memory_gb,
                }
                found = call(*args, **named)
                Started(self.lab.home).add(self.person.mark)
                return found

        return started

    def _starting_task(self, call: Any) -> Any:
        def started(kind: str, **arguments: Any) -> Any:
            if kind not in TASK_DEEDS:
                raise RightsError(unknown("task", kind, TASK_DEEDS))
            check(self.person, TASK_DEEDS[kind], locked=self.is_locked())
            if not self.person.leads:
                alive = sum(task.state in ALIVE for task in self.lab.launcher.tasks())
                if alive >= MOST_TASKS:
                    raise RightsError(
                        "other computations are running already", hint="Try again in a minute."
                    )
                asked = [arguments[name] for name in TASK_OPENS if name in arguments]
                check_listed(self.person, self.lab.home, [str(name) for name in asked])
            return call(kind, **(arguments | {"owner": self.person.mark}))

        return started
