"""The Study room: published figures beside ours, and where ours come from."""

from __future__ import annotations

import csv
import shutil
from dataclasses import replace

import pytest
from compared import compared_run
from trained import model_run

from engine.errors import RecipeError
from engine.lab import Lab
from engine.metrics import wilson_interval
from engine.recipes.recipe import RECIPES, read_recipe, shipped_recipe
from engine.services.studies import STUDIES
from engine.services.study_results import STUDY_METRICS, Result, recorded


@pytest.fixture
def lab(tmp_path) -> Lab:
    # not what happens to be shipped at the moment
    return Lab(
        tmp_path / "home", checkpoints=tmp_path / "checkpoints", records=tmp_path / "records.csv"
    )


def record(path, *rows: dict[str, object]) -> None:
    columns = (
        "commit",
        "date",
        "bench_or_recipe",
        "scale",
        "device",
        "versions",
        "seed",
        "metric",
        "value",
        "seconds",
    )
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, columns, restval="")
        writer.writeheader()
        for row in rows:
            common = {
                "commit": "abc123",
                "date": "2026-11-24",
                "scale": "full",
                "device": "a GPU",
                "metric": "test_accuracy",
            }
            writer.writerow(common | row)


def test_every_experiment_of_every_study_is_a_shipped_recipe_with_a_known_measure():
    names = [name for part in STUDIES.values() for name in part.recipes]
    assert len(names) == len(set(names)) == 18
    for name in names:
        assert shipped_recipe(name).published.metric in STUDY_METRICS
    for part in STUDIES.values():
        assert part.question is None or set(part.question) <= set(part.recipes)


def test_without_a_run_every_row_says_what_was_published_and_nothing_of_ours(lab):
    rows = lab.study.rows()
    assert [row.name for row in rows] == [
        name for part in STUDIES.values() for name in part.recipes
    ]
    assert all(row.ours is row.small is row.best is row.difference is None for row in rows)
    by_name = {row.name: row for row in rows}
    assert by_name["characters-resnet18-progressive"].published == pytest.approx(0.9274)
    assert (
        by_name["mnist-zfnet-scratch"].published is None
        and "converge at once" in by_name["mnist-zfnet-scratch"].note
    )
    assert by_name["task3-resnet18-pretrained-mnist"].needs == (
        "digits-resnet18",
        "mnist-resnet18-pretrained",
    )


def test_a_small_run_is_shown_as_that_and_never_as_ours(lab):
    run = compared_run(lab, "mnist-tiny-step3", changes={"scale": "small"})
    row = lab.study.row("mnist-tiny-step3")
    assert row.ours is None and row.best is None
    assert (row.small.ref, row.small.scale) == (run.id, "small")


def test_ours_is_the_best_full_size_run_with_its_hardware_and_the_spread_over_all(lab):
    compared_run(lab, "mnist-tiny-step3", wrong=range(9))
    best = compared_run(lab, "mnist-tiny-step3", wrong=range(2), changes={"seed": 1})
    compared_run(lab, "mnist-tiny-step3", wrong=range(5), changes={"seed": 2}, state="failed")
    row = lab.study.row("mnist-tiny-step3")
    assert (row.ours.kind, row.ours.ref, row.ours.hardware) == (
        "run",
        best.id,
        "CPU test bench, 2 threads",
    )
    assert row.ours.spread.n == 2 and row.ours.value > row.ours.spread.mean
    assert row.ours.interval[0] < row.ours.value < row.ours.interval[1]
    assert row.difference == pytest.approx(row.ours.value - 0.9945)


def test_the_best_of_the_lab_comes_from_any_recipe_on_the_same_images(lab):
    compared_run(lab, "mnist-tiny-step1", wrong=range(9))
    better = compared_run(lab, "mnist-tiny-step3", wrong=range(1))
    compared_run(lab, "quick")  # perfect, on other images
    row = lab.study.row("mnist-tiny-step1")
    assert row.best.ref == better.id and row.best.recipe == "mnist-tiny-step3"
    assert lab.study.row("task3-convnet-flat").best is None  # trained on other labels: another task


def test_knn_and_classifier_figures_are_kept_apart(lab):
    compared_run(lab, "mnist-zfnet-scratch", figures={"knn_accuracy": 0.7})
    assert lab.study.row("mnist-zfnet-scratch").ours.value == 0.7
    assert lab.study.row("mnist-resnet18-scratch").best.value == 1.0


