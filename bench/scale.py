"""What a cluster costs, and whether its queue is fair: seconds from handing a run in to its first live
point, on this machine, on Ray and on Slurm; sixty runs through two slots; and the pages of a lab with a
thousand ended runs and two hundred live ones.

    .venv/bin/python -m bench scale                  with the environment of `make test-cluster`
    .venv/bin/python -m bench scale --scale small    the same with three runs and few folders; not recorded

The clusters are real ones of this machine, as tests/support/clusters.py starts them: a Ray head with two
nodes of a core, a Slurm controller with two of the same. Kinds that are not installed are left out. A run is
`quick` in small: what is measured is the way to it. The two hundred live runs are jobs of a stand-in for
Ray's API, which counts what it is asked. Throughput of two processes against one is `bench throughput`'s.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

from bench.canvas import Lab as ServedLab
from bench.crowded_home import make_home
from bench.many_runs import in_sessions
from bench.records import append_figures, read
from engine.lab import Lab
from engine.recipes.recipe import make_recipe
from engine.runs.run_info import ENDED
from engine.runs.times import now

SUPPORT = Path(__file__).parents[1] / "tests" / "support"
PATIENCE_SECONDS = 900.0
BUILT_SECONDS = 15  # after its start, a served lab has built its canvas
WATCHED_SECONDS = 20
POLL_SECONDS = 2.0  # of the cluster, see engine.jobs.cluster.executor
RECIPE = {"name": "short", "data": {"name": "digits", "limit": 200, "limit_eval": 50}, "epochs": 2}


class Size(NamedTuple):
    """times: runs of which the median is taken; queued: runs through two slots."""

    times: int
    queued: int
    ended: int
    live: int


SIZES = {"full": Size(5, 60, 1000, 200), "small": Size(1, 3, 20, 10)}


@contextmanager
def labs() -> Iterator[Iterator[tuple[str, Lab]]]:
    """A lab on this machine, then one on each cluster that can be started here, with its name."""
    sys.path.insert(0, str(SUPPORT))
    from clusters import CLUSTERS, missing  # pyright: ignore[reportMissingImports]

    def each() -> Iterator[tuple[str, Lab]]:
        with tempfile.TemporaryDirectory() as name:
            yield "local", Lab.open({**here(Path(name)), "GLYPHLAB_DEVICE": "cpu"})
        for kind, make in CLUSTERS.items():
            if why := missing(kind):
                print(f"  {kind} is left out: {why}")
                continue
            with tempfile.TemporaryDirectory() as name:
                (Path(name) / "cluster").mkdir()
                cluster = make(Path(name) / "cluster")
                os.environ.update(cluster.environment)  # Slurm's commands read theirs
                try:
                    yield kind, Lab.open({**here(Path(name)), **cluster.environment})
                finally:
                    cluster.close()

    yield each()


def here(folder: Path) -> dict[str, str]:
    """The settings of a lab in a folder."""
    return {"GLYPHLAB_HOME": str(folder / "home"), "GLYPHLAB_RESOURCES": "cpus=1,memory_gb=0.5"}


def first_point_seconds(lab: Lab) -> float:
    """From handing a run in to the first row that a page could draw; waits for the run's end."""
    begun = time.perf_counter()
    run = lab.run(lab.submit(make_recipe(RECIPE)))
    seconds = None
    while seconds is None or run.info().state not in ENDED:
        if seconds is None and run.metrics():
            seconds = time.perf_counter() - begun
        _patient(lab, begun, run.info().error or "")
        time.sleep(0.02)
    return seconds


def through_two_slots(lab: Lab, runs: int) -> dict[str, float]:
    """Hand in so many runs at once: how many ended well, how many began before one that was handed
    in two or more places earlier, and the seconds that all took.
    """
    begun = time.perf_counter()
    ids = [lab.submit(make_recipe({**RECIPE, "seed": number})) for number in range(runs)]
    while any(lab.run(id).info().state not in ENDED for id in ids):
        _patient(lab, begun, "")
        time.sleep(0.5)
    seconds = time.perf_counter() - begun
    statuses = [lab.run(id).status() for id in ids]
    order = sorted(range(runs), key=lambda number: str(statuses[number].get("started")))
    early = sum(place < number - 1 for place, number in enumerate(order))
    finished = sum(status["state"] == "finished" for status in statuses)
    return {"runs that finished": finished, "runs out of order": early, "seconds": seconds}


def _patient(lab: Lab, begun: float, why: str) -> None:
    lab.launcher.refresh()
    if time.perf_counter() - begun > PATIENCE_SECONDS:
        raise RuntimeError(f"runs do not come to their end: {why}")


