"""Compiled code is kept where nobody but the account can write, and never in a lab's home."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from engine.files.compiled import compiled_folder, is_private
from engine.lab import Lab

ROOT = Path(__file__).parents[3]
MAP = """
import sys
from pathlib import Path
import numpy as np
from engine.embedding.projection import Options, project
from engine.lab import Lab

compiled = Lab(Path(sys.argv[1])).store.compiled()
rng = np.random.default_rng(0)
project(rng.normal(size=(40, 4)).astype(np.float32), Options(epochs=5), compiled=compiled)
print(compiled)
"""


@pytest.fixture
def account(tmp_path):
    """The home of an account, which pytest made for this one only."""
    folder = tmp_path / "account"
    folder.mkdir(mode=0o755)
    return folder


def mapped(home: Path, **environ: str) -> Path:
    """Where a process of its own that makes a map of a lab at `home` kept what it compiled."""
    done = subprocess.run(
        [sys.executable, "-c", MAP, str(home)],
        env={**os.environ, "PYTHONPATH": str(ROOT), "CACHE_DIRECTORY": "", **environ},
        capture_output=True,
        text=True,
        check=True,
    )
    return Path(done.stdout.strip())


class Runs:
    """A pickle that makes a file when it is read."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return open, (str(self.file), "w")


def test_nothing_in_a_home_is_run_by_who_makes_a_map(tmp_path, account):
    home, made = tmp_path / "home", tmp_path / "made"
    own = {"XDG_CACHE_HOME": "", "HOME": str(account)}
    kept = mapped(home, **own)
    assert kept == account / ".cache" / "glyphlab" / "numba" and list(kept.rglob("*.nbi"))
    assert not list(home.rglob("*.nb?"))
    for file in kept.rglob("*.nbi"):
        planted = home / "cache" / "numba" / file.relative_to(kept)
        planted.parent.mkdir(parents=True, exist_ok=True)
        planted.write_bytes(pickle.dumps(Runs(made)))
    mapped(home, **own)
    assert not made.exists()


def test_it_is_the_accounts_alone_and_not_in_the_home(tmp_path, account, monkeypatch):
    monkeypatch.delenv("CACHE_DIRECTORY", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(account))
    found = Lab(tmp_path / "home").store.compiled()
    assert found == account / ".cache" / "glyphlab" / "numba"
    assert [folder.stat().st_mode & 0o777 for folder in (found, found.parent)] == [0o700, 0o700]


def test_a_services_own_folder_comes_first_then_that_of_the_desktop(tmp_path, account):
    environ = {"HOME": str(account), "XDG_CACHE_HOME": str(tmp_path / "xdg")}
    assert compiled_folder(environ) == tmp_path / "xdg" / "glyphlab" / "numba"
    environ["CACHE_DIRECTORY"] = f"{tmp_path / 'service'}:{tmp_path / 'second'}"
    assert compiled_folder(environ) == tmp_path / "service" / "numba"


@pytest.mark.parametrize("loose", [".cache/glyphlab/numba", ".cache/glyphlab"])
@pytest.mark.parametrize("mode", [0o770, 0o707, 0o777])
def test_a_folder_that_others_can_write_to_is_not_used(account, loose, mode):
    found = compiled_folder({"HOME": str(account)})
    (account / loose).chmod(mode)
    instead = compiled_folder({"HOME": str(account)})
    assert not is_private(found) and not instead.is_relative_to(account)
    assert instead.stat().st_mode & 0o777 == 0o700


def test_a_folder_that_others_can_put_another_in_place_of_is_not_used(account):
    found = compiled_folder({"HOME": str(account)})
    account.chmod(0o777)  # who renames .cache decides what is read
    assert compiled_folder({"HOME": str(account)}) != found
    account.chmod(0o1777)  # as /tmp: others rename only what is theirs
    assert compiled_folder({"HOME": str(account)}) == found


@pytest.mark.skipif(os.getuid() != 0, reason="only root gives a folder to somebody else")
@pytest.mark.parametrize("theirs", [".cache/glyphlab/numba", ".cache/glyphlab", ".cache"])
def test_a_folder_of_somebody_else_is_not_used(account, theirs):
    found = compiled_folder({"HOME": str(account)})
    os.chown(account / theirs, 12_345, 12_345)
    assert compiled_folder({"HOME": str(account)}) != found


def test_a_link_to_a_folder_that_others_can_write_to_is_not_used(tmp_path, account):
    shared = tmp_path / "shared"
    (shared / "numba").mkdir(parents=True)
    (account / ".cache").mkdir()
    (account / ".cache" / "glyphlab").symlink_to(shared)
    assert compiled_folder({"HOME": str(account)}) == account / ".cache" / "glyphlab" / "numba"
    shared.chmod(0o777)
    assert not compiled_folder({"HOME": str(account)}).is_relative_to(account)


@pytest.mark.parametrize("home", ["missing", "file", "", "relative"])
def test_without_a_home_there_is_a_private_folder_until_the_process_ends(tmp_path, home):
    (tmp_path / "file").write_text("no folder", encoding="utf-8")
    given = {
        "missing": "/proc/nobody",  # not even root makes a folder there
        "file": str(tmp_path / "file"),
        "relative": "here",
    }.get(home, "")
    kept = mapped(tmp_path / "lab", XDG_CACHE_HOME="", HOME=given)
    assert "glyphlab-compiled-" in kept.name and not kept.exists()
    found = compiled_folder({"HOME": given})
    assert found.stat().st_mode & 0o777 == 0o700
    assert compiled_folder({"HOME": given}) == found, "one for the whole process"
