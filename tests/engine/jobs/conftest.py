"""What tests of jobs share."""

from __future__ import annotations

from pathlib import Path

import pytest
from made_lab import furnish


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lab's home with a data set and a model in it."""
    found = tmp_path_factory.mktemp("jobs") / "home"
    furnish(found)
    return found
