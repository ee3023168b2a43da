"""Values made from files: made once, and never those of another content."""

from __future__ import annotations

import os

import pytest

from engine.files.cache import FileCache, is_settled, stamp_of

HOUR_NS = 3600 * 10**9


@pytest.fixture
def reads():
    """Which files were read, in order."""
    return []


@pytest.fixture
def make(reads):
    def read(path):
        reads.append(path.name)
        return path.read_text()

    return read


@pytest.fixture
def cache(make):
    """A cache for which every file was written long before it is read."""
    return FileCache(make, most=3, tick_ns=-HOUR_NS)


def test_a_file_is_read_once_until_it_is_another(cache, reads, tmp_path):
    file = tmp_path / "a"
    file.write_text("one")
    assert [cache.get(file), cache.get(file), len(reads)] == ["one", "one", 1]
    file.write_text("three")  # longer
    assert [cache.get(file), len(reads)] == ["three", 2]
    (tmp_path / "b").write_text("eight")  # as long, in its place, and as old
    os.utime(tmp_path / "b", ns=(0, file.stat().st_mtime_ns))
    os.replace(tmp_path / "b", file)
    assert cache.get(file) == "eight"
    file.write_text("seven")  # the same inode, as long
    os.utime(file, ns=(0, stamp_of(file).modified))
    assert cache.get(file) == "seven"


def test_a_file_that_is_gone_is_an_error_and_another_in_its_place_is_read(cache, tmp_path):
    file = tmp_path / "a"
    file.write_text("one")
    cache.get(file)
    file.unlink()
    with pytest.raises(FileNotFoundError):
        cache.get(file)
    file.write_text("two")
    assert cache.get(file) == "two"


def test_what_was_written_within_one_tick_of_the_clock_is_read_again(make, reads, tmp_path):
    """Its next content might have the same times."""
    cache, file = FileCache(make, most=3, tick_ns=HOUR_NS), tmp_path / "a"
    file.write_text("one")
    assert [cache.get(file), cache.get(file), len(reads)] == ["one", "one", 2]


def test_a_file_from_the_future_is_never_settled(tmp_path):
    file = tmp_path / "a"
    file.write_text("one")
    stamp = stamp_of(file)
    assert not is_settled(stamp, stamp.modified)
    assert not is_settled(stamp, stamp.modified - HOUR_NS)
    assert is_settled(stamp, stamp.changed + HOUR_NS)


def test_only_the_last_few_values_are_kept(cache, reads, tmp_path):
    files = [tmp_path / name for name in "abcd"]
    for file in files:
        file.write_text(file.name)
    for file in [*files, files[3], files[1], files[0]]:
        cache.get(file)
    assert reads == ["a", "b", "c", "d", "a"]
