"""One recipe into one run folder: what is written, what is measured, and what a stop or a crash
leaves behind.
"""

import dataclasses
import json
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import torch
from factories import shapes

from engine.data.imageset import ImageSet
from engine.errors import DataError
from engine.jobs.experiment import METHODS, conduct
from engine.jobs.rank import Bystander
from engine.models.card import model_card
from engine.models.checkpoint import load_checkpoint, read_meta, read_weights
from engine.models.metadata import sets_tested_on
from engine.models.predictor import Predictor
from engine.recipes.fields import DataSpec
from engine.recipes.recipe import Recipe, make_recipe
from engine.runs.run import Run, create_run
from engine.training.group import Group


def recipe(**changes: object) -> Recipe:
    fields = {
        "name": "shapes",
        "data": {"name": "shapes", "size": 16},
        "model": {"options": {"width": 8}},
        "precision": "float32",
    }
    return make_recipe(fields | {"epochs": 4, "batch_size": 16, "lr": 0.01}, changes)


def run_of(tmp_path: Path, **changes: object) -> Run:
    return create_run(tmp_path, recipe(**changes))


def train(run: Run, data: ImageSet | None = None, **options: object) -> dict:
    data = data if data is not None else shapes(240)
    options = {"find_model": lambda name: Path(name), "device": "cpu", **options}
    return conduct(run, load=lambda spec: data, **options)


class Following(Group):
    """Alone, but not the one that writes."""

    leads = False


def test_a_process_that_follows_does_not_need_the_rows_that_the_first_writes(
    tmp_path: Path,
) -> None:
    run = Bystander(run_of(tmp_path).path)  # as when the first process has not come to write them
    assert train(run, group=Following())["epochs"] == 4
    assert not run.metrics() and not run.best.exists() and not run.last.exists()


def test_only_epochs_chosen_by_a_measure_are_called_best(tmp_path: Path) -> None:
    for select in ("accuracy", "last"):
        run = run_of(tmp_path, select=select)
        train(run)
        lines = [
            line
            for line in (run.path / "log.txt").read_text("utf-8").splitlines()
            if "train loss" in line
        ]
        kept = [row["best"] for row in run.metrics() if row["kind"] == "epoch"]
        called = [line.endswith("best") for line in lines]
        assert called == (kept if select == "accuracy" else [False] * 4)


@pytest.mark.parametrize("seed", range(4))
def test_the_final_validation_accuracy_is_that_of_the_epoch_whose_weights_are_kept(
    tmp_path: Path, seed: int
) -> None:
    """Trained in bfloat16 too. Shapes with noisy labels: there some images are on the edge."""
    data = shapes(400, val=0.5)
    data = dataclasses.replace(data, labels=np.random.default_rng(1).permutation(data.labels))
    run = run_of(tmp_path, precision="bfloat16", seed=seed)
    final = train(run, data)
    epochs = [row for row in run.metrics() if row["kind"] == "epoch"]
    kept = [row for row in epochs if row["best"]][-1]
    assert final["val_accuracy"] == pytest.approx(kept["val_accuracy"], abs=1e-6)


def test_what_is_saved_on_the_way_names_the_accuracy_of_the_weights_that_are_saved(
    tmp_path: Path,
) -> None:
    """Of the best epoch, which is not always the last one."""
    run, meta = run_of(tmp_path, epochs=8, lr=0.2), {}

    def seen(done: int, total: int, what: str) -> None:
        if (run.best / "checkpoint.json").exists():
            meta.setdefault(done, read_meta(run.best)["metrics"])

    train(run, shapes(240), progress=seen)
    epochs = [row for row in run.metrics() if row["kind"] == "epoch"]
    assert not all(row["best"] for row in epochs), "one is not the best"
    saved = [figures for figures in meta.values() if figures.get("unfinished")]
    assert len(saved) > 2
    for figures in saved:
        so_far = [row for row in epochs if row["epoch"] <= figures["epochs"] and row["best"]]
        assert figures["val_accuracy"] == so_far[-1]["val_accuracy"]


def test_of_pooled_sets_the_figures_say_how_many_test_images_each_gave(tmp_path: Path) -> None:
    data = shapes(240)
    from_second = np.zeros(len(data), np.int64)
    from_second[data.splits["test"]] = 1
    pool = dataclasses.replace(
        data, name="a+b+c", sources=from_second, source_names=("a", "b", "c")
    )
    run = run_of(tmp_path, epochs=1)
    final = train(run, pool)
    assert final["test_data"] == "a+b+c" and final["test_sources"] == {"b": final["test_n"]}
    assert sets_tested_on(read_meta(run.best)["metrics"]) == "b"
    assert train(run_of(tmp_path, epochs=1))["test_sources"] == {"shapes": 48}


