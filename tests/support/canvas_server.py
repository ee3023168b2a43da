"""The canvas alone, as a Gradio Space runs it: `python app/canvas.py` in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import urllib.request
from pathlib import Path

from ports import free_port
from waiting import wait_until
from weblab import ROOT


class CanvasServer:
    """A running canvas on a free port, with a home of its own."""

    def __init__(self, home: Path, **environ: str) -> None:
        self.home, port = home, free_port()
        self.address = f"http://127.0.0.1:{port}"
        self.log = open(home / "canvas.log", "w+", encoding="utf-8")  # noqa: SIM115
        own = {
            "GLYPHLAB_HOME": str(home),
            "GLYPHLAB_PORT": str(port),
            "GLYPHLAB_HOST": "127.0.0.1",
            "GLYPHLAB_THREADS": "1",
        }
        self.process = subprocess.Popen(
            [sys.executable, "app/canvas.py"],
            cwd=ROOT,
            env={**os.environ, **own, **environ},
            stdout=self.log,
            stderr=self.log,
        )
        try:
            wait_until(self._answers, interval=0.2)
        except AssertionError:
            self.close()
            raise

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(self.address, timeout=900) as answer:
                return answer.status == 200
        except OSError:
            assert self.process.poll() is None, self.output()
            return False

    def output(self) -> str:
        self.log.seek(0)
        return self.log.read()

    def close(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(timeout=900)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()
