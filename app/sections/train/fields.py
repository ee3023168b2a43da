"""One field of a form, from its pydantic type, limits and description."""

from __future__ import annotations

import types
from collections.abc import Mapping
from typing import Any, Literal, Union, get_args, get_origin

import streamlit as st
import yaml
from pydantic.fields import FieldInfo

from engine.errors import RecipeError
from engine.files.checked import LONGEST_YAML, read_yaml

LONGEST_NUMBERS = 1_000  # characters of a field of numbers: some rates, one a group of layers
LABELS = {
    "lr": "Learning rate",
    "ema": "Weight averaging (EMA)",
    "init_from": "Start from weights of",
    "clip": "Gradient clipping",
    "size": "Image size (px)",
    "data.size": "Stored image size (px)",
    "data.limit": "Maximum training images",
    "data.test_on": "External test set",
    "follow_test": "Evaluate on the test split each epoch",
    "data.limit_eval": "Maximum evaluation images",
    "select": "Select the best epoch by",
    "mixup": "Mixup (alpha)",
    "freeze": "Frozen layer groups",
    "samples_per_class": "Images per class in a batch",
    "data.seed": "Seed of the split",
    "data.name": "Data set",
    "model.name": "Model",
}


def option_field(name: str, value: Any, default: Any, key: str) -> Any:
    """An input for one option of a network, of its default's type; returns its value."""
    label, help = name.replace("_", " ").capitalize(), f"Default: {default}"
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
        value if isinstance(value, str) else flow(value),
        key=key,
        help=help,
        placeholder="none",
    )
    return text if isinstance(default, str) else parsed_yaml(text, f"option {name}")


def recipe_field(
    path: str, field: FieldInfo, value: Any, table: Mapping[str, str] | None, key: str
) -> Any:
    """One input; returns the value in the field's own type."""
    name = path.rpartition(".")[2]
    label = LABELS.get(path) or LABELS.get(name) or name.replace("_", " ").capitalize()
    help = field.description
    if table is not None:
        names = list(table) if value in table else [*table, value]
        chosen = st.selectbox(
            label,
            names,
            index=names.index(value),
            key=key,
            help=help,
            accept_new_options=path in ("data.name", "loss"),
            format_func=lambda choice: (
                f"{choice} · {table[choice]}"
                if path == "data.name" and table.get(choice)
                else choice
            ),
        )
        if path == "model.name" and (about := table.get(chosen or "")):
            st.caption(f"{about[0].upper()}{about[1:]}.")  # in the box it would be cut short
        return chosen
    kinds = _kinds(field.annotation)
    if literal := [
        choice for kind in kinds if get_origin(kind) is Literal for choice in get_args(kind)
    ]:
        return st.selectbox(label, literal, index=literal.index(value), key=key, help=help)
    optional = type(None) in kinds
    if bool in kinds:
        return st.toggle(label, bool(value), key=key, help=help)
    if float in kinds and tuple not in {get_origin(kind) for kind in kinds}:
        high = _highest(field)
        step = (
            0.01
            if high is not None and high <= 0.5
            else 0.05
            if high is not None and high <= 1
            else 0.1
        )
        return st.number_input(  # without limits of its own: see below
            label,
            value=None if value is None else float(value),
            step=step,
            format="%g",
            key=key,
            help=help,
            placeholder="none" if optional else None,
        )
    if int in kinds:
        # A number outside a widget's own limits leaves it at the one before, which would be trained without a
        # word; so the recipe's check has the say.
        return st.number_input(
            label,
            value=value,
            step=1,
            key=key,
            help=help,
            placeholder="none" if optional else None,
        )
    if any(get_origin(kind) is tuple for kind in kinds):  # one rate or several; class names
        text = st.text_input(
            label,
            "" if value is None else joined(value),
            key=key,
            help=help,
            placeholder="all" if optional else None,
        )
        return several(text, float in kinds, label, optional)
    if any(get_origin(kind) is dict for kind in kinds):
        text = st.text_input(
            label, flow(value) if value else "", key=key, help=help, placeholder="none"
        )
        parsed = parsed_yaml(text, label) or {}
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


def _highest(field: FieldInfo) -> float | None:
    """The largest value that a number may have."""
    bounds = (getattr(rule, name, None) for rule in field.metadata for name in ("le", "lt"))
    return next((float(bound) for bound in bounds if bound is not None), None)


def joined(value: Any) -> str:
    """One value or several as a person writes them, with commas."""
    parts = value if isinstance(value, tuple | list) else [value]
    return ", ".join(f"{part:.10g}" if isinstance(part, float) else str(part) for part in parts)


def several(text: str, numbers: bool, label: str, optional: bool) -> Any:
    """The comma-separated values in `text`, as numbers or text. Raises RecipeError."""
    most = LONGEST_NUMBERS if numbers else LONGEST_YAML
    if len(text) > most:  # before it is taken apart, which happens each time that the page is drawn
        raise RecipeError(
            f"{label} is too long",
            expected=f"at most {most:,} characters",
            got=f"{len(text):,}",
        )
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


def flow(value: Any) -> str:
    """A mapping or list as one line of YAML."""
    if value is None:
        return ""
    text = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=1000).strip()
    return text.removesuffix("\n...").strip().removeprefix("{").removesuffix("}")


def parsed_yaml(text: str, what: str) -> Any:
    """What a line of YAML holds. Raises RecipeError."""
    stripped = text.strip()
    try:
        found = read_yaml(stripped, what)
    except RecipeError:
        return read_yaml("{" + stripped + "}", what)
    if isinstance(found, str) and ":" in stripped and "\n" not in stripped:
        return read_yaml("{" + stripped + "}", what)  # 'margin: 0.2, gamma: 2' without its braces
    return found
