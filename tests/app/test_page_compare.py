"""The Compare page, without a browser."""

from __future__ import annotations

import csv
import io

import numpy as np
import pytest
from compared import compared_run
from weblab import charts as charts_of
from weblab import open_page, texts, thumbnails

from app.charts import compare as charts
from app.charts import compare_classes
from app.charts.report import as_csv, as_html
from app.sections.compare.convergence import lines_of
from app.sections.compare.summary import scores_by_place
from engine.lab import Lab
from engine.services.tour import PAIR

BLUE = "#1058e8"


@pytest.fixture
def lab(tmp_path, monkeypatch):
    monkeypatch.setenv("GLYPHLAB_HOME", str(tmp_path))
    return Lab(tmp_path)


def test_without_a_run_the_page_says_how_to_get_one(lab):
    assert "No run yet" in texts(open_page("compare"))


def test_the_address_names_the_runs_and_the_answer_comes_first(lab):
    one, two = (
        compared_run(lab, wrong=range(5)),
        compared_run(lab, wrong=range(60), changes={"lr": 0.02}),
    )
    page = open_page("compare", runs=f"{one.id},{two.id}")
    assert page.multiselect(key="runs").value == [one.id, two.id]
    assert "*lr 0.004* is significantly better on images like these" in texts(page)
    tests = page.dataframe[1].value
    assert list(tests["verdict"]) == ["significant"]


def test_names_of_runs_are_no_markdown_and_no_markup_of_charts(lab):
    name = "q` [Enter](https://evil.example) <b>x</b>"
    runs = [compared_run(lab, wrong=range(n)) for n in (5, 60)]
    for run in runs:
        run.write_status(name=name)
    page = open_page("compare", runs=",".join(run.id for run in runs))
    assert "[Enter](http" not in texts(page) and "<b>x" not in texts(page)
    names = [trace["name"] for figure in charts_of(page) for trace in figure["data"]]
    assert not any("<b>" in str(one) for one in names)


def test_a_confusion_of_a_run_shows_its_images(lab):
    run = compared_run(lab, wrong=range(5))
    page = open_page("compare", runs=run.id)
    page.segmented_control(key="view").set_value("Mistakes").run()
    page.session_state[f"confused-{run.id}"] = {"selection": {"cells": [(0, "True")]}}
    page.run()
    assert not page.exception
    found = lab.compare.predictions(lab.compare.subjects([run.id])[0])
    tables = (table.value for table in page.dataframe)
    row = next(table for table in tables if "Share of the class" in table).iloc[0]
    true, read = int(row["True"]), int(row["Predicted"])
    where = found.index[(found.labels == true) & (found.predicted == read)]
    names = {str(lab.dataset(run.recipe().data).files[i]) for i in where}
    assert len(where) == row["Images"]
    assert {item["name"] for item in thumbnails(page, f"cell-{run.id}")} == names
    assert f"**{true}, predicted {read}**" in texts(page)


@pytest.mark.parametrize("which", ["difference", "first", "second"])
def test_a_cell_of_two_runs_confusions_shows_its_images(lab, which):
    runs = [
        compared_run(lab, wrong=range(5)),
        compared_run(lab, wrong=range(3, 12), changes={"seed": 1}),
    ]
    page = open_page("compare", runs=",".join(run.id for run in runs))
    page.segmented_control(key="view").set_value("Two in detail").run()
    page.segmented_control(key="which-confusion").set_value(which).run()
    one, two = (lab.compare.predictions(one) for one in lab.compare.subjects([r.id for r in runs]))
    at = int(np.flatnonzero(two.predicted != two.labels)[0])
    true, read = (str(two.classes[label[at]]) for label in (two.labels, two.predicted))
    key = f"confusion-{which}-{runs[0].id}-{runs[1].id}"
    page.session_state[key] = {"selection": {"points": [{"x": read, "y": true}]}}
    page.run()
    assert not page.exception and "choose a row below, to see its images." in texts(page)
    files = lab.dataset(runs[0].recipe().data).files
    cells = [
        {
            str(files[i])
            for i in found.index[(found.labels == int(true)) & (found.predicted == int(read))]
        }
        for found in (one, two)
    ]
    both = set.intersection(*cells) if which == "difference" else set()
    for run, names, side in zip(runs, cells, ("first", "second"), strict=True):
        shown = thumbnails(page, f"{key}-{run.id}")
        wanted = names - both if which in ("difference", side) else set()
        assert {item["name"] for item in shown} == wanted
        assert all(item["href"].startswith("sample?data=digits&sample=") for item in shown)
    assert f"**{true}, predicted {read}**" in texts(page)


