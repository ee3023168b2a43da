"""What every test may ask for: the real data, and a clean environment."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from engine.jobs.processes import THREADS_SLEEP

os.environ.setdefault(*THREADS_SLEEP)  # before torch is loaded
# Runs and tasks give way to what a person waits for. Here the tests wait for them, and with a process
# of tests on every core a run got a twentieth of one: the tests give way to the runs.
with suppress(OSError):
    Path("/proc/self/autogroup").write_text("15", encoding="ascii")


# Generated inputs are the same at every run: a test that fails here fails everywhere.
settings.register_profile(
    "lab",
    derandomize=True,
    deadline=None,
    database=None,
    max_examples=100,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("lab")


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real data sets: the first of GLYPHLAB_DATA that holds MNIST. Skips, saying why,
    where there is none.
    """
    for part in os.environ.get("GLYPHLAB_DATA", "").split(":"):
        if part and (Path(part) / "mnist").is_dir():
            return Path(part).resolve()
    pytest.skip(
        "needs real data: GLYPHLAB_DATA names a folder with mnist/, trainPart1.zip, mnistTask3.zip,"
        " emnist62/, hymenoptera_data/"
    )
