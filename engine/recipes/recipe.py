"""A run is its recipe: everything that decides a result is a field of `Recipe`, saved resolved with
the run.

Training choices (`Stage`) stand at the top level; `stages` lists what each stage changes, for
experiments that train in several stages. `small` is what `scale: small` changes: the same
experiment, end to end, in minutes on two cores.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from engine.errors import RecipeError, unknown
from engine.files.cache import FileCache
from engine.files.checked import read_yaml, write_yaml
from engine.recipes.augmentation import Augment
from engine.recipes.fields import LARGEST_SEED, DataSpec, ModelSpec, Name, Published, Stage
from engine.recipes.resources import Resources
from engine.recipes.trees import flatten, plain, put, validated

RECIPES = Path(__file__).parent


class Recipe(Stage):
    """A complete experiment. The fields of `Stage` are the defaults of every stage."""

    name: str = Field(max_length=200, description="name of the recipe; the run is named after it")
    title: str = Field(default="", description="how lists show it")
    about: str = Field(default="", description="what this is and what is known of it")
    data: DataSpec = Field(
        default_factory=lambda: DataSpec(), description="which images, and their splits"
    )
    model: ModelSpec = Field(default_factory=lambda: ModelSpec(), description="the network")
    stages: tuple[dict[str, Any], ...] = Field(
        default=(), max_length=100, description="what each stage changes; empty: one stage as above"
    )
    init_from: Name | None = Field(
        default=None, description="a run id, recipe name or checkpoint whose weights to start from"
    )
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        default="auto",
        description="of training; auto: bfloat16 where the device is fast in it. Validation is in float32",
    )
    seed: int = Field(
        default=0, ge=0, le=LARGEST_SEED, description="seed of weights, order and augmentation"
    )
    method: Literal["supervised", "recovered"] = Field(
        default="supervised",
        description="how the labels are used: as they are, or recovered from complementary ones",
    )
    temperature: float | None = Field(
        default=None,
        gt=0,
        le=1000,
        description="what logits are divided by when there is no validation split to fit it on",
    )
    resources: Resources = Field(
        default_factory=lambda: Resources(),
        description="over how many devices it trains, and what it asks of a cluster",
    )
    published: Published | None = Field(default=None, description="the figure that a study stated")
    target: str = Field(default="", description="what the study set out to reach")
    analysis: str = Field(default="", description="what the study concluded")
    scale: Literal["full", "small"] = Field(
        default="full",
        description="small: the same experiment cut down to minutes by the changes in `small`",
    )
    small: dict[str, Any] = Field(
        default_factory=dict, description="what `scale: small` changes, as key.path: value"
    )

    def resolved_stages(self) -> list[Stage]:
        """One complete `Stage` per stage, in order. Raises RecipeError for a bad entry of `stages`."""
        base = {name: getattr(self, name) for name in Stage.model_fields}
        out = []
        for place, changes in enumerate(self.stages or ({},)):
            merged = dict(base)
            for key, value in changes.items():
                old = base.get(key)
                merged[key] = (
                    {**old.model_dump(), **value}
                    if isinstance(old, Augment) and isinstance(value, Mapping)
                    else value
                )
            out.append(validated(Stage, merged, f"stage {place + 1}"))
        return out

    def to_yaml(self) -> str:
        return write_yaml(self.model_dump(mode="json"))


def make_recipe(fields: Mapping[str, Any], changes: Mapping[str, Any] | None = None) -> Recipe:
    """A checked recipe from plain `fields`, with `changes` (key.path → value) on top.

    `scale=small` in either applies the recipe's `small` changes first, so that a person's own
    changes win. Raises RecipeError for an unknown key (with the nearest known one) or a value of
    the wrong kind.
    """
    tree = plain(fields)
    changes = dict(changes or {})
    if changes.get("scale", tree.get("scale")) == "small":
        small = tree.get("small") or {}
        if not isinstance(small, Mapping):
            raise RecipeError("`small` is wrong", expected="key.path: value", got=repr(small)[:80])
        for path, value in small.items():
            put(tree, path, value)
        tree[
            "small"
        ] = {}  # applied: a saved run that is read again keeps what a person changed on top
    for path, value in changes.items():
        put(tree, path, value)
    recipe = validated(Recipe, tree, f"recipe '{tree.get('name', '')}'")
    recipe.resolved_stages()
    return recipe


def read_recipe(path: Path, changes: Mapping[str, Any] | None = None) -> Recipe:
    """The recipe in a YAML file. Raises RecipeError if it is missing, no YAML, or wrong."""
    try:
        tree = _trees.get(Path(path))
    except OSError as error:
        raise RecipeError(f"recipe file {path} can't be read", got=error.strerror) from None
    except ValueError:  # bytes that are no text, or a name that no file can have
        raise RecipeError(
            f"recipe file {path} is not YAML", got="something else than text"
        ) from None
    return make_recipe({"name": Path(path).stem, **tree}, changes)


def _tree_in(path: Path) -> dict[str, Any]:
    tree = read_yaml(path.read_text(encoding="utf-8"), f"recipe file {path}")
    if not isinstance(tree, dict):
        raise RecipeError(
            f"recipe file {path} is wrong", expected="keys and values", got=type(tree).__name__
        )
    return tree


_trees = FileCache(_tree_in, most=2000)  # YAML takes ten times as long to read as to check


def shipped_recipe_names() -> list[str]:
    return sorted(path.stem for path in RECIPES.glob("*.yaml") if not path.stem.endswith("-sweep"))


def shipped_recipe(name: str, changes: Mapping[str, Any] | None = None) -> Recipe:
    """A recipe that comes with the lab, by name. Raises RecipeError with the nearest name if there
    is none.
    """
    if name not in shipped_recipe_names():
        raise RecipeError(unknown("recipe", name, shipped_recipe_names()))
    return read_recipe(RECIPES / f"{name}.yaml", changes)


def parse_changes(pairs: list[str]) -> dict[str, Any]:
    """`["epochs=3", "data.limit=500"]` → a dict; values are read as YAML. Raises RecipeError
    without a '='.
    """
    out = {}
    for pair in pairs:
        path, sign, text = pair.partition("=")
        if not sign or not path.strip():
            raise RecipeError("a change can't be read", expected="key.path=value", got=repr(pair))
        value = read_yaml(text, f"the value of {path}") if text else None
        out[path.strip()] = value
    return out


def compare_recipes(recipes: Mapping[str, Recipe]) -> list[dict[str, Any]]:
    """The fields in which recipes differ: rows of `field` and one value per given name."""
    flat = {name: flatten(recipe.model_dump(mode="json")) for name, recipe in recipes.items()}
    fields = sorted({field for row in flat.values() for field in row} - {"small"})
    rows = [
        {"field": field, **{name: row.get(field) for name, row in flat.items()}} for field in fields
    ]
    return [
        row for row in rows if len({str(value) for key, value in row.items() if key != "field"}) > 1
    ]
