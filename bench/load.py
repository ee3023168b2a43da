"""A lab that many use at once: 50 people draw, 20 watch a live run, one run trains, for ten minutes.

Everybody shares the machine with the lab, the people too. Who draws sends a pad's questions as the pad
does (assets/canvas/latest.js): while the pen moves, two seconds, the next no sooner than three times
what the last answer took or than that answer said, one as the pen is lifted, then nothing for three
seconds. Who watches has the Train page open: a WebSocket to Streamlit that asks for its fragment again
as often as the page says.

Figures: what drawings took, questions and pages that failed, the memory of the lab's processes at the end
against that after the first minute, the training's speed against its speed before anybody came, and who
used the processor: a figure is worth as much as the machine was free for it.
"""

from __future__ import annotations

import http.client
import json
import os
import tempfile
import threading
import time
from pathlib import Path

from bench.canvas import MODELS, PATIENCE, Lab, Training, drawing, spread
from bench.records import append_figures, read

DRAWING, WATCHING = 50, 20  # people
STROKE_SECONDS, REST_SECONDS = 2.0, 3.0
LEAST_GAP, GAP_TIMES, MOST_GAP = 0.04, 3, 2.0  # seconds, as in assets/canvas/latest.js
SECONDS = 600
SETTLED_SECONDS = 60  # from then on memory is to stay
ALONE_SECONDS = 20  # of the training, before anybody comes
STAGES = (
    "one process",
    "two processes",
    "two processes, told pace",
)  # of what was measured in one go
TICKS = os.sysconf("SC_CLK_TCK")


class Crowd:
    """What the people of one measurement counted."""

    def __init__(self, lab: Lab, run: str, seconds: float) -> None:
        self.lab, self.run, self.pad = lab, run, lab.pad()
        self.end = time.monotonic() + seconds
        self.taken: list[float] = []  # milliseconds of each answer
        self.lifted: list[float] = []  # the same, of those that the pen's end asked for
        self.pages = 0
        self.failed: list[str] = []

    def draw(self, offset: float) -> None:
        """One person's drawings until the end; `offset` seconds after the others' first."""
        question = {
            "session_hash": f"load{offset:.2f}",
            "component_id": self.pad,
            "fn_name": "look",
            "data": [drawing(), MODELS[0], "nearest", []],
        }
        body = json.dumps(question)
        link = http.client.HTTPConnection("127.0.0.1", self.lab.port, timeout=PATIENCE)
        time.sleep(offset)
        while time.monotonic() < self.end:
            lifted = min(time.monotonic() + STROKE_SECONDS, self.end)
            while time.monotonic() < lifted:
                began = time.monotonic()
                told = self._ask(link, body, self.taken)
                taken = time.monotonic() - began
                gap = min(max(LEAST_GAP, GAP_TIMES * taken, told), MOST_GAP)
                time.sleep(max(0.0, min(began + gap, lifted) - time.monotonic()))
            self._ask(link, body, self.lifted)
            time.sleep(max(0.0, min(REST_SECONDS, self.end - time.monotonic())))
        link.close()

    def _ask(self, link: http.client.HTTPConnection, body: str, taken: list[float]) -> float:
        """Ask once; returns how many seconds the answer says to wait before the next."""
        start = time.perf_counter()
        kind = {"Content-Type": "application/json"}
        for _ in range(2):
            try:
                link.request("POST", "/canvas/gradio_api/component_server", body, kind)
                answer = link.getresponse()
                break
            except (ConnectionError, http.client.HTTPException):
                link.close()  # it was idle for long: a browser opens another, and so do we
        else:
            self.failed.append("drawing: no connection")
            return 0.0
        content = answer.read()
        taken.append(1000 * (time.perf_counter() - start))
        found = json.loads(content) if answer.status == 200 else {}
        if found.get("glyph") != "7":
            self.failed.append(f"drawing: {answer.status} {content[:80]!r}")
        return found.get("gap_ms", 0) / 1000

    def watch(self) -> None:
        """One person's Train page until the end."""
        from streamlit.proto.BackMsg_pb2 import BackMsg
        from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
        from websockets.sync.client import connect

        address = f"ws://127.0.0.1:{self.lab.port}/_stcore/stream"
        asked = BackMsg()
        asked.rerun_script.query_string = f"run={self.run}"
        asked.rerun_script.page_name = "train"
        again: dict[str, tuple[float, float]] = {}  # fragment → seconds between, when next
        with connect(address, subprotocols=["streamlit"], max_size=None) as link:  # type: ignore
            link.send(asked.SerializeToString())
            while time.monotonic() < self.end:
                try:
                    message = ForwardMsg.FromString(link.recv(timeout=0.1))  # type: ignore
                except TimeoutError:
                    message = None
                if message is not None and message.WhichOneof("type") == "auto_rerun":
                    pace = message.auto_rerun.interval
                    again[message.auto_rerun.fragment_id] = (pace, time.monotonic() + pace)
                elif message is not None and message.WhichOneof("type") == "script_finished":
                    self.pages += 1
                elif message is not None and message.delta.new_element.HasField("exception"):
                    self.failed.append("page: " + message.delta.new_element.exception.message[:80])
                for fragment, (pace, due) in again.items():
                    if time.monotonic() >= due:
                        asked.rerun_script.fragment_id = fragment
                        asked.rerun_script.is_auto_rerun = True
                        link.send(asked.SerializeToString())
                        again[fragment] = (pace, time.monotonic() + pace)


