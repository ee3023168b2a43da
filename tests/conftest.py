"""What every test may ask for: the real data, and a clean environment."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
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


MAIN = sys.modules["__main__"]

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

# The files that take longest: they are begun first, or one of them would be left for the end, while
# the other cores have nothing to do; those with browsers alternate with others. (`make test` keeps
# this order; a file's tests stay together.)
LONGEST = (
    "tests/browser/test_access.py",
    "tests/engine/noise/test_pipeline.py",
    "tests/browser/test_class.py",
    "tests/engine/services/test_sweeps.py",
    "tests/browser/test_browser.py",
    "tests/docs/test_tutorials.py",
    "tests/test_wheel.py",
    "tests/browser/test_canvas.py",
    "tests/engine/cli/test_cli.py",
    "tests/engine/jobs/test_executor.py",
    "tests/engine/jobs/test_parallel.py",
    "tests/app/test_server.py",
    "tests/faults/test_disk.py",
    "tests/deploy/test_proxies.py",
    "tests/engine/noise/test_benchmark.py",
    "tests/engine/models/test_unseen_drawings.py",
    "tests/browser/test_explorer.py",
    "tests/engine/test_lab.py",
    "tests/engine/models/test_portable.py",
    "tests/browser/test_loop.py",
    "tests/engine/jobs/test_stored.py",
    "tests/engine/jobs/test_cluster.py",
    "tests/bench/test_ablation.py",
    "tests/engine/noise/test_recover.py",
    "tests/app/test_canvas_strangers.py",
    "tests/engine/exports/test_hub.py",
    "tests/faults/test_together.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files first."""
    place = {path: number for number, path in enumerate(LONGEST)}
    items.sort(key=lambda item: place.get(item.nodeid.partition("::")[0], len(place)))


@pytest.fixture(autouse=True)
def _main_module() -> Iterator[None]:
    """Streamlit's test of a page puts its script into the place of the main module, which processes
    that a later test spawns would then try to run.
    """
    yield
    sys.modules["__main__"] = MAIN


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
