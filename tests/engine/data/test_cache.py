"""Decoding happens once, survives two processes at once, kills, damage and a full disk, and never
holds everything in memory.
"""

from __future__ import annotations

import errno
import io
import multiprocessing
import os
import resource
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from costly import jpeg_of_scans
from pictures import files, png, small_page, write_folder, write_zip
from PIL import Image
from waiting import wait_until

from engine.data import decode
from engine.data.cache import cached_concatenation, cached_squares, content_hash, stored_squares
from engine.data.folder import list_zip
from engine.data.listing import Listing, digest
from engine.errors import DataError, GlyphlabError
from engine.imaging.images import open_picture, square
from engine.progress import Cancelled, no_progress

ROOT = Path(__file__).parents[3]
ENVIRON = {**os.environ, "PYTHONPATH": str(ROOT)}


def zipped(tmp_path, content=None, name="set.zip"):
    return list_zip(
        write_zip(tmp_path / name, content or files("2", "4", "R", count=4)), 1000, "page"
    )


def entries(home):
    """What the cache holds, lock files left out."""
    return sorted(path.name for path in (home / "cache").glob("*") if path.suffix != ".lock")


class Glyphs:
    """A reader that counts how often each image is read."""

    def __init__(self, count, side=28):
        self.count, self.side, self.reads = count, side, Counter()

    def read(self, index):
        self.reads[index] += 1
        out = np.zeros((self.side, self.side), np.uint8)
        out[5:20, 8:18] = 1 + index % 255
        return out


def glyph_listing(count=30, side=28):
    reader = Glyphs(count, side)
    labels = np.arange(count, dtype=np.int64) % 10
    return Listing(
        "digit",
        [f"train/{n}" for n in range(count)],
        labels,
        tuple("0123456789"),
        np.zeros(count, np.int8),
        digest([count, side]),
        reader,
    )


def test_squares_are_those_of_each_picture(tmp_path):
    content = files("2", "4", "R", count=4)
    listing = zipped(tmp_path, content)
    for style, size in (("digit", 28), ("duo", 32), ("photo", 40)):
        stored = cached_squares(listing, style, size, tmp_path, no_progress)
        assert stored.kept.tolist() == list(range(12)) and stored.skipped == ()
        for position, name in enumerate(listing.files):
            assert np.array_equal(
                stored.images[position], square(open_picture(content[name]), style, size)
            )


def test_images_are_mapped_not_loaded(tmp_path):
    images = cached_squares(zipped(tmp_path), "digit", 28, tmp_path, no_progress).images
    assert isinstance(images, np.memmap) and images.dtype == np.uint8 and not images.flags.writeable


def test_each_image_is_read_once_and_found_from_then_on(tmp_path):
    listing = glyph_listing()
    first = cached_squares(listing, "digit", 28, tmp_path, no_progress)
    again = cached_squares(listing, "digit", 28, tmp_path, no_progress)
    assert np.array_equal(first.images, again.images)
    assert set(listing.reader.reads.values()) == {1}
    assert (
        stored_squares(listing, "digit", 28, tmp_path) is not None
        and stored_squares(listing, "digit", 32, tmp_path) is None
    )
    cached_squares(listing, "digit", 32, tmp_path, no_progress)
    assert set(listing.reader.reads.values()) == {2} and len(entries(tmp_path)) == 2


def test_broken_images_are_skipped_and_reported_by_name(tmp_path):
    content = files("2", "4", count=4) | {
        "2/1.png": b"no picture",
        "4/0.png": png(small_page("4"))[:90],
    }
    listing = zipped(tmp_path, content)
    for _ in range(2):
        stored = cached_squares(listing, "page", 28, tmp_path, no_progress)
        assert len(stored.images) == 6 and stored.kept.tolist() == [0, 2, 3, 5, 6, 7]
        assert [name for name, _ in stored.skipped] == ["2/1.png", "4/0.png"]
        assert all("is not a picture that can be read" in reason for _, reason in stored.skipped)


def test_a_jpeg_that_would_take_minutes_is_skipped_with_its_reason(tmp_path):
    listing = zipped(tmp_path, files("2", "4", count=4) | {"2/1.png": jpeg_of_scans(6_000)})
    stored = cached_squares(listing, "page", 28, tmp_path, no_progress)
    reason = "it is a JPEG of too many scans. Allowed: at most 100. Save it again as PNG."
    assert len(stored.images) == 7 and stored.skipped == (("2/1.png", reason),)


