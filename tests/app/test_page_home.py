"""The Home page, without a browser."""

from __future__ import annotations

from contextlib import ExitStack
from urllib.parse import unquote

import pytest
from noisy_labels import trial_on_disk
from streamlit.testing.v1 import AppTest
from waiting import wait_until
from weblab import add_run, open_page, texts

from app.shared_lab import open_lab_here
from app.widgets.runs import whose
from engine.files.atomic import write_json
from engine.files.locks import Lock
from engine.lab import Lab
from engine.people.person import NOBODY, OWNER, TEACHER, Person
from engine.runs.run_info import VISIT
from engine.runs.times import now
from engine.sweep.spec import make_sweep


@pytest.fixture
def lab(tmp_path, monkeypatch):
    monkeypatch.setenv("GLYPHLAB_HOME", str(tmp_path))
    return Lab(tmp_path)


def test_an_empty_lab_says_what_to_do_first(lab):
    page = open_page("home")
    words = texts(page)
    assert (
        "Train a network" in words
        and "No run has ended yet" in words
        and "No run is in training." in words
    )
    assert "/train?recipe=quick" in words  # the link goes to the right recipe
    assert "This one is of `mnist-convnet`, which comes with the lab." in words


def test_a_map_is_said_to_be_of_ones_own_run_only_if_it_is(lab):
    run = add_run(lab)
    named = f"run **quick** ({run.id}), which was trained on digits"
    assert f"This one is of your {named}." in texts(open_page("home"))
    run.write_status(owner="0" * 16, by="Mia *star*")
    words = texts(open_page("home"))
    assert "your run" not in words
    assert rf"This one is of the {named}, by Mia \*star\*." in words


def test_a_step_is_begun_from_home_and_ticked_off(lab):
    page = open_page("home")
    assert [box.label for box in page.expander][0] == "First steps: 0 of 5 done"
    page.button(key="begin-compare").click().run()
    assert sorted(run.recipe for run in lab.runs()) == ["few-pretrained", "few-scratch"]
    page = open_page("home")
    page.button(key="stop-compare").click().run()
    assert not page.exception
    wait_until(lambda: not any(run.alive for run in lab.runs()))
    lab.tour.drawn()
    page = open_page("home")
    assert [box.label for box in page.expander][0] == "First steps: 1 of 5 done"
    assert "begin-draw" not in [button.key for button in page.button]


def test_a_step_that_is_done_leads_to_its_result_and_can_be_done_again(lab):
    trial_on_disk(lab)
    page = open_page("home")
    keys = [button.key for button in page.button]
    assert "again-labels" in keys and "begin-labels" not in keys
    assert "/noise?section=purpose" in texts(page)
    page.button(key="again-labels").click().run()
    (task,) = lab.tour.under_way("labels")
    lab.tour.stop("labels")
    assert task.arguments["dataset"] == "digits"


def test_what_runs_and_what_waits_are_counted_apart(lab):
    runs = [add_run(lab, name=f"number {number}", model=False) for number in range(3)]
    with ExitStack() as held:
        for at, run in enumerate(runs):
            held.enter_context(run.take_lock())
            run.write_status(state="queued" if at else "running", finished=None)
        page = open_page("home")
    counts = {metric.label: metric.value for metric in page.metric}
    assert (counts["Runs in training"], counts["Waiting"]) == ("1", "2")
    assert "1 in training, 2 waiting" in [heading.value for heading in page.subheader]
    calm = open_page("home")
    assert "Waiting" not in [metric.label for metric in calm.metric]
    assert "Runs in training" in [heading.value for heading in calm.subheader]


def test_a_background_task_is_no_run_and_is_named_beside_them(lab):
    quiet = texts(open_page("home"))
    assert "No run is in training." in quiet and "In the background" not in quiet
    status = {"kind": "noise-trial", "arguments": {}, "state": "running", "created": now()}
    folder = lab.home / "tasks" / "20260102T030405-noise-trial-k3f9a2"
    write_json(folder / "status.json", status)
    lock = Lock.take(folder / "lock")
    assert lock is not None
    with lock:
        words = texts(open_page("home"))
    assert "No run is in training." in words
    assert "In the background: a label noise experiment." in words
    assert "Nothing is running" not in words


def test_where_several_train_it_is_said_whose_each_run_is(tmp_path, monkeypatch):
    monkeypatch.setenv("GLYPHLAB_HOME", str(tmp_path))
    monkeypatch.setenv("GLYPHLAB_MODE", "public")
    lab = open_lab_here()
    runs = [add_run(lab, model=False) for _ in range(2)]
    runs[1].write_status(owner=VISIT + "0" * 16, by="Mia *star*")
    with ExitStack() as held:
        for run in runs:
            held.enter_context(run.take_lock())
            run.write_status(state="queued", finished=None)
        said = texts(open_page("home"))
    assert r"digits · convnet · by Mia \*star\*" in said
    assert "digits · convnet · by the owner of this lab" in said


