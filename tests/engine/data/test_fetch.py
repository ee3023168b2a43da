"""Downloads show progress, go on after a break, are checked, and appear whole or not at all."""

from __future__ import annotations

import hashlib
import io
import re
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from pictures import files, write_mnist, write_zip

from engine.data.address import fetch_address
from engine.data.catalog import load_dataset
from engine.data.choices import AS_FOUND
from engine.data.fetch import DOWNLOADS, Download, Remote, fetch
from engine.data.sources import DATASETS
from engine.errors import DataError
from engine.progress import Cancelled, no_progress
from engine.recipes.fields import DataSpec


class Site:
    """A web server on this machine with files in memory; `break_after` cuts the next answer off
    after so many bytes.
    """

    def __init__(self):
        self.files, self.requests, self.resumes, self.break_after = {}, [], True, None
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                site.requests.append((self.path, self.headers.get("Range")))
                data = site.files.get(self.path.partition("?")[0])
                if data is None:
                    return self.send_error(404)
                wanted = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range") or "")
                start = int(wanted[1]) if wanted and site.resumes else 0
                if start >= len(data) > 0:
                    return self.send_error(416)
                self.send_response(206 if start else 200)
                self.send_header("Content-Length", str(len(data) - start))
                self.end_headers()
                stop, site.break_after = site.break_after, None
                self.wfile.write(data[start : None if stop is None else start + stop])

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()

    def address(self, path):
        return f"http://127.0.0.1:{self.server.server_port}{path}"

    def remote(self, name, data, md5=True):
        """Serve `data` as /name; returns it as a Remote."""
        self.files[f"/{name}"] = data
        return Remote(
            name, (self.address(f"/{name}"),), hashlib.md5(data).hexdigest() if md5 else None
        )

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def site():
    site = Site()
    yield site
    site.close()


DATA = bytes(range(256)) * 4000


def zip_of(content):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    return stream.getvalue()


def left_over(home):
    return sorted(
        path.name for path in (home / "datasets").iterdir() if not path.name.endswith(".lock")
    )


def test_a_file_arrives_whole_with_progress(site, tmp_path):
    table = {"set": Download((site.remote("a.bin", DATA),), len(DATA))}
    seen = []
    path = fetch("set", tmp_path, lambda *call: seen.append(call), table)
    assert path == tmp_path / "datasets" / "a.bin" and path.read_bytes() == DATA
    assert seen[-1] == (len(DATA), len(DATA), "fetching a.bin (bytes)") and len(seen) > 2
    assert left_over(tmp_path) == ["a.bin"]


def test_what_is_there_is_not_fetched_again(site, tmp_path):
    table = {"set": Download((site.remote("a.bin", DATA),), len(DATA))}
    fetch("set", tmp_path, no_progress, table)
    fetch("set", tmp_path, no_progress, table)
    assert len(site.requests) == 1


def test_a_broken_download_goes_on_where_it_stopped(site, tmp_path):
    table = {"set": Download((site.remote("a.bin", DATA),), len(DATA))}
    site.break_after = 300_000
    assert fetch("set", tmp_path, no_progress, table).read_bytes() == DATA
    assert [given for _, given in site.requests] == [None, "bytes=300000-"]


def test_a_server_that_does_not_resume_is_asked_for_everything(site, tmp_path):
    table = {"set": Download((site.remote("a.bin", DATA),), len(DATA))}
    site.resumes, site.break_after = False, 300_000
    assert fetch("set", tmp_path, no_progress, table).read_bytes() == DATA


def test_a_cancelled_download_is_resumed_later(site, tmp_path):
    table = {"set": Download((site.remote("a.bin", DATA),), len(DATA))}

    def stop(done, total, what):
        if done > 400_000:
            raise Cancelled

    with pytest.raises(Cancelled):
        fetch("set", tmp_path, stop, table)
    assert not (tmp_path / "datasets" / "a.bin").exists()
    assert fetch("set", tmp_path, no_progress, table).read_bytes() == DATA
    start = int(re.fullmatch(r"bytes=(\d+)-", site.requests[-1][1])[1])
    assert start > 400_000


