"""A form made from the recipe's pydantic models: one field each, with its type, limits and
description.

`recipe_form` returns what the person changed, as key.path → value, ready for `lab.recipe(name,
changes)`, which checks it.
"""

from __future__ import annotations

import types
from collections.abc import Mapping
from typing import Any, Literal, Union, get_args, get_origin

import streamlit as st
import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from app.widgets.choices import choices, model_options
from engine.checked import read_yaml
from engine.errors import RecipeError
from engine.recipe import Augment, DataSpec, Recipe

Changes = dict[str, Any]
MAIN = ("epochs", "batch_size", "lr", "optimizer", "schedule", "loss")
ELSEWHERE = (
    "name",
    "title",
    "about",
    "data",
    "model",
    "augment",
    "stages",
    "published",
    "target",
    "analysis",
    "scale",
    "small",
)
MORE = tuple(name for name in Recipe.model_fields if name not in MAIN + ELSEWHERE)
LABELS = {
    "lr": "Learning rate",
    "ema": "Weight averaging (EMA)",
    "init_from": "Start from weights of",
    "clip": "Gradient clipping",
    "size": "Image side (px)",
    "data.size": "Cached side (px)",
    "data.limit": "At most training images",
    "data.test_on": "Score on",
    "data.limit_eval": "At most evaluation images",
    "select": "Best epoch by",
    "mixup": "Mixup (alpha)",
    "freeze": "Frozen layer groups",
    "samples_per_class": "Images per class in a batch",
    "data.seed": "Seed of the split",
    "data.name": "Data set",
    "model.name": "Model",
}


def recipe_form(recipe: Recipe, datasets: Mapping[str, str], key: str) -> Changes:
    """Draw the fields of `recipe` and return the changed ones. `datasets`: name → label. Raises
    RecipeError for text that can't be read.
    """
    tables = {
        "data.name": dict(datasets),
        "model.name": choices("engine.models.catalog", "MODELS"),
        "optimizer": choices("engine.training.optim", "OPTIMIZERS"),
        "schedule": choices("engine.training.optim", "SCHEDULES"),
        "loss": choices("engine.training.objectives", "LOSSES"),
    }
    changes: Changes = {}

    def fields(
        model: BaseModel, names: tuple[str, ...], prefix: str = "", columns: int = 3
    ) -> None:
        for start in range(0, len(names), columns):
            for name, column in zip(
                names[start : start + columns], st.columns(columns), strict=False
            ):
                with column:
                    path, old = prefix + name, getattr(model, name)
                    new = _field(
                        path, type(model).model_fields[name], old, tables.get(path), f"{key}/{path}"
                    )
                    if new != old:
                        changes[path] = new

    stages = f"Stages ({len(recipe.stages)})" if recipe.stages else "Stages"
    basics, data, model, augment, more, several = st.tabs(
        ["Basics", "Data", "Model options", "Augmentation", "More training choices", stages]
    )
    with basics:
        first, second = st.columns(2)
        with first:
            fields(recipe.data, ("name",), "data.", 1)
        with second:
            fields(recipe.model, ("name",), "model.", 1)
        fields(recipe, MAIN)
        if recipe.stages:
            st.caption(
                f"This recipe trains in {len(recipe.stages)} stages; what a stage sets for itself"
                " wins over the fields here."
            )
    with data:
        fields(
            recipe.data, tuple(name for name in DataSpec.model_fields if name != "name"), "data."
        )
    with model:
        changes.update(_model_options(recipe, changes.get("model.name", recipe.model.name), key))
    with augment:
        st.caption(
            "Random changes to each training image, drawn anew every time. Zero switches one off."
        )
        fields(recipe.augment, tuple(Augment.model_fields), "augment.")
    with more:
        fields(recipe, MORE)
    with several:
        changes.update(_stages(recipe, key))
    return changes


def _model_options(recipe: Recipe, model: str, key: str) -> Changes:
    options = model_options(model)
    if not options:
        st.caption(f"`{model}` has no options.")
        return {}
    given = dict(recipe.model.options) if model == recipe.model.name else {}
    new: Changes = {}
    for start in range(0, len(options), 3):
        for name, column in zip(list(options)[start : start + 3], st.columns(3), strict=False):
            with column:
                default = options[name]
                value = _option(name, given.get(name, default), default, f"{key}/{model}/{name}")
                if value != default or name in given:
                    new[name] = value
    return {"model.options": new} if new != given or model != recipe.model.name else {}


def _stages(recipe: Recipe, key: str) -> Changes:
    st.caption(
        "A list in YAML: each entry says what that stage changes, and starts from the best of the"
        " one before. Empty: one stage."
    )
    old = recipe.model_dump(mode="json")["stages"]
    text = yaml.safe_dump(old, sort_keys=False) if old else ""
    new = (
        _yaml(
            st.text_area(
                "Stages", text, key=f"{key}/stages", label_visibility="collapsed", height=200
            ),
            "the list of stages",
        )
        or []
    )
    return {"stages": new} if new != old else {}


