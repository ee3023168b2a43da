"""Documents that somebody else may have written or a crash may have damaged: read as JSON or YAML
within limits, and every field checked, so that behind this door a value is what its type says.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from engine.errors import DamagedError, RecipeError

if TYPE_CHECKING:
    import numpy as np

LONGEST_FOREIGN_YAML = (
    200_000  # characters, of which a card's head and a list of names are the first
)
LONGEST_YAML = 100_000  # characters; the longest recipe that is shipped has 2,555
LARGEST_JSON = 50_000_000  # bytes
DEEPEST = 20  # levels of nesting; recipes have five, diagnoses six
LARGEST_NUMBER = 2**63 - 1  # what numpy, torch and SQLite hold in a whole number


class Damaged(NamedTuple):
    """An entry of the lab that can't be read: what it would be (`kind`: run, model, space …), and in
    a sentence `why` not and what to do.
    """

    kind: str
    name: str
    why: str


class Document(BaseModel):
    """A checked document: whole numbers are no booleans or texts, floats are finite, and keys that
    are not known are passed over, as another version may write more.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore", allow_inf_nan=False)


_Kind = TypeVar("_Kind", bound=Document)


def read_document(path: Path, kind: type[_Kind], hint: str) -> _Kind:
    """The JSON document in a file, as a checked `kind`. Raises DamagedError, which says what is
    wrong with which field and, by `hint`, what to do.
    """
    found = read_checked_json(path, hint)
    try:
        return kind.model_validate(found)
    except ValidationError as error:
        raise damaged(path, wrong_field(error), hint) from None


def read_checked_json(path: Path, hint: str) -> Any:
    """The value in a JSON file, of plain kinds and finite numbers. Raises DamagedError."""
    try:
        if path.stat().st_size > LARGEST_JSON:
            raise damaged(path, f"it is larger than {LARGEST_JSON // 10**6} MB", hint)
        return parse_json(path.read_bytes())
    except FileNotFoundError:
        raise damaged(path, "it is missing", hint) from None
    except OSError as error:
        raise damaged(path, str(error.strerror), hint) from None
    except ValueError as error:
        raise damaged(path, str(error), hint) from None


def read_arrays(path: Path, names: Collection[str], hint: str) -> dict[str, np.ndarray]:
    """The arrays of an .npz, of which `names` must be there; nothing pickled is loaded. Raises
    DamagedError.
    """
    import numpy as np

    try:
        with np.load(path, allow_pickle=False) as file:
            found = {name: file[name] for name in file.files}
    except FileNotFoundError:
        raise damaged(path, "it is missing", hint) from None
    except Exception as error:  # numpy's and zipfile's readers raise anything on a broken file
        raise damaged(path, str(error)[:120] or type(error).__name__, hint) from None
    if missing := set(names) - found.keys():
        raise damaged(path, f"it lacks {', '.join(sorted(missing))}", hint)
    return found


def map_array(path: Path, hint: str) -> np.ndarray:
    """The array of an .npy, memory-mapped. Raises DamagedError."""
    import numpy as np

    try:
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        raise damaged(path, "it is missing", hint) from None
    except Exception as error:  # as above
        raise damaged(path, str(error)[:120] or type(error).__name__, hint) from None


def parse_json(content: bytes | str) -> Any:
    """The value of a JSON text, checked as `check_plain` does. Raises ValueError, saying why in a
    few words.
    """
    try:
        value = json.loads(content, parse_constant=_no_number)
    except RecursionError:
        raise ValueError(f"it is nested deeper than {DEEPEST} levels") from None
    except UnicodeDecodeError:
        raise ValueError("it is not text") from None
    except ValueError as error:
        raise ValueError(f"it is not JSON ({error})"[:120]) from None
    check_plain(value)
    return value


def read_yaml(text: str, what: str) -> Any:
    """The value of a YAML text that a person wrote: plain kinds, finite numbers, no aliases and no
    tags. Numbers are those of YAML 1.2: 1e-3 is one; 007, 1:30, no and dates are texts, as names of
    classes are. `what` names the text in errors. Raises RecipeError.

    Nested aliases ('billion laughs') make 272 characters cost 46 s; nothing a person writes here
    needs them.
    """
    if len(text) > LONGEST_YAML:
        raise RecipeError(
            f"{what} is too long",
            expected=f"at most {LONGEST_YAML:,} characters",
            got=f"{len(text):,}",
        )
    try:
        _check_events(text, what)
        value = yaml.load(text, _Loader)  # noqa: S506 - a SafeLoader without dates
        check_plain(value)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise RecipeError(f"{what} is not YAML", got=f"{problem}{where}") from None
    except (ValueError, RecursionError) as error:
        raise RecipeError(f"{what} can't be used", got=str(error)[:120]) from None
    return value


