"""Recipes that start from another's model: which model that is, and what has to be trained first.

`init_from: digits-resnet18` names a recipe. At full scale it means the shipped checkpoint of that
name or the newest finished full-scale run; a small form starts from a small form, since a full-size
network seldom fits it. Anything else (a run's id, a folder, a name in checkpoints/) means that one
model.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import CheckpointError, GlyphlabError
from engine.settings import COMMAND

if TYPE_CHECKING:
    from engine.recipes.recipe import Recipe
    from engine.store.store import Store


def parent_recipe(store: Store, recipe: Recipe) -> Recipe | None:
    """The recipe that `init_from` names, at the same scale; None if it names something else, or
    nothing.
    """
    return _recipe_called(store, recipe.init_from, recipe.scale) if recipe.init_from else None


def starting_model(store: Store, name: str, scale: str = "full") -> Path:
    """The checkpoint folder that `init_from: name` means. Raises CheckpointError, saying what to
    train first, if there is none.
    """
    parent = _recipe_called(store, name, scale)
    if parent is None:
        return store.model_folder(name)
    found = _trained(store, parent)
    if found is None:
        small = " --set scale=small" if scale == "small" else ""
        raise CheckpointError(
            f"recipe '{name}', to start from, has no finished run here",
            hint=f"Run `{COMMAND} train {name}{small}` first.",
        )
    return found


def untrained_parents(store: Store, recipe: Recipe) -> list[Recipe]:
    """The recipes to train before this one, in order: those it starts from that have no model, and
    no run under way, at its scale.
    """
    out: list[Recipe] = []
    parent = parent_recipe(store, recipe)
    while parent is not None and _trained(store, parent) is None and not _under_way(store, parent):
        if parent.name in (recipe.name, *(other.name for other in out)):
            chain = " → ".join(other.name for other in (parent, *out, recipe))
            raise CheckpointError(f"recipe '{recipe.name}' starts from itself", got=chain)
        out.insert(0, parent)
        parent = parent_recipe(store, parent)
    return out


def _recipe_called(store: Store, name: str, scale: str) -> Recipe | None:
    return (
        store.recipe(name, {"scale": scale})
        if name in {info.name for info in store.recipes()}
        else None
    )


def _trained(store: Store, parent: Recipe) -> Path | None:
    shipped = store.checkpoints / parent.name
    if parent.scale == "full" and (shipped / "checkpoint.json").exists():
        return shipped
    for known in store.known_runs():
        try:
            done = (
                known.status.get("recipe") == parent.name
                and known.status.get("state") == "finished"
                and known.facts.scale == parent.scale
            )
            if done and (known.run.best / "checkpoint.json").exists():
                return known.run.best
        except GlyphlabError:
            continue
    return None


def _under_way(store: Store, parent: Recipe) -> bool:
    return any(
        known.facts.scale == parent.scale and known.info().alive
        for known in store.known_runs()
        if not known.ended and known.status.get("recipe") == parent.name
    )
