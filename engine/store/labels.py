"""Mended labels by recipe: which journals a data specification means, and up to where."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from engine.data.listing import TRAIN
from engine.data.sources import names_in
from engine.data.splits import make_splits
from engine.errors import RecipeError
from engine.labels.journal import Journal
from engine.labels.mending import mended
from engine.labels.replay import Current

if TYPE_CHECKING:
    from pathlib import Path

    from engine.data.imageset import ImageSet
    from engine.recipes.fields import DataSpec
    from engine.recipes.recipe import Recipe


def positions(home: Path, spec: DataSpec) -> tuple[int, ...]:
    """Where the label journals of a specification's data sets stand now."""
    return tuple(Journal(home, name).position for name in names_in(spec.name))


def changed_images(
    home: Path, data: str, then: Sequence[int], given: Callable[[str], Mapping[str, str | None]]
) -> int:
    """How many images of a data set are labelled or left out otherwise than at the positions `then`
    of its label journals; without any: than given. An image whose label was confirmed is none of them.

    given: of the name of one data set, the given label of each of its images. Asked only where
    somebody decided since. Raises what it raises.
    """
    count = 0
    names = names_in(data)
    for name, position in zip(names, then or (0,) * len(names), strict=False):
        journal = Journal(home, name)
        old, now = journal.current(position), journal.current()
        decided = [s for s in old.keys() | now.keys() if old.get(s) != now.get(s)]
        labels: Mapping[str, str | None] = given(name) if decided else {}
        for sample in labels.keys() & set(decided):
            sides = (old.get(sample, Current()), now.get(sample, Current()))
            one, other = (_label(side, labels[sample]) for side in sides)
            count += one != other
    return count


def _label(now: Current, given: str | None) -> tuple[str | None, bool]:
    """An image's label, and whether it is left out; of one that is, the label is of no account."""
    label = given if now.label is None else now.label
    return (None if now.excluded else label), now.excluded


def mended_labels(home: Path, images: ImageSet, spec: DataSpec) -> ImageSet:
    """The images of a specification with their mended labels, as they stood where it says. Raises
    RecipeError if it names another number of positions than of data sets.
    """
    names = names_in(spec.name)
    wanted = spec.journal or (None,) * len(names)
    if len(wanted) != len(names):
        raise RecipeError(
            "data.journal does not fit data.name",
            expected=f"{len(names)} positions, one for each data set",
            got=len(wanted),
        )
    current = {
        name: Journal(home, name).current(position)
        for name, position in zip(names, wanted, strict=True)
    }
    some = spec.classes is not None or spec.without
    found = mended(images, current, images.classes if some else None)
    if images.splits or found is images:
        return found
    # No image came with a label, so none with a split: those that were labelled since are split as the
    # given ones of another data set are.
    splits = make_splits(
        found.labels,
        np.full(len(found), TRAIN),
        validation=spec.validation,
        test=spec.test,
        seed=spec.seed,
    )
    return found.with_splits(splits)


def pinned(home: Path, recipe: Recipe) -> Recipe:
    """The recipe with the position of the label journal written down, if it trains on mended
    labels: what is decided later changes nothing about its run.
    """
    data = recipe.data
    if data.labels == "given" or data.journal is not None:
        return recipe
    fixed = data.model_copy(update={"journal": positions(home, data)})
    return recipe.model_copy(update={"data": fixed})
