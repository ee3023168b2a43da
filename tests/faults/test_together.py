"""Several servers and commands on one home: what each did is there, once."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from deeds import DEEDS
from made_lab import furnish, lab_at, looked_at
from waiting import wait_until

SUPPORT = Path(__file__).parents[1] / "support"
PROCESSES = 3


def test_nothing_is_lost_or_doubled_when_processes_share_a_home(tmp_path, tally):
    home, rounds = tmp_path / "home", tally.of(5, 15)
    DEEDS["diagnosis"].do(furnish(home))
    before = looked_at(lab_at(home))
    command = [sys.executable, str(SUPPORT / "together.py"), str(home)]
    environ = {**os.environ, "PYTHONPATH": f"{SUPPORT.parents[1]}:{SUPPORT}"}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "env": environ}
    processes = [
        subprocess.Popen([*command, str(number), str(rounds)], **pipes)
        for number in range(PROCESSES)
    ]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:  # all are loaded: now at once
        print("go", file=process.stdin, flush=True)
    for process in processes:
        process.communicate(timeout=900)
        assert process.returncode == 0

    lab, done = lab_at(home), PROCESSES * rounds
    after = looked_at(lab)
    assert after["runs"] == before["runs"] + done == len({run.id for run in lab.runs()})
    assert after["drawings"] == done
    assert [(each.name, len(each.examples)) for each in lab.taught.symbols()] == [("ß", done)]
    assert lab.recipe("shared").epochs == rounds
    decided = lab.noise.review(lab.noise.find("shapes")).decisions()
    assert {at: decision.label for at, decision in decided.items()} == {
        at: at % rounds % 3 for at in range(done)
    }
    assert len(lab.tasks("load")) == 1
    wait_until(lambda: lab.tasks("load")[0].state == "finished")
    tally.add("changes by processes that share a home", 5 * done)