def test_a_download_that_was_complete_but_not_yet_named_is_finished(site, tmp_path):
    table = {"set": Download((site.remote("a.bin", DATA),), len(DATA))}
    part = tmp_path / "datasets" / ".set.part" / "a.bin.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(DATA)
    assert fetch("set", tmp_path, no_progress, table).read_bytes() == DATA


def test_wrong_content_is_deleted_and_said(site, tmp_path):
    remote = site.remote("a.bin", DATA)
    site.files["/a.bin"] = DATA[:-1] + b"x"
    table = {"set": Download((remote,), len(DATA))}
    with pytest.raises(
        DataError,
        match="a.bin can't be fetched: .*wrong content: its MD5 is .*, not .*GLYPHLAB_DATA",
    ):
        fetch("set", tmp_path, no_progress, table)
    assert not list((tmp_path / "datasets").rglob("a.bin*"))
    site.files["/a.bin"] = DATA
    assert fetch("set", tmp_path, no_progress, table).read_bytes() == DATA


def test_the_next_address_is_tried(site, tmp_path):
    good = site.remote("a.bin", DATA)
    remote = Remote(
        "a.bin", (site.address("/missing"), "http://127.0.0.1:9/a.bin", *good.addresses), good.md5
    )
    assert fetch("set", tmp_path, no_progress, {"set": Download((remote,), 1)}).read_bytes() == DATA


def test_when_all_addresses_fail_each_is_named(site, tmp_path):
    remote = Remote("a.bin", (site.address("/missing"), "http://127.0.0.1:9/a.bin"), "0")
    with pytest.raises(DataError) as caught:
        fetch("set", tmp_path, no_progress, {"set": Download((remote,), 1)})
    assert "/missing: 404" in str(caught.value) and "127.0.0.1:9" in str(caught.value)


def test_several_files_appear_together(site, tmp_path):
    first, second = site.remote("a.bin", DATA), site.remote("b.bin", DATA[:1000])
    table = {"set": Download((first, second), 1, folder="both")}
    del site.files["/b.bin"]
    with pytest.raises(DataError, match="b.bin can't be fetched"):
        fetch("set", tmp_path, no_progress, table)
    assert not (tmp_path / "datasets" / "both").exists()
    site.files["/b.bin"] = DATA[:1000]
    folder = fetch("set", tmp_path, no_progress, table)
    assert sorted(path.name for path in folder.iterdir()) == ["a.bin", "b.bin"] and left_over(
        tmp_path
    ) == ["both"]
    assert [path for path, _ in site.requests].count("/a.bin") == 1


def test_a_zip_without_a_checksum_is_tested_by_its_own(site, tmp_path):
    data = zip_of(files("2", "4"))
    broken = bytearray(data)
    broken[broken.index(b"\x89PNG") + 30] ^= 0xFF
    for wrong, words in (
        (bytes(broken), "is damaged"),
        (data[:-40], "no zip"),
        (b"<html>Sign in</html>", "no zip"),
    ):
        table = {"set": Download((site.remote("set.zip", wrong, md5=False),), 1)}
        with pytest.raises(DataError, match=words):
            fetch("set", tmp_path, no_progress, table)
    table = {"set": Download((site.remote("set.zip", data, md5=False),), 1)}
    assert fetch("set", tmp_path, no_progress, table).read_bytes() == data


def test_members_are_taken_out_of_a_packed_download(site, tmp_path):
    write_mnist(tmp_path / "source", prefix="emnist-digits-", test_name="test")
    content = {
        f"gzip/{path.name}": path.read_bytes() for path in (tmp_path / "source").iterdir()
    } | {"gzip/readme.txt": b"x"}
    remote = site.remote("gzip.zip", zip_of(content))
    folder = fetch(
        "emnist",
        tmp_path,
        no_progress,
        {"emnist": Download((remote,), 1, folder="emnist", unpack="-ubyte.gz")},
    )
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        path.name for path in (tmp_path / "source").iterdir()
    )