class Processor:
    """Processor seconds of everybody who has a part in it, from now on; by /proc, so on Linux."""

    def __init__(self, lab: Lab, training: Training) -> None:
        run = training.rooms.run(training.run).status()["pid"]
        readers = Path(f"/proc/{lab.process.pid}/task/{lab.process.pid}/children").read_text()
        self.parts = {
            "web process": [lab.process.pid],
            "reading process": [int(pid) for pid in readers.split()],
            "training": [run],
            "people": [os.getpid()],
        }
        self._began, self._before = time.monotonic(), self._now()

    @property
    def lab(self) -> list[int]:
        """The processes of the lab itself."""
        return self.parts["web process"] + self.parts["reading process"]

    def _now(self) -> dict[str, float]:
        spent = {name: sum(map(_spent, pids)) for name, pids in self.parts.items()}
        everything = Path("/proc/stat").read_text(encoding="ascii").split("\n")[0].split()[1:]
        idle = int(everything[3]) + int(everything[4])
        spent["all programs"] = (sum(map(int, everything[:8])) - idle) / TICKS
        return spent

    def cores(self) -> dict[str, float]:
        """Cores that each used on average, and what was left to programs outside."""
        passed = time.monotonic() - self._began
        used = {name: (now - self._before[name]) / passed for name, now in self._now().items()}
        outside = 2 * used["all programs"] - sum(used.values())
        del used["all programs"]
        return {f"cores: {name}": value for name, value in (used | {"others": outside}).items()}


def _spent(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def memory_mb(pids: list[int]) -> float:
    """The resident memory of processes together."""
    pages = (Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1] for pid in pids)
    return sum(map(int, pages)) * os.sysconf("SC_PAGE_SIZE") / 1e6


def measure(seconds: float = SECONDS) -> dict[str, float]:
    """Every figure by name."""
    with tempfile.TemporaryDirectory() as name:
        lab = Lab(Path(name))
        training = Training(lab)
        try:
            with training:
                time.sleep(ALONE_SECONDS)
                alone = speed_of(training, ALONE_SECONDS)
                crowd = Crowd(lab, training.run, seconds)
                people = [
                    threading.Thread(target=crowd.draw, args=(5 * n / DRAWING,), daemon=True)
                    for n in range(DRAWING)
                ] + [threading.Thread(target=crowd.watch, daemon=True) for _ in range(WATCHING)]
                for one in people:
                    one.start()
                time.sleep(min(SETTLED_SECONDS, seconds / 3))
                processor = Processor(lab, training)
                settled = memory_mb(processor.lab)
                for one in people:
                    one.join(timeout=seconds + PATIENCE)
                used, grown = processor.cores(), memory_mb(processor.lab) / settled - 1
                beside = speed_of(training, seconds)
        finally:
            lab.close()
    for words in sorted(set(crowd.failed))[:5]:
        print(f"  failed: {words}")
    return {
        **spread("drawings", crowd.taken + crowd.lifted),
        **spread("drawings as the pen is lifted", crowd.lifted),
        "drawings answered": len(crowd.taken) + len(crowd.lifted),
        "redraws of watched pages": crowd.pages,
        "failures": len(crowd.failed),
        "memory after the first minute, MB": settled,
        "memory grown since, %": 100 * grown,
        "training speed kept, %": 100 * beside / alone,
        **used,
    }


SHOWN = {  # what of it the documentation shows, and what was aimed at
    "drawings, p50, ms": "",
    "drawings, p95, ms": "at most 300",
    "drawings answered": "",
    "redraws of watched pages": "",
    "failures": "0",
    "memory grown since, %": "at most 5",
    "training speed kept, %": "at least 60",
}


def rows() -> list[tuple[str, ...]]:
    """The figures of SHOWN from the newest record of each: over ten minutes, the aim, and over 90 seconds in
    one go before drawings had a process of their own, before pads were told when to ask, and with both.
    """
    newest: dict[tuple[str, str, str], str] = {}
    for row in read():
        if row["bench_or_recipe"] == "load":
            metric = row["metric"].partition(": ")[2]
            newest[row["scale"], row["seed"], metric] = row["value"]
    columns = (("full", ""), *(("90 s", stage) for stage in STAGES))

    def shown(scale: str, stage: str, metric: str) -> str:
        value = newest.get((scale, stage, metric))
        return "" if value is None else f"{round(float(value), 1):,g}"

    return [
        (metric, shown(*columns[0], metric), aim, *(shown(*one, metric) for one in columns[1:]))
        for metric, aim in SHOWN.items()
        if ("full", "", metric) in newest
    ]


def speed_of(training: Training, seconds: float) -> float:
    """Mean images a second that a run trained in its last so many seconds."""
    rows = [row for row in training.rooms.run(training.run).metrics() if row["kind"] == "epoch"]
    late = [row for row in rows if row["seconds"] > rows[-1]["seconds"] - seconds]
    first, last = late[0], late[-1]
    if first is last:
        return float(last["images_per_second"])
    return (last["images_seen"] - first["images_seen"]) / (last["seconds"] - first["seconds"])


def main(seconds: float = SECONDS) -> dict[str, float]:
    """Measure and return every figure by name; the full ten minutes are appended to records.csv."""
    found = measure(seconds)
    if seconds < SECONDS:
        return found
    who = f"{DRAWING} draw, {WATCHING} watch"
    named = {f"{who}: {metric}": value for metric, value in found.items()}
    append_figures("load", named, seconds)
    return found
