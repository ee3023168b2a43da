"""The wheel: it holds what the lab needs and nothing else, and runs where the sources are not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
import zipfile
from pathlib import Path

import pytest
from pictures import page
from ports import free_port
from waiting import PATIENCE_SECONDS, wait_until

from engine import __version__

ROOT = Path(__file__).parents[1]
TOP = {"app", "engine", "pages", "assets", "checkpoints"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """The wheel of what git knows of, as a clean clone has it."""
    out = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", out]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (found,) = out.glob("*.whl")
    return found


def test_it_holds_what_the_lab_needs_below_one_name(wheel):
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", *TOP],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    expected = {f"glyphlab/_lab/{name}" for name in listed.stdout.splitlines()}
    expected |= {"glyphlab/__init__.py", "glyphlab/__main__.py", "glyphlab/_lab/bench/records.csv"}
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
        (metadata,) = (
            archive.read(name).decode()
            for name in archive.namelist()
            if name.endswith(".dist-info/METADATA")
        )
    assert names == expected
    lines = metadata.splitlines()
    assert f"Version: {__version__}" in lines
    needed = {
        line.split(": ")[1].lower().replace("_", "-")
        for line in lines
        if line.startswith("Requires-Dist")
    }
    assert {need for need in needed if "extra ==" not in need} == {
        line.lower().replace("_", "-")
        for line in (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
        if line and not line.startswith("#")
    }
    extras = {line.split(": ")[1] for line in lines if line.startswith("Provides-Extra")}
    assert extras == {"cluster", "cpu", "dev", "hub", "trackio"}
    on_top = {need.split("==")[0] for need in needed if "extra == 'cluster'" in need}
    assert on_top == {"ray[default]", "submitit"}


def answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=60) as answer:
            return answer.status == 200
    except OSError:
        return False


def test_it_starts_trains_and_reads_where_the_sources_are_not(wheel, tmp_path):
    site, elsewhere = tmp_path / "site-packages", tmp_path / "elsewhere"
    zipfile.ZipFile(wheel).extractall(site)
    elsewhere.mkdir()
    (elsewhere / "engine.py").write_text("raise SystemExit('not the lab')", encoding="utf-8")
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith("GLYPHLAB_")},
        "HOME": str(tmp_path),
        "PYTHONPATH": str(site),
    }

    def glyphlab(*arguments: str) -> str:
        command = [sys.executable, "-P", "-m", "glyphlab", *arguments]
        done = subprocess.run(
            command, cwd=elsewhere, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    overview = glyphlab("--help")
    assert "usage: glyphlab COMMAND" in overview and "Without a command" in overview
    assert "python -m" not in overview
    settings = {row["name"]: row["value"] for row in json.loads(glyphlab("settings", "--json"))}
    assert settings["GLYPHLAB_HOME"] == str(tmp_path / ".glyphlab")
    assert "canvas-digits" in {row["name"] for row in json.loads(glyphlab("models", "--json"))}
    assert "quick" in glyphlab("recipes") and "glyphlab train quick" in glyphlab("runs")
    # The lab starts while a run trains, and the run's model reads a drawing.
    port = free_port()
    environment |= {"GLYPHLAB_PORT": str(port), "OMP_NUM_THREADS": "1"}
    serving = subprocess.Popen(
        [sys.executable, "-P", "-m", "glyphlab"],
        cwd=elsewhere,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        small = ("--set", "epochs=2", "--set", "data.limit=600")
        run = json.loads(glyphlab("train", "quick", "--json", *small))
        page("4", 200, 150, (60, 30, 90, 90), pen=9).save(elsewhere / "four.png")
        (read,) = json.loads(glyphlab("predict", run["run_id"], "four.png", "--json"))
        assert read["label"] in set("0123456789") and run["state"] == "finished"
        wait_until(lambda: answers(f"http://127.0.0.1:{port}/healthz"))
    finally:
        serving.terminate()
        assert serving.wait(timeout=PATIENCE_SECONDS) == 0
    notebook = "import glyphlab; lab = glyphlab.Lab('home'); print(lab.recipe('quick').name)"
    done = subprocess.run(
        [sys.executable, "-P", "-c", notebook],
        cwd=elsewhere,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "quick\n"
