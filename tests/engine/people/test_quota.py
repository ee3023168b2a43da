"""How much a student or visitor may train."""

from __future__ import annotations

import subprocess
import sys

import pytest
from weblab import ROOT, add_run

from engine.errors import RightsError
from engine.jobs.cancel import Cancel
from engine.lab import Lab
from engine.people.person import NOBODY, Person
from engine.people.quota import QUOTAS, check_here, check_quick, check_quota
from engine.people.started import Started
from engine.runs.run import create_run
from engine.runs.run_info import ALIVE
from engine.settings import read_settings

ADA = Person("a" * 16, "Ada", "student")


@pytest.fixture
def lab(tmp_path):
    settings = read_settings({"GLYPHLAB_HOME": str(tmp_path), "GLYPHLAB_MODE": "class"})
    return Lab(tmp_path, settings)


def test_runs_at_once_and_in_a_day_are_counted_by_person(lab):
    recipe, quota = lab.recipe("quick"), QUOTAS["student"]
    locks = []
    for _ in range(quota.at_once):
        run = create_run(lab.home, recipe, owner=ADA.id, by=ADA.name)
        locks.append(run.take_lock())
    with pytest.raises(RightsError, match="as many runs waiting"):
        check_quota(ADA, recipe, lab.runs())
    other = Person("b" * 16, "Ben", "student")
    assert check_quota(other, recipe, lab.runs()) == quota
    for lock in locks:
        lock.release()
    assert check_quota(ADA, recipe, lab.runs()) == quota
    runs = lab.runs() * (quota.a_day // 2 + 1)
    with pytest.raises(RightsError, match="in a day"):
        check_quota(ADA, recipe, runs)
    with pytest.raises(RightsError, match="can't tell who you are"):
        check_quota(NOBODY, recipe, [])
    assert all(run.state not in ALIVE for run in lab.runs())


@pytest.mark.parametrize(
    "changes",
    [
        {"epochs": 11},
        {"model.options": {"width": 512}},
        {"model.name": "resnet18"},
        {"data.name": "digits+digits"},
        {"data.size": 280},
        {"stages": [{"epochs": 10}, {"epochs": 10}]},
        {"batch_size": 1},
        {"resources": {"cpus": 64}},
        {"loss_options": {"margin": 1}},
        {"init_from": "quick"},
        {"method": "recovered"},
    ],
)
def test_a_visitor_trains_nothing_larger_than_quick(lab, changes):
    check_quick(lab.recipe("quick", {"epochs": 5, "lr": 0.01, "optimizer": "sgd", "seed": 3}))
    with pytest.raises(RightsError, match="as small as 'quick'"):
        check_quick(lab.recipe("quick", changes))


def test_nobody_but_who_leads_downloads(lab):
    check_here(lab.store, lab.recipe("quick"))
    with pytest.raises(RightsError, match="not here yet"):
        check_here(lab.store, lab.recipe("quick", {"data.name": "mnist"}))
    with pytest.raises(
        RightsError, match="not trained here yet"
    ):  # its parent would be nobody's run
        check_here(lab.store, lab.recipe("quick", {"init_from": "mnist-resnet18-scratch"}))
    with pytest.raises(RightsError, match="a cluster"):
        check_here(lab.store, lab.recipe("quick", {"resources": {"cpus": 64}}))


def test_who_deletes_runs_has_started_them_all_the_same(lab):
    idle = type("Idle", (), {"start": lambda _, run: None})
    lab.launcher.__dict__["executor"] = idle()
    ada = lab.classroom.join(lab.classroom.now().code, "Ada")
    for_ada, quota = lab.for_person(ada), QUOTAS["student"]
    for_ada.delete(for_ada.submit(lab.recipe("quick")))
    times = [100.0 + number for number in range(quota.a_day - 1)]
    clock = iter([*times, *([times[-1]] * 99)])
    started = Started(lab.home / "other", lambda: next(clock))
    for _ in times:
        started.add(ada.id)
    assert started.count(ada.id) == quota.a_day - 1 and Started(lab.home).count(ada.id) == 1
    assert check_quota(ada, None, [], quota.a_day - 1) == quota
    with pytest.raises(RightsError, match="in a day"):
        check_quota(ada, None, [], quota.a_day)
    assert Started(lab.home / "other", lambda: times[-1] + 86_401).count(ada.id) == 0


def test_a_run_with_a_quota_stops_by_itself_after_its_minutes(lab, monkeypatch):
    import time

    run = add_run(lab)
    with run.take_lock():
        run.write_status(most_minutes=3)
        cancel = Cancel(run)
        cancel.begin()
        before = max(row.get("seconds") or 0 for row in run.metrics())
        assert not cancel() and before > 5, "it was resumed: these seconds count as well"
        passed = time.monotonic() + 181 - before
        monkeypatch.setattr(time, "monotonic", lambda: passed)
        assert cancel()


def test_a_started_run_says_whose_it_is(lab):
    started = []
    lab.launcher.__dict__["executor"] = type(
        "Idle", (), {"start": lambda _, run: started.append(run)}
    )()
    ada = lab.classroom.join(lab.classroom.now().code, "Ada")
    id = lab.for_person(ada).submit(lab.recipe("quick"), owner="somebody else", most_minutes=9999)
    status = lab.run(id).status()
    assert (status["owner"], status["by"]) == (ada.id, "Ada") and len(started) == 1
    assert status["most_minutes"] == QUOTAS["student"].minutes
    assert lab.run(id).info().by == "Ada"


@pytest.mark.skipif(sys.platform != "linux", reason="other systems know no such limit")
def test_a_run_with_a_quota_gets_no_more_memory_than_that():
    code = "from engine.bounds import confine; confine(0.4); b'x' * {}"
    for size, status in ((100_000_000, 0), (600_000_000, 1)):
        done = subprocess.run(
            [sys.executable, "-c", code.format(size)], cwd=ROOT, capture_output=True, text=True
        )
        assert done.returncode == status, done.stderr
    assert "MemoryError" in done.stderr
