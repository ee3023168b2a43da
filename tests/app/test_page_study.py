"""The Study page, without a browser."""

from __future__ import annotations

import os

import pytest
from compared import compared_run
from weblab import open_page, texts

from app.charts.study import Figures, beside
from app.sections.study.overview import figures_of
from app.shared_lab import share
from engine.lab import Lab
from engine.services.studies import STUDIES
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
    assert "not publicly listed" in page.caption[0].value
    table = page.dataframe[0].value
    assert list(table["experiment"]) == [name for part in STUDIES.values() for name in part.recipes]
    assert set(table["state"]) == {"not run yet"} and table["ours"].isna().all()
    # In sight on a narrow screen too: only these come before.
    assert list(table.columns[:4]) == ["study", "experiment", "published", "ours"]
    assert figure_of(page, "Run at full size") == ["0 of 18"]


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
    assert row["published"] == pytest.approx(99.15)
    assert row["points"] == pytest.approx(100 * (run.final()["test_accuracy"] - 0.9915))
    page = open_page("study", study="D")
    assert f"run={run.id}" in texts(page) and "95% interval" in texts(page)


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
    for run in runs:
        if run.alive:
            lab.stop(run.id, at_once=True)
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
        "Published",
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


def test_a_card_and_its_chart_compare_last_epoch_with_last_epoch(lab):
    compared_run(lab, "mnist-tiny-step1", wrong=range(9))
    page = open_page("study", study="D")
    assert figure_of(page, "Published")[0] == "99.15%"
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
    measure = page.dataframe[0].value.set_index("experiment")["measure"]
    assert measure["task3-convnet-flat"].endswith("wrong labels")
    assert "not publicly listed" in texts(open_page("study", study="E"))
