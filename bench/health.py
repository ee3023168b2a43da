"""How long /healthz takes, for somebody outside: asked by a process of its own.

A thread of the benchmark would wait for its turn beside Playwright's client, or beside thirty sessions
whose messages are read, and count that as the lab's. The process has a session of its own, as Docker's
health check or a monitor's has, and the priority of whoever starts the benchmark: where the lab and its
pages' browsers fill the cores, it waits for the kernel as a real one would. What it waited so itself, which
somebody on another machine would not, the kernel tells.
"""

from __future__ import annotations

import http.client
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NamedTuple

GAP_SECONDS = 0.05
PATIENCE = 300  # seconds for an answer
SCHEDULED = Path("/proc/self/schedstat")  # nanoseconds that a thread ran, and waited for a core


class Asked(NamedTuple):
    """A question for /healthz: milliseconds until its answer was there, and those of them in which the
    asker waited for a core.
    """

    ms: float
    own_ms: float


@contextmanager
def asking_for_health(port: int) -> Iterator[list[Asked]]:
    """Asks a lab for /healthz every 50 ms in the meantime; the list grows by each answer."""
    process = subprocess.Popen(
        [sys.executable, __file__, str(port)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    assert process.stdin and process.stdout
    taken: list[Asked] = []
    process.stdout.readline()  # it has started
    reading = threading.Thread(target=_read, args=(process.stdout, taken))
    reading.start()
    try:
        yield taken
    finally:
        process.stdin.close()
        reading.join()
        process.stdout.close()
        if process.wait():
            raise RuntimeError(f"/healthz could not be asked: status {process.returncode}")


def _read(answers: IO[str], taken: list[Asked]) -> None:
    for line in answers:
        taken.append(Asked(*map(float, line.split())))


def ask(port: int) -> None:
    """Print a line, then the milliseconds of each answer and those waited for a core, until the standard
    input is closed.
    """
    over = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), over.set()), daemon=True).start()
    print("asking", flush=True)
    while True:
        waited, begun = _waited_ms(), time.perf_counter()
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        connection.request("GET", "/healthz")
        connection.getresponse().read()
        connection.close()
        taken = 1000 * (time.perf_counter() - begun)
        print(taken, min(_waited_ms() - waited, taken), flush=True)
        if over.wait(GAP_SECONDS):
            break


def _waited_ms() -> float:
    return int(SCHEDULED.read_text().split()[1]) / 1e6 if SCHEDULED.exists() else 0.0


if __name__ == "__main__":
    ask(int(sys.argv[1]))
