"""The first steps: each is done when what it makes is there, and begins what it says."""

from __future__ import annotations

import pytest
from waiting import wait_until
from weblab import add_run

from engine.embedding.projection import Options
from engine.errors import GlyphlabError
from engine.lab import Lab
from engine.services.tour import EXAMPLES, PAIR, QUICK, STEPS


@pytest.fixture
def lab(tmp_path) -> Lab:
    return Lab(tmp_path)


def test_a_new_lab_has_all_steps_before_it(lab):
    assert {step: lab.tour.state(step) for step in STEPS} == dict.fromkeys(STEPS, "open")
    assert lab.tour.place("train") == ("train", {"recipe": QUICK})
    with pytest.raises(GlyphlabError, match="'dance'"):
        lab.tour.state("dance")


def test_a_drawing_is_remembered_by_the_home(lab):
    lab.tour.drawn()
    assert lab.tour.state("draw") == "done" == Lab(lab.home).tour.state("draw")


def test_a_drawing_is_answered_though_the_home_cannot_be_written(lab):
    (lab.home / "tour").write_text("a file where the folder should be")
    lab.tour.drawn()
    assert lab.tour.state("draw") == "done"


def test_a_run_that_finished_ticks_its_step_and_one_that_failed_does_not(lab):
    add_run(lab, "failed", model=False)
    assert lab.tour.state("train") == "open"
    run = add_run(lab)
    assert lab.tour.state("train") == "done" and lab.tour.place("train").query == {"run": run.id}
    with run.take_lock():
        run.write_status(state="running", finished=None)
        assert lab.tour.state("train") == "running"
        assert [work.id for work in lab.tour.under_way("train")] == [run.id]
        before = len(lab.runs())
        lab.tour.start("train")
        assert len(lab.runs()) == before  # it is under way


def test_a_step_that_is_stopped_is_open_again(lab):
    lab.tour.start("labels")
    assert lab.tour.state("labels") == "running" and len(lab.tour.under_way("labels")) == 1
    assert "compare" in lab.tasks("noise-trial")[0].arguments
    lab.tour.stop("labels")
    wait_until(lambda: lab.tour.state("labels") == "open", timeout=60)


def test_both_runs_of_the_pair_are_needed(lab):
    first = add_run(lab, recipe=PAIR[0])
    assert lab.tour.state("compare") == "open"
    second = add_run(lab, recipe=PAIR[1])
    assert lab.tour.state("compare") == "done"
    assert lab.tour.place("compare").query == {"runs": f"{first.id},{second.id}"}


def test_the_map_that_is_begun_is_the_one_its_page_opens_with(lab):
    place = lab.tour.start("map")
    assert place == ("embeddings", {"model": "mnist-convnet", "data": "digits"})
    wait_until(lambda: lab.tour.state("map") == "done", timeout=120)
    task = lab.tasks("project")[0]
    wait_until(lambda: lab.task(task.id).state == "finished", timeout=120)
    space = lab.spaces.find("mnist-convnet", "digits", "train")
    assert space is not None and space.find_map(Options()) is not None
    add_run(lab)
    assert lab.tour.place("map") == place, "the one that was made, not one that would be made now"


def test_a_map_and_wrong_labels_are_prepared_once_for_who_may_only_look(lab):
    lab.tour.prepare()
    lab.tour.prepare()  # as when the lab is started again meanwhile
    begun = lab.tasks("project"), lab.tasks("noise-trial")
    for step in EXAMPLES:
        assert lab.tour.state(step) == "running"
        lab.tour.stop(step)
    assert [len(tasks) for tasks in begun] == [1, 1]
    assert begun[0][0].arguments["data"] == "digits" == begun[1][0].arguments["dataset"]
    assert not lab.runs()
