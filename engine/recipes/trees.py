"""Trees of plain values, as YAML and JSON hold them: changed by key.path, flattened, and checked
against a pydantic model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from engine.errors import RecipeError, unknown

_Kind = TypeVar("_Kind", bound=BaseModel)

_NUMBER, _WHOLE, _TEXT = "a number", "a whole number", "a text"
_LIST, _GROUP, _TRUTH = "a list such as [a, b]", "a group of keys and values", "true or false"
WANTED: dict[str, str] = {  # pydantic's name of an error → what a value should be
    "float_type": _NUMBER,
    "float_parsing": _NUMBER,
    "int_type": _WHOLE,
    "int_parsing": _WHOLE,
    "int_from_float": _WHOLE,
    "string_type": _TEXT,
    "list_type": _LIST,
    "tuple_type": _LIST,
    "dict_type": _GROUP,
    "model_type": _GROUP,
    "bool_type": _TRUTH,
    "bool_parsing": _TRUTH,
}


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
        raise RecipeError(f"{where}: {_wrong(kind, error)}"[:400]) from None


def _wrong(kind: type[BaseModel], error: ValidationError) -> str:
    """The first thing that is wrong, under the name that the recipe has for it: 'lr should be a number
    or a list such as [a, b]; it is …', 'epochs: input should be greater than or equal to 1; it is 0'.
    """
    named = [(_name_of(kind, each["loc"]), each) for each in error.errors(include_url=False)]
    # A field that may be of several kinds has an error for each: what is wrong within a list says most.
    within = [pair for pair in named if f"{pair[0]}.".startswith(f"{named[0][0]}.")]
    name, first = max(within, key=lambda pair: len(pair[1]["loc"]))
    if first["type"] in WANTED:
        same = [each["type"] for its, each in named if its == name and each["type"] in WANTED]
        message = f"{name} should be {' or '.join(dict.fromkeys(map(WANTED.__getitem__, same)))}"
    else:
        said = first["msg"].removeprefix("Value error, ")
        message = f"{name}: {said[0].lower()}{said[1:]}"
    return f"{message}; it is {first['input']!r}"


def _name_of(kind: Any, place: Sequence[int | str]) -> str:
    """A field's path as a recipe has it: without the names of kinds that pydantic puts behind a field
    which may be of several.
    """
    path, node = [], kind
    for part in place:
        found = _fields(node).get(str(part))
        if found is not None or isinstance(part, int):
            path.append(str(part))
        node = found.annotation if found else None
    return ".".join(path)


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
