"""Real clusters, started for these tests and for nothing else: `make test-cluster`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from browsing import blank, browser
from clusters import CLUSTERS, RESOURCES, Cluster, missing
from made_lab import furnish

from engine.lab import Lab

__all__ = ["blank", "browser"]


@pytest.hookimpl(tryfirst=True)  # before xdist reads the marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All tests on one cluster in one process: it is started once, and others run beside it."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            kind = getattr(item, "callspec", None)
            group = kind.params.get("cluster", "") if kind else ""
            item.add_marker(pytest.mark.xdist_group(group or item.path.stem))


@pytest.fixture(scope="session", params=CLUSTERS)
def cluster(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Cluster]:
    if lacks := missing(request.param):
        pytest.skip(lacks)
    made = CLUSTERS[request.param](tmp_path_factory.mktemp(request.param))
    yield made
    made.close()


@pytest.fixture(scope="session")
def home(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a data set of 120 shapes and a model."""
    found = tmp_path_factory.mktemp("shared") / "home"
    furnish(found)
    return found


@pytest.fixture(scope="session")
def lab(cluster: Cluster, home: Path) -> Iterator[Lab]:
    """A lab whose runs and tasks are the cluster's jobs."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in cluster.environment.items():
            patch.setenv(name, value)  # Slurm's own commands read theirs
        yield Lab.open(
            {**cluster.environment, "GLYPHLAB_HOME": str(home), "GLYPHLAB_RESOURCES": RESOURCES}
        )
