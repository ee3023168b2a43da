"""No cell of an exported table is a formula, and every table goes through the one that sees to it."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from engine.files.sheets import cell, table_text

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("text", ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", " =1"])
def test_a_text_that_begins_like_a_formula_is_only_text(text):
    [[_], [written]] = csv.reader(io.StringIO(table_text(["file"], [[text]]), newline=""))
    assert written == f"'{text}"


@pytest.mark.parametrize("value", ["-", "+", "=", "@", "-0.5", "+1e-3", -0.5, 3, None, "a=b", ""])
def test_signs_numbers_and_words_stay(value):
    assert cell(value) == value


def test_no_other_module_writes_a_table():
    writers = [
        path.relative_to(ROOT).as_posix()
        for folder in ("engine", "app", "pages")
        for path in (ROOT / folder).rglob("*.py")
        if any(name in path.read_text() for name in ("csv.writer", "csv.DictWriter", "to_csv("))
    ]
    assert writers == ["engine/files/sheets.py"]
