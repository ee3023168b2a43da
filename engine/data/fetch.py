"""Downloading data sets from their public sources: with progress, resumed after a break, checked,
and never half there.
"""

from __future__ import annotations

import hashlib
import http.client
import os
import shutil
import urllib.error
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from engine.data.transfer import BLOCK, TRIES, fetch_part
from engine.errors import DataError, unknown
from engine.files.atomic import is_full, make_folder, rename_whole, sync
from engine.files.locks import Lock
from engine.progress import Progress


@dataclass(frozen=True)
class Remote:
    """One file: the addresses it can be had from, in order, and its MD5; without one, it is a zip
    whose own checksums are tested.
    """

    name: str
    addresses: tuple[str, ...]
    md5: str | None = None


@dataclass(frozen=True)
class Download:
    """The files of a data set.

    folder  where they go, below the lab's `datasets`; empty: right there
    unpack  the files are zips, of which the members ending so are taken out, and the zip is not
            kept
    """

    files: tuple[Remote, ...]
    size_bytes: int
    folder: str = ""
    unpack: str = ""


def _mnist(name: str, md5: str) -> Remote:
    hosts = (
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
    )
    return Remote(name, tuple(host + name for host in hosts), md5)


def _omniglot(half: str, md5: str, size_bytes: int) -> Download:
    """As torchvision fetches it."""
    name = f"images_{half}.zip"
    address = f"https://raw.githubusercontent.com/brendenlake/omniglot/master/python/{name}"
    return Download((Remote(name, (address,), md5),), size_bytes)


DOWNLOADS: dict[str, Download] = {
    "omniglot": _omniglot("background", "68d2efa1b9178cc56df9314c21c6e718", 9_500_000),
    "omniglot-evaluation": _omniglot("evaluation", "6b91aef0f799c5bb55b94e3f2daec811", 6_500_000),
    "mnist": Download(
        (
            _mnist("train-images-idx3-ubyte.gz", "f68b3c2dcbeaaa9fbdd348bbdeb94873"),
            _mnist("train-labels-idx1-ubyte.gz", "d53e105ee54ea40749a09fcbcd1e9432"),
            _mnist("t10k-images-idx3-ubyte.gz", "9fb629c4189551a2d022fa330f9573f3"),
            _mnist("t10k-labels-idx1-ubyte.gz", "ec29112dd5afa0611ce80d1b7f02629c"),
        ),
        11_600_000,
        folder="mnist",
    ),
    "emnist": Download(
        (
            Remote(
                "gzip.zip",
                ("https://biometrics.nist.gov/cs_links/EMNIST/gzip.zip",),
                "58c8d27c78d21e728a6bc7b3cc06412e",
            ),
        ),
        562_000_000,
        folder="emnist",
        unpack="-ubyte.gz",
    ),
    "characters": Download(
        (
            Remote(
                "trainPart1.zip", ("https://www.dropbox.com/s/pan6mutc5xj5kj0/trainPart1.zip?dl=1",)
            ),
        ),
        19_000_000,
    ),
    "task3": Download(
        (
            Remote(
                "mnistTask3.zip", ("https://www.dropbox.com/s/otc12z2w7f7xm8z/mnistTask3.zip?dl=1",)
            ),
        ),
        42_000_000,
    ),
    "hymenoptera": Download(
        (
            Remote(
                "hymenoptera_data.zip",
                ("https://download.pytorch.org/tutorial/hymenoptera_data.zip",),
            ),
        ),
        47_000_000,
    ),
}


def fetch(
    name: str, home: Path, progress: Progress, downloads: Mapping[str, Download] = DOWNLOADS
) -> Path:
    """Download what `downloads` names into `home/datasets`; returns the folder or, of a single
    file, the file.

    Nothing happens if it is there already. A broken download goes on where it stopped; what does
    not match its checksum is deleted. Raises DataError if it can't be had, is not what it should
    be, or does not fit on the disk.
    """
    if name not in downloads:
        raise DataError(unknown("download", name, downloads))
    download = downloads[name]
    folder = home / "datasets"
    target = folder / (download.folder or download.files[0].name)
    if target.exists():
        return target
    parts = (
        folder / f".{name}.part"
    )  # everything is gathered here and appears under its name when it is complete
    try:
        make_folder(parts)
        with _lock(folder / f".{name}.lock", progress, name):
            if target.exists():
                return target
            parts.mkdir(exist_ok=True)
            for remote in download.files:
                if not (parts / remote.name).exists():
                    _fetch_file(remote, parts / remote.name, progress)
            if download.unpack:
                for remote in download.files:
                    _take_out(parts / remote.name, download.unpack, progress)
            if download.folder:
                rename_whole(parts, target)
            else:
                sync(parts / download.files[0].name)
                os.replace(parts / download.files[0].name, target)
                sync(folder)
            if download.unpack:
                for remote in download.files:
                    (target / remote.name).unlink()
            shutil.rmtree(parts, ignore_errors=True)
    except OSError as error:
        if is_full(error):
            shutil.rmtree(parts, ignore_errors=True)
            raise DataError(
                f"there is no room left on the disk for {target}",
                hint="Free some space and fetch it again.",
            ) from None
        raise DataError(
            f"{error.filename or folder} can't be written", got=error.strerror
        ) from None
    return target


def _lock(path: Path, progress: Progress, name: str) -> Lock:
    while (lock := Lock.take(path, seconds=0.5)) is None:
        progress(0, 1, f"waiting for another process that fetches {name}")
    return lock


def _fetch_file(remote: Remote, target: Path, progress: Progress) -> None:
    part = target.with_name(f"{target.name}.part")
    problems: list[str] = []
    for address in remote.addresses:
        for _ in range(TRIES):
            try:
                fetch_part(address, part, progress, remote.name)
            except urllib.error.HTTPError as error:
                problems.append(f"{address}: {error.code} {error.reason}")
                break  # the server has answered: it will not answer otherwise the next time
            except (
                urllib.error.URLError,
                http.client.HTTPException,
                TimeoutError,
                ConnectionError,
            ) as error:
                problems.append(f"{address}: {getattr(error, 'reason', error)}")
                continue
            wrong = _what_is_wrong(part, remote)
            if wrong is None:
                os.replace(part, target)
                return
            part.unlink()
            problems.append(f"{address}: {wrong}")
            break
    hint = "Check the connection, or put the files into a folder that GLYPHLAB_DATA names."
    raise DataError(
        f"{remote.name} can't be fetched", got="; ".join(dict.fromkeys(problems)), hint=hint
    )


def _what_is_wrong(part: Path, remote: Remote) -> str | None:
    if remote.md5:
        with part.open("rb") as file:
            md5 = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
        return None if md5 == remote.md5 else f"wrong content: its MD5 is {md5}, not {remote.md5}"
    try:
        with zipfile.ZipFile(part) as archive:
            broken = archive.testzip()
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        return f"no zip ({error})"
    return f"{broken} in it is damaged" if broken else None


def _take_out(archive_path: Path, ending: str, progress: Progress) -> None:
    """Members of a zip whose names end so, put beside it under their last names."""
    with zipfile.ZipFile(archive_path) as archive:
        entries = [entry for entry in archive.infolist() if entry.filename.endswith(ending)]
        for number, entry in enumerate(entries):
            target = archive_path.with_name(Path(entry.filename).name)
            with archive.open(entry) as source, target.open("wb") as file:
                shutil.copyfileobj(source, file, BLOCK)
            progress(number + 1, len(entries), f"unpacking {archive_path.name}")
