"""The learning-rate finder."""

import numpy as np
import pytest
from waiting import wait_until
from weblab import charts, open_page

from engine.errors import RecipeError
from engine.lab import Lab
from engine.services.lr_finder import find_rate, judge, smooth


def test_smoothing_is_a_moving_average_without_a_start_from_zero():
    assert smooth([2.0, 2.0, 2.0]) == pytest.approx([2, 2, 2])
    assert smooth([1.0, 0.0])[1] == pytest.approx(0.9 * 0.1 / (0.9 * 0.1 + 0.1))


def test_the_suggestions_lie_where_the_loss_falls_and_well_before_its_lowest():
    rates = np.geomspace(1e-6, 1, 100).tolist()
    at = np.log10(rates)
    losses = (
        2.3 - 2 / (1 + np.exp(-4 * (at + 3))) + np.exp(4 * (at + 0.7))
    ).tolist()  # falls around 1e-3, blows up near 1
    found = judge(rates, losses)
    assert 1e-4 < found.steepest < 1e-2
    assert found.lowest == pytest.approx(rates[int(np.argmin(found.smoothed))] / 10)
    assert found.steepest < found.lowest * 10


def test_a_loss_that_never_falls_suggests_nothing():
    rates = np.geomspace(1e-6, 1, 50).tolist()
    assert judge(rates, [2.3 + i for i in range(50)]).steepest is None


def test_a_search_on_the_digits_finds_a_rate_and_leaves_no_run(tmp_path):
    lab = Lab(tmp_path)
    fields = lab.recipe("quick", {"model.options": {"width": 4}, "data.limit": 300}).model_dump(
        mode="json"
    )
    reported = []
    found = find_rate(
        lab.store,
        lambda done, total, what: reported.append((done, what)),
        fields=fields,
        low=1e-5,
        high=3,
        steps=60,
    )
    assert 1e-5 < found["steepest"] < 0.3
    assert len(found["rates"]) == len(found["losses"]) <= 60 and reported[-1][1] == "trying rates"
    assert lab.runs() == []
    with pytest.raises(RecipeError, match="did you mean 'optimizer'"):
        find_rate(lab.store, fields=fields | {"optimiser": "sgd"})


def test_the_train_page_tries_rates_in_the_background_and_draws_them(tmp_path, monkeypatch):
    monkeypatch.setenv("GLYPHLAB_HOME", str(tmp_path))
    lab = Lab(tmp_path)
    page = open_page("train", recipe="quick")
    page.button(key="quick/full/try-rates").click().run()
    assert not page.exception
    wait_until(lambda: lab.tasks("find_rate")[0].state not in ("queued", "running"))
    assert lab.tasks("find_rate")[0].state == "finished" and lab.runs() == []
    page.run()
    assert not page.exception and any(
        "Learning-rate finder" in str(chart["layout"]) for chart in charts(page)
    )
