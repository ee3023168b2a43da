"""`records.csv`: every figure that the README, a model card or a page may state. Rows are only ever
added.
"""

from __future__ import annotations

import csv
import datetime
import platform
import subprocess
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path

from engine.device import in_cores, of_record, usable_cores

FILE = Path(__file__).parent / "records.csv"
COLUMNS = (
    "commit",
    "date",
    "bench_or_recipe",
    "scale",
    "device",
    "versions",
    "seed",
    "metric",
    "value",
    "seconds",
)


def append(rows: Iterable[Mapping[str, object]], file: Path = FILE) -> None:
    """Add rows, each with `bench_or_recipe`, `metric` and `value` at least; commit, date, device
    and versions are filled in.
    """
    now = {
        "commit": commit(),
        "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d"),
        "device": device(),
        "versions": versions(),
        "scale": "full",
        "seed": "",
    }
    new = not file.exists()
    with file.open("a", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        if new:
            writer.writerow(COLUMNS)
        for row in rows:
            filled = {**now, **row}
            if unknown := set(filled) - set(COLUMNS):
                raise ValueError(f"no column {', '.join(sorted(unknown))}")
            writer.writerow([filled.get(column, "") for column in COLUMNS])


def append_figures(
    name: str,
    figures: Mapping[str, float],
    seconds: float | None = None,
    digits: int = 4,
    file: Path = FILE,
    **same: object,
) -> None:
    """Add a row for each figure of one measurement, to so many significant digits. seconds: that it
    took, all in all, if that is recorded; same: further columns that all rows share.
    """
    rows = [
        {
            "bench_or_recipe": name,
            "metric": metric,
            "value": f"{value:.{digits}g}",
            "seconds": "" if seconds is None else round(seconds, 1),
            **same,
        }
        for metric, value in figures.items()
    ]
    append(rows, file)


def read(file: Path = FILE) -> list[dict[str, str]]:
    """All rows, oldest first; none if nothing was recorded yet."""
    if not file.exists():
        return []
    with file.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    return [{**row, "device": of_record(row["device"])} for row in rows]


def commit() -> str:
    """The commit that was measured, with a '+' if the working tree had changes on top."""

    def git(*arguments: str) -> str:
        return subprocess.run(
            ["git", *arguments], capture_output=True, text=True, check=True, cwd=FILE.parent
        ).stdout.strip()

    try:
        return git("rev-parse", "--short", "HEAD") + (
            "+"
            if git("status", "--porcelain", "--", "../engine", "../app", "../bench/*.py")
            else ""
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def device() -> str:
    """The GPU's name, or the processor's with the cores that this process may use."""
    import torch

    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    name = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            name = next(
                line.split(":", 1)[1].strip() for line in file if line.startswith("model name")
            )
    except (OSError, StopIteration):
        pass
    return in_cores(name, usable_cores())


def versions() -> str:
    return f"python {platform.python_version()}, torch {version('torch')}"
