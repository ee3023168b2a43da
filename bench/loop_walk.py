"""One person's way through the loop in a browser: a wrong group lassoed and relabelled, suspects reviewed by
keyboard, the model trained again, before and after compared and watched on the map.

The machine's seconds of each step are measured, from the end of a gesture to what it is waited for. The
person's are counted, by the keystroke-level model (Card, Moran and Newell 1980,
doi:10.1145/358886.358895), since a script is quicker than a hand.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from engine.lab import Lab
    from engine.noise.storage import Diagnosis

# Seconds, of the paper's table: a key by an average typist, pointing with a mouse, a press of its
# button, and what is thought before a gesture; a line is drawn in 0.9 a piece and 0.16 a centimetre.
KEY, POINT, PRESS, THINK, PIECE, CENTIMETRE = 0.28, 1.1, 0.2, 1.35, 0.9, 0.16
PIXELS = 38  # a centimetre at 96 dots an inch
SHOWN = 60  # images of a selection that are looked at
TRAINS_MS, ANSWERS_MS = 3_600_000, 180_000


@dataclass
class Walk:
    """A walk in progress. truth: the true label of each image by name. seconds: of each step, the
    machine's and the person's.
    """

    page: Page
    base: str
    lab: Lab
    run: str
    data: str
    truth: dict[str, str]
    group: tuple[str, str]
    shots: Path
    seconds: dict[str, tuple[float, float]] = field(default_factory=dict)
    after: str = ""
    person: float = 0.0

    @contextmanager
    def step(self, name: str):  # noqa: ANN201
        """Times a step, and takes a picture of its end."""
        self.person, began = 0.0, time.perf_counter()
        yield
        self.seconds[name] = (time.perf_counter() - began, self.person)
        self.shoot(name)

    def shoot(self, name: str) -> None:
        self.shots.mkdir(parents=True, exist_ok=True)
        number = len(list(self.shots.glob("*.png"))) + 1
        self.page.screenshot(path=self.shots / f"{number:02d}-{name.replace(' ', '-')}.png")

    def click(self, found: Any, times: int = 1) -> None:
        """A click of the person's, once thought about."""
        self.person += THINK + POINT + times * PRESS
        found.dblclick() if times == 2 else found.click()

    def press(self, key: str) -> None:
        self.person += KEY
        self.page.keyboard.press(key)

    def go(self, path: str) -> None:
        """To a page, as by a click on a link."""
        self.person += THINK + POINT + PRESS
        self.page.goto(f"{self.base}/{path}")


def walk(on: Walk, suspects: int = 20) -> None:
    """The whole of it; `on.seconds` holds what each step took, `on.after` the run that was trained."""
    open_the_map(on)
    lasso(on)
    relabel(on)
    review(on, suspects)
    train_again(on)
    compare(on)
    travel(on)


def open_the_map(on: Walk) -> None:
    with on.step("open the map"):
        on.go(f"embeddings?model={on.run}&data={on.data}&part=train")
        on.page.locator(".scatter .words", has_text="images").wait_for(timeout=ANSWERS_MS)


def lasso(on: Walk) -> None:
    """Round those images of one given label that lie where another class does."""
    wrong, right = on.group
    with on.step("lasso the wrong group"):
        on.click(on.page.locator(f'.legend button[title^="{wrong}: "]'), times=2)
        on.shoot("one label alone")
        line = heap(on, right)
        box = on.page.locator("canvas.over").bounding_box()
        assert box is not None
        along = np.hypot(*np.diff(line, axis=0).T).sum() / PIXELS
        on.person += THINK + POINT + PIECE * len(line) + CENTIMETRE * float(along)
        on.page.keyboard.down("Shift")
        on.page.mouse.move(box["x"] + line[0][0], box["y"] + line[0][1])
        on.page.mouse.down()
        for x, y in line[1:]:
            on.page.mouse.move(box["x"] + x, box["y"] + y, steps=3)
        on.page.mouse.up()
        on.page.keyboard.up("Shift")
        on.page.get_by_text("images selected").first.wait_for(timeout=ANSWERS_MS)
        on.page.locator(".st-key-gallery figure img").first.wait_for(timeout=ANSWERS_MS)


