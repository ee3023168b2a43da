"""The page on the label-noise method against the code: what it names exists, what it states holds."""

from __future__ import annotations

import ast
import dataclasses
import re
from pathlib import Path

import pytest

from engine.noise.config import CONFIG
from engine.noise.findings import REGIMES

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "label-noise.md").read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"\b((?:engine|bench|app|tests)/[\w/]+\.py)(?::([\w.]+\w))?", TEXT)))
ROWS = [
    [cell.strip().strip("`") for cell in line.strip("|").split("|")]
    for line in TEXT.splitlines()
    if line.startswith("| ")
]


def names_in(body: list[ast.stmt], prefix: str = "") -> set[str]:
    """Functions, classes, their methods and fields, and constants of a module, as `Class.method`."""
    out: set[str] = set()
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            out.add(prefix + node.name)
            if isinstance(node, ast.ClassDef):
                out |= names_in(node.body, f"{prefix}{node.name}.")
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            out.add(prefix + node.target.id)
        elif isinstance(node, ast.Assign):
            out |= {prefix + t.id for t in node.targets if isinstance(t, ast.Name)}
    return out


def test_the_page_names_the_steps_of_the_code() -> None:
    assert len(NAMED) > 30


@pytest.mark.parametrize(("file", "name"), NAMED)
def test_every_file_and_function_on_the_page_exists(file: str, name: str) -> None:
    path = ROOT / file
    assert path.is_file(), file
    if name:
        assert name in names_in(ast.parse(path.read_text(encoding="utf-8")).body), f"{file}:{name}"


def test_every_threshold_is_on_the_page_with_its_value_and_a_source() -> None:
    stated = {row[0]: row[1:3] for row in ROWS if len(row) == 4}
    for field in dataclasses.fields(CONFIG):
        if field.name != "efforts":
            value, source = stated[field.name]
            assert value == str(getattr(CONFIG, field.name)), field.name
            assert source in {
                "derived",
                "chosen",
                "mnistTask3",
                "EMNIST",
                "development",
                "seed 9001",
            }


def test_every_effort_is_on_the_page() -> None:
    for name, effort in CONFIG.efforts.items():
        sizes = dataclasses.asdict(effort)
        del sizes["about"]
        numbers = [str(value) for value in sizes.values()]
        assert [name, *numbers] in ROWS


def test_the_regimes_have_the_names_that_the_screen_shows() -> None:
    """What a regime is called there stands first in its words; the value in documents is said once."""
    rows = TEXT.partition("| regime | wrong labels |")[2].split("\n\n")[0].splitlines()[2:]
    for row, (value, words) in zip(rows, REGIMES.items(), strict=True):
        name = row.strip("|").split("|")[0].strip()
        assert name.partition(" (")[0] in words.partition(":")[0], row
        assert value in name
    assert TEXT.lower().count("few errors") == 1, "another name than the one on screen"