def test_the_best_is_no_figure_that_a_model_was_chosen_by_and_small_networks_are_a_task_of_their_own(
    lab,
):
    compared_run(lab, "mnist-tiny-step1", wrong=range(9), figures={"val_accuracy": 1.0})
    assert (
        lab.study.row("mnist-tiny-step2").best.metric == "test_accuracy"
        and lab.study.row("mnist-tiny-step2").best.value < 1
    )
    assert lab.study.row("mnist-resnet18-scratch").best is None


def test_the_best_of_small_networks_is_said_to_be_of_such_alone(lab):
    assert lab.study.row("mnist-tiny-step2").best_of_what == (
        "of networks with fewer than 8,000 parameters"
    )
    assert lab.study.row("mnist-resnet18-scratch").best_of_what == ""


def test_a_device_of_an_old_record_has_one_core(lab, tmp_path):
    seed = {"bench_or_recipe": "mnist-tiny-step1", "metric": "test_accuracy", "value": 0.99}
    record(tmp_path / "records.csv", {**seed, "device": "AMD EPYC, 1 cores"})
    assert lab.study.row("mnist-tiny-step1").ours.hardware == "AMD EPYC, 1 core"


def test_an_experiment_scored_on_validation_is_read_from_validation(lab):
    compared_run(lab, "digits-resnet18", curve=(0.5, 0.91))
    ours = lab.study.row("digits-resnet18").ours
    assert (ours.metric, ours.value, ours.n) == ("val_accuracy", 0.91, 144)


def test_a_difference_of_one_image_may_be_chance_and_of_many_is_none(lab):
    row = lab.study.row("digits-resnet18")
    assert row.published == 0.925 and not row.may_be_chance
    known = row.recipe.published
    assert known.n == 40
    unknown = row.recipe.model_copy(update={"published": known.model_copy(update={"n": None})})
    recorded, few, many = (
        replace(
            row,
            recipe=recipe,
            ours=Result(row.name, "run", "x", "val_accuracy", 0.9, n, "", None, "full", ""),
        )
        for recipe, n in ((row.recipe, None), (unknown, 40), (unknown, 4000))
    )
    assert few.difference == pytest.approx(-0.025) and few.may_be_chance
    assert recorded.may_be_chance, "by the published figure's own interval, of 40 images"
    assert not many.may_be_chance


def test_the_best_of_another_recipe_is_of_other_images_where_recipes_hold_back_their_own(lab):
    compared_run(lab, "characters-best")
    assert lab.study.row("characters-resnet18-progressive").best_is_of_other_images
    compared_run(lab, "mnist-tiny-step3", wrong=range(1))
    row = lab.study.row("mnist-tiny-step1")
    assert row.best.recipe == "mnist-tiny-step3" and not row.best_is_of_other_images


def test_a_shipped_model_counts_and_is_named(lab, tmp_path):
    run = model_run(lab, name="mnist-tiny-step1", data={"name": "mnist", "validation": 0.05})
    shutil.copytree(run.best, tmp_path / "checkpoints" / "mnist-tiny-step1")
    lab.delete(run.id)
    ours = lab.study.row("mnist-tiny-step1").ours
    assert (ours.kind, ours.ref, ours.value) == ("shipped", "mnist-tiny-step1", 0.5)


def test_recorded_seeds_are_one_figure_with_their_spread(lab, tmp_path):
    record(
        tmp_path / "records.csv",
        *(
            {"bench_or_recipe": "mnist-tiny-step2", "seed": s, "value": v, "seconds": 60}
            for s, v in enumerate((0.99, 0.992, 0.994))
        ),
        {"bench_or_recipe": "mnist-tiny-step2", "seed": 0, "value": 0.999, "scale": "small"},
        {
            "bench_or_recipe": "mnist-tiny-step2",
            "seed": 0,
            "value": 1000,
            "metric": "images_per_second",
        },
        {"bench_or_recipe": "throughput", "metric": "images_per_second", "value": 3000},
    )
    ours = lab.study.row("mnist-tiny-step2").ours
    assert (ours.kind, ours.ref, ours.hardware, ours.value) == (
        "record",
        "abc123",
        "a GPU",
        pytest.approx(0.992),
    )
    assert ours.spread.n == 3 and ours.spread.mean == pytest.approx(0.992)


def test_seeds_that_were_recorded_later_join_and_one_measured_again_replaces_itself(lab, tmp_path):
    name = {"bench_or_recipe": "mnist-tiny-step2"}
    record(
        tmp_path / "records.csv",
        {**name, "seed": 0, "value": 0.99, "seconds": 100, "commit": "old"},
        {**name, "seed": 1, "value": 0.5, "seconds": 900, "commit": "old"},
        {**name, "seed": 1, "value": 0.992, "seconds": 200, "commit": "new"},
        {**name, "seed": 2, "value": 0.994, "seconds": 600, "commit": "new"},
    )
    ours = lab.study.row("mnist-tiny-step2").ours
    assert (ours.spread.n, ours.ref) == (3, "old and new") and ours.value == pytest.approx(0.992)
    assert ours.took == "5 min 00 s a run"


