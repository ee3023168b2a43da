"""The Draw page while its canvas does not come: never an empty page without a word."""

from __future__ import annotations

import pytest
from browsing import PATIENCE_MS
from playwright.sync_api import expect
from weblab import Server

READY = '[data-role="model"] option'
HURRY = "document.getAnimations().filter(one => one.animationName === 'gl-late').map(one => one.finish()).length"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    running = Server(tmp_path_factory.mktemp("draw"))
    yield running
    running.close()


def test_a_canvas_that_is_late_is_said_to_be_loading_and_then_what_to_do(blank, server):
    held, through = [], []

    def wait(route) -> None:
        route.continue_() if through else held.append(route)

    blank.route("**/canvas/**", wait)
    blank.goto(f"{server.address}/draw?model=canvas-digits")
    loading, late = (
        blank.get_by_text("The canvas is loading…"),
        blank.get_by_text("This takes long."),
    )
    loading.wait_for()
    expect(late).to_be_hidden()
    assert blank.evaluate(HURRY) == 1, "after some seconds, of which nobody waits here"
    expect(late).to_be_visible()
    expect(late).to_contain_text("reload this page")
    expect(loading).to_be_visible()
    through.append(True)
    for route in held:
        route.continue_()
    pad = blank.frame_locator(".st-key-canvas iframe").locator(READY).first
    pad.wait_for(state="attached", timeout=2 * PATIENCE_MS)
    expect(loading).to_be_hidden()
    expect(late).to_be_hidden()


# The style sheet comes from the page's script, too, and on a busy machine some time after the first heading.
STYLED = """() => [...document.styleSheets].some(sheet => [...sheet.cssRules].some(rule => rule.name === 'gl-late'))"""
EMPTY = """() => { const main = document.querySelector('[data-testid="stMainBlockContainer"]');
  const said = () => getComputedStyle(main, '::before').content;
  const before = said();
  for (const heading of main.querySelectorAll('h1')) heading.remove();
  const late = main.getAnimations({ subtree: true }).find(one => one.effect.pseudoElement === '::before');
  const hidden = getComputedStyle(main, '::before').visibility;
  late.finish();
  return [before, said(), hidden, getComputedStyle(main, '::before').visibility]; }"""


def test_a_page_of_which_nothing_has_come_says_that_it_is_loading(blank, server):
    """As after a click on a computer so busy that the page's script has to wait."""
    blank.goto(f"{server.address}/glossary")
    blank.get_by_role("heading", name="Glossary", level=1).wait_for()
    blank.wait_for_function(STYLED)
    before, said, at_first, later = blank.evaluate(EMPTY)
    assert before == "none" and "The page is loading…" in said and "reload it" in said
    assert (at_first, later) == ("hidden", "visible")