def test_a_set_of_broken_images_only_is_an_error_that_leaves_nothing(tmp_path):
    listing = zipped(tmp_path, {"2/0.png": b"no", "2/1.png": b"picture"})
    with pytest.raises(DataError, match="none of the 2 images can be read: 2/0.png: "):
        cached_squares(listing, "digit", 28, tmp_path, no_progress)
    assert entries(tmp_path) == []


def test_progress_reaches_the_end_and_cancelling_leaves_nothing(tmp_path):
    listing = glyph_listing(1200)
    seen = []
    cached_squares(
        listing, "digit", 28, tmp_path, lambda done, total, what: seen.append((done, total, what))
    )
    assert seen[0] == (0, 1200, "decoding images") and seen[-1] == (1200, 1200, "decoding images")
    assert [done for done, *_ in seen] == sorted(done for done, *_ in seen) and len(seen) >= 4

    def stop(done, total, what):
        if done:
            raise Cancelled

    with pytest.raises(Cancelled):
        cached_squares(listing, "digit", 20, tmp_path, stop)
    assert len(entries(tmp_path)) == 1


def test_a_damaged_entry_is_made_again(tmp_path):
    listing = glyph_listing()
    whole = np.array(cached_squares(listing, "digit", 28, tmp_path, no_progress).images)
    for damage in ("images.npy", "kept.npy", "skipped.json"):
        file = tmp_path / "cache" / entries(tmp_path)[0] / damage
        file.write_bytes(file.read_bytes()[:50])
        assert np.array_equal(
            cached_squares(listing, "digit", 28, tmp_path, no_progress).images, whole
        )
        file.unlink()
        assert np.array_equal(
            cached_squares(listing, "digit", 28, tmp_path, no_progress).images, whole
        )


def test_what_a_killed_process_left_is_cleared_away(tmp_path):
    listing = glyph_listing()
    cached_squares(listing, "digit", 28, tmp_path, no_progress)
    key = entries(tmp_path)[0]
    dead = tmp_path / "cache" / f"{key}-dead.part"
    (tmp_path / "cache" / key).rename(dead)
    cached_squares(listing, "digit", 28, tmp_path, no_progress)
    assert entries(tmp_path) == [key]


def decode_and_count(zip_path, home, out):
    listing = list_zip(Path(zip_path), 1000, "page")
    calls = []
    images = cached_squares(
        listing, "page", 64, Path(home), lambda done, total, what: calls.append((done, what))
    ).images
    out.put(
        (int(images.sum()), sum(1 for done, what in calls if done and what == "decoding images"))
    )


def test_two_processes_at_once_decode_once(tmp_path):
    path = write_zip(tmp_path / "set.zip", files("2", "4", "R", count=60))
    context = multiprocessing.get_context("spawn")
    out = context.Queue()
    workers = [
        context.Process(target=decode_and_count, args=(str(path), str(tmp_path), out))
        for _ in range(2)
    ]
    for worker in workers:
        worker.start()
    results = [out.get(timeout=900) for _ in workers]
    for worker in workers:
        worker.join()
    out.close()
    assert results[0][0] == results[1][0]
    assert min(decoded for _, decoded in results) == 0 < max(decoded for _, decoded in results)
    assert len(entries(tmp_path)) == 1


def test_processes_decode_what_one_would_and_in_order(tmp_path):
    content = {f"{n % 3}/{n:03}.png": png(small_page("24R"[n % 3], n)) for n in range(90)} | {
        "1/050.png": b"broken"
    }
    listing = zipped(tmp_path, content)
    alone = list(decode.decoded(listing, "digit", 28, no_progress))
    target = decode.Target("digit", 28)
    together = list(decode._in_processes(decode._Chunks(listing, target), target, 2))
    for part in ("images", "kept"):
        assert np.array_equal(
            np.concatenate([getattr(chunk, part) for chunk in alone]),
            np.concatenate([getattr(chunk, part) for chunk in together]),
        )
    assert [pair for chunk in alone for pair in chunk.skipped] == [
        pair for chunk in together for pair in chunk.skipped
    ]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems know no such limit")