def heap(on: Walk, name: str) -> np.ndarray:
    """A line (n, 2) in the map's pixels round nearly all images whose model predicts `name`."""
    from scipy.spatial import ConvexHull

    from engine.embedding.projection import Options

    space = on.lab.spaces.find(on.run, on.data, "train")
    assert space is not None
    found = space.find_map(Options())
    assert found is not None
    box = on.page.locator("canvas.over").bounding_box()
    assert box is not None
    # As View.fit in app/scatter/view.js places the whole map.
    low, high = found.coordinates.min(0), found.coordinates.max(0)
    zoom = 0.92 * min(np.array([box["width"], box["height"]]) / np.maximum(high - low, 1e-6))
    away = (found.coordinates - (low + high) / 2) * zoom * [1, -1]
    spots = away + [box["width"] / 2, box["height"] / 2]
    own = spots[space.predicted == space.model_classes.index(name)]
    far = np.linalg.norm(own - np.median(own, axis=0), axis=1)
    own = own[far <= np.quantile(far, 0.97)]
    around = own[ConvexHull(own).vertices]
    around = around[np.linspace(0, len(around) - 1, min(len(around), 14)).astype(int)]
    middle = around.mean(0)
    line = middle + (around - middle) * 1.05
    return np.clip(line, 3, [box["width"] - 3, box["height"] - 3])


def relabel(on: Walk) -> None:
    """Those of the selection whose label is rather wrong than right."""
    _, right = on.group
    with on.step("relabel the suspects among them"):
        suspect = on.page.get_by_role("radio", name="Suspect")
        on.person += THINK * min(on.page.locator(".st-key-gallery figure").count(), SHOWN)
        on.click(suspect.first)
        on.page.get_by_role("radio", name="Suspect", checked=True).wait_for(timeout=ANSWERS_MS)
        on.click(on.page.get_by_role("combobox", name="Label"))
        on.press(right)
        on.press("Enter")
        before = len(on.lab.labels.current(on.data))
        button = on.page.locator(".st-key-gallery-relabel button:enabled")
        button.wait_for(timeout=ANSWERS_MS)
        on.click(button)
        until(on, lambda: len(on.lab.labels.current(on.data)) > before)
        undo = on.page.locator(".st-key-gallery-undo button:enabled").first
        undo.wait_for(timeout=ANSWERS_MS)


def review(on: Walk, suspects: int) -> None:
    """By keyboard: yes, no, or the digit that it is."""
    with on.step(f"review {suspects} suspects by keyboard"):
        on.go(f"noise?data={on.data}&section=review")
        found = on.lab.noise.find(on.data)
        assert found is not None
        for number in range(suspects):
            _decide(on, found)
            if number == 0:
                on.shoot("a suspect")


def _decide(on: Walk, found: Diagnosis) -> None:
    shown = on.page.locator(".st-key-candidate figure a").first
    shown.wait_for(timeout=ANSWERS_MS)
    name = shown.get_attribute("title") or ""
    place = found.places[name]
    given, likely = (str(found.classes[found.arrays[kind][place]]) for kind in ("given", "likely"))
    truth = on.truth.get(name, given)
    on.person += THINK
    on.page.locator('.keys[data-waits="0"]').wait_for(state="attached", timeout=ANSWERS_MS)
    on.press("y" if likely == truth else "n" if given == truth else truth)
    until(on, lambda: name in on.lab.labels.current(on.data))
    title = name.replace("\\", "\\\\").replace('"', '\\"')
    on.page.locator(f'.st-key-candidate figure a[title="{title}"]').wait_for(
        state="detached", timeout=ANSWERS_MS
    )


def train_again(on: Walk) -> None:
    with on.step("train again"):
        on.go(f"train?run={on.run}")
        on.click(on.page.get_by_role("button", name="Train again"))
        on.click(on.page.get_by_role("button", name="Train on mended labels"))
        link = on.page.get_by_role("link", name="Before and after")
        link.wait_for(timeout=TRAINS_MS)
    on.after = on.lab.runs()[0].id


def compare(on: Walk) -> None:
    with on.step("before and after"):
        on.click(on.page.get_by_role("link", name="Before and after"))
        on.click(on.page.get_by_role("button", name="Score on the same images"))
        on.page.get_by_text("McNemar's p").first.wait_for(timeout=ANSWERS_MS)
        on.page.get_by_role("button", name="Make the two maps").wait_for(timeout=ANSWERS_MS)


def travel(on: Walk) -> None:
    with on.step("the two maps"):
        on.click(on.page.get_by_role("button", name="Make the two maps"))
        play = on.page.locator(".st-key-travel-scatter .play button")
        play.wait_for(timeout=TRAINS_MS)
        on.page.locator(".st-key-travel-scatter").first.evaluate("map => map.scrollIntoView()")
        on.page.locator(".st-key-travel-scatter .words", has_text="images").wait_for()
    on.shoot("the map before")
    play.click()
    on.page.locator(".st-key-travel-scatter output", has_text="After").wait_for()
    on.page.wait_for_timeout(700)
    on.shoot("the map after")


def until(on: Walk, true: Callable[[], bool]) -> None:
    """Wait until something holds in the lab's files. Raises TimeoutError."""
    end = time.monotonic() + ANSWERS_MS / 1000
    while not true():
        if time.monotonic() > end:
            raise TimeoutError("what the page was told has not been written down")
        on.page.wait_for_timeout(50)
