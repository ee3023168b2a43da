"""The Study page, without a browser."""

from __future__ import annotations

import json
import os
import re
from dataclasses import replace

import pytest
from compared import compared_run
from weblab import end_at_once, open_page, texts

from app.charts.study import Figures, beside
from app.charts.words import percent
from app.sections.study.overview import WITHIN_CHANCE, figures_of
from app.shared_lab import share
from engine.lab import Lab
from engine.recipes.recipe import make_recipe, shipped_recipe, shipped_recipe_names
from engine.services.studies import STUDIES
from engine.services.study_results import changed_settings, points_between
from engine.settings import read_settings


@pytest.fixture
def lab(tmp_path, monkeypatch):
    monkeypatch.setenv("GLYPHLAB_HOME", str(tmp_path / "home"))
    settings = read_settings(os.environ)
    records = tmp_path / "records.csv"
    lab = Lab(settings.home, settings, checkpoints=tmp_path / "checkpoints", records=records)
    share(lab)
    return lab


def figure_of(page, label: str) -> list[str]:
    return [metric.value for metric in page.metric if metric.label == label]


def test_the_overview_has_a_row_for_every_experiment_and_invents_no_figure(lab):
    page = open_page("study")
    assert "reported in five studies" in page.caption[0].value
    assert "not publicly listed" in page.caption[0].value
    assert "what was not run at full size says so" in texts(page)
    table = page.dataframe[0].value
    assert list(table["experiment"]) == [name for part in STUDIES.values() for name in part.recipes]
    assert set(table["state"]) == {"not run yet"}
    assert set(table["ours"]) == {"not run at full size"}
    # In sight on a narrow screen too: only these come before.
    first = ["study", "experiment", "reported", "ours", "points", "within chance"]
    assert list(table.columns[:6]) == first
    assert figure_of(page, "Run at full size") == ["0 of 18"]


def test_what_has_no_reported_figure_is_counted_and_said_to_have_none(lab):
    page = open_page("study")
    table = page.dataframe[0].value
    without = list(table[table["reported"].isna()]["experiment"])
    assert without == ["mnist-zfnet-finetuned", "mnist-zfnet-scratch"]
    assert figure_of(page, "Experiments") == ["18"]
    assert figure_of(page, "With a reported figure") == [f"{18 - len(without)} of 18"]
    said = "Study B gives no figure for `mnist-zfnet-finetuned` and `mnist-zfnet-scratch`, and tells of"
    assert f"{said} them in words only: both do" in texts(page)


def test_a_full_size_run_is_shown_with_its_difference_and_leads_to_the_run(lab):
    run = compared_run(lab, "mnist-tiny-step1", wrong=range(9))
    page = open_page("study")
    row = page.dataframe[0].value.set_index("experiment").loc["mnist-tiny-step1"]
    assert (
        row["state"] == "full size"
        and row["run"] == f"/train?run={run.id}"
        and row["hardware of ours"] == "CPU test bench, 2 threads"
    )
    # The study's last epoch, as ours is: its best, 99.31%, was chosen by the test images.
    assert row["reported"] == pytest.approx(99.15)
    assert row["ours"] == percent(run.final()["test_accuracy"])
    assert row["points"] == pytest.approx(float(row["ours"].rstrip("%")) - row["reported"])
    page = open_page("study", study="D")
    assert f"run={run.id}" in texts(page) and "95% interval" in texts(page)


def test_a_run_with_other_settings_than_the_studys_is_said_to_have_them(lab):
    compared_run(lab, "mnist-tiny-step1", wrong=range(3), changes={"epochs": 2, "seed": 5})
    shown = texts(open_page("study", study="D"))
    assert "Other settings than the recipe's: epochs · " in shown
    assert lab.study.row("mnist-tiny-step1").ours.changed == ("epochs",)
    same = compared_run(lab, "mnist-tiny-step1", wrong=range(9))
    ours = lab.study.row("mnist-tiny-step1").ours
    assert (ours.ref, ours.changed) == (same.id, ())


def test_no_shipped_recipe_differs_from_itself():
    for name in shipped_recipe_names():
        for scale in ("full", "small"):
            run = make_recipe(shipped_recipe(name, {"scale": scale}).model_dump(mode="json"))
            assert changed_settings(run) == (), name


def test_the_best_of_small_networks_is_said_to_be_of_such_alone(lab):
    compared_run(lab, "mnist-tiny-step1", wrong=range(9))
    page = open_page("study", study="D")
    said = "`mnist-tiny-step1`. The best of networks with fewer than 8,000 parameters."
    assert said in texts(page)
    assert "for study D of networks with fewer than 8,000 parameters" in texts(open_page("study"))