def test_a_row_of_two_runs_confusions_shows_its_images_until_a_cell_is_clicked(lab):
    runs = [
        compared_run(lab, wrong=range(5)),
        compared_run(lab, wrong=range(3, 12), changes={"seed": 1}),
    ]
    page = open_page("compare", runs=",".join(run.id for run in runs))
    page.segmented_control(key="view").set_value("Two in detail").run()
    key = f"confusion-difference-{runs[0].id}-{runs[1].id}"
    rows = next(table.value for table in page.dataframe if "By the second" in table.value)
    gaps = (rows["By the second"] - rows["By the first"]).abs()
    assert gaps.is_monotonic_decreasing and gaps.iloc[0] > 0
    page.session_state[f"{key}-"] = {"selection": {"cells": [(0, "True")]}}
    page.run()
    chosen = f"**{rows['True'][0]}, predicted {rows['Predicted'][0]}**"
    assert not page.exception and chosen in texts(page)
    last = rows.iloc[-1]
    cell = {"x": last["Predicted"], "y": last["True"]}
    page.session_state[key] = {"selection": {"points": [cell]}}
    page.run()
    assert f"**{last['True']}, predicted {last['Predicted']}**" in texts(page)
    assert chosen not in texts(page)


def test_a_point_lies_over_each_cell_of_a_confusion_matrix():
    chart = compare_classes.with_cells(
        compare_classes.confusion([[3, 1], [0, 2]], ("a", "b"), "Confusion")
    )
    points = chart.data[1]
    assert list(zip(points.y, points.x, points.customdata, strict=True)) == [
        ("a", "a", 3), ("a", "b", 1), ("b", "a", 0), ("b", "b", 2),
    ]  # fmt: skip
    assert points.text[1] == "25.0%" and "%{z" not in points.hovertemplate


def test_the_question_of_the_first_steps_is_asked_again_where_it_is_answered(lab):
    pair = [compared_run(lab, name) for name in ("few-scratch", "few-pretrained")]
    page = open_page("compare", runs=",".join(run.id for run in pair))
    assert "**Does pretraining help?** Two networks learn from 50 images" in texts(page)
    assert "Does pretraining help" not in texts(open_page("compare", runs=pair[0].id))


def test_the_answer_to_the_first_steps_comes_when_all_of_the_runs_have_ended(lab):
    runs = [compared_run(lab, recipe, curve=(0.3, 0.9)) for recipe in PAIR for _ in "ab"]
    with runs[-1].take_lock():
        runs[-1].write_status(state="running", finished=None)
        page = open_page("compare", runs=",".join(run.id for run in runs))
    assert "The answer comes when all have ended." in texts(page)


def test_choosing_runs_keeps_them_in_the_address(lab):
    one, two = compared_run(lab), compared_run(lab, changes={"lr": 0.02})
    page = open_page("compare")
    assert "Choose runs above" in texts(page)
    page.multiselect(key="runs").set_value([two.id, one.id]).run()
    assert not page.exception and page.query_params["runs"] == f"{two.id},{one.id}"
    assert "**Final accuracy.**" in texts(page)


def test_a_run_that_is_gone_is_left_out(lab):
    one = compared_run(lab)
    page = open_page("compare", runs=f"gone00,{one.id}")
    assert page.multiselect(key="runs").value == [one.id]
    assert "left out: gone00." in texts(page)