def test_a_mean_names_every_commit_date_and_device_that_it_is_of(lab, tmp_path):
    name = {"bench_or_recipe": "mnist-tiny-step2"}
    new = {"commit": "new", "date": "2026-11-30", "device": "AMD EPYC, 1 cores"}
    record(
        tmp_path / "records.csv",
        {**name, "seed": 0, "value": 0.99, "commit": "old", "date": "2026-11-25"},
        {**name, **new, "seed": 1, "value": 0.992},
        {**name, **new, "seed": 2, "value": 0.994},
    )
    ours = lab.study.row("mnist-tiny-step2").ours
    assert ours.recorded == "recorded 2026-11-25 at commit old and 2026-11-30 at commit new"
    assert (ours.hardware, ours.date) == ("a GPU and AMD EPYC, 1 core", "2026-11-30")
    record(tmp_path / "records.csv", {**name, "value": 0.99})
    assert lab.study.row("mnist-tiny-step2").ours.recorded == "recorded 2026-11-24 at commit abc123"


def test_of_the_best_of_this_labs_networks_every_recorded_seed_counts(lab):
    """Its first seed, which is shipped, was measured at another commit than the later two."""
    ours = next(
        result
        for result in recorded(Lab(lab.home).store.records)
        if (result.recipe, result.metric, result.scale) == ("mnist-best", "test_accuracy", "full")
    )
    assert ours.spread.n >= 3 and f"{ours.value:.4f}" == "0.9966"


def test_the_interval_of_recorded_seeds_is_no_narrower_than_that_of_their_test_images(tmp_path):
    """Of a model that is no experiment of a study, too: its checkpoint knows on how many it was measured."""
    for row, n in (("mnist-resnet18-pretrained", 10_000), ("characters-resnet18-progressive", 372)):
        best = Lab(tmp_path).study.row(row).best
        assert best.kind == "record" and best.is_mean and best.n == n
        low, high = wilson_interval(round(best.value * n), n)
        assert best.interval[0] <= low and best.interval[1] >= high


def test_an_experiment_that_is_none_is_answered_with_the_nearest(lab):
    with pytest.raises(RecipeError, match="did you mean 'nature-cnn5'"):
        lab.study.row("nature-cnn")


def test_the_runs_of_an_experiment_are_listed_full_size_first(lab):
    full = compared_run(lab, "mnist-tiny-step1")
    small = compared_run(lab, "mnist-tiny-step1", changes={"scale": "small"})
    compared_run(lab, "mnist-tiny-step2")
    assert lab.study.runs_of("mnist-tiny-step1") == [full.id, small.id]


def test_the_last_epoch_is_compared_with_the_last_epoch_where_the_study_gives_its_best(lab):
    published = read_recipe(RECIPES / "mnist-tiny-step1.yaml").published
    assert published and published.at_end == 99.15 and published.value == 99.31
    row = replace(lab.study.row("mnist-tiny-step1"), ours=None)
    assert row.at_end == pytest.approx(0.9915) and row.difference is None
    ours = Result(
        "mnist-tiny-step1", "run", "x", "test_accuracy", 0.991, None, "", None, "full", ""
    )
    assert replace(row, ours=ours).difference == pytest.approx(-0.0005)
    assert replace(row, ours=ours, at_end=None).difference == pytest.approx(0.991 - 0.9931)


def test_a_recorded_figure_of_a_study_has_the_interval_of_the_images_that_the_study_measured_on(
    lab, tmp_path
):
    record(tmp_path / "records.csv", {"bench_or_recipe": "mnist-tiny-step1", "value": 0.991})
    row = lab.study.row("mnist-tiny-step1")
    assert row.ours.n == 10_000 and row.ours.interval[0] < row.judged_by < row.ours.interval[1]
    assert row.may_be_chance and (row.published_epoch, row.our_epoch) == ("last", "last")


def test_each_row_says_which_epoch_its_figures_are_of(lab):
    row = lab.study.row("nature-cnn5")
    assert (row.published_epoch, row.our_epoch) == ("last", "best by validation")
    row = lab.study.row("digits-resnet18")
    assert (row.published_epoch, row.our_epoch) == ("best, or not said", "best by validation")
    assert lab.study.row("mnist-zfnet-scratch").published_epoch == ""
