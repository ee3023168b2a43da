"""Starting from nothing: what `make` says on a machine that lacks something, and that CI runs what
it should.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.skipif(not shutil.which("make"), reason="needs make")


@pytest.fixture(autouse=True)
def by_hand(monkeypatch):
    """Without what a make that runs these tests hands down, its settings and variables: told so, make says which
    folder it enters, and does what CI asked for.
    """
    for name in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "MAKEOVERRIDES", "SECOND_TRY"):
        monkeypatch.delenv(name, raising=False)


def make(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    for name in ("Makefile", "requirements.txt", "requirements-dev.txt"):
        shutil.copy2(ROOT / name, folder)
    return subprocess.run(
        ["make", *arguments], cwd=folder, capture_output=True, text=True, timeout=900
    )


def python_that(folder: Path, script: str) -> Path:
    path = folder / "python"
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def test_a_python_that_is_too_old_is_named_with_its_version(tmp_path):
    old = python_that(tmp_path, 'case "$1" in --version) echo "Python 3.9.2";; *) exit 1;; esac')
    done = make(tmp_path, "run", f"PYTHON={old}")
    assert done.returncode
    assert (
        "needs Python 3.11 or newer" in done.stderr.splitlines()[0]
        and "3.9.2" in done.stderr.splitlines()[0]
    )
    assert not (tmp_path / ".venv").exists()


def test_a_python_without_venv_says_which_package_to_install(tmp_path):
    bare = python_that(
        tmp_path, f'case "$2" in *ensurepip*) exit 1;; *) exec {sys.executable} "$@";; esac'
    )
    done = make(tmp_path, "run", f"PYTHON={bare}")
    assert done.returncode
    assert (
        f"apt-get install python{sys.version_info[0]}.{sys.version_info[1]}-venv"
        in done.stderr.splitlines()[0]
    )


def test_a_second_start_installs_nothing(tmp_path):
    fake = tmp_path / ".venv" / "bin"
    fake.mkdir(parents=True)
    log = tmp_path / "said"
    python_that(fake, f'echo "$@" >> {log}')
    assert make(tmp_path, "run").returncode == 0
    assert make(tmp_path, "run").returncode == 0
    said = log.read_text(encoding="utf-8").splitlines()
    assert "pip" in said[0]
    assert said[1:] == ["-m app", "-m app"]
    future = (tmp_path / ".venv" / ".installed").stat().st_mtime + 10
    os.utime(tmp_path / "requirements.txt", (future, future))
    subprocess.run(["make", "run"], cwd=tmp_path, check=True, capture_output=True)
    assert "pip" in log.read_text(encoding="utf-8").splitlines()[3]


FIRST = "Installing what the lab needs into .venv: a few minutes and about {} GB, this first time only ..."


def test_the_first_start_says_at_once_what_it_does_how_long_and_how_much(tmp_path):
    """Before .venv is made, which alone takes seconds; and a start that installs nothing says nothing."""
    fresh = python_that(
        tmp_path,
        """case "$*" in *"-m venv"*) echo made; mkdir -p .venv/bin
           printf '#!/bin/sh\\necho "$*"\\n' > .venv/bin/python; chmod +x .venv/bin/python;; esac""",
    )
    first, venv, pip, app = make(tmp_path, "run", f"PYTHON={fresh}").stdout.splitlines()
    assert first == FIRST.format(7)
    assert venv == "made" and "pip" in pip and app == "-m app"
    assert make(tmp_path, "run").stdout.splitlines() == ["-m app"]
    (tmp_path / ".venv" / ".installed").unlink()  # as after an install that was broken off
    small = "TORCH_INDEX=https://download.pytorch.org/whl/cpu"
    assert make(tmp_path, "run", small).stdout.splitlines()[0] == FIRST.format(3)
    future = (tmp_path / ".venv" / ".installed").stat().st_mtime + 10
    os.utime(tmp_path / "requirements.txt", (future, future))
    done = subprocess.run(["make", "run"], cwd=tmp_path, check=True, capture_output=True, text=True)
    changed = "Installing what has changed in requirements.txt into .venv ..."
    assert done.stdout.splitlines()[0] == changed


def test_pip_shows_what_it_does_on_a_terminal_and_is_quiet_in_a_log(tmp_path):
    fake = tmp_path / ".venv" / "bin"
    fake.mkdir(parents=True)
    log = tmp_path / "said"
    python_that(fake, f'echo "$@" >> {log}')
    make(tmp_path, "run")
    (tmp_path / ".venv" / ".installed").unlink()
    ours, theirs = os.openpty()
    subprocess.run(["make", "run"], cwd=tmp_path, check=True, stdout=theirs, stderr=theirs)
    os.close(theirs)
    shown = b""
    with suppress(OSError):  # at its end: nobody is there who could write
        while part := os.read(ours, 10_000):
            shown += part
    assert FIRST.format(7) in shown.decode()
    os.close(ours)
    quiet, _, loud, _ = log.read_text(encoding="utf-8").splitlines()
    assert quiet.endswith("install -qq -r requirements.txt")
    assert loud.endswith("install -r requirements.txt")


def test_what_the_tests_on_clusters_lack_is_said_and_they_are_run_all_the_same(
    tmp_path, monkeypatch
):
    fake, there = tmp_path / ".venv" / "bin", tmp_path / "there"
    fake.mkdir(parents=True)
    there.mkdir()
    log = tmp_path / "said"
    python_that(fake, f'echo "$@" >> {log}; case "$*" in *-cluster.txt) exit 1;; esac')
    for name in ("slurmctld", "slurmd", "munged", "sbatch"):  # nothing is to be installed here
        python_that(there, "exit 1").rename(there / name)
    monkeypatch.setenv("PATH", f"{there}{os.pathsep}{os.environ['PATH']}")
    for name in ("cluster", "mlflow"):
        shutil.copy2(ROOT / f"requirements-{name}.txt", tmp_path)
    done = make(tmp_path, "test-cluster")
    assert done.returncode == 0
    assert [line for line in done.stderr.splitlines() if line.endswith("skipped.")] == [
        "Ray and submitit could not be installed; the tests on clusters are skipped.",
        "An MLflow server could not be installed; its test is skipped.",
    ]
    assert "-m pytest tests/cluster" in log.read_text(encoding="utf-8").splitlines()[-1]
    assert not (tmp_path / ".venv" / ".installed-cluster").exists()  # it is tried again
    python_that(fake, 'case "$*" in *pytest*) exit 1;; esac')
    assert make(tmp_path, "test-cluster").returncode  # a test that fails is no lack


def test_ci_runs_make_test_and_is_a_script_that_bash_understands():
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    subprocess.run(["bash", "-n", str(script)], check=True)
    commands = [
        line for line in script.read_text(encoding="utf-8").splitlines() if line.startswith("make")
    ]
    assert commands == ["make test SECOND_TRY=1", "make test-cluster || make test-cluster"]


@pytest.mark.parametrize(
    ("statuses", "done", "runs"),
    [
        ((0, 0), 0, 1),  # nothing failed
        ((1, 0), 0, 2),  # late beside others
        ((1, 1), 2, 2),  # broken
        ((2, 0), 2, 1),  # broken off: the rest never ran
        ((1, 5), 2, 2),  # what failed is not known
    ],
)
def test_a_second_try_is_for_what_failed_in_a_whole_run_and_only_where_it_is_asked_for(
    tmp_path, statuses, done, runs
):
    fake = tmp_path / ".venv" / "bin"
    fake.mkdir(parents=True)
    log = tmp_path / "said"
    first, second = statuses
    python_that(
        fake,
        f'echo "$@" >> {log}; case "$*" in *last-failed*) exit {second};; *pytest*) exit {first};; esac',
    )
    assert make(tmp_path, "pytest", "SECOND_TRY=1").returncode == done
    tried = [one for one in log.read_text(encoding="utf-8").splitlines() if "pytest" in one]
    assert len(tried) == runs and all("--last-failed" in one for one in tried[1:])
    assert (make(tmp_path, "pytest").returncode == 0) == (first == 0)
    tried = [one for one in log.read_text(encoding="utf-8").splitlines() if "pytest" in one]
    assert len(tried) == runs + 1


def test_the_lock_is_in_step_with_what_is_pinned_and_names_no_address():
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    locked = dict(re.findall(r"^([\w.-]+)==([^\s;]+)", text, re.MULTILINE))
    pinned = dict(
        line.split("==")
        for line in (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
        if "==" in line
    )
    wrong = {
        name: version for name, version in pinned.items() if locked.get(name.lower()) != version
    }
    assert not wrong, f"run `make lock`: {wrong}"
    entries = re.split(r"\n(?=[a-z])", text)[1:]
    assert entries and all("--hash=sha256:" in entry for entry in entries)
    assert "://" not in text and "@ " not in text


def test_a_lock_of_pypis_files_and_another_index_are_not_mixed(tmp_path):
    fake = tmp_path / ".venv" / "bin"
    fake.mkdir(parents=True)
    log = tmp_path / "said"
    python_that(fake, f'echo "$@" >> {log}')
    done = make(tmp_path, "run", "LOCKED=1", "TORCH_INDEX=https://example.org/whl")
    assert done.returncode and "leave TORCH_INDEX out" in done.stderr
    assert make(tmp_path, "run", "LOCKED=1").returncode == 0
    assert "--require-hashes -r requirements.lock" in log.read_text(encoding="utf-8")
