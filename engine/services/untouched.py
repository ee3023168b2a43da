"""What a recipe reaches that nobody changes: by a run of this lab, or by what comes with it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.errors import GlyphlabError
from engine.metrics import wilson_interval
from engine.recipes.recipe import Recipe, make_recipe
from engine.services.study_results import recorded

if TYPE_CHECKING:
    from engine.services.comparison import Compare
    from engine.store.store import Store

# Fields of a recipe that only say something of it, or have been applied.
SAID = frozenset("name title about published target analysis scale small resources".split())


@dataclass(frozen=True)
class Untouched:
    """What a recipe reached that nobody changed: its test accuracy (0..1) of n images. here: in a run of
    this lab; else as it is recorded with the recipe, which was measured on another machine.
    """

    accuracy: float
    n: int
    here: bool = True

    @property
    def better(self) -> float:
        """The accuracy with one more image right, if there is one."""
        return min(1.0, (round(self.accuracy * self.n) + 1) / self.n)

    @property
    def provable(self) -> float:
        """The highest target that lies below the interval of a run without a mistake."""
        return wilson_interval(self.n, self.n)[0]


def untouched(store: Store, compare: Compare, name: str) -> Untouched | None:
    """What the newest finished run of a recipe reached that changed nothing in it; without one, what the
    model or the record that comes with the lab says; None if nothing does. Raises RecipeError.
    """
    wanted = _deciding(store.recipe(name))
    return _of_a_run(store, compare, name, wanted) or _on_record(store, name, wanted)


def _of_a_run(
    store: Store, compare: Compare, name: str, wanted: dict[str, object]
) -> Untouched | None:
    for run in store.runs():
        if run.recipe != name or run.state != "finished" or run.accuracy is None:
            continue
        with suppress(GlyphlabError):
            if _deciding(store.run(run.id).recipe()) != wanted:
                continue
            for found in compare.subjects([run.id]):
                if found.accuracy is not None and found.n:
                    return Untouched(found.accuracy, found.n)
    return None


def _on_record(store: Store, name: str, wanted: dict[str, object]) -> Untouched | None:
    if any(model.where == "shipped" and model.name == name for model in store.models()):
        meta = store.model_meta(name)
        accuracy, n = (meta["metrics"].get(f"test_{what}") for what in ("accuracy", "n"))
        if accuracy is not None and n and _deciding(make_recipe(meta["recipe"])) == wanted:
            return Untouched(accuracy, n, here=False)
    of = (name, "test_accuracy", "full")
    for row in recorded(store.records):
        if row.n and (row.recipe, row.metric, row.scale) == of:
            return Untouched(row.value, row.n, here=False)
    return None


def _deciding(recipe: Recipe) -> dict[str, object]:
    """The fields of a recipe that decide what comes out of it."""
    return {key: value for key, value in recipe.model_dump().items() if key not in SAID}
