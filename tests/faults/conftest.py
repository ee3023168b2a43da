"""Faults come in two sizes: a seeded few with every `make test`, and all of them with `python -m bench faults`."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path

import pytest


class Tally:
    """How many faults to inject, and how many were."""

    def __init__(self) -> None:
        self.full = os.environ.get("GLYPHLAB_FAULTS") == "full"
        self.counts: Counter[str] = Counter()

    def of(self, few: int, full: int) -> int:
        """`few` with the other tests, `full` in the long form."""
        return full if self.full else few

    def add(self, figure: str, number: int = 1) -> None:
        self.counts[figure] += number


@pytest.fixture(scope="session")
def tally():
    """Counts what was tried; the long form leaves its figures in the file that GLYPHLAB_FAULTS_REPORT names."""
    tally = Tally()
    yield tally
    if report := os.environ.get("GLYPHLAB_FAULTS_REPORT"):
        Path(report).write_text(json.dumps(tally.counts), encoding="utf-8")
