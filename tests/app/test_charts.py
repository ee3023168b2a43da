"""The look that charts share, numbers as words, and the curves of a run."""

from __future__ import annotations

import itertools
import os
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
import pytest
from weblab import learning_rows

from app.charts import COLOURS, figure
from app.charts import words as say
from app.charts.base import class_labels, message
from app.charts.compare_classes import class_differences, confusion, with_cells
from app.charts.data import class_counts
from app.charts.learning import (
    MOST_POINTS,
    accuracy_curves,
    best_epoch,
    loss_curves,
    position,
    rate_curve,
    speed_curve,
)
from app.charts.noise import confusion as likely_given
from app.charts.noise import transition
from app.charts.space import roc
from app.palette import class_marks
from app.sections.compare.detail import cell_in

# What is seen, in linear RGB, where one kind of cones is missing: Machado, Oliveira & Fernandes 2009,
# severity 1.
SIGHTS = {
    "full": np.eye(3),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "tritanopia": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
}
CURVES = (loss_curves, accuracy_curves, rate_curve, speed_curve)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.992, "99.20%"), (1, "100.00%"), (0, "0.00%"), (None, "–"), (float("nan"), "–")],
)
def test_a_share_is_said_in_percent_with_two_decimals(value, text):
    assert say.percent(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.214, "0.2 s"),
        (0.04, "under 0.1 s"),
        (0.4, "0.4 s"),
        (9.97, "10 s"),
        (59.6, "1 min 00 s"),
        (125, "2 min 05 s"),
        (7260, "2 h 01 min"),
        (200_000, "2 d 7 h"),
        (None, "–"),
        (-1, "0.0 s"),
    ],
)
def test_a_duration_is_said_in_the_two_units_that_matter(value, text):
    assert say.seconds(value) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (7842, "7,842"),
        (147_290, "147 k"),
        (999_600, "1.00 M"),
        (55_090_000, "55.09 M"),
        (None, "–"),
    ],
)
def test_parameters_are_said_shortly(count, text):
    assert say.parameters(count) == text


def test_sizes_and_counts_have_units_and_thousands():
    assert [say.size(value) for value in (412, 31_900, 4_200_000, 5.4e9, None)] == [
        "412 B",
        "31.9 kB",
        "4.2 MB",
        "5.4 GB",
        "–",
    ]
    assert (
        say.number(60000) == "60,000" and say.number(0.5, 2) == "0.50" and say.number(None) == "–"
    )


def test_a_time_is_said_from_now_in_any_form_it_is_recorded_in():
    now = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    then = now - timedelta(minutes=5)
    for stamp in (then, then.timestamp(), "2026-01-02T02:59:05.000Z", "2026-01-02T02:59:05"):
        assert say.ago(stamp, now) == "5 min ago"
    assert [say.ago(now - timedelta(days=days), now) for days in (0, 1, 12)] == [
        "just now",
        "yesterday",
        "12 days ago",
    ]
    assert say.ago(None) == say.ago("not a time") == "–"


def test_a_figure_has_a_title_axis_titles_and_keeps_the_zoom():
    chart = figure("Accuracy", "Epoch", "Accuracy (%)", subtitle="on MNIST")
    assert chart.layout.title.text == "Accuracy" and chart.layout.title.subtitle.text == "on MNIST"
    assert (chart.layout.xaxis.title.text, chart.layout.yaxis.title.text) == (
        "Epoch",
        "Accuracy (%)",
    )
    assert chart.layout.uirevision == "Accuracy"


def linear_rgb(colour: str) -> np.ndarray:
    parts = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)


def lab_of(linear: np.ndarray) -> np.ndarray:
    """CIELAB under D65."""
    to_xyz = [[0.4125, 0.3576, 0.1804], [0.2127, 0.7152, 0.0722], [0.0193, 0.1192, 0.9503]]
    x, y, z = np.cbrt(to_xyz @ np.clip(linear, 0, 1) / (0.9505, 1, 1.0888))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def luminance(linear: np.ndarray) -> float:
    return float(linear @ (0.2126, 0.7152, 0.0722))


