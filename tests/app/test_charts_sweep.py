"""The charts of a sweep."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from plotly.colors import hex_to_rgb, unlabel_rgb
from weblab import learning_rows

from app.charts import sweep as charts
from app.charts.learning import loss_curves
from app.charts.parallel import dimension, parallel
from app.glossary import TERMS
from app.theme import DARK, LIGHT
from engine.sweep.spec import SweepSpec

GROUNDS = (LIGHT["backgroundColor"], DARK["backgroundColor"])


def contrast(colour, ground) -> float:
    """Of two colours (3,), the first in 0..1 and the second in 0..255, as WCAG 2 has it."""
    pair = np.array([colour, np.array(ground) / 255])
    linear = np.where(pair <= 0.04045, pair / 12.92, ((pair + 0.055) / 1.055) ** 2.4)
    low, high = sorted(linear @ (0.2126, 0.7152, 0.0722))
    return (high + 0.05) / (low + 0.05)


def trial(number: int, value: float | None, state: str = "finished", **values) -> SimpleNamespace:
    history = () if value is None else (value / 2, value)
    return SimpleNamespace(
        number=number,
        state=state,
        value=value,
        history=history,
        values=values or {"lr": 0.1, "batch_norm": True},
    )


TRIALS = [
    trial(0, 0.5, lr=0.1, activation="ReLU"),
    trial(1, 0.7, lr=0.01, activation="GELU"),
    trial(2, 0.6, lr=0.01, activation="ReLU"),
    trial(3, 0.1, "pruned", lr=0.1, activation="GELU"),
    trial(4, None, "running", lr=0.1, activation="SiLU"),
]


def test_history_shows_every_trial_and_the_best_so_far_in_percent():
    figure = charts.history(TRIALS, "val_accuracy", "maximize")
    by_name = {trace.name: trace for trace in figure.data}
    assert list(by_name["finished"].y) == [50, 70, 60]
    assert list(by_name["best so far"].x) == [0, 1, 2, 3]  # it holds to the last trial
    assert list(by_name["best so far"].y) == [50, 70, 70, 70]
    assert list(by_name["pruned"].x) == [3]
    assert figure.layout.yaxis.title.text == "Validation accuracy (%)"


def test_a_loss_is_drawn_in_nats_and_less_is_better():
    figure = charts.history(TRIALS, "val_loss", "minimize")
    assert list(next(trace for trace in figure.data if trace.name == "best so far").y) == [
        0.5,
        0.5,
        0.5,
        0.5,
    ]
    assert figure.layout.yaxis.title.text == "Validation loss (nats)"


def test_parallel_coordinates_draw_each_trial_through_its_values_the_best_on_top():
    figure = parallel(TRIALS, "val_accuracy", "maximize")
    lines = [trace for trace in figure.data if trace.mode == "lines" and len(trace.x)]
    # lr (0.01 at the foot, 0.1 at the top), activation (GELU, ReLU), accuracy (10 to 70%)
    assert [list(trace.y) for trace in lines] == [
        [1, 0, 0, None],
        [1, 1, pytest.approx(2 / 3), None],
        [0, 1, pytest.approx(5 / 6), None],
        [0, 0, 1, None],
    ]
    assert lines[-1].line.color != lines[0].line.color
    assert lines[-1].customdata[0] == "trial 1: 70.00<br>lr: 0.01<br>activation: GELU"
    words = [note.text for note in figure.layout.annotations]
    assert {"lr", "0.01", "0.1", "activation", "GELU", "ReLU", "Validation accuracy (%)"} <= {
        *words
    }
    assert len(figure.layout.shapes) == 3
    less = parallel(TRIALS, "val_loss", "minimize")
    assert [trace.y[0] for trace in less.data if trace.mode == "lines" and len(trace.x)][-1] == 1


def test_axes_of_numbers_have_round_ticks_and_one_value_stands_in_the_middle():
    axis = dimension("lr", [0.011 * n for n in range(1, 9)])
    assert axis["ticktext"] == ["0.02", "0.04", "0.06", "0.08"]
    figure = parallel([TRIALS[0]], "val_accuracy", "maximize")
    assert [y for trace in figure.data for y in trace.y if y is not None] == [0.5] * 3


def test_wide_ranges_are_drawn_by_order_of_magnitude():
    axis = dimension("weight_decay", [10.0**-power for power in range(8)])
    assert axis["ticktext"][0] == "1e-07"
    assert (min(axis["tickvals"]), max(axis["tickvals"])) == (
        min(axis["values"]),
        max(axis["values"]),
    )  # none beyond the axis
    assert axis["values"][0] == 0


def test_few_numbers_stand_by_value_too_and_words_at_equal_distances():
    axis = dimension("rotate", [0, 15, 5, 15])
    assert axis["values"] == [0, 15, 5, 15]
    assert (axis["tickvals"], axis["ticktext"]) == ([0, 5, 15], ["0", "5", "15"])
    near = dimension("lr", [0.1, 0.0999, 0.02])  # two texts on one place could not be read
    assert "0.0999" not in near["ticktext"]
    assert dimension("activation", ["ReLU", "GELU", "SiLU"])["values"] == [1, 0, 2]


def test_an_axis_is_by_logarithm_where_the_sweep_drew_so_and_says_it():
    trials = [trial(n, 0.5, lr=lr, clip=clip) for n, lr, clip in ((0, 0.01, 1), (1, 0.1, 100))]
    figure = parallel(trials, "val_accuracy", "maximize", log={"lr": True, "clip": False})
    words = {note.text for note in figure.layout.annotations}
    assert {"lr (log)", "clip"} <= words
    middle = dimension("lr", [0.01, 0.1, 10**-1.5], log=True)["values"]
    assert middle == pytest.approx([-2, -1, -1.5])
    space = {"lr": {"low": 1, "high": 9, "log": True}, "clip": {"low": 1, "high": 9}, "size": [28]}
    spec = SweepSpec.model_validate({"name": "a", "recipe": "quick", "space": space})
    assert spec.by_log == {"lr": True, "clip": False}


def test_the_worst_trials_line_is_seen_on_both_grounds():
    ten = [trial(n, n / 10) for n in range(10)]
    for line in parallel(ten, "val_accuracy", "maximize").data:
        if line.mode == "lines" and len(line.x):
            colour = [part / 255 for part in unlabel_rgb(line.line.color)]
            assert all(contrast(colour, hex_to_rgb(ground)) >= 3 for ground in GROUNDS)


def test_curves_name_the_best_trial():
    figure = charts.curves(TRIALS, "val_accuracy", best=1)
    assert figure.data[-1].name == "best: trial 1"
    assert list(figure.data[-1].y) == [35, 70]
    assert len(figure.data) == 3  # one a state, however many trials, and the best


def test_importance_has_a_bar_a_field_largest_on_top():
    [bar] = charts.importance({"model.options.dropout": 0.2, "lr": 0.8}, "val_accuracy").data
    assert (list(bar.y), list(bar.x)) == (["dropout", "lr"], [20, 80])


def test_importances_sum_to_100_and_say_how_many_trials_they_are_from():
    shares = {"rotate": 0.636, "lr": 0.2361, "width": 0.1279}  # each rounded: 64, 24 and 13
    figure = charts.importance(shares, "val_accuracy", 12)
    texts = [int(text.rstrip("%")) for text in figure.data[0].text]
    assert (
        sum(texts) == 100
        and max(abs(t - 100 * s) for t, s in zip(texts[::-1], shares.values(), strict=True)) < 1
    )
    assert "from 12 finished trials: the fewer, the rougher" in figure.layout.title.subtitle.text


def test_what_several_settings_explain_together_is_shown_as_interactions():
    chart = charts.importance({"rotate": 0.6361, "lr": 0.2942}, "val_accuracy", 12)
    [bar] = chart.data
    assert (list(bar.y), list(bar.text)) == (
        ["interactions", "lr", "rotate"],
        ["7%", "29%", "64%"],
    )
    assert bar.customdata[0] == "interactions of several settings" and bar.customdata[2] == "rotate"
    assert bar.marker.color[0] != bar.marker.color[1] == bar.marker.color[2]
    assert "explained" in chart.layout.xaxis.title.text
    assert "Interactions" in TERMS["importance"].what


def _luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_the_lines_of_trials_and_runs_are_legible_on_the_dark_ground():
    lines = [
        *charts.curves(TRIALS, "val_accuracy", best=1).data,
        *loss_curves(learning_rows()).data,
    ]
    shown = [line for line in lines if line.name != "Training, single steps"]
    colours = {line.line.color for line in shown}
    assert len(colours) >= 4 and {line.opacity for line in shown} <= {None, 1}
    for colour in colours:
        one, other = sorted((_luminance(colour), _luminance(DARK["backgroundColor"])))
        assert (other + 0.05) / (one + 0.05) >= 3, colour


def test_one_value_has_no_scale_of_colours():
    bar = [
        parallel(some, "val_accuracy", "maximize").data[-1].marker for some in (TRIALS[:1], TRIALS)
    ]
    assert [marker.showscale for marker in bar] == [False, True]


def test_ticks_of_parallel_coordinates_stand_on_the_pages_ground():
    notes = parallel(TRIALS, "val_accuracy", "maximize").layout.annotations
    named = {note.text for note in notes if note.name == "on lines"}
    assert {"0.01", "0.1", "GELU", "ReLU"} <= named and "lr" not in named


@pytest.mark.parametrize(
    "figure",
    [
        charts.history([], "val_accuracy", "maximize"),
        parallel([TRIALS[4]], "val_accuracy", "maximize"),
        charts.curves([], "val_accuracy", None),
        charts.importance({}, "val_accuracy"),
    ],
)
def test_where_there_is_nothing_to_draw_the_chart_says_so(figure):
    assert figure.layout.annotations[0].text


def test_drawn_numbers_are_read_with_four_digits_and_few_trials_are_counted_one_by_one():
    one = trial(0, 0.5, weight_decay=0.0015119336467641006, depth=3)
    assert dimension("weight_decay", [0.0015119336467641006])["ticktext"] == ["0.001512"]
    assert charts.describe(one.values) == "weight_decay: 0.001512<br>depth: 3"
    assert charts.history([one], "val_accuracy", "maximize").layout.xaxis.dtick == 1
    assert charts.curves([one], "val_accuracy", 0).layout.xaxis.dtick == 1