def test_a_student_is_told_which_runs_are_theirs(lab):
    run = add_run(lab)
    mia, ben = (Person(16 * digit, name, "student") for digit, name in (("1", "Mia"), ("2", "Ben")))
    assert whose(run.info(), mia, "class") == "by the teacher"
    assert whose(run.info(), TEACHER, "class") == "yours" and not whose(run.info(), OWNER, "own")
    run.write_status(owner=mia.mark, by=mia.name)
    assert [whose(run.info(), one, "class") for one in (mia, ben, TEACHER)] == [
        "yours",
        "by Mia",
        "by Mia",
    ]
    run.write_status(owner="", by="")
    assert whose(run.info(), NOBODY, "public") == "by the owner of this lab"


def test_of_a_run_that_is_stopping_no_time_is_said_to_be_left(lab):
    run = add_run(lab, "failed", model=False)
    with run.take_lock():
        done = lab.recipe("quick").epochs
        run.write_status(state="running", finished=None, epochs=2 * done)
        assert open_page("home").get("progress")[0].proto.text.endswith(" left")
        run.ask_to_stop()
        said = open_page("home").get("progress")[0].proto.text
    assert said == f"Epoch {done + 1} of {2 * done} · stopping"


def test_the_latest_results_are_listed_with_their_accuracy_and_a_link(lab):
    run = add_run(lab, name="mine")
    page = open_page("home")
    words = texts(page)
    assert "98.90%" in words and f"/train?run={run.id}" in words
    assert [metric.value for metric in page.metric if metric.label == "Runs"] == ["1"]


def test_a_result_is_said_with_the_number_of_its_images(lab):
    add_run(lab)
    assert "**98.90%** of 364 test images" in texts(open_page("home"))


def test_the_trials_of_a_sweep_are_one_line_that_leads_to_it(lab):
    lab.sweeps.create(make_sweep({"name": "mine", "recipe": "quick", "space": {"lr": [0.1, 0.01]}}))
    plain = add_run(lab, name="by hand")
    trials = [add_run(lab, name=f"mine-00{number}") for number in range(7)]
    pruned = add_run(lab, "stopped", name="mine-007")
    for run in (*trials, pruned):
        with run.take_lock():
            run.write_status(sweep="mine", pruned=run is pruned)
    words = texts(open_page("home"))
    assert "/sweeps?sweep=mine" in words and "8 trials ended · 1 pruned" in words
    assert f"/train?run={plain.id}" in words, "the trials push no other result off the list"
    assert f"/train?run={trials[0].id}" not in words
    assert "best 98.00% of the validation images" in words
    other = add_run(lab, name="by hand too")
    link = texts(open_page("home")).split("/compare?runs=")[1]
    assert unquote(link).startswith(f"{other.id},{plain.id})"), "those of the list, no trials"


def test_a_run_that_is_at_work_shows_how_far_it_is(lab):
    run = add_run(lab, "finished")
    with run.take_lock():
        run.write_status(state="running", finished=None, epoch=3, epochs=12)
        page = open_page("home")
    assert [metric.value for metric in page.metric if metric.label == "Runs in training"] == ["1"]
    assert "epoch" in page.get("progress")[0].proto.text.lower()


def test_a_killed_run_is_shown_as_failed(lab):
    run = add_run(lab, "failed", model=False, error="it broke")
    page = open_page("home")
    assert ":material/error:" in str(page.markdown) or "failed" in texts(page)
    assert f"run={run.id}" in texts(page)


def test_of_a_long_queue_the_first_are_drawn_and_the_others_counted(lab):
    runs = [add_run(lab, name=f"number {number}", model=False) for number in range(11)]
    with ExitStack() as held:
        for run in runs:
            held.enter_context(run.take_lock())
            run.write_status(state="queued", finished=None)
        page = open_page("home")
    assert len(page.get("progress")) == 8 and "And 3 more that were started later" in texts(page)
    assert "number 0" in texts(page) and "number 10" not in texts(page)


def cluster_of_two() -> None:
    from app.widgets.cluster import cluster_box
    from engine.jobs.cluster.base import Node
    from engine.jobs.cluster.probe import Probe
    from engine.jobs.cluster.view import ClusterView

    nodes = [
        Node("fast", "idle", True, 8, 2, 1, 0, 64.0),
        Node("gone", "down", False, 8, None, 0, None, None),
    ]
    probe = Probe("Slurm", False, "A job did not see the lab's home.")
    cluster_box(ClusterView("Slurm", nodes, 3, 1, None, "", probe))


def test_a_cluster_is_shown_with_what_is_wrong_with_it():
    page = AppTest.from_function(cluster_of_two, default_timeout=900).run()
    assert page.expander[0].label == (
        "Slurm cluster: 1 of 2 nodes are up; jobs: 1 running, 3 waiting"
    )
    table = page.dataframe[0].value
    assert table["CPUs"].tolist() == ["2 of 8 in use", "8"]
    assert [error.value for error in page.error] == ["A job did not see the lab's home."]