def contrast(a: str, b: str) -> float:
    low, high = sorted(luminance(linear_rgb(colour)) for colour in (a, b))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("count", [1, 10, 26, 62])
def test_every_class_has_a_mark_of_its_own(count):
    marks = class_marks(count)
    assert len(set(zip(*marks, strict=True))) == count == len(marks.shapes)
    assert all(shape == 0 for shape in marks.shapes[: len(COLOURS)])


@pytest.mark.parametrize("sight", SIGHTS)
def test_classes_of_one_shape_have_colours_that_colour_blind_eyes_tell_apart(sight):
    seen = [lab_of(SIGHTS[sight] @ linear_rgb(colour)) for colour in COLOURS]
    apart = [np.linalg.norm(a - b) for a, b in itertools.combinations(seen, 2)]
    assert min(apart) > 10


def test_the_palette_can_be_told_from_white_and_from_the_dark_ground():
    for colour in COLOURS:
        assert contrast(colour, "#fcfcfd") > 2.4 and contrast(colour, "#14181f") > 3, colour


@pytest.mark.parametrize("curve", CURVES)
def test_a_run_without_a_point_says_what_to_wait_for(curve):
    chart = curve([])
    assert not chart.data and chart.layout.annotations[0].text


@pytest.mark.parametrize("curve", CURVES)
def test_every_curve_has_titles_and_counts_epochs_along(curve):
    chart = curve(learning_rows(3))
    assert isinstance(chart, go.Figure) and chart.data
    assert (
        chart.layout.title.text
        and chart.layout.xaxis.title.text == "Epoch"
        and chart.layout.yaxis.title.text
    )
    assert chart.layout.xaxis.range[0] == 0 and chart.layout.xaxis.range[1] >= 3


def test_a_step_lies_within_its_epoch_and_an_epoch_at_its_end():
    rows = learning_rows(2, steps=4)
    assert [position(row) for row in rows] == [0.25, 0.5, 0.75, 1, 1, 1.25, 1.5, 1.75, 2, 2]


def test_loss_has_live_points_before_the_first_epoch_ends():
    chart = loss_curves(learning_rows(1, steps=3)[:2])
    assert [trace.name for trace in chart.data] == ["Training, single steps"] and len(
        chart.data[0].x
    ) == 2


def test_live_points_are_not_joined_across_epochs_that_have_none():
    rows = [
        {"kind": "step", "epoch": epoch, "step": 1, "steps": 1, "loss": 1 / epoch}
        for epoch in (1, 2, 6, 7)
    ]
    live = loss_curves(rows).data[0]
    assert list(live.x) == [1, 2, None, 6, 7] and live.y[2] is None and "markers" in live.mode
    joined = loss_curves(rows[:2]).data[0]
    assert list(joined.x) == [1, 2]


def test_live_points_that_no_line_joins_are_called_what_they_are():
    """A run of three epochs of four steps each may be over before a second one is due."""
    rows = learning_rows(3, steps=4)
    short = [rows[0], *(row for row in rows if row["kind"] == "epoch")]
    live = loss_curves(short).data[0]
    assert (live.name, live.mode) == ("Training, step 1 of epoch 1", "markers")
    assert live.opacity > 0.5 and live.marker.size > 6
    far = [
        row
        for row in rows
        if row["kind"] == "epoch" or (row["epoch"], row["step"]) in ((1, 1), (3, 1))
    ]
    live = loss_curves(far).data[0]
    assert (live.name, live.mode) == ("Training, single steps", "markers")
    assert loss_curves(rows).data[0].name == "Training, single steps"


def test_a_last_epoch_that_is_kept_though_another_was_better_is_called_the_last():
    rows = learning_rows(3)
    for row, share in zip(
        (row for row in rows if row["kind"] == "epoch"), (0.8, 0.9, 0.85), strict=True
    ):
        row.update(val_accuracy=share, best=share == 0.85)
    (mark,) = [trace.name for trace in accuracy_curves(rows).data if "Kept" in trace.name]
    assert mark == "Kept, the last epoch: 85.00%"