def test_a_run_under_way_shows_how_far_it_is_instead_of_an_empty_page(lab):
    done, waiting = compared_run(lab), compared_run(lab, curve=(), state="failed")
    with waiting.take_lock():
        waiting.write_status(state="queued", finished=None, message="waiting for 1 other run")
        page = open_page("compare", runs=f"{waiting.id},{done.id}")
    assert "Waiting for 1 other run." in page.get("progress")[0].proto.text
    assert waiting.id in texts(page)
    shown = texts(page).replace("\\", "")
    assert f"({waiting.id}) is queued and has not ended an epoch: it is left out" in shown
    assert f"({done.id}) is" not in shown


def test_only_runs_on_the_same_data_are_offered_together(lab):
    runs = [compared_run(lab) for _ in range(2)]
    compared_run(lab, changes={"data.name": "mnist"})
    page = open_page("compare")
    offer = next(button for button in page.button if "latest of quick" in button.label)
    assert offer.label == "The 2 latest of quick on digits"
    offer.click().run()
    assert set(page.query_params["runs"].split(",")) == {run.id for run in runs}


def test_a_run_that_repeats_another_is_no_seed_of_its_own(lab):
    first = compared_run(lab, wrong=range(2))
    seeds = [
        compared_run(lab, wrong=range(n), changes={"seed": seed}, name=f"quick seed {seed}")
        for seed, n in enumerate((2, 4, 9))
    ]
    ids = [seeds[2].id, seeds[1].id, seeds[0].id, first.id]  # the latest first, as they are offered
    (group,) = lab.compare.groups(lab.compare.subjects(ids))
    assert group.label == "quick (3 seeds)" and group.spread.n == 3
    assert [one.id for one in group.doubles] == [first.id]
    (alone,) = lab.compare.groups(lab.compare.subjects([*ids[:3]]))
    assert alone.spread == group.spread and not alone.doubles
    page = open_page("compare", runs=",".join(ids))
    assert f"quick · {first.id} counts in no mean" in texts(page)
    assert "random seed alone" in texts(page)
    page = open_page("compare", runs=f"{seeds[0].id},{first.id}")
    assert "one recipe and one seed" in texts(page) and "random seed alone" not in texts(page)
    first.write_status(fingerprint="of-other-images")
    (group,) = lab.compare.groups(lab.compare.subjects(ids))
    assert group.spread.n == 4 and not group.doubles


def test_a_studys_question_is_one_click(lab):
    pre = compared_run(lab, "mnist-resnet18-pretrained", wrong=range(3), curve=(0.9, 0.95, 0.99))
    scratch = compared_run(lab, "mnist-resnet18-scratch", wrong=range(6), curve=(0.7, 0.95, 0.97))
    page = open_page("compare")
    button = next(b for b in page.button if b.label.startswith("Study C"))
    button.click().run()
    assert not page.exception and page.query_params["runs"] == f"{pre.id},{scratch.id}"
    assert "**Pretrained against scratch.**" in texts(page)


def test_every_view_draws(lab):
    one, two = (
        compared_run(lab, wrong=range(5)),
        compared_run(lab, wrong=range(3, 12), changes={"seed": 1}),
    )
    page = open_page("compare", runs=f"{one.id},{two.id}")
    for view in ("Convergence", "Calibration", "Mistakes", "Two in detail"):
        page.segmented_control(key="view").set_value(view).run()
        assert not page.exception and not page.error, texts(page)
        if view == "Mistakes":
            assert "the lowest probability (the highest loss), worst first" in texts(page)
    headings = [one.value for one in page.subheader if one.value.startswith("Only ")]
    said = [one.value for one in page.caption if one.value.startswith("Below each: its class")]
    for right, other in ((0, 1), (1, 0)):
        assert headings[right].startswith(f"Only quick · seed {right} is correct · ")
        assert said[right].endswith(f"what **quick · seed {other}** predicted."), "by which model"
    assert [metric.value for metric in page.metric][1:4] == ["7", "3", "2"]
    page.multiselect(key="runs").set_value([one.id]).run()
    assert "Choose a second run" in texts(page)


