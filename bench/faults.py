"""Faults on purpose: the tests of tests/faults in their long form. `make test` runs a seeded few of each kind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.records import append, read

ROOT = Path(__file__).parents[1]
KINDS: dict[str, str] = {
    "kills": "test_disk.py -k killed",
    "full disks": "test_disk.py -k full",
    "states after power cuts": "test_power_cut.py",
    "changes by processes that share a home": "test_together.py",
    "clock jumps": "test_clocks.py",
    "generated inputs": "test_inputs.py",
    "kills of the web server": "test_server_killed.py",
}


def main(kinds: tuple[str, ...] = tuple(KINDS)) -> dict[str, float]:
    """Inject the faults of these kinds; returns how many of each. Raises SystemExit if the lab does not stand one."""
    counts: dict[str, float] = {}
    for kind in kinds:
        begun = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            report = Path(folder) / "report.json"
            own = {"GLYPHLAB_FAULTS": "full", "GLYPHLAB_FAULTS_REPORT": str(report)}
            own |= {"OMP_NUM_THREADS": "1"}
            name, *choice = KINDS[kind].split()
            command = [sys.executable, "-m", "pytest", "-q", f"tests/faults/{name}", *choice]
            done = subprocess.run(command, cwd=ROOT, env={**os.environ, **own})
            if done.returncode:
                sys.exit(f"{kind}: the lab did not stand this")
            found = json.loads(report.read_text(encoding="utf-8"))
        seconds = round(time.monotonic() - begun, 1)
        counts[kind] = found[kind]
        append(
            [
                {
                    "bench_or_recipe": "faults",
                    "metric": kind,
                    "value": found[kind],
                    "seconds": seconds,
                }
            ]
        )
    return counts


def rows() -> list[tuple[str, str, str, str]]:
    """The newest record of each kind: the kind, how many, what was lost, the command."""
    newest = {row["metric"]: row for row in read() if row["bench_or_recipe"] == "faults"}
    return [
        (kind, f"{float(newest[kind]['value']):,.0f}", "0 bytes", f"`pytest tests/faults/{where}`")
        for kind, where in KINDS.items()
        if kind in newest
    ]
