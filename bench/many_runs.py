"""A lab with a thousand runs of a thousand points each: how long its pages take, and what it answers
meanwhile.

The lab runs in a process of its own and shares the machine with Chromium, as it does for a person at
home. A page is complete when its script has ended, nothing on it is a placeholder and every plot that can
be seen is drawn (those further down follow when the browser is idle); its time runs from asking for
the address to that moment, with the browser's cache warm. Most of it is Streamlit's own page, which
starts anew at every address, so the same is measured in an empty lab. The server's share is its
processor time for the view. Thirty at once are asked for twice: in thirty tabs, which also have to
be drawn on the same cores, and by thirty sessions that take what a tab takes and draw nothing.
/healthz is asked every 50 ms throughout, by a process that has no higher priority than others; what it waited
for a core itself is told beside (bench.health). The lab raises its own priority where it may (engine.priority).
"""

from __future__ import annotations

import asyncio
import os
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.canvas import Lab, chromium
from bench.crowded_home import make_home
from bench.health import Asked, asking_for_health
from bench.records import append_figures, read

if TYPE_CHECKING:
    from playwright.async_api import Browser, BrowserContext, Page

RUNS, POINTS = 1000, 1000
AT_ONCE, VIEWS, IDLE_SECONDS = 30, 3, 20
BUILT_SECONDS = 15  # after the start, the canvas has been built
LONG = 5.0  # seconds: a page that takes longer is opened once
PATIENCE = 300  # seconds for a page
COMPLETE = """() => {
  const app = document.querySelector('[data-testid="stApp"]');
  const seen = (plot) => plot.getBoundingClientRect().top < window.innerHeight;
  const plots = [...document.querySelectorAll('.js-plotly-plot, .live-chart')]
    .filter((plot) => !plot.closest('.st-key-live-library') && seen(plot));
  return app && app.dataset.testConnectionState === 'CONNECTED' && app.dataset.testScriptState === 'notRunning'
    && document.querySelector('[data-testid="stMain"] h1') && !document.querySelector('[data-testid="stSkeleton"]')
    && plots.every((plot) => plot.querySelector('.main-svg')) && performance.now();
}"""


