"""What tests of data sets share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from engine.data.catalog import list_dataset
from engine.data.listing import Listing
from engine.progress import no_progress


@pytest.fixture
def opened(tmp_path: Path) -> Callable[[Path], Listing]:
    """Reads a path as a data set, with a home of its own and nothing downloaded."""

    def listing(path: Path) -> Listing:
        look = {"folders": (), "home": tmp_path / "home", "offline": True, "unpacked_mb": 50}
        return list_dataset(str(path), progress=no_progress, **look)

    return listing