@pytest.mark.parametrize("letter", STUDIES)
def test_every_study_draws_its_experiments_and_says_what_was_not_run_at_full_size(lab, letter):
    compared_run(lab, STUDIES[letter].recipes[0], changes={"scale": "small"})
    page = open_page("study", study=letter)
    text = texts(page)
    for name in STUDIES[letter].recipes:
        assert f"`{name}`" in text
        assert page.button(key=f"full-{name}").label == "Run it"
    other = lab.study.row(STUDIES[letter].recipes[0]).small_data
    where = "takes other data, Ants and bees, and reached" if other else "reached"
    assert f"Not run at full size yet. Its small version {where}" in text
    assert figure_of(page, "Ours, same recipe") == ["–"] * len(STUDIES[letter].recipes)


def test_one_click_queues_an_experiment_and_what_it_starts_from(lab):
    page = open_page("study", study="C")
    page.button(key="small-mnist-resnet18-pretrained").click().run()
    runs = lab.runs()
    end_at_once(lab, *(run.id for run in runs))
    assert not page.exception and any("is queued" in box.value for box in page.success)
    assert {run.recipe for run in runs} == {"digits-resnet18", "mnist-resnet18-pretrained"}
    assert {lab.run(run.id).recipe().scale for run in runs} == {"small"}


def test_the_chart_spans_enough_that_a_tenth_of_a_point_looks_small():
    chart = beside(
        [Figures("a", 81.45, None, None, None, None), Figures("b", 81.72, 81.6, 80.0, 83.0, 90.0)],
        "title",
    )
    low, high = chart.layout.xaxis.range
    assert high - low >= 4 and low < 80 and high > 90
    assert [trace.name for trace in chart.data if trace.name] == [
        "Reported",
        "Best of this lab, same task",
        "Ours, same recipe",
    ]
    assert (
        "gave words, not figures"
        in beside([Figures("a", None, None, None, None, None)], "title").layout.annotations[0].text
    )


def test_the_head_count_is_what_the_rows_show(lab, monkeypatch):
    lab = Lab(lab.home, lab.settings)  # with the records that come with it
    share(lab)
    page = open_page("study")
    table = page.dataframe[0].value
    wrong = table["measure"].str.contains("wrong labels")
    assert (table["points"].notna() & wrong).any(), (
        "figures of wrong labels are shown and not counted"
    )
    judged = table[table["points"].notna() & ~wrong]
    held = judged[(judged["points"] >= 0) | judged["within chance"].fillna(False).astype(bool)]
    assert len(judged) >= 4
    assert figure_of(page, "At or above, within chance") == [f"{len(held)} of {len(judged)}"]
    steps = judged.set_index("experiment").loc[["mnist-tiny-step1", "mnist-tiny-step2"]]
    assert list(steps["its epoch"]) == list(steps["our epoch"]) == ["last", "last"]
    assert steps["within chance"].all()


def test_a_reader_can_check_what_is_called_chance(lab):
    """The recorded figure of 40 images: eleven points below, and within the interval of the reported one."""
    share(Lab(lab.home, lab.settings))  # with the records that come with it
    page = open_page("study")
    row = page.dataframe[0].value.set_index("experiment").loc["digits-resnet18"]
    assert row["points"] == -11 and row["within chance"]
    assert (row["our images"], row["its images"]) == (40, 40)
    low, high = map(float, re.findall(r"[\d.]+", row["its 95% interval"]))
    assert low <= float(row["ours"].rstrip("%")) <= high
    spread = Lab(lab.home, lab.settings).study.row("digits-resnet18").ours.spread
    ours = f"{100 * spread.low:.2f}% to {100 * min(spread.high, 1):.2f}%"
    assert row["our 95% interval"] == ours, "five runs, which differ by more than chance does"
    assert spread.low < 0.68, "Wilson's of 40 images begins at 68.05%"
    [tile] = [one for one in page.metric if one.label == "At or above, within chance"]
    assert WITHIN_CHANCE in tile.help
    assert "does not show that there is none" in tile.help, "not significant is not equal"


