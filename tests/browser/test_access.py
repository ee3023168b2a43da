"""Every page for everybody: axe-core finds nothing serious on it, in light or dark; its controls have names
and are reached by keyboard; and on a phone nothing scrolls sideways.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest
import torch
from axe_playwright_python.sync_playwright import Axe
from noisy_labels import diagnosed
from playwright.sync_api import TimeoutError
from waiting import wait_until
from weblab import Server, add_run

from app.widgets.links import pages_in
from engine.embedding.projection import Options
from engine.lab import Lab
from engine.sweep.spec import make_sweep

LEVELS = ("serious", "critical")
# What is not ours and can't be mended from here: a rule of axe-core, where, and why.
FOREIGN: dict[str, tuple[str, str]] = {
    "list": (
        '[data-testid="stSidebarNavItems"]',
        "Streamlit 1.67 puts the sections of its navigation as div into ul",
    ),
    "listitem": ('[data-testid="stSidebarNav"] li', "the same"),
}


class View(NamedTuple):
    """An address below the lab's, with `{run}` and `{runs}` of those that are there, and the controls
    that it must have: (role, accessible name).
    """

    path: str
    named: tuple[tuple[str, str], ...]


MAP = "/embeddings?model=canvas-digits&data=digits&part=test&method=pca"
VIEWS = (
    View("/", (("button", "Open the canvas"), ("link", "Open the map"), ("link", "Compare them"))),
    View("/train", (("button", "Start"), ("spinbutton", "Epochs"), ("textbox", "Name of the run"))),
    View("/train?run={run}", (("link", "Draw with it"), ("link", "Model card"))),
    View("/compare?runs={runs}", (("button", "What is this?"), ("combobox", "Runs"))),
    View("/study", ()),
    View("/runs", ()),
    View("/sweeps?sweep=tiny", (("button", "Resume"), ("button", "Delete"))),
    View(MAP, (("application", "Map of"), ("button", "Zoom in"), ("button", "Map settings"))),
    View("/sample?data=noisy", (("button", "Confirm"), ("button", "Zoom in"), ("button", "Next"))),
    View("/label?data=noisy", (("link", "Add a data set"), ("textbox", "Your name"))),
    View("/noise?data=noisy", (("combobox", "Data set"),)),
    View("/noise?data=noisy&section=review", (("button", "Skip"),)),
    View("/noise?section=purpose", (("button", "Inject noise"), ("combobox", "Noise"))),
    View("/draw", (("link", "Open it full size"),)),
    View("/data", (("button", "Export"), ("link", "Train on this"))),
    View("/models", (("link", "Open on the canvas"), ("button", "ONNX"))),
    View("/glossary", (("textbox", "Search"),)),
    View(
        "/canvas/",
        (
            ("application", "Drawing pad"),
            ("combobox", "Model that reads the drawing"),
            ("slider", "Pen width"),
            ("tab", "Nearest"),
            ("button", "Add this drawing"),
        ),
    ),
)
# Controls that the keyboard must reach and does not, without those whose neighbour does the same by keys: the
# steps of a number and the arrow of a list (arrow keys in the field), the others of radio buttons or tabs, the
# crosses of chosen names (Backspace in the field), and the hidden field behind an upload's button.
UNREACHED = """() => [...document.querySelectorAll('main :is(button, a[href], input, select, textarea, canvas[role])')]
    .filter((one) => one.offsetParent && !one.disabled && one.tabIndex < 0)
    .filter((one) => !one.closest('[role=radiogroup], [role=tablist], [data-testid=stNumberInput]'))
    .filter((one) => !one.closest('[aria-hidden=true], [aria-haspopup=listbox], [type=file], [aria-label^="Remove "]'))
    .map((one) => one.outerHTML.slice(0, 200))"""

# The page has taken the dark theme, and no colour is still on its way to it. Gradio's ground is dark at once, by
# a media query; its other colours set out when a script has marked the body, a moment later.
DARK = """() => {
    const begun = document.querySelector('.stApp') || document.body.classList.contains('dark');
    const ground = getComputedStyle(document.querySelector('.stApp') ?? document.body).backgroundColor;
    const [red, green, blue] = ground.match(/[\\d.]+/g).map(Number);
    return begun && red + green + blue < 384 && !document.getAnimations().some((one) => one instanceof CSSTransition);
}"""


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    running = Server(tmp_path_factory.mktemp("access"))
    lab = Lab(running.home)
    diagnosed(lab, "rare", 0.05)
    lab.spaces.map(lab.spaces.embed("canvas-digits", "digits", "test"), Options(method="pca"))
    torch.manual_seed(0)
    lab.sweeps.create(
        make_sweep({"name": "tiny", "recipe": "quick", "space": {"lr": [0.01, 0.001]}, "trials": 2})
    )
    runs = [add_run(lab, name=name).id for name in ("first", "second")]
    running.filled = {"run": runs[0], "runs": ",".join(runs)}
    yield running
    running.close()


def settled(page) -> None:
    """Wait until the page stands still."""
    page.locator("h1").first.wait_for(state="attached")
    if page.locator('[data-testid="stApp"]').count():  # its "Stop" comes and goes with the script
        page.locator('[data-testid="stApp"][data-test-script-state="notRunning"]').wait_for()
    page.locator('[data-testid="stStatusWidget"], [data-testid="stSkeleton"]').first.wait_for(
        state="detached"
    )


def serious(page, **options: Any) -> list[str]:
    """What axe-core finds that keeps somebody out, without what is not ours."""
    found = (
        Axe().run(page, options={"resultTypes": ["violations"], **options}).response["violations"]
    )
    out = []
    for violation in found:
        if violation["impact"] not in LEVELS:
            continue
        foreign, _ = FOREIGN.get(violation["id"], (":not(*)", ""))
        for node in violation["nodes"]:
            if not page.evaluate(
                "([at, foreign]) => document.querySelector(at)?.matches(foreign)",
                [node["target"][0], foreign],
            ):
                out.append(
                    f"{violation['id']}: {node['html'][:160]} {node['failureSummary'][:200]}"
                )
    return out


def test_the_views_are_of_all_pages():
    seen = {view.path.strip("/").partition("?")[0].strip("/") or "home" for view in VIEWS}
    assert seen == {*pages_in("own"), "canvas"}


def test_every_page_is_for_everybody(blank, server):
    page, wrong = blank, {}
    for view in VIEWS:
        page.set_viewport_size({"width": 1280, "height": 1000})
        page.emulate_media(color_scheme="light")
        page.goto(server.address + view.path.format(**server.filled))
        settled(page)
        for role, name in view.named:
            page.get_by_role(role, name=name).first.wait_for()
        found = serious(page)
        found += page.evaluate(UNREACHED)
        page.emulate_media(color_scheme="dark")
        page.wait_for_function(DARK)
        found += [f"dark: {one}" for one in serious(page, runOnly=["color-contrast"])]
        page.set_viewport_size({"width": 390, "height": 844})
        try:  # charts follow the window a moment later
            page.wait_for_function(
                "document.documentElement.scrollWidth <= window.innerWidth + 1", timeout=60_000
            )
        except TimeoutError:
            found.append("scrolls sideways on a phone")
        assert not page.locator('[data-testid="stException"]').count(), view.path
        if found:
            wrong[view.path] = found
    assert not wrong, "\n".join(f"{path}: {one}" for path, found in wrong.items() for one in found)


def test_a_character_is_drawn_and_an_image_is_chosen_without_a_mouse(blank, server):
    page = blank
    page.goto(f"{server.address}/canvas/?model=canvas-digits")
    page.locator('#pad [data-role="model"] option').first.wait_for(state="attached")
    page.locator('#pad [data-role="canvas"]').focus()
    for key in (" ", *["ArrowDown"] * 15, " "):
        page.keyboard.press(key)
    headline = page.locator('[data-role="headline"]')
    wait_until(lambda: "1" in headline.inner_text())

    page.goto(server.address + MAP)
    over = page.locator("canvas.over")
    page.locator(".words", has_text="images").wait_for()
    over.focus()
    for key in ("+", "ArrowLeft", "Enter"):
        page.keyboard.press(key)
    page.get_by_text("Its 13 nearest vote for").wait_for()


def test_on_a_phone_the_menu_makes_room_for_the_page_that_was_chosen(blank, server):
    page = blank
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(server.address + "/")
    settled(page)
    menu = page.get_by_test_id("stSidebar")
    page.get_by_test_id("stExpandSidebarButton").click()
    wait_until(lambda: (box := menu.bounding_box()) and box["x"] >= 0)
    page.get_by_test_id("stSidebarNavLink").filter(has_text="Models").click()
    wait_until(lambda: not (box := menu.bounding_box()) or box["x"] < 0)
    page.get_by_role("heading", name="Models", exact=True).wait_for()
