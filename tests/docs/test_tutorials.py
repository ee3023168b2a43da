"""Every command and every Python block of the tutorials is run, on fewer images and epochs than a
person would take.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from engine.cli import main, parser_of
from engine.lab import Lab
from engine.noise.config import CONFIG

TUTORIALS = Path(__file__).parents[2] / "docs" / "tutorials"
BLOCK = re.compile(r"```(bash|python)\n(.*?)```", re.S)
HERE = re.compile(r"cat > (\S+) <<'END'\n(.*?)END\n", re.S)
# What a page says → what is run here instead. A page that no longer says it fails the test.
REDUCED: dict[str, dict[str, str]] = {
    "own-data": {"[:400]": "[:200]", "--set epochs=15": "--set epochs=1"},
    "wrong-labels": {"[:600]": "[:200]", "[:60]": "[:20]"},
    "few-shot": {},
    "sweep": {"data.limit: 600}": "data.limit: 100, epochs: 1}", "--trials 6": "--trials 1"},
    # Enough images and epochs that wrong labels are left over and the second model finds some: as in full.
    "mend-and-train": {"[:900]": "[:400]", "[:60]": "[:20]"},
    "compare": {"--set seed=": "--set data.limit=100 --set epochs=1 --set seed="},
}


def test_every_tutorial_is_tried() -> None:
    assert {path.stem for path in TUTORIALS.glob("*.md")} == set(REDUCED)


@pytest.mark.parametrize("name", REDUCED)
def test_a_tutorial_does_what_it_says(name, tmp_path, monkeypatch, capfd) -> None:
    text = (TUTORIALS / f"{name}.md").read_text(encoding="utf-8")
    for long, short in REDUCED[name].items():
        assert long in text
        text = text.replace(long, short)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GLYPHLAB_HOME", str(tmp_path / "home"))
    printed = ""
    for kind, block in BLOCK.findall(text):
        if kind == "python":
            exec(compile(block, f"{name}.md", "exec"), {"__name__": name})
        for file, content in HERE.findall(block):
            Path(file).write_text(content, encoding="utf-8")
        for line in HERE.sub("", block).splitlines() if kind == "bash" else ():
            words = shlex.split(_with_ids(line, tmp_path / "home"))
            assert words[:3] == ["python", "-m", "engine"], line
            if words[3] == "noise":
                _pretend(words[3:], Lab(tmp_path / "home"))
            else:
                assert main(words[3:]) == 0, line
        printed += capfd.readouterr().out
    expected = SAYS.get(name)
    assert expected is None or re.search(expected, printed), printed


# What must come of it, where a command that ends well does not yet show that.
SAYS = {
    "own-data": r"test accuracy",
    "wrong-labels": r"of the 60 first suspects are wrong",
    "few-shot": r"6 of 6 examples",
    "sweep": r"val_accuracy|validation accuracy",
    "mend-and-train": r"(?s)\b[1-9]\d* of \d+ get their true class.*images\n.*McNemar's p",
    "compare": r"narrow",
}


def _with_ids(line: str, home: Path) -> str:
    """RUN is the newest run, RUN1 the oldest."""
    runs = [run.id for run in reversed(Lab(home).runs())]
    line = re.sub(r"\bRUN(\d)\b", lambda found: runs[int(found[1]) - 1], line)
    return re.sub(r"\bRUN\b", lambda found: runs[-1], line)


def _pretend(words: list[str], lab: Lab) -> None:
    """A diagnosis takes most of a minute whatever the number of images, and has tests of its own:
    here, that the command is understood, and a table like its own for what follows. As in its own, what
    a model predicts with most confidence to be of another class stands first, where there is a model.
    """
    args = parser_of("noise").parse_args(words[1:])
    assert args.effort in CONFIG.efforts and Path(args.dataset).is_dir()
    files = sorted(path.relative_to(args.dataset) for path in Path(args.dataset).rglob("*.png"))
    suspicion = dict.fromkeys(map(str, files), 0.5)
    if lab.runs():
        space = lab.spaces.embed(lab.runs()[0].id, args.dataset, "all")
        for at, place in enumerate(space.index.tolist()):
            if space.wrong[at]:
                suspicion[str(space.images.files[place])] += float(space.confidence[at]) / 2
    rows = ["file,index,given,likely,suspicion"]
    for at, file in enumerate(sorted(files, key=lambda file: -suspicion[str(file)])):
        true = re.search(r"-is-(\w+)", file.name)  # a name may hold the true class
        likely = true[1] if true else file.parent
        rows.append(f"{file},{at},{file.parent},{likely},{suspicion[str(file)]}")
    Path(args.csv).write_text("\n".join(rows) + "\n", encoding="utf-8")
