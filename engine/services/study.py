"""The Study room: every published experiment beside what this lab got. Figures come from run
folders, shipped checkpoints and bench/records.csv; none is written here."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from engine.errors import GlyphlabError, RecipeError, unknown
from engine.files.cache import Stamp, stamp_of
from engine.metrics import wilson_interval
from engine.models.metadata import read_meta
from engine.recipes.recipe import RECIPES, Recipe, make_recipe, read_recipe, shipped_recipe_names
from engine.runs.run_info import facts_of
from engine.services.studies import STUDIES, WRONG_LABELS
from engine.services.study_results import (
    MOST_PARAMETERS,
    STUDY_METRICS,
    Result,
    best_of,
    changed_settings,
    comparable,
    figures_in,
    hardware_of,
    is_small,
    points_between,
    recorded,
    task_of,
)

if TYPE_CHECKING:
    from engine.jobs.launcher import Launcher
    from engine.runs.index import KnownRun
    from engine.runs.run import Run
    from engine.store.models import ModelInfo
    from engine.store.store import Store


@dataclass(frozen=True)
class Row:
    """One experiment: what was published, what this lab got with the same recipe, and the best it
    gets on the same task.

    ours    the best full-size run; None: it has not been run at full size here
    small   the newest run of the small form, which shows that it runs, not how good it is
    best    the best full-size figure of any recipe on the same data set, classes and measure; of a network
            below 8,000 parameters, of such networks
    needs   recipes without a model here that have to run first
    """

    name: str
    study: str
    title: str
    recipe: Recipe
    metric: str
    published: float | None
    at_end: float | None
    note: str
    source: str
    ours: Result | None
    small: Result | None
    best: Result | None
    needs: tuple[str, ...]

    @property
    def judged_by(self) -> float | None:
        """The published figure that ours is compared with: that of the last epoch where there is one,
        since no test image chooses an epoch here; otherwise the one that the study gives.
        """
        return self.published if self.at_end is None else self.at_end

    @property
    def small_data(self) -> str:
        """The data set of the small form, where it takes another than the experiment; else empty."""
        other = str(self.recipe.small.get("data.name") or "")
        return "" if other == self.recipe.data.name else other

    @property
    def labels_are_wrong(self) -> bool:
        """Whether most labels of the training data are wrong, which is what was studied."""
        return self.recipe.data.name in WRONG_LABELS

    @property
    def best_of_what(self) -> str:
        """Which recipes `best` is the best of, where not all on the data set may be compared."""
        return (
            f"of networks with fewer than {MOST_PARAMETERS:,} parameters"
            if self.small_networks
            else ""
        )

    @property
    def small_networks(self) -> bool:
        """Whether the study's question was how well so small a network does."""
        return is_small(self.recipe.model.name)

    @property
    def published_epoch(self) -> str:
        """Which epoch of theirs `judged_by` is of; empty without a figure."""
        if self.judged_by is None:
            return ""
        return "best, or not said" if self.at_end is None else "last"

    @property
    def our_epoch(self) -> str:
        """Which epoch of ours the recipe keeps."""
        last = all(stage.select == "last" for stage in self.recipe.resolved_stages())
        return "last" if last else "best by validation"

    @property
    def difference(self) -> float | None:
        """Ours minus the published figure that it is compared with, in fractions."""
        published = self.judged_by
        return None if self.ours is None or published is None else self.ours.value - published

    @property
    def points(self) -> float | None:
        """The difference of the two figures in percentage points, as they are shown."""
        published = self.judged_by
        if self.ours is None or published is None:
            return None
        return points_between(self.ours.value, published)

    @property
    def published_n(self) -> int | None:
        """On how many images the study measured, where that is known."""
        return self.recipe.published.n if self.recipe.published else None

    @property
    def published_interval(self) -> tuple[float, float] | None:
        """95% Wilson interval of the published figure that ours is compared with, where known."""
        n, theirs = self.published_n, self.judged_by
        return wilson_interval(round(theirs * n), n) if n and theirs is not None else None

    @property
    def may_be_chance(self) -> bool:
        """Whether the published figure lies within the 95% interval of ours, or ours within that of the
        published one, as far as it is known on how many images they were measured.
        """
        if self.ours is None or self.judged_by is None:
            return False
        held = ((self.judged_by, self.ours.interval), (self.ours.value, self.published_interval))
        return any(ends[0] <= value <= ends[1] for value, ends in held if ends)

    @property
    def best_is_of_other_images(self) -> bool:
        """Whether the best was measured on other images than ours: recipes on a data set without a test
        split hold back images of their own.
        """
        by_validation = STUDY_METRICS[self.metric] == "val_accuracy"
        return self.best is not None and self.best.recipe != self.name and by_validation


