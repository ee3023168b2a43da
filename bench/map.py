"""The map of the embedding explorer in a browser, with 60,000 and with a million points: how long it takes
to open, how many frames a second it shows while it is zoomed, and how soon a click and a lasso are answered.
Frames are counted once more with WebGL's drawing left out: what is left is the page's own work, which a
graphics card does not take over.

The component runs as on the page, fed with heaps of random points; Chromium draws without a graphics card
(SwiftShader), on the cores that there are. A click's answer is held against a search through all points.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import numpy as np

from app.charts.space import layer_marks
from app.scatter.component import FOLDER, layer_of
from app.scripts import joined
from bench.canvas import chromium
from bench.records import append_figures
from engine.services.layer import named

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

COUNTS = (60_000, 1_000_000)
HEAPS, SIDE, SECONDS, CLICKS = 10, 800, 3, 10
FLAGS = ["--no-sandbox", "--disable-gpu", "--use-gl=swiftshader", "--enable-unsafe-swiftshader"]
HERE = "http://map.test/"

MOUNT = """async (data) => {
  const module = await import('/main.js');
  const began = performance.now();
  module.default({ data, parentElement: document.body, setTriggerValue: (_, picked) => { window.picked = picked; } });
  const words = document.querySelector('.words');
  while (!words.textContent.includes('images')) await new Promise((done) => requestAnimationFrame(done));
  return performance.now() - began;
}"""
UNDRAWN = """
for (const name of ['drawArrays', 'drawElements', 'drawArraysInstanced', 'clear'])
  WebGL2RenderingContext.prototype[name] = () => { window.undrawn = (window.undrawn ?? 0) + 1; };
"""
LOOKS = """
window.looks = () => {
  const { view, over } = scatters.get(document.querySelector('.scatter')), box = over.getBoundingClientRect();
  return { middle: [...view.middle].slice(0, 2), centre: [...view.centre], zoom: view.zoom, width: view.width,
    height: view.height, left: box.left, top: box.top };
};
"""
ZOOM = """(milliseconds) => new Promise((done) => {
  const over = document.querySelector('canvas.over'), began = performance.now();
  let frames = 0;
  const step = () => {
    const passed = performance.now() - began;
    if (passed > milliseconds) return done((1000 * frames) / passed);
    const deltaY = Math.sin(passed / 300) * 40;
    over.dispatchEvent(new WheelEvent('wheel', { deltaY, clientX: 400, clientY: 300, cancelable: true }));
    frames += 1;
    requestAnimationFrame(step);
  };
  requestAnimationFrame(step);
})"""


def points(count: int) -> tuple[np.ndarray, np.ndarray]:
    """(count, 2) float32 in heaps of classes, and the class of each."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, HEAPS, count)
    angle = 2 * np.pi * labels / HEAPS
    middles = 10 * np.stack([np.cos(angle), np.sin(angle)], 1)
    return (middles + rng.normal(0, 1.2, (count, 2))).astype("<f4"), labels


def opened(page: Page, count: int) -> float:
    """Put the map of `count` points on the page; milliseconds until it is drawn."""
    places, labels = points(count)
    body = b"".join(
        [
            places.tobytes(),
            labels.astype("<i2").tobytes(),
            labels.astype("<i2").tobytes(),
            np.full(count, 255, np.uint8).tobytes(),
        ]
    )
    style = (FOLDER / "scatter.css").read_text(encoding="utf-8")
    markup = (FOLDER / "scatter.html").read_text(encoding="utf-8")
    answers = {
        "": ("text/html", f"<style>{style}</style><body style='width:{SIDE}px'>{markup}"),
        "main.js": ("text/javascript", joined(FOLDER / "main.js") + LOOKS),
        "points": ("application/octet-stream", body),
        "layer": ("application/octet-stream", labels.astype("<u2").tobytes()),
    }

    def answer(route: Route) -> None:
        kind, content = answers.get(route.request.url.removeprefix(HERE), ("text/plain", ""))
        route.fulfill(content_type=kind, body=content)

    page.route("**/*", answer)
    page.goto(HERE)
    layer = named("Given label", labels, [str(number) for number in range(HEAPS)])
    drawn = layer_of(layer, layer_marks(layer.palette, layer.names), "layer", False)
    data: dict[str, Any] = {
        "id": str(count), "points": "points", "image": "image", "count": count, "dims": 2, "height": 620,
        "pixelated": True, "group": "", "extra": None, "turn": None, "classes": layer.names,
        "answers": layer.names, "shown": ["Given label"], "layer": drawn, "frames": None,
        "selection": {"id": "", "at": "", "links": []},
    }  # fmt: skip
    return page.evaluate(MOUNT, data)


