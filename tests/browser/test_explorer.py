"""The embedding explorer in a real browser: a point's card, a lasso's gallery, an address that
brings both back.
"""

from __future__ import annotations

import io
import re

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect
from waiting import place_at_rest, wait_until
from weblab import Server

from engine.embedding.projection import Options
from engine.lab import Lab

EXPLORER = "/embeddings?model=canvas-digits&data=digits&part=test&method=pca"
BESIDE = """(tip, x) => {
    const { left, right } = tip.getBoundingClientRect();
    return Math.min(Math.abs(left - x - 16), Math.abs(x - 16 - right)) < 2;
}"""
MAP = '[class~="scatter"] canvas.over'


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    running = Server(tmp_path_factory.mktemp("explorer"))
    spaces = Lab(running.home).spaces
    spaces.map(spaces.embed("canvas-digits", "digits", "test"), Options(method="pca"))
    yield running
    running.close()


@pytest.fixture
def page(blank, server):
    blank.goto(f"{server.address}{EXPLORER}")
    blank.locator(MAP).wait_for()
    blank.get_by_text("Explore the map").wait_for()
    return blank


def a_point(page) -> tuple[float, float]:
    """A place on the screen where the map shows a point: the pointer wanders until an image appears
    beside it.
    """
    box = place_at_rest(page.locator(MAP))
    tip = page.locator('[class~="scatter"] .tip')

    def found():
        for row in range(2, 19):
            for column in range(2, 19):
                at = box["x"] + box["width"] * column / 20, box["y"] + box["height"] * row / 20
                page.mouse.move(*at)
                # A map that is still being drawn leaves the image where the pointer was before.
                if tip.locator("img").is_visible() and tip.evaluate(BESIDE, at[0]):
                    return at
        return None

    return wait_until(found)


def test_a_click_shows_thirteen_neighbours_and_the_address_keeps_it(page):
    page.mouse.click(*a_point(page))
    page.get_by_text("Its 13 nearest vote for").wait_for()
    expect(page.locator(".st-key-neighbours .glyphs figure")).to_have_count(13)
    page.wait_for_url(re.compile(r"[?&]at=\d+"))
    number = re.search(r"[?&]at=(\d+)", page.url)[1]
    lines = page.get_by_title("Lines of equal density (C)")
    lines.hover()  # and no point any more, whose ring would go
    page.evaluate(
        "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
    )
    drawn = "canvas => canvas.toDataURL()"
    before = page.locator(MAP).evaluate(drawn)
    lines.click()
    wait_until(lambda: page.locator(MAP).evaluate(drawn) != before)
    page.reload()
    page.get_by_text("Its 13 nearest vote for").wait_for()
    expect(page.get_by_test_id("stMain")).to_contain_text(f"image {int(number) + 1:,}")


def test_a_lasso_shows_its_gallery_and_escape_clears_it(page):
    x, y = a_point(page)
    page.keyboard.down("Shift")
    page.mouse.move(x - 60, y - 60)
    page.mouse.down()
    for dx, dy in ((60, -60), (60, 60), (-60, 60), (-60, -60)):
        page.mouse.move(x + dx, y + dy, steps=5)
    page.mouse.up()
    page.keyboard.up("Shift")
    line = page.get_by_text("images selected").first
    line.wait_for()
    count = int(line.inner_text().split()[0].replace(",", ""))
    assert count >= 1
    page.wait_for_url(re.compile("selection="))
    expect(page.locator(".glyphs figure")).to_have_count(min(count, 60))
    page.locator(MAP).press("Escape")
    page.get_by_text("Explore the map").wait_for()
    page.wait_for_url(lambda address: "selection=" not in address)


def test_the_pointer_tells_a_label_that_was_changed_beside_the_map(page, server):
    space = Lab(server.home).spaces.find("canvas-digits", "digits", "test")
    page.goto(f"{page.url}&selection={space.keep_selection(np.arange(len(space)))}")
    page.get_by_text("images selected").wait_for()
    tip = page.locator('[class~="scatter"] .tip b')
    a_point(page)
    given = tip.inner_text()
    assert given in space.classes
    page.get_by_role("combobox", name="Label").fill("star")
    page.keyboard.press("Enter")
    page.locator(".st-key-gallery-relabel button:enabled").click()
    page.get_by_text("of which were changed").wait_for()
    a_point(page)
    expect(tip).to_have_text(f"labelled star, was {given}")
    page.locator(".st-key-gallery-undo button:enabled").first.click()
    page.get_by_text("of which were changed").wait_for(state="detached")
    a_point(page)
    expect(tip).to_have_text(given)


def test_a_pointer_on_the_map_does_no_harm_before_its_colours_have_come(blank, server):
    held = []
    blank.route("**/layer/**", lambda route: held.append(route))
    with blank.expect_response("**/points/**"):
        blank.goto(f"{server.address}{EXPLORER}")
    wait_until(lambda: blank.wait_for_timeout(20) or held)
    box = place_at_rest(blank.locator(MAP))
    for row in range(1, 20):
        blank.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] * row / 20, steps=20)
    blank.set_viewport_size({"width": 1200, "height": 900})
    assert len(held) == 1
    held[0].continue_()
    a_point(blank)


def test_a_map_that_does_not_come_says_so(blank, server):
    blank.route("**/points/**", lambda route: route.abort())
    blank.goto(f"{server.address}{EXPLORER}")
    blank.get_by_text("The map could not be loaded: the lab does not answer.").wait_for()


def test_a_map_that_is_scrolled_under_the_head_of_the_page_is_whole(blank, server):
    """Without a graphics card Chromium shows a scrolled WebGL canvas without its bottom."""
    blank.set_viewport_size({"width": 1280, "height": 640})
    blank.goto(f"{server.address}{EXPLORER}")
    blank.locator('[class~="scatter"] .words', has_text="images").wait_for()
    blank.locator('[class~="scatter"] .legend').scroll_into_view_if_needed()
    blank.locator(MAP).press("+")
    blank.locator(MAP).press("ArrowUp")
    drawn = """canvas => {
      const at = canvas.getBoundingClientRect(), low = Math.floor(canvas.height * 0.7), rest = canvas.height - low;
      const data = canvas.getContext("2d").getImageData(0, low, canvas.width, rest).data;
      const solid = data.filter((_, i) => i % 4 === 3).reduce((count, alpha) => count + (alpha > 200), 0);
      return [at.x, at.y + low, at.width, rest, solid]; }"""

    def whole() -> bool:
        x, y, width, height, count = blank.locator('[class~="scatter"] .points').evaluate(drawn)
        clip = {"x": x, "y": y, "width": width, "height": height}
        with Image.open(io.BytesIO(blank.screenshot(clip=clip))) as shot:
            pixels = np.asarray(shot.convert("RGB")).astype(int)
        seen = (pixels.max(2) - pixels.min(2) > 40).sum()
        return count > 500 and seen > 0.7 * count

    wait_until(whole)


def test_the_map_and_its_legend_fit_a_projectors_window(page):
    page.set_viewport_size({"width": 1024, "height": 768})
    legend = page.locator('[class~="scatter"] .legend').first

    def fits() -> bool:  # the legend's lower edge, and still a map; the layout follows the window
        below, drawn = legend.bounding_box(), page.locator(MAP).bounding_box()
        return bool(
            below and drawn and below["y"] + below["height"] <= 768 and drawn["height"] >= 298
        )

    wait_until(fits)
