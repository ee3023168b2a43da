"""Which files this process opens."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

_listening: list[list[str]] = []


@cache
def _install() -> None:
    sys.addaudithook(_hear)  # which can't be taken away again


def _hear(event: str, arguments: tuple) -> None:
    if event == "open" and _listening and isinstance(arguments[0], str | bytes | os.PathLike):
        for heard in _listening:
            heard.append(os.fsdecode(arguments[0]))


@contextmanager
def opened_files(below: Path) -> Iterator[list[str]]:
    """The names, relative to the folder, of the files in it that are opened meanwhile, by any thread
    of this process; the list is complete at the end.
    """
    _install()
    heard: list[str] = []
    out: list[str] = []
    _listening.append(heard)
    try:
        yield out
    finally:
        _listening.remove(heard)
        start = f"{below}{os.sep}"
        out += [name.removeprefix(start) for name in heard if name.startswith(start)]
