"""A disk that fails at a chosen operation, and a process that is killed there: see faulty.c and fault_runner.py."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


def why_not() -> str:
    """Why faults can't be injected here; empty where they can."""
    if sys.platform != "linux":
        return "needs Linux: calls are intercepted by LD_PRELOAD"
    return "" if shutil.which("cc") else "needs a C compiler (cc)"


class Runner:
    """A process in which deeds are done and faults hit them. Forks are cheap, so its start is paid once."""

    def __init__(self, folder: Path) -> None:
        library = folder / "faulty.so"
        command = [
            "cc",
            "-O1",
            "-shared",
            "-fPIC",
            "-o",
            str(library),
            str(HERE / "faulty.c"),
            "-ldl",
        ]
        subprocess.run(command, check=True, capture_output=True)
        own = {
            "LD_PRELOAD": str(library),
            "PYTHONPATH": f"{ROOT}:{HERE}",
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
        }
        self.log = open(folder / "runner.log", "w+", encoding="utf-8")  # noqa: SIM115
        self.process = subprocess.Popen(
            [sys.executable, str(HERE / "fault_runner.py"), str(library)],
            env={**os.environ, **own},
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
        )
        assert self._answer()["outcome"] == "ready"

    def do(
        self, deed: str, home: Path, action: str = "nothing", at: int = 0, go_on: bool = False
    ) -> tuple[str, int]:
        """What came of a deed in a fork of its own, and how many operations on the home's files it took until then."""
        request = {"deed": deed, "home": str(home), "action": action, "at": at, "go_on": go_on}
        print(json.dumps(request), file=self.process.stdin, flush=True)
        answer = self._answer()
        return answer["outcome"], answer["count"]

    def _answer(self) -> dict[str, Any]:
        line = self.process.stdout.readline()
        if not line:
            self.log.seek(0)
            raise AssertionError(f"the runner died: {self.log.read()[-3000:]}")
        return json.loads(line)

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait(timeout=900)
        self.process.stdout.close()
        self.log.close()
