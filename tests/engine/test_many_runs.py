"""A lab with many runs: what its pages ask a second time is answered without opening a file of it."""

from __future__ import annotations

import pytest
from opened_files import opened_files
from waiting import wait_until

from bench.crowded_home import make_home
from engine.files.cache import is_settled, stamp_of
from engine.lab import Lab
from engine.services.task3_results import plain_runs

RUNS = 200
QUESTIONS = {
    "runs": lambda lab: len(lab.runs()),
    "notes": lambda lab: len(lab.notes.all()),
    "models": lambda lab: len(lab.models()),
    "tasks": lambda lab: len(lab.tasks()),
    "sweeps": lambda lab: lab.sweeps.titles(),
    "study": lambda lab: [(row.name, row.ours, row.best) for row in lab.study.rows()],
    "runs of a recipe": lambda lab: lab.study.runs_of("quick"),
    "runs on task3": lambda lab: len(plain_runs(lab.store)),
    "health": lambda lab: lab.health()["running"],
    "one run": lambda lab: lab.run(lab.runs()[RUNS // 2].id).path,
}


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    home = tmp_path_factory.mktemp("crowded")
    make_home(home, RUNS, points=100, sweeps=1, tasks=20)
    lab = Lab(home)
    lab.notes.tag([run.id for run in lab.runs()], "old")
    return lab


def test_a_question_asked_again_opens_no_file_of_a_run(lab):
    newest = max(map(stamp_of, lab.home.rglob("*")), key=lambda stamp: stamp.changed)
    wait_until(lambda: is_settled(newest))
    answers = {what: ask(lab) for what, ask in QUESTIONS.items()}
    assert answers["runs"] == RUNS and answers["models"] > RUNS // 4
    assert answers["runs on task3"] and answers["runs of a recipe"]
    assert any(ours for _, ours, _ in answers["study"]) and answers["sweeps"] == {"search-0": ""}
    for what, ask in QUESTIONS.items():
        with opened_files(lab.home) as read:
            assert ask(lab) == answers[what]
        assert read == [], what