def test_a_file_at_an_address_becomes_a_data_set(site, tmp_path):
    data = zip_of(files("a", "b"))
    site.files["/sets/My letters.zip"] = site.files["/sets/My%20letters.zip"] = data
    look = {"unpacked_mb": 50, "progress": no_progress, "choices": AS_FOUND}
    site.break_after = 500
    taken = fetch_address(tmp_path, site.address("/sets/My%20letters.zip?dl=1"), most_mb=5, **look)
    assert (taken.name, taken.images) == ("My-letters", 6)
    assert [wanted for _, wanted in site.requests] == [None, "bytes=500-"]
    site.files["/page"] = b"<html>log in</html>"
    for path, most, words in (
        ("/none.zip", 5, "none.zip can't be fetched: 404"),
        ("/page", 5, "page is a web page, .* may ask for a login"),
        ("/sets/My%20letters.zip", 0, "too large: .*Allowed: at most 0 bytes"),
    ):
        with pytest.raises(DataError, match=words):
            fetch_address(tmp_path, site.address(path), most_mb=most, **look)
    with pytest.raises(DataError, match="Needed: hf://owner/name or https://"):
        fetch_address(tmp_path, "ftp://x/y.zip", most_mb=5, **look)
    kept = {path.name for path in (tmp_path / "uploads").iterdir() if path.name != ".lock"}
    assert kept == {"My-letters.zip", "My-letters.json"}


def test_an_unknown_download_gets_the_nearest_name(tmp_path):
    with pytest.raises(DataError, match="did you mean 'mnist'"):
        fetch("mnst", tmp_path, no_progress)


def test_a_data_set_that_is_missing_is_fetched_unless_offline(site, tmp_path):
    write_mnist(tmp_path / "source")
    remotes = tuple(
        site.remote(path.name, path.read_bytes())
        for path in sorted((tmp_path / "source").iterdir())
    )
    table = {"mnist": Download(remotes, 1, folder="mnist")}
    arguments = {
        "folders": (),
        "home": tmp_path / "home",
        "unpacked_mb": 100,
        "progress": no_progress,
        "downloads": table,
    }
    with pytest.raises(
        DataError, match="data set 'mnist' is not here and the lab is offline.*GLYPHLAB_OFFLINE=0"
    ):
        load_dataset(DataSpec(name="mnist"), offline=True, **arguments)
    data = load_dataset(DataSpec(name="mnist"), offline=False, **arguments)
    assert len(data) == 80 and len(data.split("test")) == 20
    load_dataset(DataSpec(name="mnist"), offline=True, **arguments)


def test_a_fetched_zip_is_found_by_its_data_set(site, tmp_path):
    data = write_zip(
        tmp_path / "z.zip", files("Sample001", "Sample011", below="train/")
    ).read_bytes()
    table = {"characters": Download((site.remote("trainPart1.zip", data, md5=False),), 1)}
    arguments = {
        "folders": (),
        "home": tmp_path,
        "offline": False,
        "unpacked_mb": 100,
        "progress": no_progress,
        "downloads": table,
    }
    assert load_dataset(DataSpec(name="characters"), **arguments).classes == ("0", "A")


def test_omniglot_is_fetched_and_read_as_its_alphabets(site, tmp_path):
    content = files("character01", "character02", below="images_background/Greek/")
    remote = site.remote("images_background.zip", zip_of(content))
    arguments = {
        "folders": (),
        "home": tmp_path,
        "offline": False,
        "unpacked_mb": 100,
        "progress": no_progress,
        "downloads": {"omniglot": Download((remote,), 1)},
    }
    data = load_dataset(DataSpec(name="omniglot"), **arguments)
    assert data.classes == ("Greek 01", "Greek 02") and len(site.requests) == 1
    assert load_dataset(DataSpec(name="omniglot"), **arguments).fingerprint == data.fingerprint
    assert len(site.requests) == 1


def test_every_source_names_a_download_that_has_secure_addresses():
    assert {source.fetch for source in DATASETS.values() if source.fetch} == set(DOWNLOADS)
    for name, download in DOWNLOADS.items():
        assert download.size_bytes > 1_000_000 and download.files, name
        for remote in download.files:
            assert all(address.startswith("https://") for address in remote.addresses)
            assert remote.md5 is None or re.fullmatch("[0-9a-f]{32}", remote.md5)
            assert remote.md5 or remote.name.endswith(".zip")
