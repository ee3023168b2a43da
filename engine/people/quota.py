"""How much of the machine a person may use for training: runs at once and in a day, minutes and size of
each. Whoever leads has no quota.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.errors import RightsError
from engine.people.person import Person
from engine.runs.run_info import VISIT
from engine.runs.times import seconds_between

if TYPE_CHECKING:
    from engine.recipes.recipe import Recipe
    from engine.runs.run_info import RunInfo
    from engine.store.store import Store

DAY_SECONDS = 86_400
ELSEWHERE = "only the lab's owner or teacher may ask for several devices, or a cluster for more"
MOST_EPOCHS = 10  # as many as `quick` has
# Fields that a visitor may change: none of them makes a step cost more. epochs and batch_size have
# bounds of their own.
FREE = frozenset(
    "name title about epochs batch_size optimizer lr momentum weight_decay schedule warmup step_epochs"
    " step_factor clip loss augment mixup ema seed select patience scale small published target"
    " analysis".split()
)


@dataclass(frozen=True)
class Quota:
    """at_once: runs that wait or train, of one person; a_day: runs started in 24 hours; minutes: after
    which a run stops and keeps its best model; memory_gb: of main memory that a run may take;
    together: runs that wait or train, of all people of the role; quick: only recipes no larger than
    the recipe `quick`.
    """

    at_once: int
    a_day: int
    minutes: int
    together: int
    memory_gb: float
    quick: bool = False


# Chosen for a lesson on one machine: thirty students who each wait for one run of a minute wait half an
# hour at most, and the minutes keep a mistake from holding up the others for longer than a break.
QUOTAS = {
    "student": Quota(at_once=2, a_day=40, minutes=10, together=60, memory_gb=6),
    "visitor": Quota(at_once=1, a_day=5, minutes=3, together=4, memory_gb=3, quick=True),
}


def check_quota(
    person: Person, recipe: Recipe | None, runs: Iterable[RunInfo], started: int = 0
) -> Quota:
    """What the next run of a student or visitor may use. recipe: None for a run that goes on; started: how
    many the person started in 24 hours, also of those that are deleted. Raises RightsError if that is
    nothing now.
    """
    quota = QUOTAS[person.role]
    visit = person.role == "visitor"
    of_all = [run for run in runs if run.owner and run.owner.startswith(VISIT) == visit]
    alive = sum(run.alive for run in of_all)
    own = [run for run in of_all if run.owner == person.mark]
    if not person.id:
        raise RightsError(
            "the lab can't tell who you are",
            hint="Allow the lab's cookie in your browser and reload the page.",
        )
    if sum(run.alive for run in own) >= quota.at_once:
        raise RightsError(
            "you have as many runs waiting or training as you may",
            expected=f"at most {quota.at_once}",
            hint="Wait for one, or stop it.",
        )
    recent = sum((seconds_between(run.created) or 0) < DAY_SECONDS for run in own)
    if max(recent, started) >= quota.a_day:
        raise RightsError(
            "you have started as many runs as you may in a day",
            expected=f"at most {quota.a_day}",
            hint="Go on tomorrow.",
        )
    if alive >= quota.together:
        raise RightsError(
            "too many runs of others are waiting already", hint="Try again in a few minutes."
        )
    if quota.quick and recipe is not None:
        check_quick(recipe)
    return quota


def check_quick(recipe: Recipe) -> None:
    """Raise RightsError unless a recipe is `quick` but for what makes a run no longer or larger."""
    from engine.recipes.recipe import shipped_recipe

    wanted, got = (
        {key: value for key, value in one.model_dump(mode="json").items() if key not in FREE}
        for one in (shipped_recipe("quick"), recipe)
    )
    for field in wanted:
        if wanted[field] != got[field]:
            raise _too_much(field, wanted[field], got[field])
    if recipe.epochs > MOST_EPOCHS:
        raise _too_much("epochs", f"at most {MOST_EPOCHS}", recipe.epochs)
    if not 16 <= recipe.batch_size <= 512:
        raise _too_much("batch_size", "16 to 512", recipe.batch_size)


def _too_much(field: str, wanted: object, got: object) -> RightsError:
    return RightsError(
        f"only recipes as small as 'quick' are trained here: {field} is another",
        expected=wanted,
        got=got,
        hint="Run the lab on your own machine for more.",
    )


def check_here(store: Store, recipe: Recipe) -> None:
    """Raise RightsError if a recipe would download a data set or weights, which whoever leads fetches, or
    have another recipe trained first, which would be nobody's run and without bounds. Raises
    CheckpointError for one that starts from itself.
    """
    from engine.data.hub import is_address
    from engine.data.sources import DATASETS, find, names_in
    from engine.recipes.resources import Resources
    from engine.store.lineage import untrained_parents

    if first := untrained_parents(store, recipe):
        raise RightsError(
            f"'{first[0].name}', from which this recipe starts, was not trained here yet",
            hint="Train it first: it is a run of its own.",
        )

    names = names_in(recipe.data.name) + ([recipe.data.test_on] if recipe.data.test_on else [])
    for name in names:
        if find(name, store.settings.data, store.home, names_only=True) is None:
            fetchable = is_address(name) or (name in DATASETS and DATASETS[name].fetch)
            raise RightsError(
                f"data set '{name}' is not here yet",
                hint=f"The lab's owner or teacher can {'download' if fetchable else 'add'} it.",
            )
    if recipe.resources != Resources():
        raise RightsError(ELSEWHERE)
    if recipe.model.options.get("weights"):
        raise RightsError(
            "weights from other servers are not fetched here",
            hint="Leave model.options.weights out.",
        )
