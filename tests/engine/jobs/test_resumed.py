"""What is shown of a run that goes on after a stop: figures of now, not of weights that are replaced."""

from __future__ import annotations

from pathlib import Path

import pytest
from made_lab import SMALL, lab_at, zipped

from engine.jobs.queue import queue_up
from engine.jobs.worker import work_on_run
from engine.lab import Lab
from engine.progress import Progress
from engine.recipes.recipe import make_recipe
from engine.runs.run import Run, create_run
from engine.runs.run_info import PREDICTIONS, RunInfo


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    lab = lab_at(tmp_path)
    lab.data.upload("shapes.zip", zipped(120))
    return lab


def work(lab: Lab, run: Run, progress: Progress) -> str:
    """Train the run here, to its end or until it is asked to stop."""
    (run.path / "stop").unlink(missing_ok=True)
    return work_on_run(
        lab.store, run, run.take_lock(), queue_up(lab.home, "cpu", run.path), progress
    )


def test_a_resumed_run_shows_its_best_so_far_and_no_test_figure_until_it_is_read_again(
    lab: Lab,
) -> None:
    recipe = make_recipe({**SMALL, "name": "trained", "epochs": 5, "lr": 0.00003})
    run = create_run(lab.home, recipe)
    seen: list[tuple[RunInfo, list[float]]] = []

    def stop(done: int, total: int, what: str) -> None:
        if run.info().epoch:
            run.ask_to_stop()

    def look(done: int, total: int, what: str) -> None:
        rows = [row for row in run.metrics() if row["kind"] == "epoch"]
        seen.append((Run(run.path).info(), [row["val_accuracy"] for row in rows if row["best"]]))
        assert not (run.path / PREDICTIONS).exists()

    assert work(lab, run, stop) == "stopped"
    before = run.info()
    assert before.accuracy is not None and before.test_n and before.val_n
    assert (run.path / PREDICTIONS).exists()
    assert work(lab, run, look) == "finished"
    training = [(info, best) for info, best in seen if info.state == "running" and best]
    assert len({best[-1] for _, best in training}) > 1, "the best changes on the way"
    for info, best in training:
        assert (info.val_accuracy, info.val_n) == (best[-1], before.val_n)
        assert info.accuracy is None and info.test_n is None
    assert run.info().accuracy is not None and run.info().test_n == before.test_n


def test_a_run_shows_its_best_so_far_from_its_first_epoch_on(lab: Lab) -> None:
    run = create_run(lab.home, make_recipe({**SMALL, "name": "trained", "epochs": 2}))
    seen: dict[int, RunInfo] = {}

    def look(done: int, total: int, what: str) -> None:
        info = Run(run.path).info()
        seen[info.epoch] = info

    work(lab, run, look)
    assert seen[0].val_accuracy is None
    first = next(row for row in run.metrics() if row["kind"] == "epoch")
    assert seen[1].val_accuracy == first["val_accuracy"]


@pytest.mark.parametrize("share", [0.2, 0.0])
def test_a_card_written_during_training_says_whether_test_images_are_read_at_its_end(
    lab: Lab, share: float
) -> None:
    fields = {**SMALL, "data": {**SMALL["data"], "test": share}, "name": "trained", "epochs": 2}
    run, cards = create_run(lab.home, make_recipe(fields)), []

    def look(done: int, total: int, what: str) -> None:
        if (run.best / "README.md").exists():
            cards.append((run.best / "README.md").read_text(encoding="utf-8"))

    work(lab, run, look)
    assert cards and ("There was no test split." in cards[0]) == (not share)
    awaited = "saved during training, and the 24 test images are read when that ends" in cards[0]
    assert awaited == bool(share)
    final = (run.best / "README.md").read_text(encoding="utf-8")
    assert "saved during training" not in final and ("Test figures" in final) == bool(share)
