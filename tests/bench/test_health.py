"""How a benchmark asks for /healthz."""

from __future__ import annotations

import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from priorities import children
from waiting import wait_until

from bench.health import asking_for_health


class Answers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/healthz" else 404)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Not on the tests' screen."""


@pytest.fixture
def port():
    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs Linux's /proc")
def test_health_is_asked_by_a_process_in_a_session_of_its_own(port):
    with asking_for_health(port) as taken:
        wait_until(lambda: len(taken) >= 3)
        (asker,) = [pid for pid, line in children(os.getpid()).items() if "health.py" in line]
        assert os.getsid(asker) == asker and os.getpriority(
            os.PRIO_PROCESS, asker
        ) == os.getpriority(os.PRIO_PROCESS, 0)
    assert all(0 <= asked.own_ms <= asked.ms for asked in taken)


def test_a_lab_that_does_not_answer_is_said(port):
    with (
        pytest.raises(RuntimeError, match="/healthz could not be asked"),
        asking_for_health(1),  # where nobody listens
    ):
        pass
