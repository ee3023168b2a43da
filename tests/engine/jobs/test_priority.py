"""Who serves pages goes first; what it starts does not inherit that. Real processes, and what the
kernel says of them.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from priorities import children, needs_raising, priorities, usual
from waiting import wait_until

from engine.files.locks import Lock
from engine.jobs.queue import queue_of
from engine.lab import Lab
from engine.priority import AHEAD, FORWARD
from engine.settings import ROOT

SERVES = """
import sys, threading
from engine.priority import as_before, go_first
go_first()
threading.Thread(target=sys.stdin.read).start()
"""
STARTS_A_RUN = """
from pathlib import Path
from engine.lab import Lab
lab = Lab(Path(sys.argv[1]))
print(lab.submit(lab.recipe("quick")), flush=True)
"""
DECODES = """
sys.path[:0] = ["tests/support", "tests/engine/data"]
from test_cache import decode, glyph_listing
if __name__ == "__main__":
    listing, target = glyph_listing(200, 28), decode.Target("digit", 28)
    chunks = decode._in_processes(decode._Chunks(listing, target), target, 1)
    next(chunks)
    print("decoding", flush=True)
    sys.stdin.read()
"""


@contextmanager
def running(script: str, *arguments: str, alone: bool = True) -> Iterator[subprocess.Popen[str]]:
    """A process of the usual priority that runs `script`; alone: in a session of its own."""
    threads = {"OMP_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "2"}  # each has its own niceness
    environ = os.environ | threads | {"PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        usual([sys.executable, "-c", script, *arguments]),
        cwd=ROOT, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        start_new_session=alone,
    )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def line_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_a_run_gives_way_to_a_parent_that_has_raised_its_priority(tmp_path):
    needs_raising()
    lab = Lab(tmp_path)
    (tmp_path / "queue").mkdir()
    device = Lock.take(tmp_path / "queue" / f"{queue_of('auto')}.lock")  # or the run would compute
    assert device is not None
    with (
        device,
        running(SERVES + STARTS_A_RUN, str(tmp_path)) as parent,
    ):
        run = lab.run(line_of(parent))
        wait_until(lambda: run.info().message == "waiting for 1 other run")
        assert priorities(parent.pid) == ({-FORWARD}, -FORWARD)
        pid = run.status()["pid"]
        assert pid in children(parent.pid)
        assert priorities(pid) == ({10}, 10)
        lab.stop(run.id)
        wait_until(lambda: not run.info().alive)


def test_processes_that_decode_take_the_old_priority_and_leave_the_raised_session():
    needs_raising()
    with running(SERVES + DECODES) as parent:
        assert line_of(parent) == "decoding"
        workers = [pid for pid, line in children(parent.pid).items() if "spawn_main" in line]
        assert workers and [priorities(pid) for pid in workers] == [({0}, 0)] * len(workers)
        assert priorities(parent.pid)[1] == -FORWARD


def test_a_session_that_others_share_is_not_raised():
    needs_raising()
    threaded = "import numpy\n"  # which has begun threads before
    with running(threaded + SERVES + "print('there', flush=True)", alone=False) as process:
        assert line_of(process) == "there"
        assert priorities(process.pid) == ({-FORWARD}, priorities(os.getpid())[1])


def test_the_thread_that_answers_goes_ahead_of_those_that_it_begins_and_so_does_nothing_that_it_starts():
    needs_raising()
    starts = """
import os, subprocess
from engine.priority import go_ahead
go_ahead()
threading.Thread(target=lambda: print(os.nice(0), sys.getprofile(), flush=True)).start()
sleeping = [sys.executable, "-c", "import sys; sys.stdin.read()"]
children = []
def start():
    children.append(subprocess.Popen(as_before(sleeping), stdin=subprocess.PIPE, start_new_session=True))
start()
starter = threading.Thread(target=start)
starter.start()
starter.join()
print("there", flush=True)
threading.Event().wait()
"""
    with running(SERVES + starts) as process:
        assert line_of(process) == f"{-FORWARD} None"
        assert line_of(process) == "there"
        assert os.getpriority(os.PRIO_PROCESS, process.pid) == -AHEAD

        def become() -> list[int]:  # what was begun through `nice` and is itself by now
            lines = children(process.pid).items()
            return [pid for pid, line in lines if "stdin.read()" in line and "nice" not in line]

        wait_until(lambda: len(become()) == 2)
        assert [priorities(pid) for pid in become()] == [({0}, 0), ({0}, 0)]


def test_a_priority_that_a_person_has_chosen_stays():
    needs_raising()
    with running("import os; os.nice(3)" + SERVES + "print('there', flush=True)") as process:
        assert line_of(process) == "there"
        assert priorities(process.pid) == ({3}, 0)


def test_where_it_may_not_be_raised_nothing_happens():
    drop = """
import os, resource, threading
from engine import priority
resource.setrlimit(resource.RLIMIT_NICE, (0, 0))
if os.getuid() == 0:
    os.setuid(65534)
"""
    with running(drop + SERVES + "print(os.nice(0), as_before(['python']), flush=True)") as process:
        assert line_of(process) == "0 ['python']"
