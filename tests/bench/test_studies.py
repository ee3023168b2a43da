"""Experiments side by side: in their order, stopped and gone on with, and what is brought back."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.records import read
from bench.studies import EXPERIMENTS, Bench, main, plan
from engine.errors import RecipeError
from engine.lab import Lab
from engine.recipes.recipe import make_recipe
from engine.services.studies import STUDIES

SHORT = {
    "data": {"name": "digits", "style": "digit", "size": 28, "limit": 200, "limit_eval": 100},
    "model": {"name": "convnet", "options": {"width": 4}},
    "epochs": 2,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose lab knows two experiments, the second from the model of the first."""
    out = tmp_path_factory.mktemp("studies")
    lab = Lab(out / "home")
    for name, parent in (("first", None), ("second", "first")):
        lab.save_recipe(make_recipe({**SHORT, "name": name, "init_from": parent}))
    return out


def test_an_experiment_comes_after_the_one_it_starts_from() -> None:
    store = Lab(Path("/nowhere")).store
    jobs = plan(store, EXPERIMENTS, (0, 1), (0,))
    assert len(jobs) == 2 * sum(len(part.recipes) for part in STUDIES.values())
    place = {job.key: number for number, job in enumerate(jobs)}
    chained = [job for job in jobs if job.parent]
    assert {job.recipe for job in chained} >= {"mnist-zfnet-finetuned", "mnist-resnet18-pretrained"}
    assert all(place[job.parent or ""] < place[job.key] for job in chained)
    assert plan(store, ["few-pretrained"], (0,), (0,))[0].parent is None  # its start is shipped
    with pytest.raises(RecipeError, match="no-such"):
        plan(store, ["no-such"], (0,), (0,))


def test_what_is_stopped_goes_on_and_is_recorded_once(folder: Path) -> None:
    store = Lab(folder / "home").store
    jobs = plan(store, ["second"], (3,), (0,))
    first, second = jobs
    bench = Bench(folder, store, jobs, "full")
    ended = bench.side_by_side({}, 2, 600)
    assert next(ended) == (first, "finished")
    ended.close()  # the second had no time to begin, or was ended by it
    (left,) = bench.left()
    assert left == second

    records = folder / "all.csv"
    figures = main(
        ["second"], device="cpu", seeds=(3,), out=folder, records=records, minutes=10, at_once=1
    )
    finished = bench.run_of(first), Bench(folder, store, jobs, "full").run_of(second)
    assert finished[0] and finished[1]
    assert finished[1].recipe().init_from == finished[0].id and finished[1].recipe().seed == 3
    assert figures["second, seed 3, split 0, test_accuracy"] > 0
    rows = read(records)
    assert rows == read(folder / "records.csv")
    assert {row["bench_or_recipe"] for row in rows} == {"first", "second"}
    assert {row["seed"] for row in rows} == {"3, split 0"}
    brought = folder / "bring" / finished[1].id
    assert (brought / "metrics.jsonl").exists() and (brought / "best" / "checkpoint.json").exists()
    assert not (brought / "last").exists()
    # All is done: nothing is run or recorded again.
    assert main(["second"], device="cpu", seeds=(3,), out=folder, records=records) == {}
    assert len(read(records)) == len(rows)
