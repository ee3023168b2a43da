"""The examples of the page about data are run, and the lab says of them what the page shows."""

from __future__ import annotations

import re
from pathlib import Path

from engine.cli import main

PAGE = Path(__file__).parents[2] / "docs" / "data.md"
EXAMPLE = re.compile(r"^\d\. `python -m engine (datasets \S+)`.*?\n\n((?: {8}.*\n)+)", re.M)


def test_every_example_of_the_data_page_says_what_is_shown(tmp_path, monkeypatch, capfd):
    text = PAGE.read_text(encoding="utf-8")
    [block] = re.findall(r"```python\n(.*?)```", text, re.S)
    examples = EXAMPLE.findall(text)
    assert len(examples) == 6
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GLYPHLAB_HOME", str(tmp_path / "home"))
    exec(compile(block, "data.md", "exec"), {"__name__": "data"})
    for command, shown in examples:
        assert main(command.split()) == 0
        printed = capfd.readouterr().out
        for line in shown.splitlines():
            assert line.strip() in printed, (command, line)
