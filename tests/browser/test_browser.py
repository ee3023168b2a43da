"""The lab end to end, in a real browser: train `quick` from the Train page, watch it, draw on the
canvas, see it read.
"""

from __future__ import annotations

import os
import re
import signal

import pytest
from browsing import PATIENCE_MS
from waiting import place_at_rest, wait_until
from weblab import Server

from engine.lab import Lab
from engine.sweep.spec import make_sweep

SEVEN = [
    (0.30, 0.25),
    (0.50, 0.24),
    (0.70, 0.25),
    (0.62, 0.45),
    (0.54, 0.62),
    (0.47, 0.85),
]  # shares of the pad's height, from its middle


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    running = Server(tmp_path_factory.mktemp("lab"))
    yield running
    running.close()


@pytest.fixture
def page(browser, server):
    """A fresh visitor with patience for a busy machine. What the browser complains about must not
    be ours.
    """
    context = browser.new_context(viewport={"width": 1280, "height": 1000})
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("response", lambda answer: answer.ok or wrong.append(f"{answer.status} {answer.url}"))
    yield page
    assert not page.locator('[data-testid="stException"]').count()
    context.close()
    assert not wrong


def points_of(page, chart: str) -> int:
    """How many points the curves of the chart with that title have; 0 as long as there is none."""
    return page.evaluate(
        """title => Math.max(0, ...[...document.querySelectorAll('.js-plotly-plot')]
            .filter(plot => (plot.querySelector('.gtitle') || {}).textContent === title)
            .map(plot => (plot.data || []).reduce((sum, trace) => sum + (trace.x || []).length, 0)))""",
        chart,
    )


MARKED = "[...document.querySelectorAll('.js-plotly-plot')].find(plot => plot.marked)"


def mark(page, chart: str) -> None:
    """Hang a mark on the plot with that title, which a plot that is built anew would not have."""
    named = "plot.marked = plot.querySelector('.gtitle')?.textContent === title"
    page.evaluate(
        f"title => document.querySelectorAll('.js-plotly-plot').forEach(plot => {{ {named} }})",
        chart,
    )


def zoomed(page) -> list[float]:
    """Zoom into the marked plot with the mouse; the range of epochs that it shows then."""
    box = page.evaluate_handle(f"{MARKED}.querySelector('.nsewdrag')").as_element()
    box.scroll_into_view_if_needed()
    place = place_at_rest(box, page)
    page.mouse.move(place["x"] + place["width"] * 0.2, place["y"] + place["height"] * 0.2)
    page.mouse.down()
    page.mouse.move(place["x"] + place["width"] * 0.6, place["y"] + place["height"] * 0.8, steps=5)
    page.mouse.up()
    return page.evaluate(f"{MARKED}._fullLayout.xaxis.range")


def test_a_person_trains_watches_and_draws(page, server):
    lab = Lab(server.home)
    page.goto(server.address)
    page.get_by_role("button", name="Train quick").click()
    run = wait_until(lambda: next((one for one in lab.runs() if one.epoch), None))
    pid = lab.run(run.id).status()["pid"]
    os.kill(pid, signal.SIGSTOP)  # it would be over before a busy machine has drawn it
    try:
        page.get_by_role("button", name="Stop and keep the model").wait_for()
        page.wait_for_url(re.compile(rf"[?&]run={run.id}"))
        first = wait_until(lambda: points_of(page, "Loss"), interval=0.2)
        mark(page, "Loss")
        shown = zoomed(page)
        assert shown[1] - shown[0] < 5  # of ten epochs
    finally:
        os.kill(pid, signal.SIGCONT)
    wait_until(
        lambda: points_of(page, "Loss") > first + 2, interval=0.2
    )  # it grows while the run goes on
    wait_until(lambda: not lab.runs()[0].alive, timeout=900, interval=0.2)
    run = lab.runs()[0]
    assert run.state == "finished" and run.accuracy > 0.9
    page.get_by_text("Test accuracy", exact=True).wait_for()
    page.get_by_role("button", name="Stop and keep the model").wait_for(
        state="detached"
    )  # the ended run is drawn without a timer
    wait_until(
        lambda: points_of(page, "Accuracy") >= 2 * run.epochs
    )  # the chart draws its last points after the words beside it
    assert (
        page.evaluate(f"{MARKED}._fullLayout.xaxis.range") == shown
    )  # one plot from the first point to the last, zoomed as it was

    page.get_by_role("link", name="Draw with it").click()
    canvas = page.frame_locator("iframe").locator('#pad [data-role="canvas"]')
    canvas.wait_for()
    frame = next(frame for frame in page.frames if "/canvas/" in frame.url)
    needed = "() => document.querySelector('#pad').closest('main').getBoundingClientRect().bottom"
    wait_until(
        lambda: 0 <= frame.evaluate("innerHeight") - frame.evaluate(needed) < 80,
        interval=0.2,
    )  # no room left empty
    headline = page.frame_locator("iframe").locator('#pad [data-role="headline"]')
    page.frame_locator("iframe").locator('#pad select[data-role="model"] option').first.wait_for(
        state="attached"
    )
    canvas.scroll_into_view_if_needed()
    box = place_at_rest(canvas)
    left = box["x"] + (box["width"] - box["height"]) / 2
    path = [(left + x * box["height"], box["y"] + y * box["height"]) for x, y in SEVEN]
    page.mouse.move(*path[0])
    page.mouse.down()
    for point in path[1:]:
        page.mouse.move(*point, steps=8)
    page.mouse.up()
    wait_until(
        lambda: "drawn yet" not in headline.inner_text() and headline.inner_text().strip(),
        interval=0.2,
    )
    rows = page.frame_locator("iframe").locator('#pad [data-role="rows"] li')
    wait_until(lambda: rows.count() and rows.first.inner_text().startswith("7"), interval=0.2)
    assert server.health()["torch_loaded"] is False  # the drawing was read by another process
    page.goto(server.address)
    page.get_by_text("First steps: 2 of 5 done").wait_for()


def test_a_sweep_is_gone_on_with_from_its_page_and_its_plots_are_seen(page, server):
    lab = Lab(server.home)
    changes = {"epochs": 2, "data.limit": 200, "data.limit_eval": 50, "model.options.width": 4}
    lab.sweeps.create(
        make_sweep(
            {
                "name": "tiny",
                "recipe": "quick",
                "changes": changes,
                "space": {"lr": [0.01, 0.001]},
                "trials": 2,
            }
        )
    )
    page.goto(f"{server.address}/sweeps?sweep=tiny")
    page.get_by_role("button", name="Resume").click()
    page.get_by_role("button", name="Train it again, longer").wait_for()
    wait_until(lambda: lab.sweeps.info("tiny").state == "finished")
    wait_until(lambda: points_of(page, "Learning curves") == 4)
    wait_until(lambda: points_of(page, "Value of each trial") >= 2)
    axes = page.locator('[class*="st-key-parallel"] .js-plotly-plot .shapelayer path')
    wait_until(lambda: axes.count() >= 2)  # a field of the recipe, and what it reached
    assert {run.sweep for run in lab.runs()} >= {"tiny"}