def test_whose_curves_are_by_knn_is_said_beside_them(lab):
    usual = compared_run(lab, wrong=range(3), changes={"lr": 0.44})
    page = open_page("compare", runs=usual.id)
    page.segmented_control(key="view").set_value("Convergence").run()
    assert "by kNN" not in texts(page)
    knn = compared_run(lab, changes={"loss": "triplet", "lr": 0.44}, by_knn=True)
    page = open_page("compare", runs=f"{usual.id},{knn.id}")
    page.segmented_control(key="view").set_value("Convergence").run()
    assert "the held-out accuracy of an epoch is by kNN in the embedding" in texts(page)
    assert "Not recorded of" not in texts(page)
    page.segmented_control(key="measure").set_value("training accuracy").run()
    assert "Not recorded of loss triplet: its training accuracy." in texts(page)


def test_gaps_are_in_points_as_in_the_terminal(lab):
    runs = [
        compared_run(lab, changes={"lr": lr}, figures={"generalisation_gap": 0.0123})
        for lr in (0.1, 0.2)
    ]
    page = open_page("compare", runs=",".join(run.id for run in runs))
    figures = next(table for table in page.dataframe if "gap" in table.value)
    assert list(figures.value["gap"]) == pytest.approx([1.23, 1.23])
    assert '"%.2f points"' in figures.proto.columns


def test_where_times_are_compared_the_machines_load_is_named(lab):
    runs = [
        compared_run(lab, wrong=range(9)),
        compared_run(lab, wrong=range(4), changes={"lr": 0.2}),
    ]
    page = open_page("compare", runs=",".join(run.id for run in runs))
    assert "Times depend on what else the machine did meanwhile" in texts(page)
    table = next(t.value for t in page.dataframe if "images/s" in t.value)
    assert set(table["training time"]) == {"6.0 s"}
    assert set(table["images/s"]) == {500}, "3,000 images in six seconds, not the last epoch's"
    assert "Images/s: training images per second of that time." in texts(page)
    assert "one machine that differ neither in data, network, batch and image size" in texts(page)
    page.segmented_control(key="view").set_value("Convergence").run()
    assert "Times depend on what else the machine did meanwhile" in texts(page)


def test_runs_on_other_images_are_explained_and_not_tested(lab):
    one, other = (
        compared_run(lab),
        compared_run(lab, figures={"test_data": "mnist"}, changes={"lr": 0.3}),
    )
    page = open_page("compare", runs=f"{one.id},{other.id}")
    assert "The final scores can't be compared" in texts(page)
    subjects = lab.compare.subjects([one.id, other.id])
    lines = {line.label: line.colour for line in lines_of(lab, subjects)}
    plots = scores_by_place(lab, subjects).values()  # a plot for each set of images
    assert len(plots) == 2 == len(set(lines.values()))
    assert lines == {row.label: row.colour for rows in plots for row in rows}
    page.segmented_control(key="view").set_value("Two in detail").run()
    assert not page.exception and "not scored on the same images" in page.error[0].value


def test_recipes_that_differ_without_a_common_score_are_not_called_seeds(lab):
    one, other = (
        compared_run(lab, held="no"),
        compared_run(lab, held="no", changes={"lr": 0.3}, state="stopped"),
    )
    shown = texts(open_page("compare", runs=[one.id, other.id]))
    assert "There is no score to compare yet" in shown and "seed alone" not in shown


def test_a_mean_curve_is_the_mean_of_its_seeds_with_a_band_from_least_to_most():
    runs = [
        [
            {"epoch": e, "seconds": e * s, "held_accuracy": 0.5 + 0.1 * e + 0.1 * s}
            for e in (1, 2, 3)
        ]
        for s in (1, 3)
    ]
    both = charts.Line("both", runs, BLUE)
    chart = charts.convergence([both], "held-out accuracy", "seconds")
    band, line = chart.data
    assert list(line.x) == [2, 4, 6] and list(line.y) == pytest.approx([80, 90, 100])
    assert list(band.y) == pytest.approx([90, 100, 110, 90, 80, 70])
    assert (
        charts.convergence([both], "kNN accuracy", "epochs")
        .layout.annotations[0]
        .text.startswith("None of these")
    )


