"""The embedding explorer in a real browser: a point's card, a lasso's gallery, an address that brings both back."""

from __future__ import annotations

import re

import pytest
from conftest import wait_until
from test_browser import browser  # noqa: F401 - a fixture
from weblab import Server

from engine.lab import Lab
from engine.projection import Options

MAP = '[class~="scatter"] canvas.over'


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    running = Server(tmp_path_factory.mktemp("explorer"))
    spaces = Lab(running.home).spaces
    spaces.map(spaces.embed("canvas-digits", "digits", "test"), Options(method="pca"))
    yield running
    running.close()


@pytest.fixture
def page(browser, server):  # noqa: F811
    context = browser.new_context(viewport={"width": 1280, "height": 1000})
    context.set_default_timeout(60_000)
    page = context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.goto(f"{server.address}/embeddings?model=canvas-digits&data=digits&part=test&method=pca")
    page.locator(MAP).wait_for()
    page.get_by_text("Walk through the space").wait_for()
    yield page
    assert not page.locator('[data-testid="stException"]').count()
    context.close()
    assert not wrong


def a_point(page) -> tuple[float, float]:
    """A place on the screen where the map shows a point: the pointer wanders until an image appears beside it."""
    box = page.locator(MAP).bounding_box()

    def found():
        for row in range(2, 19):
            for column in range(2, 19):
                at = box["x"] + box["width"] * column / 20, box["y"] + box["height"] * row / 20
                page.mouse.move(*at)
                if page.locator('[class~="scatter"] .tip img').is_visible():
                    return at
        return None

    return wait_until(found, timeout=60)


def test_a_click_shows_thirteen_neighbours_and_the_address_keeps_it(page):
    page.mouse.click(*a_point(page))
    page.get_by_text("Its 13 nearest vote for").wait_for()
    assert page.locator(".images figure").count() == 13
    number = re.search(r"[?&]at=(\d+)", page.url)[1]
    page.reload()
    page.get_by_text("Its 13 nearest vote for").wait_for()
    assert f"image {int(number):,}" in page.locator('[data-testid="stMain"]').inner_text()


def test_a_lasso_shows_its_gallery_and_escape_clears_it(page):
    x, y = a_point(page)
    page.keyboard.down("Shift")
    page.mouse.move(x - 60, y - 60)
    page.mouse.down()
    for dx, dy in ((60, -60), (60, 60), (-60, 60), (-60, -60)):
        page.mouse.move(x + dx, y + dy, steps=5)
    page.mouse.up()
    page.keyboard.up("Shift")
    said = page.get_by_text("images selected").first
    said.wait_for()
    count = int(said.inner_text().split()[0].replace(",", ""))
    assert count >= 1 and page.locator(".images figure").count() == min(count, 60) and "selection=" in page.url
    page.locator(MAP).press("Escape")
    page.get_by_text("Walk through the space").wait_for()
    assert "selection=" not in page.url