def test_a_picture_that_takes_too_much_memory_costs_only_itself(tmp_path):
    bomb = io.BytesIO()  # let in by its 49 million pixels: 200 kB here, 0.2 GB and more opened
    Image.new("RGBA", (7000, 7000)).save(bomb, "PNG", compress_level=1)
    content = {
        "a/0.png": png(small_page("2", 0)),
        "a/1.png": bomb.getvalue(),
        "a/2.png": png(small_page("4", 1)),
    }
    chunks = decode._Chunks(zipped(tmp_path, content), target := decode.Target("digit", 28))
    (chunk,) = decode._in_processes(chunks, target, 1, gigabytes=0.4)
    assert chunk.kept.tolist() == [0, 2]
    assert chunk.skipped == [("a/1.png", "it takes more memory to read than a picture may")]


def test_a_chunk_that_takes_long_gives_signs_of_life():
    future, calls = decode.Future(), []

    def alive():
        calls.append(1)
        if len(calls) == 3:
            future.set_result("decoded")

    assert (
        decode._result(future, [], 0, None, alive, seconds=0.001) == "decoded" and len(calls) == 3
    )


def test_chunks_become_about_a_second_of_work(tmp_path):
    listing = zipped(tmp_path, files("2", "4", count=40))
    clock = iter(np.arange(1000) * 8.0)  # half a second an image: 8 s for the first 16
    chunks = decode.decoded(listing, "digit", 28, no_progress, cores=1, clock=lambda: next(clock))
    counts = [len(chunk.kept) for chunk in chunks]
    assert counts[0] == 16 and max(counts[1:]) <= 2 and sum(counts) == 80


def test_a_slow_first_chunk_does_not_make_all_others_small(tmp_path):
    listing = zipped(tmp_path, files("2", "4", count=40))
    times = iter([0.0, 8.0, *(8.0 + 0.001 * n for n in range(1000))])
    chunks = decode.decoded(listing, "digit", 28, no_progress, cores=1, clock=lambda: next(times))
    counts = [len(chunk.kept) for chunk in chunks]
    assert counts[:2] == [16, 2] and len(counts) == 3  # all that is left, once two took no time

    plan = decode._Chunks(listing, decode.Target("digit", 28))
    plan.most = 1
    parts = decode._in_processes(plan, decode.Target("digit", 28), 1)
    counts = [len(chunk.kept) for chunk in parts]
    assert sum(counts) == 80 and max(counts) > 16  # the same where processes decode


def test_decoding_goes_on_when_processes_cannot_be_started(tmp_path):
    # A daemonic process may have no children: the work is then done in its own.
    write_zip(tmp_path / "set.zip", files("2", "4", count=5))
    script = tmp_path / "script.py"
    script.write_text(
        "import multiprocessing\n"
        "from pathlib import Path\n"
        "from engine.data import decode\n"
        "from engine.data.folder import list_zip\n"
        "def work():\n"
        f"    listing = list_zip(Path({str(tmp_path / 'set.zip')!r}), 100, 'page')\n"
        "    target = decode.Target('digit', 28)\n"
        "    chunks = decode._in_processes(decode._Chunks(listing, target), target, 2)\n"
        "    print('images:', sum(len(chunk.images) for chunk in chunks), flush=True)\n"
        "child = multiprocessing.get_context('fork').Process(target=work, daemon=True)\n"
        "child.start()\n"
        "child.join()\n"
    )
    done = subprocess.run(
        [sys.executable, script], capture_output=True, text=True, env=ENVIRON, timeout=900
    )
    assert "images: 10" in done.stdout.splitlines(), done.stderr


def test_processes_do_not_run_the_page_that_the_web_server_shows(tmp_path):
    # While a page runs, Streamlit puts its script in the place of the main module, and spawned
    # processes run their parent's.
    write_zip(tmp_path / "set.zip", files("2", "4", count=5))
    page = tmp_path / "page.py"
    page.write_text(f"open({str(tmp_path / 'ran')!r}, 'w').close()\n")
    script = tmp_path / "script.py"
    script.write_text(
        "import sys\n"
        "from pathlib import Path\n"
        "from engine.data import decode\n"
        "from engine.data.folder import list_zip\n"
        f"sys.modules['__main__'].__file__ = {str(page)!r}\n"
        f"listing = list_zip(Path({str(tmp_path / 'set.zip')!r}), 100, 'page')\n"
        "target = decode.Target('digit', 28)\n"
        "chunks = decode._in_processes(decode._Chunks(listing, target), target, 2)\n"
        "print('images:', sum(len(chunk.images) for chunk in chunks))\n"
        "assert sys.modules['__main__'].__file__\n"
    )
    done = subprocess.run(
        [sys.executable, script], capture_output=True, text=True, env=ENVIRON, timeout=900
    )
    assert done.stdout == "images: 10\n" and not (tmp_path / "ran").exists(), done.stderr