def test_an_accuracy_by_knn_is_called_so_in_the_log(tmp_path: Path) -> None:
    run = run_of(tmp_path, loss="triplet", select="knn", samples_per_class=4, epochs=1)
    train(run)
    assert "validation by kNN" in (run.path / "log.txt").read_text("utf-8")


def test_a_loss_on_embeddings_leaves_a_classifier_by_class_means(tmp_path: Path) -> None:
    """What is kept answers: its accuracy is that of the embedding, not of a head as it was drawn."""
    run, data = run_of(tmp_path, loss="triplet", select="knn", samples_per_class=4), shapes(240)
    final = train(run, data)
    assert final["classifier"] == "nearest class mean"
    assert "| classifier | nearest class mean of " in model_card(read_meta(run.best))
    assert final["test_accuracy"] > final["knn_accuracy"] - 0.15 > 0.6
    with np.load(run.path / "predictions.npz") as kept:
        right = (kept["probabilities"].argmax(1) == kept["labels"]).mean()
    assert right == pytest.approx(final["test_accuracy"])
    assert final["test_loss"] < 0.8  # of probabilities that a temperature could calibrate
    asked = data.splits["test"]
    found = Predictor(load_checkpoint(run.best)).squares(data.images[asked]).argmax(1)
    found = found == data.labels[asked]
    assert found.mean() == pytest.approx(final["test_accuracy"])
    assert "classifier" not in train(run_of(tmp_path, epochs=1))


def test_a_run_records_what_it_did_and_ends_with_its_figures(tmp_path: Path) -> None:
    run = run_of(tmp_path)
    final = train(run)
    rows = run.metrics()
    assert [row["epoch"] for row in rows if row["kind"] == "epoch"] == [1, 2, 3, 4]
    assert rows[0]["kind"] == "step" and rows[-1]["kind"] == "final"
    json.dumps(final, allow_nan=False)
    assert (
        final["test_n"] == 48 and 0 <= final["test_accuracy"] <= 1 and final["knn_accuracy"] > 0.4
    )
    assert np.array(final["confusion"]).sum() == 48 and [
        row["class"] for row in final["per_class"]
    ] == ["bar", "dot", "ring"]
    assert final["generalisation_gap"] == pytest.approx(
        final["train_accuracy"] - final["test_accuracy"]
    )
    last = rows[-2]
    assert last["kind"] == "epoch" and final["images_per_second"] == pytest.approx(
        last["images_seen"] / last["seconds"]
    ), "over the whole training"
    assert read_meta(run.best)["metrics"]["test_accuracy"] == final["test_accuracy"]


def test_progress_counts_steps_from_the_first_to_the_last_and_never_goes_back(
    tmp_path: Path,
) -> None:
    said: list[tuple[int, int, str]] = []
    run = run_of(tmp_path)
    train(run, progress=lambda *told: said.append(told))
    per_epoch = next(row["steps"] for row in run.metrics() if row["kind"] == "step")
    assert per_epoch > 1 and {total for _, total, _ in said} == {4 * per_epoch}
    assert [done for done, _, _ in said] == sorted(done for done, _, _ in said)
    assert said[0][0] == 1 and said[-1][0] == 4 * per_epoch
    assert said[0][2].startswith("epoch 1 of 4, loss ") and all(
        what.endswith("(steps)") for _, _, what in said
    )


def test_the_saved_predictions_are_those_of_the_saved_model(tmp_path: Path) -> None:
    data, run = shapes(240), run_of(tmp_path)
    final = train(run, data)
    with np.load(run.path / "predictions.npz", allow_pickle=False) as saved:
        labels, probabilities, index = saved["labels"], saved["probabilities"], saved["index"]
    assert np.array_equal(index, data.split("test")) and np.array_equal(labels, data.labels[index])
    assert float((probabilities.argmax(1) == labels).mean()) == pytest.approx(
        final["test_accuracy"]
    )
    from engine.models.predictor import Predictor

    again = Predictor(load_checkpoint(run.best)).squares(data.images[index])
    assert np.allclose(again, probabilities, atol=2e-3)


def test_snapshots_follow_the_same_images_through_the_epochs(tmp_path: Path) -> None:
    run = run_of(tmp_path)
    train(run)
    names = sorted(path.name for path in (run.path / "snapshots").iterdir())
    assert names == [f"epoch-{n:04d}.npz" for n in range(5)]
    first, last = (
        np.load(run.path / "snapshots" / name, allow_pickle=False) for name in (names[0], names[-1])
    )
    assert np.array_equal(first["index"], last["index"]) and not np.array_equal(
        first["embeddings"], last["embeddings"]
    )