def test_accuracy_is_in_percent_and_marks_the_epoch_that_is_kept():
    rows = learning_rows(3)
    rows[-1]["best"] = False
    chart = accuracy_curves(rows)
    validation = next(trace for trace in chart.data if trace.name == "Validation")
    assert list(validation.y) == pytest.approx([60, 80, 100 * (1 - 0.4 / 3)])
    assert best_epoch(rows)["epoch"] == 2
    mark = chart.data[-1]
    # A recipe may choose by the loss, or keep the last: the kept one is called best only if it is.
    assert mark.name == "Kept: 80.00%" and list(mark.x) == [2]
    assert accuracy_curves(rows[: rows.index(best_epoch(rows)) + 1]).data[-1].name == "Best: 80.00%"


def test_the_words_of_a_line_on_a_logarithmic_axis_stand_at_the_line():
    chart = roc([{"name": "ours", "verification": {"roc": [[1e-3, 0.9], [1.0, 1.0]]}}])
    (line,), (words,) = chart.layout.shapes, chart.layout.annotations
    assert words.text == "FAR 10⁻³" and 10**words.x == pytest.approx(line.x0)


def test_a_loss_on_distances_is_not_said_to_be_in_nats():
    assert loss_curves(learning_rows(3), nats=False).layout.yaxis.title.text == "Loss"


def test_the_kept_epoch_is_said_to_be_the_last_of_equal_ones():
    rows = [{**row, "val_accuracy": 1.0} for row in learning_rows(3)]
    mark = accuracy_curves(rows).data[-1]
    assert mark.name == "Best, the last of 3 equal epochs: 100.00%" and list(mark.x) == [3]


def test_a_figure_that_a_run_has_not_is_left_out():
    rows = [{**row, "val_loss": None, "val_accuracy": None} for row in learning_rows(2)]
    assert {trace.name for trace in accuracy_curves(rows).data} == {"Training"}
    assert "Validation" not in {trace.name for trace in loss_curves(rows).data}


def test_a_chart_waits_for_pandas_that_another_thread_is_importing(tmp_path):
    # A slow pandas of our own: half imported it has no Series, as the real one had when the canvas
    # was being built.
    (tmp_path / "pandas.py").write_text(
        "import time\ntime.sleep(1)\nclass Series: ...\nclass Index: ...\nclass DataFrame: ...\n"
    )
    script = """
import sys, threading, time
from app.charts.learning import loss_curves
from weblab import learning_rows
threading.Thread(target=__import__, args=("pandas",)).start()
while "pandas" not in sys.modules:
    time.sleep(0.01)
print(len(loss_curves(learning_rows()).data))
"""
    tests = Path(__file__).parents[1]
    places = [str(tmp_path), str(tests / "support"), str(tests.parent)]
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(places)}
    done = subprocess.run(
        [sys.executable, "-c", script], env=environ, capture_output=True, text=True, timeout=900
    )
    assert done.stdout.strip() == "3", done.stderr


def test_the_axis_reaches_to_the_planned_end_from_the_first_point_on():
    rows = learning_rows(1, steps=3)[:1]
    for curve in CURVES:
        if curve is not accuracy_curves:  # which has its first point after an epoch
            assert curve(rows, 10).layout.xaxis.range[1] == pytest.approx(10.2)
    assert accuracy_curves(learning_rows(3), 10).layout.xaxis.range[1] == pytest.approx(
        3.06
    )  # what the rows say counts


def test_a_new_stage_is_marked():
    rows = learning_rows(4)
    for row in rows:
        row["stage"] = 1 if row["epoch"] <= 2 else 2
    chart = loss_curves(rows)
    assert [shape.x0 for shape in chart.layout.shapes] == [2] and chart.layout.annotations[
        0
    ].text == "stage 2"


def test_a_long_run_is_thinned_but_its_last_point_stays():
    rows = [row for row in learning_rows(1, steps=5000) if row["kind"] == "step"]
    live = loss_curves(rows).data[0]
    assert len(live.x) <= MOST_POINTS + 1 and live.x[-1] == 1.0


