"""The canvas: how long a prediction takes through a running lab, and how long from a stroke to its
bars in a browser.

The lab runs in a process of its own with an empty home and shares the machine with whoever asks and
with Chromium, as it does for a person at home. Server: the whole of the pad's question (picture in;
bars, what the model sees and the nearest training images out) over HTTP on one kept connection,
from sending to the last byte. Browser: from the end of a stroke to the bars of the answer to it,
timed in the page. Both alone and beside a training run that the lab itself has started; the server
also under 20 clients who ask all the time.
"""

from __future__ import annotations

import base64
import http.client
import io
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from bench.records import append_figures

ROOT = Path(__file__).parent.parent
MODELS = ("canvas-characters", "canvas-digits")
QUESTIONS, CLIENTS, STROKES = 100, 20, 25
PATIENCE = 120  # seconds for the lab, a training run or an answer to come
SEVEN = [
    (340, 150),
    (480, 145),
    (620, 150),
    (580, 270),
    (520, 400),
    (460, 560),
]  # on the pad's page of 960 x 720
WATCH = """() => {
  const role = (name) => document.querySelector(`#pad [data-role="${name}"]`);
  window.lifted = window.shown = 0;
  role("canvas").addEventListener("pointerup", () => { window.lifted = performance.now(); });
  const seen = new MutationObserver(() => { window.shown = performance.now(); });
  seen.observe(role("rows"), { childList: true, subtree: true });
}"""
SETTLED = "() => lifted > 0 && shown > lifted && performance.now() - shown > 300"


