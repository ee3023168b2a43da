"""Zips that a person gives to the lab: checked before they become data sets, and never half there."""

from __future__ import annotations

import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from engine.data.archive import safe_entries
from engine.data.folder import list_zip
from engine.data.sources import DATASETS
from engine.errors import DataError
from engine.files.atomic import is_full, make_folder, read_json, sync, write_json
from engine.files.locks import Lock
from engine.progress import Progress

BLOCK = 1 << 20
LONGEST_NAME = 60


@dataclass(frozen=True)
class Upload:
    """An uploaded data set. `skipped`: (name, reason) of files that were left out without being
    opened.
    """

    name: str
    path: Path
    kind: str
    images: int
    classes: tuple[str, ...]
    skipped: tuple[tuple[str, str], ...] = ()


def save_upload(
    home: Path,
    filename: str,
    content: bytes | BinaryIO,
    *,
    upload_mb: int,
    unpacked_mb: int,
    progress: Progress,
) -> Upload:
    """Keep a zip of pictures as a data set of the lab; it is named after its file.

    content  the zip's bytes, or an open binary file that is read to its end
    Raises DataError, and keeps nothing, if it is too large, no zip, dangerous, or holds no pictures
    in class folders.
    """
    folder = home / "uploads"
    part = folder / f".{secrets.token_hex(8)}.part"
    try:
        make_folder(folder)
        _write(part, filename, content, upload_mb * 1_000_000, progress)
        try:
            listing = list_zip(part, unpacked_mb)
        except DataError as error:
            raise DataError(str(error).replace(part.name, filename)) from None
        with Lock.take(folder / ".lock", seconds=30) or nullcontext():
            path = folder / f"{_free_name(home, filename)}.zip"
            upload = Upload(
                path.stem, path, listing.kind, len(listing), listing.classes, listing.skipped[:1000]
            )
            write_json(path.with_suffix(".json"), upload)
            sync(part)
            os.replace(part, path)  # present means complete
            sync(folder)
    except OSError as error:
        if is_full(error):
            raise DataError(
                f"there is no room left on the disk for {filename}",
                hint="Free some space and try again.",
            ) from None
        raise DataError(f"{folder} can't be written", got=error.strerror) from None
    finally:
        with suppress(OSError):
            part.unlink()
    return upload


def read_uploads(home: Path) -> list[Upload]:
    """The uploaded data sets, by name. What a zip holds is known from when it came; of folders and
    zips put there by hand little is.
    """
    folder = home / "uploads"
    paths = [
        path
        for path in (folder.iterdir() if folder.is_dir() else ())
        if not path.name.startswith(".")
    ]
    uploads: list[Upload] = []
    for path in sorted(paths, key=lambda path: path.stem):
        if path.is_dir():
            uploads.append(Upload(path.name, path, "", 0, ()))
        elif path.suffix == ".zip":
            known = read_json(path.with_suffix(".json"))
            try:
                skipped = tuple((name, reason) for name, reason in known["skipped"])
                uploads.append(
                    Upload(
                        path.stem,
                        path,
                        known["kind"],
                        known["images"],
                        tuple(known["classes"]),
                        skipped,
                    )
                )
            except (TypeError, KeyError, ValueError):
                with suppress(DataError):
                    uploads.append(Upload(path.stem, path, "", len(safe_entries(path, 10**9)), ()))
    return uploads


def remove_upload(home: Path, name: str) -> None:
    """Delete an uploaded data set. Raises DataError if there is none of that name."""
    for upload in read_uploads(home):
        if upload.name == name:
            if upload.path.is_dir() and not upload.path.is_symlink():
                shutil.rmtree(upload.path)
            else:
                upload.path.unlink(missing_ok=True)
                upload.path.with_suffix(".json").unlink(missing_ok=True)
            return
    raise DataError(f"there is no uploaded data set '{name}'")


def _free_name(home: Path, filename: str) -> str:
    """A name from the file's, that no data set has: letters, digits, '-', '_' and '.'."""
    stem = re.sub(r"\.zip$", "", re.split(r"[\\/]", filename)[-1], flags=re.IGNORECASE)
    stem = re.sub(r"[^\w.-]+", "-", stem).strip("-._")[:LONGEST_NAME] or "upload"
    taken = {
        *DATASETS,
        *(upload.name for upload in read_uploads(home)),
        *(path.stem for path in (home / "uploads").glob("*.zip")),
    }
    return next(name for name in _numbered(stem) if name not in taken)


def _numbered(stem: str) -> Iterator[str]:
    yield stem
    number = 2
    while True:
        yield f"{stem}-{number}"
        number += 1


def _write(
    part: Path, filename: str, content: bytes | BinaryIO, most: int, progress: Progress
) -> None:
    blocks = _blocks(content)
    total = len(content) if isinstance(content, bytes) else 0
    done = 0
    with part.open("wb") as file:
        for block in blocks:
            done += len(block)
            if done > most:
                hint = "Raise GLYPHLAB_UPLOAD_MB, or put it into a folder that GLYPHLAB_DATA names."
                raise DataError(
                    f"{filename} is too large", expected=f"at most {most / 1e6:,.0f} MB", hint=hint
                )
            file.write(block)
            progress(done, max(total, done), f"saving {filename} (bytes)")


def _blocks(content: bytes | BinaryIO) -> Iterator[bytes]:
    if isinstance(content, bytes):
        yield from (content[start : start + BLOCK] for start in range(0, len(content), BLOCK))
    else:
        while block := content.read(BLOCK):
            yield block
