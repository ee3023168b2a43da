"""Decoded images make way for others when the disk is short, those first that nobody used for longest."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from pictures import files, write_zip

from engine.data.cache import cached_squares, stored_squares
from engine.data.folder import list_zip
from engine.data.room import SPARE_BYTES, make_room
from engine.files.locks import Lock
from engine.progress import no_progress


def crowded(cache: Path) -> list[str]:
    """Folders of decoded images of a thousand bytes each, the oldest first; and what is none."""
    names = ["old", "older-but-used", "locked", "new"]
    for age, name in enumerate(reversed(names)):
        (cache / name).mkdir(parents=True)
        (cache / name / "images.npy").write_bytes(bytes(1000))
        os.utime(cache / name, (1e9 - age, 1e9 - age))
    for name in ("hash-1", "new-x.part"):
        (cache / name).mkdir()
    (cache / "new-x.part" / "images.npy").write_bytes(bytes(1000))
    (cache / "hash-1" / "hash.txt").write_text("1")
    return names


def free_of(size: int):
    """A disk of that many bytes beyond the spare ones, with what lies in the cache on it."""

    def free(cache: Path) -> int:
        return SPARE_BYTES + size - sum(f.stat().st_size for f in cache.rglob("images.npy"))

    return free


def test_the_least_recently_used_make_way_and_no_more_than_needed(tmp_path):
    cache = tmp_path / "cache"
    crowded(cache)
    assert make_room(cache, 0, free_of(5000)) == []
    os.utime(cache / "older-but-used", (2e9, 2e9))
    with Lock.take(cache / "locked.lock"):  # being decoded
        assert make_room(cache, 1500, free_of(5000)) == ["old", "new"]
    assert {one.name for one in cache.iterdir()} == {
        "older-but-used", "locked", "locked.lock", "hash-1", "new-x.part",
    }  # fmt: skip
    # There is too little even so: what can be decoded again goes, all else stays.
    assert set(make_room(cache, 10_000, free_of(5000))) == {"locked", "older-but-used"}
    assert (cache / "hash-1").exists() and (cache / "new-x.part").exists()


def test_images_that_made_way_while_they_are_read_can_be_read_and_are_decoded_again(tmp_path):
    listing = list_zip(write_zip(tmp_path / "set.zip", files("2", "4", count=4)), 1000, "page")
    first = cached_squares(listing, "page", 28, tmp_path, no_progress)
    pixels = np.array(first.images)
    (made,) = [folder for folder in (tmp_path / "cache").iterdir() if folder.is_dir()]
    os.utime(made, (1e9, 1e9))
    cached_squares(listing, "page", 28, tmp_path, no_progress)
    assert made.stat().st_mtime > 1.5e9  # it was used
    assert make_room(tmp_path / "cache", 1, lambda path: 0) == [made.name]
    assert stored_squares(listing, "page", 28, tmp_path) is None
    assert np.array_equal(first.images, pixels)  # whoever has them open keeps them
    again = cached_squares(listing, "page", 28, tmp_path, no_progress)
    assert np.array_equal(again.images, pixels)
