"""A person at a browser whose lab computes on a real cluster: the pages are those of one machine."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from clusters import RESOURCES, Cluster
from made_lab import SMALL
from waiting import wait_until
from weblab import Server

from engine.lab import Lab
from engine.recipes.recipe import make_recipe

SECONDS = 900  # for a job on a busy machine


@pytest.fixture(scope="module")
def server(cluster: Cluster, home: Path) -> Iterator[Server]:
    running = Server(home, **cluster.environment, GLYPHLAB_RESOURCES=RESOURCES)
    yield running
    running.close()


def test_a_run_is_started_watched_killed_resumed_and_stopped_from_the_train_page(
    server: Server, cluster: Cluster, blank: Any
) -> None:
    lab, page = Lab(server.home), blank
    page.set_default_timeout(1000 * SECONDS)
    lab.save_recipe(make_recipe({**SMALL, "name": "long", "epochs": 5000}))
    before = {run.id for run in lab.runs()}
    page.goto(f"{server.address}/train?recipe=long")
    page.get_by_role("button", name="Start", exact=True).click()
    page.get_by_text(re.compile(rf"{cluster.name} job .+ on ", re.IGNORECASE)).wait_for()
    id = ({run.id for run in lab.runs()} - before).pop()
    run = lab.run(id)
    epochs = page.get_by_text(re.compile(r"[Ee]poch \d+ of 5,?000")).first
    epochs.wait_for()
    first = epochs.inner_text()
    wait_until(lambda: epochs.inner_text() != first, SECONDS)  # live
    os.kill(run.status()["pid"], signal.SIGKILL)
    page.get_by_text("ended without a result").first.wait_for()
    killed = run.info().epoch
    page.get_by_role("button", name="Resume").click()
    wait_until(lambda: run.info().epoch > killed, SECONDS)
    page.get_by_role("button", name="Stop and keep the model").click()
    page.get_by_role("button", name="Resume").wait_for()
    page.get_by_role("link", name="Draw with it").wait_for()
    info = run.info()
    assert (info.state, info.saved, info.resumed) == ("stopped", True, 1)
    page.goto(server.address)
    page.get_by_text(re.compile(r"cluster: \d of \d nodes are up")).click()
    page.get_by_text("sees the home").wait_for()