def texts_of_yaml(text: str) -> Any:
    """What the YAML of a data set that came from elsewhere holds, texts only: 007 stays '007'. None if it
    is none, holds an alias, or is nested deeper than a few levels: such text is read by nobody here.
    """
    head, depth = text[:LONGEST_FOREIGN_YAML], 0
    try:
        for event in yaml.parse(head, _Base):
            depth += isinstance(event, yaml.CollectionStartEvent)
            depth -= isinstance(event, yaml.CollectionEndEvent)
            if depth > DEEPEST or isinstance(event, yaml.AliasEvent):
                return None
        return yaml.load(head, _Texts)  # noqa: S506 - makes texts, lists and dicts alone
    except (yaml.YAMLError, RecursionError, ValueError):
        return None


def check_plain(value: Any, depth: int = 0) -> None:
    """Raise ValueError unless `value` is made of dicts with text as keys, lists, texts without
    control characters, truth values, None and numbers that a machine can hold.
    """
    if depth > DEEPEST:
        raise ValueError(f"it is nested deeper than {DEEPEST} levels")
    if isinstance(value, Mapping):
        for key, item in value.items():
            if not isinstance(key, str):
                raise ValueError(f"the key {key!r} is not text")
            _check_text(key)
            check_plain(item, depth + 1)
    elif isinstance(value, list | tuple):
        for item in value:
            check_plain(item, depth + 1)
    elif isinstance(value, str):
        _check_text(value)
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{value} is not a finite number")
    elif isinstance(value, int):
        if abs(value) > LARGEST_NUMBER:
            raise ValueError("a number is too large")
    elif value is not None:
        raise ValueError(f"a {type(value).__name__} is not expected here")


def wrong_field(error: ValidationError) -> str:
    """The first thing that is wrong with a document, in a few words: 'epoch: input should be …'."""
    first = error.errors(include_url=False, include_context=False)[0]
    where = ".".join(str(part) for part in first["loc"]) or "the whole"
    return f"{where}: {first['msg'][0].lower()}{first['msg'][1:]}; it is {first['input']!r}"[:160]


def damaged(path: Path, why: str, hint: str) -> DamagedError:
    """The error for a file that is not what it should be; named by its folder, not by where that
    stands on this machine.
    """
    return DamagedError(f"{path.parent.name}/{path.name} is damaged: {why}", hint=hint)


_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_Texts: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


_WHOLE = r"(?:0|[1-9][0-9]*)"
_SCALARS = {
    "bool": (r"true|True|TRUE|false|False|FALSE", "tTfF"),
    "int": (rf"[-+]?{_WHOLE}", "-+0123456789"),
    "float": (
        rf"[-+]?(?:{_WHOLE}\.[0-9]*(?:[eE][-+]?[0-9]+)?|{_WHOLE}[eE][-+]?[0-9]+"
        r"|\.[0-9]+(?:[eE][-+]?[0-9]+)?|\.(?:inf|Inf|INF))|\.(?:nan|NaN|NAN)",
        "-+0123456789.",
    ),
    "null": (r"~|null|Null|NULL|", ["~", "n", "N", ""]),
}


def _resolvers() -> dict[str, list[tuple[str, re.Pattern[str]]]]:
    found: dict[str, list[tuple[str, re.Pattern[str]]]] = {}
    for kind, (pattern, firsts) in _SCALARS.items():
        for first in firsts:
            pair = (f"tag:yaml.org,2002:{kind}", re.compile(f"(?:{pattern})$"))
            found.setdefault(first, []).append(pair)
    return found


class _Loader(_Base):
    yaml_implicit_resolvers = _resolvers()


class _Dumper(yaml.SafeDumper):
    """Quotes every text that `read_yaml`, or a reader of YAML 1.1, would take for something else."""

    yaml_implicit_resolvers = {
        first: [
            *yaml.SafeDumper.yaml_implicit_resolvers.get(first, []),
            *_Loader.yaml_implicit_resolvers.get(first, []),
        ]
        for first in {*yaml.SafeDumper.yaml_implicit_resolvers, *_Loader.yaml_implicit_resolvers}
    }


def write_yaml(value: Any, width: int = 120) -> str:
    """A plain value as YAML that `read_yaml` reads back as it is."""
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=width)


def _check_events(text: str, what: str) -> None:
    # Before anything is built: the builder recurses, and an alias can stand for a million nodes.
    depth = 0
    for event in yaml.parse(text, _Base):
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise RecipeError(f"{what} can't be used", got="an alias or anchor ('&', '*')",
                              hint="Write the value out where it is needed.")  # fmt: skip
        if getattr(event, "tag", None):
            raise RecipeError(f"{what} can't be used", got=f"the tag {event.tag[:60]!r}")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > DEEPEST:
            raise RecipeError(
                f"{what} can't be used", got=f"more than {DEEPEST} levels, one in another"
            )


def _check_text(text: str) -> None:
    # Lone surrogates can't be written as UTF-8, and a null byte in a name stops every system call.
    if not text.isprintable():
        for sign in text:
            if "\ud800" <= sign <= "\udfff" or (sign < " " and sign not in "\t\n\r"):
                raise ValueError(f"the character {sign!r} can't be used")


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number")
