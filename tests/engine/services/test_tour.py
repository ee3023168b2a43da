"""The first steps: each is done when what it makes is there, and begins what it says."""

from __future__ import annotations

import pytest
from noisy_labels import diagnosed, trial_on_disk
from waiting import wait_until
from weblab import add_run

from engine.embedding.projection import Options
from engine.errors import GlyphlabError
from engine.files.atomic import write_json
from engine.lab import Lab
from engine.runs.times import now
from engine.services.tour import EXAMPLES, PAIR, QUICK, STEPS
from engine.settings import read_settings

MIA = "1" * 16  # a student


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
    wait_until(lambda: lab.tour.state("labels") == "open")


def test_a_diagnosis_of_other_labels_is_no_experiment_with_changed_ones(lab):
    diagnosed(lab, "symmetric", 0.2)
    assert lab.tour.state("labels") == "open"
    trial_on_disk(lab)
    assert lab.tour.state("labels") == "done"


def test_what_is_done_can_be_done_once_more_when_nothing_of_it_is_under_way(lab):
    first = add_run(lab)
    lab.tour.start("train")
    assert [run.id for run in lab.runs()] == [first.id]
    place = lab.tour.start("train", again=True)
    assert lab.tour.state("train") == "done" and len(lab.tour.under_way("train")) == 1
    assert place.query == {"run": lab.tour.under_way("train")[0].id}
    lab.tour.start("train", again=True)
    assert len(lab.runs()) == 2
    lab.tour.stop("train")
    wait_until(lambda: not lab.tour.under_way("train"))


def test_both_runs_of_the_pair_are_needed(lab):
    first = add_run(lab, recipe=PAIR[0])
    assert lab.tour.state("compare") == "open"
    second = add_run(lab, recipe=PAIR[1])
    assert lab.tour.state("compare") == "done"
    assert lab.tour.place("compare").query == {"runs": f"{first.id},{second.id}"}


def test_the_map_that_is_begun_is_the_one_its_page_opens_with(lab):
    place = lab.tour.start("map")
    assert place == ("embeddings", {"model": "mnist-convnet", "data": "digits"})
    wait_until(lambda: lab.tour.state("map") == "done")
    task = lab.tasks("project")[0]
    wait_until(lambda: lab.task(task.id).state == "finished")
    space = lab.spaces.find("mnist-convnet", "digits", "train")
    assert space is not None and space.find_map(Options()) is not None
    add_run(lab)
    assert lab.tour.place("map") == place, "the one that was made, not one that would be made now"


def test_embeddings_without_a_map_are_no_map(lab):
    space = lab.spaces.embed("canvas-digits", "digits", "test")
    assert lab.spaces.list() and lab.tour.state("map") == "open"
    assert lab.tour.place("map").query["model"] == "mnist-convnet", "of which one would be made"
    lab.spaces.map(space, Options(method="pca"))
    assert lab.tour.place("map").query == {
        "model": "canvas-digits",
        "data": "digits",
        "part": "test",
    }


@pytest.mark.parametrize("mode", ["own", "class"])
def test_what_students_did_ticks_off_nothing_of_their_teachers(lab, mode):
    """A lab of one's own may have been a class before: all of it is its owner's."""
    lab = Lab(lab.home, read_settings({"GLYPHLAB_HOME": str(lab.home), "GLYPHLAB_MODE": mode}))
    for recipe in (QUICK, *PAIR):
        add_run(lab, recipe=recipe).write_status(owner=MIA, by="Mia")
    space = lab.spaces.embed("mnist-convnet", "digits")
    lab.spaces.map(space, Options(method="pca"))
    status = {"kind": "project", "state": "finished", "created": now(), "owner": MIA}
    task = lab.home / "tasks" / "20260102T030405-project-k3f9a2" / "status.json"
    write_json(task, {**status, "result": {"space": space.key}})
    done = "done" if mode == "own" else "open"
    assert {lab.tour.state(step) for step in ("train", "map", "compare")} == {done}
    assert lab.tour.is_there("map"), "for who looks at examples"
    add_run(lab)
    write_json(
        task.parent.with_name("20260102T030406-project-k3f9a3") / "status.json",
        {**status, "owner": "", "result": {"space": space.key}},
    )
    assert {lab.tour.state(step) for step in ("train", "map")} == {"done"}


def test_a_students_run_that_is_under_way_is_none_of_the_teachers_steps(lab):
    lab = Lab(lab.home, read_settings({"GLYPHLAB_HOME": str(lab.home), "GLYPHLAB_MODE": "class"}))
    run = add_run(lab, model=False)
    with run.take_lock():
        run.write_status(state="running", finished=None, owner=MIA, by="Mia")
        assert lab.tour.state("train") == "open" and not lab.tour.under_way("train")
        assert lab.tour.place("train").query == {"recipe": QUICK}


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