def test_workers_end_with_a_parent_that_is_killed(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "import multiprocessing, os, signal\nfrom concurrent.futures import"
        " ProcessPoolExecutor\nfrom engine.data.decode import _begin_worker\nif __name__ =="
        " '__main__':\n    pool = ProcessPoolExecutor(1, multiprocessing.get_context('spawn'),"
        " initializer=_begin_worker)\n    print(pool.submit(os.getpid).result(), flush=True)\n   "
        " os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run(
        [sys.executable, script], capture_output=True, text=True, env=ENVIRON, timeout=900
    )
    worker = int(done.stdout)
    wait_until(lambda: not is_alive(worker))


def is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_memory_stays_small_while_a_large_set_streams_to_disk(tmp_path):
    count, side = 600, 224  # 90 MB of squares; chunks are a fraction of that
    code = (
        "import resource, sys; sys.path[:0] = ['tests/support', 'tests/engine/data']; from pathlib import Path; from"
        f" test_cache import *; listing = glyph_listing({count}, 28); before ="
        " resource.getrusage(resource.RUSAGE_SELF).ru_maxrss; cached_squares(listing, 'photo',"
        f" {side}, Path({str(tmp_path)!r}), no_progress);"
        " print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=900
    )
    assert int(done.stdout) / 1000 < 0.7 * count * 3 * side * side / 1e6, done.stderr  # in MB


def test_a_full_disk_is_said_and_leaves_nothing(tmp_path):
    listing = glyph_listing(400)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(
        resource.RLIMIT_FSIZE, (100_000, hard)
    )  # a write beyond fails, as on a full disk
    try:
        with pytest.raises(
            DataError, match="no room left on the disk for the decoded images in .*GLYPHLAB_HOME"
        ):
            cached_squares(listing, "digit", 28, tmp_path, no_progress)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert entries(tmp_path) == []
    assert len(cached_squares(listing, "digit", 28, tmp_path, no_progress).images) == 400


def test_a_home_that_is_a_file_is_said(tmp_path):
    (tmp_path / "home").write_text("not a folder")
    with pytest.raises(GlyphlabError, match="can't be written.*GLYPHLAB_HOME") as caught:
        cached_squares(glyph_listing(), "digit", 28, tmp_path / "home", no_progress)
    assert os.strerror(errno.ENOTDIR) in str(caught.value)


def test_content_is_hashed_once_until_a_file_changes(tmp_path):
    root = write_folder(tmp_path / "set", files("2"))
    paths = sorted(root.rglob("*.png"))
    reads = []

    def progress(done, total, what):
        reads.append(done)

    first = content_hash(paths, tmp_path, progress)
    assert reads == [1, 2, 3]
    assert content_hash(paths, tmp_path, progress) == first and reads == [1, 2, 3]

    stat = paths[1].stat()
    other = png(small_page("4", 3))
    paths[1].write_bytes(other)
    os.utime(paths[1], ns=(stat.st_atime_ns, stat.st_mtime_ns))  # even with its old time
    assert content_hash(paths, tmp_path, progress) != first

    paths[1].write_bytes(files("2")["2/1.png"])
    assert content_hash(paths, tmp_path, progress) == first


def test_concatenation_is_one_mapped_array(tmp_path):
    parts = [
        np.random.default_rng(n).integers(0, 255, (50 + n, 2, 8, 8), dtype=np.uint8)
        for n in range(3)
    ]
    whole = cached_concatenation(parts, "key", tmp_path, no_progress)
    assert isinstance(whole, np.memmap) and np.array_equal(whole, np.concatenate(parts))
    assert (
        np.array_equal(cached_concatenation(parts, "key", tmp_path, no_progress), whole)
        and len(entries(tmp_path)) == 1
    )
