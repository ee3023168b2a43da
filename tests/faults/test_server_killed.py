"""A web server that is killed takes nothing with it: the next one opens on the same home, and the run that was going on
has come to its end."""

from __future__ import annotations

import random

import pytest
from made_lab import SMALL, furnish, looked_at
from waiting import wait_until
from weblab import Server

from engine.lab import Lab
from engine.recipes.recipe import make_recipe


def test_a_killed_web_server_loses_nothing(tmp_path, tally):
    if not tally.full:
        pytest.skip("only in the long form: python -m bench faults")
    furnish(tmp_path)
    lab = Lab(tmp_path)
    before = looked_at(lab)
    run = lab.submit(make_recipe({**SMALL, "name": "goes-on", "epochs": 30}))
    rng = random.Random(0)
    for _ in range(3):
        server = Server(tmp_path)
        for page in rng.sample(["/", "/train", "/study", "/data", "/healthz"], 3):
            server.get(page)
        server.close()  # SIGKILL
        tally.add("kills of the web server")
    server = Server(tmp_path)
    try:
        assert wait_until(lambda: lab.run(run).info().state == "finished")
        assert wait_until(lambda: server.health()["running"] == 0)  # the last answer may be older
    finally:
        server.close()
    after = looked_at(lab)
    assert (
        all(after[kind] >= count for kind, count in before.items())
        and after["runs"] == before["runs"] + 1
    )
