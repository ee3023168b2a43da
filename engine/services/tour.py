"""The first steps with a lab: five things that it does, each ticked off when whoever leads the lab has
really done it. What students and visitors made is theirs, and ticks nothing off; in a lab of one's own
all is its owner's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from engine.embedding.space_files import has_map, mapped_in
from engine.errors import GlyphlabError, RunError, unknown
from engine.files.atomic import write_text
from engine.runs.run_info import ALIVE, RunInfo

if TYPE_CHECKING:
    from engine.jobs.launcher import Launcher
    from engine.jobs.tasks import TaskInfo
    from engine.services.label_noise import Noise
    from engine.services.spaces import Spaces
    from engine.store.store import Store

QUICK, PAIR = "quick", ("few-scratch", "few-pretrained")
DIGITS = "digits"
READY_MADE = "mnist-convnet"  # a shipped model that reads digits, for whoever has trained none yet
EXAMPLES = ("map", "labels")  # steps whose results a visitor of a public lab finds ready
MAPPING = ("project", "cluster")  # tasks that lay out a map
READS_DIGITS = "canvas-digits"  # the shipped model for the pad
SPOILED = {
    "dataset": DIGITS, "noise": "symmetric", "rate": 0.1, "limit": 1000, "effort": "brief",
    "compare": False,
}  # fmt: skip


class Place(NamedTuple):
    """Where a step is seen: a page, and what stands in its address."""

    page: str
    query: dict[str, str]


class Tour:
    """The steps of `STEPS`, over what `store` holds. May be shared by threads."""

    def __init__(self, store: Store, launcher: Launcher, spaces: Spaces, noise: Noise) -> None:
        self.store, self.launcher, self.spaces, self.noise = store, launcher, spaces, noise
        self._drawn = False

    def drawn(self) -> None:
        """Note that a drawing of whoever leads the lab was read: the one step that leaves nothing else
        behind.
        """
        if self._drawn or self._mark.exists():
            self._drawn = True
            return
        with suppress(OSError, GlyphlabError):  # a tick is not worth an answer that fails
            write_text(self._mark, "")
        self._drawn = True

    def state(self, step: str) -> str:
        """'done', 'running' or 'open'. Raises GlyphlabError for a step that is not in STEPS."""
        if step not in STEPS:
            raise GlyphlabError(unknown("step", step, STEPS))
        return STEPS[step].state(self)

    def is_there(self, step: str) -> bool:
        """Whether there is something to look at that the step makes, whoever made it: of EXAMPLES."""
        if step == "map":
            return has_map(self.spaces.home)
        return self.state(step) == "done"

    def place(self, step: str) -> Place:
        """Where the step is seen, or done by hand."""
        return STEPS[step].place(self)

    def start(self, step: str, again: bool = False) -> Place:
        """Begin what the step does, and say where it is seen. again: also where it is done and nothing
        is under way for it. Raises GlyphlabError, RunError, DataError.
        """
        done = self.state(step) == "done" and not self.under_way(step)
        if self.state(step) == "open" or (again and done):
            STEPS[step].begin(self)
        return self.place(step)

    def prepare(self) -> None:
        """Begin a map and a search for wrong labels where the lab has none: examples for whoever may
        look at such results and not begin them.
        """
        for step in EXAMPLES:
            if not self.is_there(step):
                with suppress(GlyphlabError):  # the lab is of use without them
                    self.start(step)

    def under_way(self, step: str) -> Sequence[RunInfo | TaskInfo]:
        """The runs or the tasks that a step waits for."""
        return STEPS[step].work(self)

    def stop(self, step: str) -> None:
        """Stop what a step waits for; its runs keep their best models."""
        for work in self.under_way(step):
            if isinstance(work, RunInfo):
                with suppress(RunError):  # it has just ended by itself
                    self.launcher.stop(work.id)
            else:
                self.launcher.stop_task(work.id)

    @property
    def _mark(self) -> Path:
        return self.store.home / "tour" / "drawn"

    # one step each

    def _draw_state(self) -> str:
        return "done" if self._drawn or self._mark.exists() else "open"

    def _train_state(self) -> str:
        return self._of_runs((QUICK,))

    def _map_state(self) -> str:
        return self._of_tasks("project", has_map(self.spaces.home, but=self._mapped_by_others()))

    def _labels_state(self) -> str:
        # A diagnosis of other labels is none of labels that were changed on purpose.
        return self._of_tasks("noise-trial", bool(self.noise.trials()))

    def _compare_state(self) -> str:
        return self._of_runs(PAIR)

    def _of_runs(self, recipes: tuple[str, ...]) -> str:
        """Done if each of the recipes has a run that finished; running if one is under way."""
        finished = {run.recipe for run in self._runs(recipes) if run.state == "finished"}
        if finished == set(recipes):
            return "done"
        return "running" if self._runs(recipes, alive=True) else "open"

    def _of_tasks(self, kind: str, done: bool) -> str:
        if done:
            return "done"
        return "running" if self._tasks(kind) else "open"

    def _runs(self, recipes: tuple[str, ...], alive: bool = False) -> list[RunInfo]:
        return [run for run in self._own() if run.recipe in recipes and (run.alive or not alive)]

    def _tasks(self, kind: str) -> list[TaskInfo]:
        return [
            task
            for task in self.launcher.tasks(kind)
            if task.state in ALIVE and self._is_own(task.owner)
        ]

    def _own(self) -> list[RunInfo]:
        """The runs of whoever leads the lab, newest first."""
        return [run for run in self.store.runs() if self._is_own(run.owner)]

    def _is_own(self, owner: str) -> bool:
        """Whether what is marked with `owner` is of whoever leads the lab."""
        return not owner or self.store.settings.mode == "own"

    def _mapped_by_others(self) -> set[str]:
        """Names of the spaces that nobody but students and visitors has mapped."""
        own, others = set[str](), set[str]()
        for task in (task for kind in MAPPING for task in self.launcher.tasks(kind)):
            if task.state == "finished" and isinstance(task.result, dict):
                (own if self._is_own(task.owner) else others).add(str(task.result.get("space")))
        return others - own

    def _train(self) -> None:
        self.launcher.submit(self.store.recipe(QUICK))

    def _map(self) -> None:
        from engine.embedding.projection import Options

        model, data = self._seen()
        arguments = {"model": model, "data": data, "part": "train", **asdict(Options())}
        self.launcher.start_task("project", **arguments)

    def _spoil(self) -> None:
        self.launcher.start_task("noise-trial", **SPOILED)

    def _pair(self) -> None:
        begun = {run.recipe for run in self._own() if run.alive or run.state == "finished"}
        missing = [recipe for recipe in PAIR if recipe not in begun]
        for recipe in missing or PAIR:
            self.launcher.submit(self.store.recipe(recipe))

    def _quick_place(self) -> Place:
        newest = next((run.id for run in self._own() if run.recipe == QUICK), None)
        return Place("train", {"run": newest} if newest else {"recipe": QUICK})

    def _map_place(self) -> Place:
        """The map that is being made, or the newest there is; else the one that would be made."""
        made = [
            (task.arguments["model"], task.arguments["data"], task.arguments.get("part", "train"))
            for task in self._tasks("project")
        ]
        mapped = mapped_in(self.spaces.home)  # an embedding without a map is none
        spaces = [space for space in self.spaces.list() if space.name in mapped]
        others = self._mapped_by_others()
        spaces.sort(key=lambda space: space.name in others)
        made += [(space.model, space.data, space.part) for space in spaces]
        model, data, part = made[0] if made else (*self._seen(), "train")
        query = {"model": model, "data": data}
        return Place("embeddings", query if part == "train" else {**query, "part": part})

    def _pair_place(self) -> Place:
        newest: dict[str, str] = {}
        for run in self._own():
            if run.recipe in PAIR:
                newest.setdefault(run.recipe, run.id)
        return Place("compare", {"runs": ",".join(newest[name] for name in PAIR if name in newest)})

    def _seen(self) -> tuple[str, str]:
        """The model and the data set of the map: one's own quick run, if there is one."""
        own = (run for run in self._own() if run.recipe == QUICK and run.saved)
        return next((run.id for run in own if not run.alive), READY_MADE), DIGITS


class Step(NamedTuple):
    """How a step stands, what begins it, where it is seen, and what is under way for it."""

    state: Callable[[Tour], str]
    begin: Callable[[Tour], None]
    place: Callable[[Tour], Place]
    work: Callable[[Tour], Sequence[RunInfo | TaskInfo]]


def _by_hand(tour: Tour) -> None:
    """Only a person can do it."""


STEPS: dict[str, Step] = {
    "draw": Step(
        Tour._draw_state,
        _by_hand,
        lambda tour: Place("draw", {"model": READS_DIGITS}),
        lambda tour: (),
    ),
    "train": Step(
        Tour._train_state,
        Tour._train,
        Tour._quick_place,
        lambda tour: tour._runs((QUICK,), alive=True),
    ),
    "map": Step(Tour._map_state, Tour._map, Tour._map_place, lambda tour: tour._tasks("project")),
    "labels": Step(
        Tour._labels_state,
        Tour._spoil,
        lambda tour: Place("noise", {"section": "purpose"}),
        lambda tour: tour._tasks("noise-trial"),
    ),
    "compare": Step(
        Tour._compare_state,
        Tour._pair,
        Tour._pair_place,
        lambda tour: tour._runs(PAIR, alive=True),
    ),
}