class Lab:
    """A lab in a process of its own, killed with its runs when the benchmark ends."""

    def __init__(self, home: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        own = {
            "GLYPHLAB_HOME": str(home),
            "GLYPHLAB_PORT": str(self.port),
            "GLYPHLAB_HOST": "127.0.0.1",
            "GLYPHLAB_OFFLINE": "1",
        }
        self.home, self.environ = home, {**os.environ, **own}
        self.log = open(home / "lab.log", "w+", encoding="utf-8")  # noqa: SIM115
        self.process = subprocess.Popen(
            [sys.executable, "-m", "app"],
            cwd=ROOT,
            env=self.environ,
            stdout=self.log,
            stderr=self.log,
            start_new_session=True,
        )
        wait_for(self._answers, "the lab", self.close)

    def _answers(self) -> bool:
        if self.process.poll() is not None:
            self.log.seek(0)
            raise RuntimeError(f"the lab did not start: {self.log.read()[-500:]}")
        try:
            self.pad()
        except (OSError, ValueError, http.client.HTTPException):
            return False
        return True

    def pad(self) -> int:
        """The number that Gradio gave the pad, by which its questions name it."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        connection.request("GET", "/canvas/config")
        components = json.loads(connection.getresponse().read())["components"]
        return next(one["id"] for one in components if one["props"].get("elem_id") == "pad")

    def close(self) -> None:
        os.killpg(self.process.pid, signal.SIGTERM)
        self.process.wait()
        self.log.close()


class Training:
    """A run that the lab's own executor starts and that outlasts the measurement; stopped at once
    on leaving.
    """

    def __init__(self, lab: Lab) -> None:
        from engine.lab import Lab as Rooms

        self.rooms = Rooms.open(lab.environ)

    def __enter__(self) -> None:
        self.run = self.rooms.submit(self.rooms.recipe("quick", {"epochs": 5000}))
        wait_for(
            lambda: any(row["kind"] == "epoch" for row in self.rooms.run(self.run).metrics()),
            "the training run",
            lambda: None,
        )

    def __exit__(self, *_: object) -> None:
        self.rooms.stop(self.run, at_once=True)


def wait_for(condition: Callable[[], bool], what: str, give_up: Callable[[], None]) -> None:
    """Return once `condition()` holds. Raises RuntimeError after PATIENCE seconds, having called
    `give_up`.
    """
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            give_up()
            raise RuntimeError(f"{what} did not start within {PATIENCE} seconds")
        time.sleep(0.1)


def chromium() -> str | None:
    """The browser to measure with, where there is one."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)


def drawing() -> str:
    """A seven as the pad sends it: a PNG of 480 x 360 with black ink on nothing."""
    from PIL import Image, ImageDraw

    ink = Image.new("L", (960, 720))
    ImageDraw.Draw(ink).line(SEVEN, fill=255, width=54, joint="curve")
    out = io.BytesIO()
    Image.merge("RGBA", [Image.new("L", (480, 360))] * 3 + [ink.resize((480, 360))]).save(
        out, "PNG"
    )
    return "data:image/png;base64," + base64.b64encode(out.getvalue()).decode()


def ask(lab: Lab, model: str, count: int, pad: int, warm: int = 5) -> list[float]:
    """Milliseconds of each of `count` questions, one after the other, after `warm` that do not
    count.
    """
    body = json.dumps(
        {
            "session_hash": "bench",
            "component_id": pad,
            "fn_name": "look",
            "data": [drawing(), model, "nearest", []],
        }
    )
    connection = http.client.HTTPConnection("127.0.0.1", lab.port, timeout=PATIENCE)
    taken = []
    for number in range(warm + count):
        start = time.perf_counter()
        connection.request(
            "POST",
            "/canvas/gradio_api/component_server",
            body,
            {"Content-Type": "application/json"},
        )
        answer = json.loads(connection.getresponse().read())
        if number >= warm:
            taken.append(1000 * (time.perf_counter() - start))
    if answer.get("glyph") != "7":
        raise RuntimeError(f"the lab read a seven as {answer.get('headline')!r}")
    connection.close()
    return taken


def together(lab: Lab, pad: int) -> list[float]:
    """Milliseconds of each question when CLIENTS ask at once, each again as soon as it is answered."""
    taken: list[float] = []
    threads = [
        threading.Thread(target=lambda: taken.extend(ask(lab, MODELS[0], 10, pad, warm=1)))
        for _ in range(CLIENTS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return taken


def strokes(page, count: int = STROKES) -> list[float]:
    """Milliseconds from the end of each of `count` strokes to the bars of its answer, after two
    that do not count.
    """
    box = page.locator('#pad [data-role="canvas"]').bounding_box()
    scale = box["width"] / 960
    taken = []
    for number in range(count + 2):
        page.keyboard.press("c")
        for place, (x, y) in enumerate(SEVEN):
            page.mouse.move(box["x"] + x * scale, box["y"] + (y + number) * scale, steps=3)
            if not place:
                page.mouse.down()
        page.evaluate("() => { lifted = shown = 0; }")
        page.mouse.up()
        page.wait_for_function(SETTLED, timeout=1000 * PATIENCE)
        if number > 1:
            taken.append(page.evaluate("shown - lifted"))
    return taken


def spread(what: str, taken: list[float]) -> dict[str, float]:
    """The median and the 95th percentile under the names that the records use."""
    return {
        f"{what}, p50, ms": float(np.percentile(taken, 50)),
        f"{what}, p95, ms": float(np.percentile(taken, 95)),
    }


def measure() -> dict[str, float]:
    """Every figure by name. What needs a browser is left out where there is no Chromium."""
    program = chromium()
    out: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as name:
        lab = Lab(Path(name))
        try:
            pad = lab.pad()
            for model in MODELS:
                out |= spread(f"server, {model}, alone", ask(lab, model, QUESTIONS, pad))
            out |= spread(f"server, {MODELS[0]}, {CLIENTS} clients at once", together(lab, pad))
            out |= in_browser(lab, pad, program)
        finally:
            lab.close()
    return out


def in_browser(lab: Lab, pad: int, program: str | None) -> dict[str, float]:
    """The figures beside a training run, and those of a browser, alone and beside it."""
    if not program:
        print("no Chromium: the browser's figures are left out")
        with Training(lab):
            return spread(
                f"server, {MODELS[0]}, beside a training run", ask(lab, MODELS[0], QUESTIONS, pad)
            )
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(f"http://127.0.0.1:{lab.port}/canvas/?model={MODELS[0]}")
        page.locator('#pad [data-role="model"] option').first.wait_for(
            state="attached", timeout=1000 * PATIENCE
        )
        page.evaluate(WATCH)
        out = spread("browser, stroke to bars, alone", strokes(page))
        with Training(lab):
            out |= spread(
                f"server, {MODELS[0]}, beside a training run", ask(lab, MODELS[0], QUESTIONS, pad)
            )
            out |= spread("browser, stroke to bars, beside a training run", strokes(page))
        browser.close()
    return out


def main() -> dict[str, float]:
    """Measure, append to records.csv, and return every figure by name."""
    start = time.perf_counter()
    found = measure()
    append_figures("canvas", found, time.perf_counter() - start)
    return found