def test_a_stop_keeps_the_best_and_a_second_start_finishes_the_run(tmp_path: Path) -> None:
    whole = run_of(tmp_path)
    expected = train(whole)
    run = run_of(tmp_path)
    stopped = train(
        run, cancelled=lambda: sum(row["kind"] == "epoch" for row in run.metrics()) >= 2
    )
    assert stopped["epochs"] < 4 and load_checkpoint(run.best).classes == ("bar", "dot", "ring")
    run.forget_after(
        json.loads((run.last / "state.json").read_text())["epoch"]
    )  # as the process of a resumed run does
    final = train(run)
    assert [one["test_reads"] for one in (expected, stopped, final)] == [1, 1, 2]
    card = (run.best / "README.md").read_text(encoding="utf-8")
    assert "read 2 times: at each stop of the training and at its end" in card
    assert "read once, after training" in (whole.best / "README.md").read_text(encoding="utf-8")
    assert (
        final["test_accuracy"] == expected["test_accuracy"]
        and final["confusion"] == expected["confusion"]
    )
    losses = [
        [row["train_loss"] for row in r.metrics() if row["kind"] == "epoch"] for r in (whole, run)
    ]
    assert losses[0] == losses[1]


def test_an_epoch_that_a_stop_cut_short_does_not_count(tmp_path: Path) -> None:
    run = run_of(tmp_path)
    # The first step of the first epoch is the only one whose point is written on any machine.
    stopped = train(run, cancelled=lambda: any(row["kind"] == "step" for row in run.metrics()))
    assert not stopped and {row["kind"] for row in run.metrics()} == {"step"}
    assert run.info().epoch == 0 and run.info().epochs == 4


def test_a_run_can_start_from_another_with_other_classes(tmp_path: Path) -> None:
    first = run_of(tmp_path)
    train(first)
    data = shapes(240)
    two = dataclasses.replace(data, classes=("line", "dot", "ring"))
    run = run_of(tmp_path, init_from=str(first.best), epochs=1, lr=1e-7)
    assert train(run, two)["epochs"] == 1
    start, end = read_weights(first.best), read_weights(run.best)
    filters = [name for name, weights in start.items() if weights.ndim == 4]
    assert filters and all(torch.allclose(start[name], end[name], atol=1e-3) for name in filters)
    alone = run_of(tmp_path, epochs=1, lr=1e-7)
    train(alone, two)
    random = read_weights(alone.best)
    assert not any(torch.allclose(start[name], random[name], atol=1e-3) for name in filters)


def test_another_sets_test_split_is_matched_by_class_name(tmp_path: Path) -> None:
    data, other = shapes(240), shapes(90, seed=5)
    turned = dataclasses.replace(
        other, name="turned", labels=(other.labels + 1) % 3, classes=("ring", "bar", "dot")
    )

    def load(spec: DataSpec) -> ImageSet:
        return turned if spec.name == "turned" else data

    final = conduct(
        run_of(tmp_path, **{"data.test_on": "turned"}), load=load, find_model=Path, device="cpu"
    )
    assert final["test_data"] == "turned" and final["test_n"] == len(turned.split("test"))
    right = [row["recall"] for row in final["per_class"]]
    assert [row["class"] for row in final["per_class"]] == ["bar", "dot", "ring"] and min(
        right
    ) > 0.4  # by chance, or mixed up: less


def test_a_test_set_without_splits_and_with_other_classes_is_scored_where_it_can_be(
    tmp_path: Path,
) -> None:
    data, other = shapes(240), shapes(90, seed=5)
    some = dataclasses.replace(
        other, name="some", classes=("dot", "star", "bar"), splits={"train": np.arange(90)}
    )
    run = run_of(tmp_path, epochs=1, **{"data.test_on": "some"})
    final = conduct(
        run,
        load=lambda spec: some if spec.name == "some" else data,
        find_model=Path,
        device="cpu",
    )
    assert final["test_n"] == 60 and final["test_split"] == "all"
    log = (run.path / "log.txt").read_text()
    assert (
        "scored on 60 images of some (all); 30 of other classes are left out; it has no ring" in log
    )
    assert log.index("scored on") < log.index("epoch 1/1")


def test_a_foreign_test_set_is_an_error(tmp_path: Path) -> None:
    data = shapes(240)
    other = dataclasses.replace(shapes(), name="letters", classes=("a", "b", "c"))
    with pytest.raises(DataError, match="can't test a model of shapes"):
        conduct(
            run_of(tmp_path, **{"data.test_on": "letters"}),
            load=lambda spec: other if spec.name == "letters" else data,
            find_model=Path,
            device="cpu",
        )
    assert "epoch" not in (tmp_path / "runs").glob("*/log.txt").__next__().read_text()


def test_without_a_validation_split_the_recipes_temperature_is_used(tmp_path: Path) -> None:
    run = run_of(tmp_path, temperature=1.7, epochs=1)
    final = train(run, shapes(240, val=0))
    assert "val_accuracy" not in final and load_checkpoint(run.best).temperature == 1.7


def test_every_method_of_training_can_be_asked_for_in_a_recipe() -> None:
    assert set(METHODS) == set(get_args(Recipe.model_fields["method"].annotation))