def _option(name: str, value: Any, default: Any, key: str) -> Any:
    label, help = name.replace("_", " ").capitalize(), f"default: {default}"
    if isinstance(default, bool):
        return st.toggle(label, bool(value), key=key, help=help)
    if isinstance(default, int) and isinstance(value, int):
        return st.number_input(label, value=value, step=1, key=key, help=help)
    if isinstance(default, float) and isinstance(value, int | float):
        return st.number_input(
            label, value=float(value), step=0.05, format="%g", key=key, help=help
        )
    text = st.text_input(
        label,
        value if isinstance(value, str) else _flow(value),
        key=key,
        help=help,
        placeholder="none",
    )
    return text if isinstance(default, str) else _yaml(text, f"option {name}")


def _field(
    path: str, field: FieldInfo, value: Any, table: Mapping[str, str] | None, key: str
) -> Any:
    """One input; returns the value in the field's own type."""
    name = path.rpartition(".")[2]
    label = LABELS.get(path) or LABELS.get(name) or name.replace("_", " ").capitalize()
    help = field.description
    if table is not None:
        names = list(table) if value in table else [*table, value]
        long = path in ("data.name", "model.name")
        return st.selectbox(
            label,
            names,
            index=names.index(value),
            key=key,
            help=help,
            accept_new_options=path in ("data.name", "loss"),
            format_func=lambda choice: (
                f"{choice} · {table[choice]}" if long and table.get(choice) else choice
            ),
        )
    kinds = _kinds(field.annotation)
    if literal := [
        choice for kind in kinds if get_origin(kind) is Literal for choice in get_args(kind)
    ]:
        return st.selectbox(label, literal, index=literal.index(value), key=key, help=help)
    optional = type(None) in kinds
    if bool in kinds:
        return st.toggle(label, bool(value), key=key, help=help)
    if float in kinds and tuple not in {get_origin(kind) for kind in kinds}:
        low, high = _limits(field, float)
        step = (
            0.01
            if high is not None and high <= 0.5
            else 0.05
            if high is not None and high <= 1
            else 0.1
        )
        return st.number_input(
            label,
            low,
            high,
            None if value is None else float(value),
            step=step,
            format="%g",
            key=key,
            help=help,
            placeholder="none" if optional else None,
        )
    if int in kinds:
        low, high = _limits(field, int)
        return st.number_input(
            label,
            low,
            high,
            value,
            step=1,
            key=key,
            help=help,
            placeholder="none" if optional else None,
        )
    if any(get_origin(kind) is tuple for kind in kinds):  # one rate or several; class names
        text = st.text_input(
            label,
            "" if value is None else _joined(value),
            key=key,
            help=help,
            placeholder="all" if optional else None,
        )
        return _several(text, float in kinds, label, optional)
    if any(get_origin(kind) is dict for kind in kinds):
        text = st.text_input(
            label, _flow(value) if value else "", key=key, help=help, placeholder="none"
        )
        parsed = _yaml(text, label) or {}
        if not isinstance(parsed, dict):
            raise RecipeError(
                f"{label} can't be read",
                expected="names and values such as 'margin: 0.2, gamma: 2'",
                got=repr(text),
            )
        return parsed
    text = st.text_input(
        label, value or "", key=key, help=help, placeholder="none" if optional else None
    )
    return (text.strip() or None) if optional else text


def _kinds(annotation: Any) -> tuple[Any, ...]:
    return (
        get_args(annotation)
        if get_origin(annotation) in (Union, types.UnionType)
        else (annotation,)
    )


def _limits(field: FieldInfo, kind: type) -> tuple[Any, Any]:
    low = next(
        (
            getattr(rule, name)
            for rule in field.metadata
            for name in ("ge", "gt")
            if getattr(rule, name, None) is not None
        ),
        None,
    )
    high = next(
        (
            getattr(rule, name)
            for rule in field.metadata
            for name in ("le", "lt")
            if getattr(rule, name, None) is not None
        ),
        None,
    )
    return (None if low is None else kind(low)), (None if high is None else kind(high))


def _joined(value: Any) -> str:
    parts = value if isinstance(value, tuple | list) else [value]
    return ", ".join(f"{part:.10g}" if isinstance(part, float) else str(part) for part in parts)


def _several(text: str, numbers: bool, label: str, optional: bool) -> Any:
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not parts and optional:
        return None
    if not numbers:
        return tuple(parts)
    try:
        values = tuple(float(part) for part in parts)
    except ValueError:
        raise RecipeError(
            f"{label} can't be read",
            expected="a number, or several with commas between",
            got=repr(text),
        ) from None
    if not values:
        raise RecipeError(f"{label} is empty", expected="a number, or several with commas between")
    return values[0] if len(values) == 1 else values


def _flow(value: Any) -> str:
    if value is None:
        return ""
    text = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=1000).strip()
    return text.removesuffix("\n...").strip().removeprefix("{").removesuffix("}")


def _yaml(text: str, what: str) -> Any:
    stripped = text.strip()
    try:
        found = read_yaml(stripped, what)
    except RecipeError:
        return read_yaml("{" + stripped + "}", what)
    if isinstance(found, str) and ":" in stripped and "\n" not in stripped:
        return read_yaml("{" + stripped + "}", what)  # 'margin: 0.2, gamma: 2' without its braces
    return found