class Study:
    """The published experiments of the lab."""

    def __init__(self, store: Store, launcher: Launcher) -> None:
        self.store, self.launcher = store, launcher
        # What a run's figures are is worked out once for each run as the index knows it.
        self._of_runs: WeakKeyDictionary[KnownRun, list[Result]] = WeakKeyDictionary()

    def rows(self) -> list[Row]:
        """Every published experiment, in the order of the studies. Recipes that are not shipped are
        left out.
        """
        results = self._results()
        there = set(shipped_recipe_names())
        return [
            self._row(letter, name, results)
            for letter, part in STUDIES.items()
            for name in part.recipes
            if name in there
        ]

    def row(self, name: str) -> Row:
        """One experiment. Raises RecipeError, with the nearest name, if it is none of the studies'."""
        letter = next((letter for letter, part in STUDIES.items() if name in part.recipes), None)
        if letter is None:
            raise RecipeError(
                unknown(
                    "experiment of the studies",
                    name,
                    [n for part in STUDIES.values() for n in part.recipes],
                )
            )
        return self._row(letter, name, self._results())

    def runs_of(self, name: str) -> list[str]:
        """Ids of the runs of a recipe that can be compared, full-size ones first, newest first."""
        found = []
        for known in self.store.known_runs():
            if known.status.get("recipe") == name and _has_rows(known.run):
                with suppress(GlyphlabError):  # its recipe can't be read
                    found.append((known.facts.scale != "full", known.run.id))
        return [id for _, id in sorted(found, key=lambda pair: pair[0])]

    def start(self, name: str, scale: str = "full") -> str:
        """Queue the experiment, and before it whatever it starts from that has no model yet;
        returns the experiment's run id.
        """
        return self.launcher.submit(self.store.recipe(name, {"scale": scale}))

    def _row(self, letter: str, name: str, results: list[Result]) -> Row:
        from engine.store.lineage import untrained_parents

        recipe = read_recipe(RECIPES / f"{name}.yaml")
        published = recipe.published
        assert published is not None  # a study lists no others
        metric = STUDY_METRICS[published.metric]
        own = [result for result in results if result.recipe == name and result.metric == metric]
        full = [result for result in own if result.scale == "full"]
        small = [result for result in own if result.scale == "small"]
        task = task_of(facts_of(recipe))
        peers = [
            r
            for r in results
            if r.scale == "full" and r.task == task and comparable(r, name, metric)
        ]
        return Row(
            name=name,
            study=letter,
            title=recipe.title,
            recipe=recipe,
            metric=published.metric,
            published=None if published.value is None else published.value / 100,
            at_end=None if published.at_end is None else published.at_end / 100,
            note=published.note,
            source=published.source,
            ours=best_of(full),
            small=small[0] if small else None,
            best=max(peers, key=lambda r: r.value, default=None),
            needs=tuple(parent.name for parent in untrained_parents(self.store, recipe)),
        )

    def _results(self) -> list[Result]:
        """Every figure there is: runs newest first, then shipped checkpoints, then records."""
        out: list[Result] = []
        measured: dict[tuple[str, str], int] = {}
        for known in self.store.known_runs():
            if known.figures:
                out += self._of_run(known)
        for model in self.store.models():
            if model.where == "shipped":
                stamp = stamp_of(model.folder / "checkpoint.json")
                out += _of_shipped(model, stamp)
                measured |= _measured_on(model, stamp)
        # Recorded seeds of a model that is shipped were measured on as many images as it was.
        return out + [
            one
            if one.n or one.scale != "full"
            else replace(one, n=measured.get((one.recipe, one.metric)))
            for one in recorded(self.store.records)
        ]

    def _of_run(self, known: KnownRun) -> list[Result]:
        found = self._of_runs.get(known)
        if found is None:
            found = []
            with suppress(GlyphlabError):  # its recipe can't be read
                hardware = hardware_of(known.status.get("machine") or {})
                date = known.status.get("finished") or ""
                changed = changed_settings(known.run.recipe())
                each = figures_in(known.figures, known.facts, "run", known.run.id, hardware, date)
                found = [replace(one, changed=changed) for one in each]
            self._of_runs[known] = found
        return found


@lru_cache(maxsize=100)
def _of_shipped(model: ModelInfo, stamp: Stamp) -> list[Result]:
    """The figures of a shipped checkpoint, whose document has that stamp."""
    meta = read_meta(model.folder)
    hardware = hardware_of(meta.get("machine") or {})
    facts = facts_of(make_recipe(meta["recipe"]))
    return list(figures_in(meta["metrics"], facts, "shipped", model.name, hardware, model.created))


@lru_cache(maxsize=100)
def _measured_on(model: ModelInfo, stamp: Stamp) -> dict[tuple[str, str], int]:
    """On how many images models of a shipped checkpoint's recipe were measured, by recipe and metric."""
    meta = read_meta(model.folder)
    held = meta.get("held_out")
    if held:  # the model itself learned from all images
        recipe = make_recipe(meta["recipe"]).name
        return {(recipe, metric): held["n"] for metric in STUDY_METRICS.values()}
    return {(found.recipe, found.metric): found.n for found in _of_shipped(model, stamp) if found.n}


def _has_rows(run: Run) -> bool:
    try:
        return (run.path / "metrics.jsonl").stat().st_size > 0
    except OSError:
        return False
