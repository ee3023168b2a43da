"""Trees of plain values, as YAML and JSON hold them: changed by key.path, flattened, and checked
against a pydantic model.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from engine.errors import RecipeError, unknown

_Kind = TypeVar("_Kind", bound=BaseModel)


def plain(value: Any) -> Any:
    """`value` in dicts and lists of our own."""
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


def put(tree: dict[str, Any], path: str, value: Any) -> None:
    """Set the value at a key.path of `tree`. Raises RecipeError for a path that leads nowhere."""
    *parents, leaf = path.split(".")
    node: Any = tree
    for depth, key in enumerate(parents):
        if isinstance(node, list):
            node = _item(node, key, path)
            continue
        if node.get(key) is None:
            node[key] = {}
        node = node[key]
        if not isinstance(node, dict | list):
            raise RecipeError(
                f"'{path}' is not a field of a recipe",
                hint=f"'{'.'.join(parents[: depth + 1])}' is a value, not a group.",
            )
    if isinstance(node, list):
        node[int(leaf)] = value if _item(node, leaf, path) is not None else value
    else:
        node[leaf] = plain(value)


def _item(items: list, key: str, path: str) -> Any:
    if not key.isdigit() or int(key) >= len(items):
        raise RecipeError(
            f"'{path}' is not a field of this recipe",
            expected=f"a number from 0 to {len(items) - 1}",
            got=repr(key),
        )
    return items[int(key)]


def flatten(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        if isinstance(value, Mapping) and value and key != "small":
            flat.update(flatten(value, f"{prefix}{key}."))
        else:
            flat[prefix + key] = value
    return flat


def validated(kind: type[_Kind], tree: Mapping[str, Any], where: str) -> _Kind:
    """`tree` as a checked `kind`. Raises RecipeError, beginning with `where`, for the first thing
    that is wrong.
    """
    try:
        return kind.model_validate(dict(tree))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        path = [str(part) for part in first["loc"]]
        if first["type"] == "extra_forbidden":
            raise RecipeError(
                f"{where}: {unknown('field', '.'.join(path), _fields_beside(kind, path))}"
            ) from None
        message = (first["msg"][0].lower() + first["msg"][1:]).partition(", unable to parse")[0]
        raise RecipeError(
            f"{where}: {'.'.join(path)}: {message}; it is {first['input']!r}"[:400]
        ) from None


def _fields_beside(kind: type[BaseModel], path: list[str]) -> list[str]:
    node: Any = kind
    for key in path[:-1]:
        found = _fields(node).get(key)
        node = found.annotation if found else None
    prefix = ".".join(path[:-1])
    return [f"{prefix}.{name}" if prefix else name for name in _fields(node)]


def _fields(kind: Any) -> dict[str, Any]:
    """The fields of a model, or of the model in `Model | None`; none of anything else."""
    models = [each for each in (kind, *get_args(kind)) if hasattr(each, "model_fields")]
    return models[0].model_fields if models else {}