def test_confusions_are_coloured_by_the_share_of_the_true_class():
    chart = compare_classes.confusion([[8, 2], [0, 90]], ("a", "b"), "title")
    assert list(chart.data[0].z[0]) == [0.8, 0.2] and list(chart.data[0].text[1]) == ["", "90"]
    difference = compare_classes.confusion_difference(
        [[8, 2], [0, 90]], [[9, 1], [5, 85]], ("a", "b"), ("one", "two")
    )
    plot = difference.data[0]
    assert [list(row) for row in plot.z] == [[1, -1], [5, -5]] and (plot.zmin, plot.zmax) == (-5, 5)


def test_every_chart_names_its_axes():
    rows = [
        {
            "class": "a",
            "n": 9,
            "first": 0.5,
            "second": 0.6,
            "difference": 0.1,
            "only_first": 1,
            "only_second": 2,
            "p": 0.2,
        }
    ]
    found = {
        "rates": [1e-3, 1e-2],
        "losses": [2.0, 1.0],
        "smoothed": [2.0, 1.5],
        "steepest": 1e-3,
        "lowest": None,
    }
    for chart in (
        compare_classes.class_differences(rows, "one", "two", (BLUE, "#d67c6a")),
        charts.rate_search(found),
        charts.scores([charts.Score("a", [99.0], 98.0, 99.5, BLUE)], "x"),
        charts.thresholds([{"run": "1", "name": "a", "epochs_to_0.98": 3}], "epochs", {"1": BLUE}),
        compare_classes.reliability(
            {"a": [{"low": 0, "high": 1, "n": 3, "confidence": 0.5, "accuracy": 0.4}]}, {"a": BLUE}
        ),
    ):
        assert chart.layout.title.text and chart.layout.xaxis.title.text


def test_files_hold_every_row_and_the_report_opens_without_the_lab(lab):
    rows = list(csv.DictReader(io.StringIO(as_csv([{"a": 1, "b": None}, {"a": 2.5, "c": "x,y"}]))))
    assert rows == [{"a": "1", "b": "", "c": ""}, {"a": "2.5", "b": "", "c": "x,y"}]
    plot = charts.scores([charts.Score("a <b>", [99.0], 98.0, 99.5, BLUE)], "x")
    html = as_html(
        "One & two",
        ["**Final accuracy.** *a* < *b*"],
        {"Figures": [{"a_b": 0.123456, "n": None}]},
        [plot, plot],
    )
    assert (
        "<b>Final accuracy.</b> <i>a</i> &lt; <i>b</i>" in html
        and "One &amp; two" in html
        and "<td>0.1235</td><td></td>" in html
    )
    assert html.count("plotly.js v") == 1 and 'src="https://' not in html


def test_seeds_that_agree_are_drawn_with_the_interval_of_their_test_images(lab):
    runs = [compared_run(lab, wrong=range(4), changes={"seed": seed}) for seed in (0, 1)]
    ids = [run.id for run in runs]
    subjects = lab.compare.subjects(ids)
    [[row]] = scores_by_place(lab, subjects).values()
    assert (row.low, row.high) == tuple(100 * end for end in subjects[0].interval)
    assert row.note == "mean of 2 seeds; 95% interval by the 355 images"
    assert "seeds which happen to agree are not drawn as certain" in texts(
        open_page("compare", runs=",".join(ids))
    )


def test_bars_of_thresholds_leave_out_what_held_no_images_out_and_say_so(lab):
    bare = compared_run(lab, held="none", changes={"data.validation": 0}, name="bare")
    other = compared_run(lab, name="other")
    page = open_page("compare", runs=f"{bare.id},{other.id}")
    page.segmented_control(key="view").set_value("Convergence").run()
    assert not page.exception and "Not among these bars: bare" in texts(page)
    bars = [one for one in charts_of(page) if "to each held-out" in str(one["layout"]["title"])]
    assert [[bar["name"] for bar in one["data"]] for one in bars] == [["other"], ["other"]]