def test_a_mean_of_several_runs_is_shown_with_their_number_and_spread(lab):
    share(Lab(lab.home, lab.settings))  # with the records that come with it
    ours = Lab(lab.home, lab.settings).study.row("digits-resnet18").ours
    said = f"mean of {ours.spread.n}, ± {100 * ours.spread.deviation:.2f} points"
    page = open_page("study")
    assert (
        page.dataframe[0].value.set_index("experiment").loc["digits-resnet18"]["our runs"] == said
    )
    width = json.loads(page.dataframe[0].proto.columns)["our runs"]["width"]
    assert width >= 7 * len(said), "a number that is cut off is another number"
    words = "Counted though below the reported figure, as chance may explain it: "
    [below] = [one.value for one in page.caption if one.value.startswith(words)]
    assert f"`digits-resnet18` by 11.00 points (40 validation images; our runs: {said})" in below
    table = page.dataframe[0].value
    counted = table[(table["points"] < 0) & table["within chance"].fillna(False).astype(bool)]
    counted = counted[~counted["measure"].str.contains("wrong labels")]
    assert set(re.findall(r"`([\w-]+)` by", below)) == set(counted["experiment"])
    assert f"Runs: {said}" in texts(open_page("study", study="C")).replace("runs:", "Runs:")


def test_of_several_runs_of_ones_own_the_best_is_said_to_be_that(lab):
    for seed, wrong in enumerate((9, 3)):
        compared_run(lab, "mnist-tiny-step1", wrong=range(wrong), changes={"seed": seed})
    row = open_page("study").dataframe[0].value.set_index("experiment").loc["mnist-tiny-step1"]
    assert re.fullmatch(r"best of 2, ± \d\.\d\d points", row["our runs"])


def test_the_difference_is_that_of_the_figures_as_they_are_shown():
    assert points_between(0.99185, 0.9915) == 0.04
    assert str(points_between(0.99149, 0.9915)) == "0.0"


def test_a_card_and_its_chart_compare_last_epoch_with_last_epoch(lab):
    compared_run(lab, "mnist-tiny-step1", wrong=range(9))
    page = open_page("study", study="D")
    assert figure_of(page, "Reported")[0] == "99.15%"
    assert "After the last epoch." in texts(page)
    assert figures_of(lab.study.row("mnist-tiny-step1")).published == pytest.approx(99.15)


def test_a_difference_within_chance_has_no_colour(lab):
    compared_run(lab, "mnist-tiny-step2", wrong=range(2))
    assert lab.study.row("mnist-tiny-step2").may_be_chance
    page = open_page("study", study="D")
    ours = [one for one in page.metric if one.label == "Ours, same recipe"][1]
    assert "within the 95% interval" in ours.delta
    assert ours.proto.color == ours.proto.MetricColor.GRAY


def test_a_small_version_on_other_data_is_said_to_be_that(lab):
    compared_run(lab, "nature-cnn5", changes={"scale": "small"})
    text = texts(open_page("study", study="E"))
    assert "`nature-cnn5` takes other data: Ants and bees" in text
    assert "is the same experiment cut down" not in text
    state = open_page("study").dataframe[0].value.set_index("experiment")["state"]
    assert state["nature-cnn5"].startswith("small version only: ")
    assert state["nature-cnn5"].endswith(" on Ants and bees")


def test_the_page_says_that_the_studies_are_not_publicly_listed_and_which_labels_are_wrong(lab):
    page = open_page("study")
    assert "not publicly listed" in texts(page)
    assert "published" not in texts(page).lower()
    measure = page.dataframe[0].value.set_index("experiment")["measure"]
    assert measure["task3-convnet-flat"].endswith("wrong labels")
    text = texts(open_page("study", study="E"))
    assert "not publicly listed" in text and "published" not in text.lower()


def test_a_mean_names_the_commits_and_devices_of_all_its_runs(lab):
    """The first seed of the best on MNIST was recorded at another commit than the later two."""
    share(Lab(lab.home, lab.settings))  # with the records that come with it
    said = " ".join(texts(open_page("study", study="C")).split())
    assert "recorded 2026-11-25 at commit e31a6d4 and 2026-11-30 at commit dddbaef" in said
    assert "AMD EPYC, 1 thread and AMD EPYC, 1 core" in said


def test_the_chart_leaves_out_a_best_that_is_ones_own_and_not_one_of_the_same_commit(lab):
    compared_run(lab, "mnist-tiny-step1", wrong=range(9))
    row = lab.study.row("mnist-tiny-step1")
    assert row.ours and row.best and figures_of(row).best is None
    other = replace(row, best=replace(row.best, recipe="mnist-tiny-best", value=0.995))
    assert figures_of(other).best == pytest.approx(99.5)


def test_what_the_best_is_measured_otherwise_than_is_there(lab):
    """Of an experiment that was not run here there is no "ours"."""
    lab = Lab(lab.home, lab.settings)  # with the records that come with it
    share(lab)
    said = texts(open_page("study", study="C"))
    row = lab.study.row("characters-resnet18-progressive")
    assert row.ours is None and row.best
    than = f"`{row.best.recipe}`. Measured on other images than"
    assert f"{than} the reported figure." in said and f"{than} ours." not in said