def test_a_message_stands_where_the_chart_will_be():
    long = message("Accuracy", "Comes with the end of the first epoch, which a phone's width cuts.")
    assert max(map(len, long.layout.annotations[0].text.split("<br>"))) <= 36
    chart = message("Accuracy", "Soon.")
    assert (
        chart.layout.title.text == "Accuracy"
        and chart.layout.annotations[0].text == "Soon."
        and not chart.layout.xaxis.visible
    )


def test_a_persons_words_in_markdown_make_no_picture_no_link_and_no_tag():
    from markdown_it import MarkdownIt

    render = MarkdownIt("commonmark").enable("table").render
    for text in (
        "<img src=x onerror=alert(1)>",
        "![x](http://e/x.png)",
        "[a](javascript:b)",
        "**b** `c`",
    ):
        shown = render(f"Saved as **{say.literal(text)}**.")
        assert shown.count("<") == 4 and "img" not in shown.replace("&lt;img", ""), shown
    for picture in (":material/school: T", ":smile:", ":Material/home:"):
        said = say.literal(picture)
        assert not re.search(r":[\w+/-]+:", said) and said.replace("\u2060", "") == picture
    bare = say.literal("http://e.example or WWW.e.example")  # links as GitHub's Markdown makes them
    assert "http://" not in bare and "WWW." not in bare


UGLY = ["<b>bold<", "an & 'other'", "ab" * 60, "ab" * 60 + "c", "0"]


def test_class_names_stand_on_axes_as_they_are_and_leave_the_plot_room():
    labels = class_labels(UGLY)
    assert labels[0] == "&lt;b&gt;bold&lt;" and labels[1] == "an &amp; 'other'"
    assert max(map(len, labels)) <= 24 and "…" in labels[2] and labels[4] == "0"
    assert (
        len(set(class_labels(["ab" * 60 + end for end in ("c" + "ab" * 9, "d" + "ab" * 9)]))) == 2
    )
    counts = np.ones((3, len(UGLY)), int)
    rows = [
        dict.fromkeys(("first", "second", "difference", "p"), 0.5)
        | {"class": name, "n": 9, "only_first": 1, "only_second": 2}
        for name in UGLY
    ]
    bars = class_counts(UGLY, counts).data[0]
    differences = class_differences(rows, "<i>one", "two", ("#111", "#222"))
    whole = [name.replace("<br>", "") for name in bars.customdata]
    assert (
        list(bars.x)
        == labels
        == list(differences.data[0].x)
        == list(differences.layout.xaxis.tickvals)
    )
    assert whole[2:] == UGLY[2:] and whole[0] == labels[0], "all of it where one points at the bar"
    assert [row[6].replace("<br>", "") for row in differences.data[0].customdata] == whole
    assert "<i>" not in differences.data[0].hovertemplate
    matrix = [[1] * len(UGLY)] * len(UGLY)
    for chart in (
        transition(matrix, UGLY),
        confusion(matrix, UGLY, "<i>one"),
        likely_given(matrix, UGLY),
    ):
        assert list(chart.data[0].x) == list(chart.data[0].y) == labels
        assert list(chart.layout.xaxis.tickvals) == labels and "<i>" not in chart.layout.title.text
        assert UGLY[3] in chart.data[0].hovertext[0][3].replace("<br>", ""), "under the pointer"
        assert "%{hovertext}" in chart.data[0].hovertemplate
    cells = with_cells(confusion(matrix, UGLY, "one")).data[1]
    assert len(cells.hovertext) == len(cells.x) == len(UGLY) ** 2
    assert with_cells(confusion([[1]], ["0"], "one")).data[1].hovertext is None


def test_a_click_on_a_cell_of_a_confusion_matrix_is_of_the_classes_however_they_are_written():
    labels = class_labels(UGLY)
    picked = {"selection": {"points": [{"x": labels[0], "y": labels[2]}]}}
    assert cell_in(picked, UGLY) == (UGLY[2], UGLY[0])
    assert cell_in({"selection": {"points": [{"x": "gone", "y": labels[2]}]}}, UGLY) is None
    assert cell_in({"selection": {"points": []}}, UGLY) is None and cell_in(None, UGLY) is None
