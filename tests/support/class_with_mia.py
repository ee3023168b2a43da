"""A class with one student, as the pages of this process show it."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.shared_lab import open_lab_here
from engine.lab import Lab


def class_with_mia(home: Path, monkeypatch: pytest.MonkeyPatch) -> Lab:
    """The lab of a class that Mia has joined; she is its `mia`."""
    monkeypatch.setenv("GLYPHLAB_HOME", str(home))
    monkeypatch.setenv("GLYPHLAB_MODE", "class")
    lab = open_lab_here()
    lab.mia = lab.classroom.join(lab.classroom.now().code, "Mia")  # pyright: ignore[reportAttributeAccessIssue]
    return lab