def clicked(page: Page, count: int) -> tuple[float, float]:
    """Seconds from a click to its answer, the longest of CLICKS, right after the map has moved; and the
    share of clicks that were answered with a point no further from the pointer than any other.
    """
    places, _ = points(count)
    rng, longest, right = np.random.default_rng(1), 0.0, 0
    for _ in range(CLICKS):
        x, y = 400 + rng.integers(-150, 150), 300 + rng.integers(-150, 150)
        page.evaluate(ZOOM, 100)
        page.evaluate("() => { window.picked = null; }")
        began = time.perf_counter()
        page.mouse.click(int(x), int(y))
        page.evaluate("() => new Promise((done) => requestAnimationFrame(done))")
        longest = max(longest, time.perf_counter() - began)
        picked = page.evaluate("() => window.picked")
        look = page.evaluate("() => window.looks()")
        spots = _pixels(places, look)
        away = np.hypot(*(spots - [x - look["left"], y - look["top"]]).T)
        found = picked["at"][0] if picked and picked["at"] else None
        right += (
            found is None
            if away.min() > 14
            else found is not None and bool(away[found] <= away.min() + 0.01)
        )
    return longest, right / CLICKS


def lassoed(page: Page) -> float:
    """Seconds from the end of a lasso round the middle of the map, right after it has moved, to its answer:
    the points are known and lit.
    """
    page.evaluate(ZOOM, 100)
    page.keyboard.down("Shift")
    page.mouse.move(250, 200)
    page.mouse.down()
    for x, y in ((550, 200), (550, 450), (250, 450)):
        page.mouse.move(x, y)
    page.evaluate("() => { window.picked = null; }")
    began = time.perf_counter()
    page.mouse.up()
    page.evaluate("() => new Promise((done) => requestAnimationFrame(done))")
    spent = time.perf_counter() - began
    page.keyboard.up("Shift")
    assert page.evaluate("() => window.picked.at.length") > 0, "nothing lies in the lasso"
    return spent


def _pixels(places: np.ndarray, look: dict[str, Any]) -> np.ndarray:
    """Where points lie in the map's own pixels, by the view's centre, middle and zoom."""
    (mx, my), (cx, cy), zoom = look["middle"], look["centre"], look["zoom"]
    return np.stack(
        [
            look["width"] / 2 + (places[:, 0] - mx - cx) * zoom,
            look["height"] / 2 - (places[:, 1] - my - cy) * zoom,
        ],
        1,
    )


def main() -> dict[str, float]:
    """Measure, append to records.csv, and return every figure by name."""
    from playwright.sync_api import sync_playwright

    program, out = chromium(), {}
    if not program:
        raise SystemExit("the map is measured in Chromium, which is not here")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        for count in COUNTS:
            page = browser.new_page(viewport={"width": SIDE + 40, "height": 760})
            page.set_default_timeout(120_000)
            out[f"{count:,} points, opened, ms"] = opened(page, count)
            out[f"{count:,} points, zoomed, frames/s"] = page.evaluate(ZOOM, 1000 * SECONDS)
            longest, right = clicked(page, count)
            out[f"{count:,} points, click answered, longest of {CLICKS}, ms"] = 1000 * longest
            out[f"{count:,} points, lasso answered, ms"] = 1000 * lassoed(page)
            out[f"{count:,} points, clicks on the nearest point, share"] = right
            page.evaluate(UNDRAWN)
            out[f"{count:,} points, zoomed without drawing, frames/s"] = page.evaluate(
                ZOOM, 1000 * SECONDS
            )
            assert page.evaluate("() => window.undrawn") > 0, "nothing was to be drawn"
            page.close()
        browser.close()
    append_figures("map", out)
    return out


if __name__ == "__main__":
    print(json.dumps(main(), indent=1))
