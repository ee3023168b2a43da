"""Glyphlab as an installed package: `glyphlab` starts the lab, `glyphlab train …` is one of its
commands, and `from glyphlab import Lab` is for notebooks.

The lab's folders (app, engine, pages, assets, checkpoints) lie in the wheel below glyphlab/_lab, as
they lie beside each other in the sources: names as plain as `app` and `pages` would be in the way
of other packages. Importing this package puts that folder on the import path; in a checkout of the
sources, the checkout.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

_HERE = Path(__file__).resolve().parent
FOLDER = next(folder for folder in (_HERE / "_lab", _HERE.parent) if (folder / "engine").is_dir())

if str(FOLDER) not in sys.path:
    sys.path.insert(0, str(FOLDER))


def __getattr__(name: str) -> Any:
    """`glyphlab.Lab` and `glyphlab.__version__`, from the engine."""
    if name == "Lab":
        from engine.lab import Lab

        return Lab
    if name == "__version__":
        from engine import __version__

        return __version__
    raise AttributeError(f"module 'glyphlab' has no attribute '{name}'")
