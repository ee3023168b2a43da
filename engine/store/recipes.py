"""The recipes of a lab, by name: those that come with it, and those kept in its home."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from engine.errors import GlyphlabError, RecipeError, unknown
from engine.files.atomic import is_name, make_folder, write_text
from engine.files.checked import Damaged
from engine.recipes.recipe import RECIPES, Recipe, read_recipe, shipped_recipe_names


@dataclass(frozen=True)
class RecipeInfo:
    """A recipe as lists show it. `published`: the figure that a study stated, or None; `saved`:
    kept in this lab, not shipped with it; `scalable`: it has a small form (`scale=small`)."""

    name: str
    title: str
    about: str
    data: str
    model: str
    method: str
    epochs: int
    published: dict[str, Any] | None
    scalable: bool
    saved: bool


def list_recipes(home: Path) -> list[RecipeInfo]:
    """Shipped recipes and those kept in the lab, by name. Damaged ones are left out, see
    `damaged_recipes`.
    """
    return [found for found in _looked_at(home) if isinstance(found, RecipeInfo)]


def damaged_recipes(home: Path) -> list[Damaged]:
    """The recipes kept in the lab that can't be read, and why."""
    return [found for found in _looked_at(home) if isinstance(found, Damaged)]


def _looked_at(home: Path) -> Iterator[RecipeInfo | Damaged]:
    shipped = [(RECIPES / f"{name}.yaml", False) for name in shipped_recipe_names()]
    own = [(path, True) for path in sorted((home / "recipes").glob("*.yaml"))]
    for path, saved in shipped + own:
        try:
            yield _recipe_info(path, saved, path.stat().st_mtime_ns)
        except FileNotFoundError:
            continue  # deleted while we looked
        except OSError as error:
            yield Damaged("recipe", path.stem, f"it can't be read: {error.strerror}")
        except GlyphlabError as error:
            yield Damaged("recipe", path.stem, f"{error}. Correct or delete recipes/{path.name}.")


@lru_cache(maxsize=500)
def _recipe_info(path: Path, saved: bool, stamp: int) -> RecipeInfo:
    recipe = read_recipe(path)
    return RecipeInfo(
        recipe.name,
        recipe.title,
        recipe.about,
        recipe.data.name,
        recipe.model.name,
        recipe.method,
        sum(stage.epochs for stage in recipe.resolved_stages()),
        recipe.published.model_dump() if recipe.published else None,
        bool(recipe.small),
        saved,
    )


def find_recipe(
    home: Path,
    name: str | Path,
    changes: Mapping[str, Any] | None = None,
    names_only: bool = False,
) -> Recipe:
    """A recipe by name, or (unless names_only) by the path of a YAML file. Raises RecipeError with
    the nearest name if there is none.
    """
    text = str(name)
    for path in (RECIPES / f"{text}.yaml", home / "recipes" / f"{text}.yaml"):
        if is_name(text) and path.exists():
            return read_recipe(path, changes)
    if not names_only and ("/" in text or text.endswith((".yaml", ".yml"))):
        return read_recipe(Path(text).expanduser(), changes)
    raise RecipeError(unknown("recipe", text, [info.name for info in list_recipes(home)]))


def keep_recipe(home: Path, recipe: Recipe) -> Path:
    """Keep a recipe under its name in the lab. Raises RecipeError if the name can't be a file's or
    a shipped recipe has it.
    """
    if recipe.name in shipped_recipe_names():
        raise RecipeError(
            f"recipe '{recipe.name}' comes with the lab", hint="Give yours another name."
        )
    if not is_name(recipe.name):
        raise RecipeError(
            "a recipe can't have that name",
            expected="at most 200 bytes, no '/' and no '.' in front",
            got=repr(recipe.name),
        )
    path = make_folder(home / "recipes") / f"{recipe.name}.yaml"
    write_text(path, recipe.to_yaml())
    return path
