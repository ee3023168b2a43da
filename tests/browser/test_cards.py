"""From an image beside a drawing to its card, in a real browser."""

from __future__ import annotations

import pytest
from browsing import PATIENCE_MS
from hands import SYMBOLS
from playwright.sync_api import expect
from waiting import place_at_rest, wait_until
from weblab import Server


@pytest.fixture(scope="module")
def server(tmp_path_factory, real_data):
    running = Server(tmp_path_factory.mktemp("cards"), GLYPHLAB_DATA=str(real_data))
    yield running
    running.close()


def test_a_neighbour_of_a_drawing_opens_its_card_in_a_tab_of_its_own(browser, server):
    context = browser.new_context(viewport={"width": 1280, "height": 1000})
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.goto(f"{server.address}/draw?model=canvas-digits")
    frame = page.frame_locator("iframe")
    frame.locator('#pad [data-role="model"] option').first.wait_for(state="attached")
    canvas = frame.locator('#pad [data-role="canvas"]')
    canvas.scroll_into_view_if_needed()
    box = place_at_rest(canvas)
    left = box["x"] + (box["width"] - box["height"]) / 2
    for stroke in SYMBOLS["7"]:
        points = [
            (left + (0.2 + 0.6 * x) * box["height"], box["y"] + (0.2 + 0.6 * y) * box["height"])
            for x, y in stroke
        ]
        page.mouse.move(*points[0])
        page.mouse.down()
        for point in points[1:]:
            page.mouse.move(*point, steps=4)
        page.mouse.up()
    link = frame.get_by_role("link", name="Training image of 7").first
    link.wait_for()
    headline = frame.locator('#pad [data-role="headline"]')
    expect(headline).to_have_text("Most like 7")  # the answer to the whole drawing
    link.focus()
    with context.expect_page() as opened:
        page.keyboard.press("Enter")
    card = opened.value
    card.get_by_text("given 7", exact=False).first.wait_for()
    assert "/sample?data=" in card.url
    card.get_by_role("heading", name="7", exact=True).wait_for()
    card.close()
    page.bring_to_front()
    assert headline.inner_text() == "Most like 7"  # the drawing is still there
    wait_until(lambda: link.evaluate("node => node === document.activeElement"))
    assert server.health()["torch_loaded"] is False
    context.close()
