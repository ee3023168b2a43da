"""What nobody but who leads is told: where on the server something lies. Names stay, paths go."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Any

from pydantic import BaseModel

from engine.data.info import DatasetInfo
from engine.people.calls import TOLD

# An absolute path in a text, also where a database's address ends in one. 'http://a/b' is none, and
# neither is 'and/or'.
_PATH = re.compile(r"(?<![\w/.~-])(?:(?:file|sqlite):/{2,3})?(/(?!/)[^\s'\"`,;:()\[\]{}|<>]+)")
# Where there are thousands of them or of what they hold, only the fields that may tell of a place are
# looked at.
_FIELDS = {
    "RunInfo": ("data", "error", "message"),
    "ModelInfo": ("data",),
    "Subject": ("recipe", "final"),
}
_NUMBERS = frozenset((int, float, bool, type(None)))


def without_paths(text: str) -> str:
    """A text with the name of a file or folder where its absolute path stood.

    >>> without_paths("/usr/share/scans/a.zip can't be read"), without_paths("train/7/1.png")
    ("a.zip can't be read", 'train/7/1.png')
    """
    return _PATH.sub(_last, text) if "/" in text else text


def told(key: str, found: Any) -> Any:
    """What a call of a lab, a row of engine.people.calls.TOLD, answers to somebody who does not lead."""
    return _told(found) if key in TOLD else found


def _last(match: re.Match[str]) -> str:
    path = PurePosixPath(match[1])
    return path.name if len(path.parts) > 2 and path.parts[1] in _top() else match[0]


@lru_cache(maxsize=1)
def _top() -> frozenset[str]:
    """What lies in the root of this machine's file system: other texts that begin with '/' are no paths."""
    return frozenset(os.listdir("/"))


def _told(value: Any) -> Any:
    """The same value without paths in its texts; itself where there are none. Values for the program, as
    a `Path`, stay: no page shows them.
    """
    kind = type(value)
    if kind in _NUMBERS:
        return value
    if kind.__name__ in _FIELDS:
        changed = _changed(value, _FIELDS[kind.__name__])
        return replace(value, **changed) if changed else value
    if isinstance(value, str):
        return without_paths(value)
    if isinstance(value, DatasetInfo):
        return replace(value, path=None)
    if isinstance(value, Mapping):
        new = {name: _told(one) for name, one in value.items()}
        return new if any(new[name] is not value[name] for name in new) else value
    if isinstance(value, list | tuple):
        new = [_told(one) for one in value]
        if all(one is was for one, was in zip(new, value, strict=True)):
            return value
        return getattr(kind, "_make", kind)(new)
    if isinstance(value, BaseModel):
        changed = _changed(value, tuple(kind.model_fields))
        return value.model_copy(update=changed) if changed else value
    if is_dataclass(value) and not isinstance(value, type):
        changed = _changed(value, _fields_of(kind))
        return replace(value, **changed) if changed else value
    return value


def _changed(value: Any, names: tuple[str, ...]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in names:
        was = getattr(value, name)
        if isinstance(was, str) and "/" not in was:
            continue
        if (new := _told(was)) is not was:
            found[name] = new
    return found


@lru_cache(maxsize=200)
def _fields_of(kind: type) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind) if field.init)
