"""The one lab of a process: the server, the canvas and every page session share it, and with it the
loaded models.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from engine.settings import Settings, read_settings

if TYPE_CHECKING:
    from engine.lab import Lab

_opening = threading.Lock()
_labs: dict[Settings, Lab] = {}


def share(lab: Lab) -> None:
    """Make `lab` the one that `open_lab` hands out for its settings."""
    with _opening:
        _labs[replace(lab.settings, names_only=True)] = lab


def open_lab_here() -> Lab:
    """The lab of this process, opened once for the settings in its environment."""
    return open_lab(os.environ)


def open_lab(environ: Mapping[str, str]) -> Lab:
    """The lab for the settings in `environ`; the same object for the same settings. Raises
    SettingsError for a bad setting.

    Whoever reaches it may be a stranger: everything is opened by its name, here and in the
    processes that are started from here; a path leads nowhere but into GLYPHLAB_DATA and the home.
    """
    from engine.lab import Lab

    environ = {**environ, "GLYPHLAB_NAMES_ONLY": "1"}
    settings = read_settings(environ)
    with _opening:
        if settings not in _labs:
            _labs[settings] = Lab.open(environ)
        return _labs[settings]