def addresses(runs: list[str]) -> dict[str, str]:
    """Every page by name, and those of its views that look at runs."""
    some = runs[len(runs) // 2 :: 7][:4]
    return {
        "home": "", "runs": "runs", "train": "train", "train, a run": f"train?run={some[0]}", "compare": "compare",
        "compare, four runs": f"compare?runs={','.join(some)}", "study": "study",
        "study, one part": "study?study=C", "sweeps": "sweeps", "embeddings": "embeddings",
        "embeddings, learning": "embeddings?view=learning", "noise": "noise",
        "noise, on purpose": "noise?section=purpose", "draw": "draw", "data": "data", "models": "models",
    }  # fmt: skip


async def opened(page: Page, lab: Lab, address: str) -> float:
    """Seconds from asking for the address to the page being complete."""
    where = f"http://127.0.0.1:{lab.port}/{address}"
    await page.goto(where, wait_until="commit", timeout=1000 * PATIENCE)
    done = await page.wait_for_function(COMPLETE, timeout=1000 * PATIENCE)
    return await done.json_value() / 1000


async def one_by_one(context: BrowserContext, lab: Lab, pages: dict[str, str]) -> dict[str, float]:
    """Each page alone: its seconds (the median of some views), and the server's processor time."""
    page, out = await context.new_page(), {}
    await opened(page, lab, "draw")  # the browser's cache is filled; no run was looked at
    out["home, first after the start, s"] = await opened(page, lab, "")
    for name, address in pages.items():
        seconds, worked = [], []
        for _ in range(VIEWS):
            before = processor_seconds(lab)
            seconds.append(await opened(page, lab, address))
            worked.append(processor_seconds(lab) - before)
            if seconds[-1] > LONG:
                break
        out[f"{name}, s"] = statistics.median(seconds)
        out[f"{name}, server's processor time, s"] = statistics.median(worked)
    await page.close()
    return out


async def in_tabs(browser: Browser, lab: Lab, pages: list[str]) -> list[float]:
    """Seconds until each of the pages is complete when all are asked for at once."""
    context = await browser.new_context()
    tabs = [await context.new_page() for _ in pages]
    await opened(tabs[0], lab, "draw")
    taken = await asyncio.gather(
        *(opened(tab, lab, page) for tab, page in zip(tabs, pages, strict=True))
    )
    await context.close()
    return taken


async def in_sessions(
    lab: Lab, pages: list[str], meanwhile: Callable[[], Awaitable[Any]] | None = None
) -> list[float]:
    """Seconds until the script of each of the pages has ended when all are asked for at once, without
    a browser; the sessions are then kept open while `meanwhile` goes on.
    """
    from streamlit.proto.BackMsg_pb2 import BackMsg
    from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
    from websockets.asyncio.client import connect
    from websockets.typing import Subprotocol

    def stream() -> connect:
        return connect(
            f"ws://127.0.0.1:{lab.port}/_stcore/stream", subprotocols=[Subprotocol("streamlit")],
            max_size=None, open_timeout=PATIENCE,
        )  # fmt: skip

    open_sessions = []

    async def session(address: str) -> float:
        begun, question = time.perf_counter(), BackMsg()
        question.rerun_script.page_name, _, question.rerun_script.query_string = address.partition(
            "?"
        )
        socket = await stream()
        open_sessions.append(socket)
        await socket.send(question.SerializeToString())
        while (
            ForwardMsg.FromString(bytes(await socket.recv(decode=False))).WhichOneof("type")
            != "script_finished"
        ):
            pass
        return time.perf_counter() - begun

    taken = await asyncio.wait_for(asyncio.gather(*map(session, pages)), PATIENCE)
    if meanwhile:
        readers = [asyncio.create_task(_read(socket)) for socket in open_sessions]
        await meanwhile()
        for reader in readers:
            reader.cancel()
    for socket in open_sessions:
        await socket.close()
    return taken


async def _read(socket: Any) -> None:
    async for _ in socket:
        pass


def processor_seconds(lab: Lab) -> float:
    """Processor time of the lab's process so far, all its threads together."""
    fields = Path(f"/proc/{lab.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def share_of_a_core(lab: Lab) -> float:
    """How much of one core the lab's process uses, in percent."""
    before, begun = processor_seconds(lab), time.perf_counter()
    await asyncio.sleep(IDLE_SECONDS)
    return 100 * (processor_seconds(lab) - before) / (time.perf_counter() - begun)


async def measure(lab: Lab, runs: list[str], browser: Browser | None) -> dict[str, float]:
    """Every figure of a crowded lab by name. What needs a browser is left out where there is none."""
    pages, out = addresses(runs), {}
    await asyncio.sleep(BUILT_SECONDS)
    out["idle, no page open, % of a core"] = await share_of_a_core(lab)
    if browser:
        with asking_for_health(lab.port) as health:
            out |= await one_by_one(await browser.new_context(), lab, pages)
        out |= percentiles("healthz, while pages are opened one by one", health)
    thirty = [list(pages.values())[number % len(pages)] for number in range(AT_ONCE)]
    with asking_for_health(lab.port) as health:
        taken = await in_sessions(lab, thirty)
    out |= {
        f"{AT_ONCE} sessions at once, median, s": statistics.median(taken),
        f"{AT_ONCE} sessions at once, last, s": max(taken),
    }
    out |= percentiles(f"healthz, {AT_ONCE} sessions at once", health)
    if browser:
        with asking_for_health(lab.port) as health:
            taken = await in_tabs(browser, lab, thirty)
        out |= {
            f"{AT_ONCE} tabs at once, median, s": statistics.median(taken),
            f"{AT_ONCE} tabs at once, last, s": max(taken),
        }
        out |= percentiles(f"healthz, {AT_ONCE} tabs at once", health)

    async def watch() -> None:
        await asyncio.sleep(5)
        out[f"{AT_ONCE} idle pages, % of a core"] = await share_of_a_core(lab)

    await in_sessions(lab, thirty, watch)
    return out


def percentiles(what: str, taken: list[Asked]) -> dict[str, float]:
    """The median, the 95th percentile and the largest, in ms, under the names of the records: as asked, and
    of the lab alone, less what the asker itself waited for a core.
    """
    kinds = {what: [asked.ms for asked in taken]}
    kinds[f"{what}, the lab alone"] = [asked.ms - asked.own_ms for asked in taken]
    points = {"p50": 50, "p95": 95, "longest": 100}
    return {
        f"{kind}, {name}, ms": float(np.percentile(all_ms, at))
        for kind, all_ms in kinds.items()
        for name, at in points.items()
    }


async def _all() -> dict[str, float]:
    from playwright.async_api import async_playwright

    program = chromium()
    out: dict[str, float] = {}
    async with async_playwright() as playwright:
        browser = (
            await playwright.chromium.launch(
                executable_path=program, args=["--no-sandbox", "--disable-gpu"]
            )
            if program
            else None
        )
        if browser:
            with tempfile.TemporaryDirectory() as name:
                lab = Lab(Path(name))
                try:
                    page = await (await browser.new_context()).new_page()
                    views = [await opened(page, lab, "") for _ in range(1 + VIEWS)][1:]
                    out["home of an empty lab, s"] = statistics.median(views)
                finally:
                    lab.close()
        with tempfile.TemporaryDirectory() as name:
            runs = make_home(Path(name), RUNS, POINTS)
            lab = Lab(Path(name))
            try:
                out |= await measure(lab, runs, browser)
            finally:
                lab.close()
        if browser:
            await browser.close()
    return out


LOAD = {  # what reliability.md shows → the metric of the records
    "Home, alone, in a browser": "home, s",
    "the slowest page, alone, in a browser": "sweeps, s",
    "Home of an empty lab, for comparison": "home of an empty lab, s",
    "thirty pages at once, the last": "30 sessions at once, last, s",
    "/healthz meanwhile, median": "healthz, 30 sessions at once, p50, ms",
    "/healthz meanwhile, 95 of 100 answers within": "healthz, 30 sessions at once, p95, ms",
    "/healthz meanwhile, longest": "healthz, 30 sessions at once, longest, ms",
    "idle, no page open": "idle, no page open, % of a core",
    "idle, thirty pages open": "30 idle pages, % of a core",
}


def rows() -> list[tuple[str, str]]:
    """What was asked of the crowded lab and what it took, from the newest record of each."""
    newest = {row["metric"]: row for row in read() if row["bench_or_recipe"] == "many-runs"}
    return [
        (what, f"{float(newest[metric]['value']):.3g} {metric.rpartition(', ')[2]}")
        for what, metric in LOAD.items()
        if metric in newest
    ]


def main() -> dict[str, float]:
    """Measure, append to records.csv, and return every figure by name."""
    begun = time.perf_counter()
    found = asyncio.run(_all())
    append_figures("many-runs", found, time.perf_counter() - begun)
    return found