@contextmanager
def counting_ray(jobs: int) -> Iterator[tuple[str, list[float]]]:
    """As much of Ray's API as a lab asks for, with so many running jobs: its address, and when it was
    asked for them.
    """
    asked: list[float] = []

    class Ray(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer: Any = {"data": {"result": {"result": []}}}
            if self.path.startswith("/api/jobs"):
                asked.append(time.monotonic())
                answer = [
                    {"submission_id": f"job-{number}", "status": "RUNNING"}
                    for number in range(jobs)
                ]
            body = json.dumps(answer).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Ray)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def beating(lab: Lab, jobs: int) -> Iterator[list[str]]:
    """So many live runs of a cluster, which give signs of life."""
    from engine.runs.run import create_run

    live = [create_run(lab.home, make_recipe({**RECIPE, "name": "live"})) for _ in range(jobs)]
    for number, run in enumerate(live):
        job = {"cluster": "Ray", "id": f"job-{number}", "since": now()}
        run.write_status(state="running", started=now(), host="elsewhere", job=job)
    over = threading.Event()

    def beat() -> None:
        while True:
            for run in live:
                (run.path / "beat").write_bytes(b"alive\n")
                run.append_metrics({"kind": "step", "epoch": 1, "step": 1, "steps": 9, "loss": 1.0})
            if over.wait(5):
                return

    thread = threading.Thread(target=beat)
    thread.start()
    try:
        yield [run.id for run in live]
    finally:
        over.set()
        thread.join()


async def _pages(served: ServedLab, ids: list[str]) -> dict[str, float]:
    await asyncio.sleep(BUILT_SECONDS)
    out = {}
    for name, address in {"Home": "", "Compare": f"compare?runs={','.join(ids[:4])}"}.items():
        await in_sessions(served, [address])  # the first one loads what all others share
        taken = [(await in_sessions(served, [address]))[0] for _ in range(5)]
        out[f"{name}, script, s"] = statistics.median(taken)
    end = time.monotonic() + WATCHED_SECONDS
    while time.monotonic() < end:  # twenty viewers, each of whom looks again and again
        await in_sessions(served, ["", f"train?run={ids[0]}"] * 10)
    return out


def crowd(size: Size) -> dict[str, float]:
    """Pages of a lab with many ended and many live runs, and what the cluster was asked meanwhile."""
    with tempfile.TemporaryDirectory() as name, counting_ray(size.live) as (address, asked):
        home = Path(name)
        make_home(home, size.ended, points=1000, sweeps=1, tasks=50)
        environment = {"GLYPHLAB_EXECUTOR": "ray", "GLYPHLAB_RAY_ADDRESS": address}
        before = {key: os.environ.get(key) for key in environment}
        os.environ.update(environment)
        try:
            with beating(Lab(home), size.live) as ids:
                served = ServedLab(home)
                try:
                    out = asyncio.run(_pages(served, ids))
                finally:
                    served.close()
        finally:
            for key, value in before.items():
                os.environ.pop(key) if value is None else os.environ.update({key: value})
    seconds = max(asked) - min(asked) if len(asked) > 1 else POLL_SECONDS
    what = f"{size.ended} ended and {size.live} live runs"
    out["questions to the cluster in two seconds"] = POLL_SECONDS * (len(asked) - 1) / seconds
    return {f"{what}: {figure}": value for figure, value in out.items()}


def rows() -> list[tuple[str, str, str]]:
    """What was measured, what came out and on what machine, from the newest record of each."""
    newest = {row["metric"]: row for row in read() if row["bench_or_recipe"] == "scale"}
    return [(metric, f"{float(row['value']):.3g}", row["device"]) for metric, row in newest.items()]


def main(scale: str = "full") -> dict[str, float]:
    """Measure, append to records.csv if at full size, and return every figure by name."""
    begun, size, out = time.perf_counter(), SIZES[scale], {}
    with labs() as kinds:
        for kind, lab in kinds:
            lab.run(lab.submit(make_recipe(RECIPE)))  # the first one decodes what all others use
            first_point_seconds(lab)
            taken = [first_point_seconds(lab) for _ in range(size.times)]
            out[f"{kind}, from submit to the first live point, s"] = statistics.median(taken)
            if kind != "local":
                found = through_two_slots(lab, size.queued)
                what = f"{kind}, {size.queued} runs through two slots"
                out |= {f"{what}: {figure}": value for figure, value in found.items()}
    out |= crowd(size)
    if scale == "full":
        append_figures("scale", out, time.perf_counter() - begun)
    return out
