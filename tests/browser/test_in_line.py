"""What stands where, in a real browser: in line, within the page, and off the data."""

from __future__ import annotations

import pytest
from noisy_labels import diagnosed
from weblab import Server

from engine.embedding.projection import Options
from engine.lab import Lab


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    running = Server(tmp_path_factory.mktemp("lines"))
    lab = Lab(running.home)
    diagnosed(lab, "rare", 0.03)
    lab.spaces.map(lab.spaces.embed("canvas-digits", "digits", "test"), Options(method="pca"))
    yield running
    running.close()


def opened(blank, server, path: str, width: int):
    """The page at `path` in a window so many pixels wide."""
    blank.set_viewport_size({"width": width, "height": 800})
    blank.goto(f"{server.address}{path}")
    return blank


def test_the_canvas_has_the_margins_of_its_page_on_a_phone(blank, server):
    page = opened(blank, server, "/draw", 390)
    frame, title = page.locator(".st-key-canvas iframe"), page.locator("h1")
    frame.wait_for()
    inside, above = frame.bounding_box(), title.bounding_box()
    assert inside["x"] == pytest.approx(above["x"], abs=1)
    assert inside["x"] + inside["width"] == pytest.approx(390 - above["x"], abs=1)


def test_the_tools_of_the_map_lie_beside_it(blank, server):
    page = opened(
        blank, server, "/embeddings?model=canvas-digits&data=digits&part=test&method=pca", 1024
    )
    page.locator('[class~="scatter"] canvas.over').wait_for()
    tools = page.locator('[class~="scatter"] .tools').bounding_box()
    stage = page.locator('[class~="scatter"] .stage').bounding_box()
    assert tools["x"] >= stage["x"] + stage["width"]
    page.locator('[data-do="lasso"]').click()
    assert page.locator('[data-do="lasso"]').get_attribute("aria-pressed") == "true"


def test_the_field_for_a_name_is_in_line_with_its_neighbours(blank, server):
    page = opened(blank, server, "/noise?data=noisy&section=review", 1440)
    name, label = page.locator(".st-key-person-box"), page.locator(".st-key-review-given")
    name.wait_for()
    ends = [box["y"] + box["height"] for box in (name.bounding_box(), label.bounding_box())]
    assert ends[0] == pytest.approx(ends[1], abs=2)
