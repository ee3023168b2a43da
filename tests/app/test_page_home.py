"""The Home page, without a browser."""

from __future__ import annotations

from contextlib import ExitStack

import pytest
from streamlit.testing.v1 import AppTest
from waiting import wait_until
from weblab import add_run, open_page, texts

from engine.lab import Lab
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
        and "Nothing is running" in words
    )
    assert "/train?recipe=quick" in words  # the link goes to the right recipe
    assert "This one is of `mnist-convnet`, which comes with the lab." in words


def test_a_map_is_said_to_be_of_ones_own_run_only_if_it_is(lab):
    run = add_run(lab)
    assert "This one is of your run **quick**." in texts(open_page("home"))
    run.write_status(owner="0" * 16, by="Mia *star*")
    words = texts(open_page("home"))
    assert "your run" not in words
    assert r"This one is of the run **quick** by Mia \*star\*." in words


def test_a_step_is_begun_from_home_and_ticked_off(lab):
    page = open_page("home")
    assert [box.label for box in page.expander][0] == "First steps: 0 of 5 done"
    page.button(key="begin-compare").click().run()
    assert sorted(run.recipe for run in lab.runs()) == ["few-pretrained", "few-scratch"]
    page = open_page("home")
    page.button(key="stop-compare").click().run()
    assert not page.exception
    wait_until(lambda: not any(run.alive for run in lab.runs()), timeout=60)
    lab.tour.drawn()
    page = open_page("home")
    assert [box.label for box in page.expander][0] == "First steps: 1 of 5 done"
    assert "begin-draw" not in [button.key for button in page.button]


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


def test_a_run_that_is_at_work_shows_how_far_it_is(lab):
    run = add_run(lab, "finished")
    with run.take_lock():
        run.write_status(state="running", finished=None, epoch=3, epochs=12)
        page = open_page("home")
    assert [metric.value for metric in page.metric if metric.label == "Running"] == ["1"]
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
    page = AppTest.from_function(cluster_of_two).run()
    assert page.expander[0].label == (
        "Slurm cluster: 1 of 2 nodes are up, 1 jobs are running, 3 are waiting"
    )
    table = page.dataframe[0].value
    assert table["CPUs"].tolist() == ["2 of 8 in use", "8"]
    assert [error.value for error in page.error] == ["A job did not see the lab's home."]
