"""Folders and zips are written whole or not at all."""

from __future__ import annotations

import zipfile

import pytest

from engine.errors import GlyphlabError
from engine.files.bundles import whole


def fill(target, text: str = "new", error: Exception | None = None) -> None:
    with whole(target) as folder:
        (folder / "in").mkdir()
        (folder / "in" / "a").write_text(text)
        if error:
            raise error


def test_a_folder_takes_the_place_of_the_one_before_and_the_same_content_is_the_same_zip(tmp_path):
    fill(tmp_path / "out", "old")
    fill(tmp_path / "out")
    assert (tmp_path / "out" / "in" / "a").read_text() == "new"
    for name in ("1.zip", "2.ZIP"):
        fill(tmp_path / name)
    assert (tmp_path / "1.zip").read_bytes() == (tmp_path / "2.ZIP").read_bytes()
    assert zipfile.ZipFile(tmp_path / "1.zip").namelist() == ["in/a"]
    assert {path.name for path in tmp_path.iterdir()} == {"out", "1.zip", "2.ZIP"}


@pytest.mark.parametrize("name", ["out", "out.zip"])
def test_what_fails_changes_nothing(tmp_path, name):
    fill(tmp_path / name, "old")
    with pytest.raises(GlyphlabError, match="No space left|no room left"):
        fill(tmp_path / name, error=OSError(28, "No space left on device"))
    with pytest.raises(ZeroDivisionError):
        fill(tmp_path / name, error=ZeroDivisionError())
    assert [path.name for path in tmp_path.iterdir()] == [name]
    if name == "out":
        assert (tmp_path / "out" / "in" / "a").read_text() == "old"
