"""What a person gives to the lab: checked before it becomes a data set, and never half there."""

from __future__ import annotations

import os
import re
import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import nullcontext, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

from engine.data import idx_files
from engine.data.archive import safe_entries
from engine.data.cache import content_hash
from engine.data.choices import AS_FOUND, Choices
from engine.data.imported import ending_of, is_linked, read_imported
from engine.data.listing import Listing
from engine.data.readers import Opening, list_found
from engine.data.sources import DATASETS, Found
from engine.errors import DataError
from engine.files.atomic import is_full, make_folder, read_json, sync, write_json
from engine.files.locks import Lock
from engine.files.trash import Trash
from engine.progress import Progress, no_progress

BLOCK = 1 << 20
LONGEST_NAME = 60


@dataclass(frozen=True)
class Upload:
    """An uploaded data set. `skipped`: (name, reason) of files that were left out without being
    opened; `choices`: how a person has chosen to read it.
    """

    name: str
    path: Path
    kind: str
    images: int
    classes: tuple[str, ...]
    skipped: tuple[tuple[str, str], ...] = ()
    choices: Choices = AS_FOUND


def save_upload(
    home: Path,
    filename: str,
    content: bytes | BinaryIO,
    *,
    upload_mb: int,
    unpacked_mb: int,
    progress: Progress,
    choices: Choices = AS_FOUND,
) -> Upload:
    """Keep an archive, table or array of images as a data set of the lab; it is named after its
    file.

    content  the file's bytes, or an open binary file that is read to its end
    Raises DataError, and keeps nothing, if it is too large, of no known form, dangerous, or holds
    no labelled images.
    """
    folder = home / "uploads"
    ending = ending_of(filename) or ".zip"
    # In a folder of its own: a table would name pictures of other data sets.
    part = folder / f".{secrets.token_hex(8)}" / f"upload{ending}"
    try:
        make_folder(part.parent)
        _write(part, filename, content, upload_mb * 1_000_000, progress)
        try:
            listing = _listed(home, part, choices, unpacked_mb, progress)
        except DataError as error:
            raise DataError(str(error).replace(part.name, filename)) from None
        with Lock.take(folder / ".lock", seconds=30) or nullcontext():
            name = _free_name(home, filename, ending)
            path = folder / f"{name}{ending}"
            upload = _upload(name, path, listing, choices)
            _keep(folder, upload, path.name)
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
        shutil.rmtree(part.parent, ignore_errors=True)
    return upload


def link_upload(home: Path, path: Path, choices: Choices, unpacked_mb: int) -> Upload:
    """Keep a folder or file of this machine as a data set that stays where it is. Raises DataError,
    and keeps nothing, if it can't be one.
    """
    listing = _listed(home, path, choices, unpacked_mb, no_progress)
    folder = home / "uploads"
    make_folder(folder)
    with Lock.take(folder / ".lock", seconds=30) or nullcontext():
        upload = _upload(_free_name(home, path.name, ending_of(path.name)), path, listing, choices)
        _keep(folder, upload, str(path.resolve()))
    return upload


def keep_fetched(
    home: Path, found: Path, name: str, choices: Choices, unpacked_mb: int, progress: Progress
) -> Upload:
    """Keep a folder or archive that was fetched, below the lab's uploads, as the data set `name`
    in the place of an earlier one. Raises DataError, and changes nothing, if it can't be one.
    """
    listing = _listed(home, found, choices, unpacked_mb, progress)
    folder = home / "uploads"
    with Lock.take(folder / ".lock", seconds=30) or nullcontext():
        if read_imported(home, name) is not None:
            remove_upload(home, name)
        path = folder / (name if found.is_dir() else f"{name}{ending_of(found.name)}")
        upload = _upload(name, path, listing, choices)
        _keep(folder, upload, path.name)
        os.replace(found, path)  # present means complete
        sync(folder)
    return upload


def change_choices(home: Path, name: str, choices: Choices, unpacked_mb: int) -> Upload:
    """Have a data set of the lab read by other choices. Raises DataError, and changes nothing, if it
    is not there, or can't be read so.
    """
    found = read_imported(home, name)
    if found is None:
        raise DataError(f"there is no uploaded data set '{name}'")
    listing = _listed(home, found.path, choices, unpacked_mb, no_progress)
    upload = _upload(name, found.path, listing, choices)
    file = str(found.path) if is_linked(home, found) else found.path.name
    _keep(home / "uploads", upload, file)
    return upload


def _listed(
    home: Path, path: Path, choices: Choices, unpacked_mb: int, progress: Progress
) -> Listing:
    pairs = tuple(idx_files.only_pairs(path)) if path.is_dir() else ()
    found = Found(path.stem, path, pairs, choices=choices)

    def content_of(paths: Sequence[Path]) -> str:
        return content_hash(paths, home, progress)

    return list_found(Opening(found, unpacked_mb, content_of, home / "cache", progress, choices))


def _upload(name: str, path: Path, listing: Listing, choices: Choices) -> Upload:
    skipped = listing.skipped[:1000]
    return Upload(name, path, listing.kind, len(listing), listing.classes, skipped, choices)


def _keep(folder: Path, upload: Upload, file: str) -> None:
    kept = {**asdict(upload), "choices": asdict(upload.choices), "file": file}
    write_json(folder / f"{upload.name}.json", kept)


def read_uploads(home: Path) -> list[Upload]:
    """The uploaded data sets, by name. What they hold is known from when they came; of folders and
    zips put there by hand little is.
    """
    folder = home / "uploads"
    there = {path.name: path for path in (folder.iterdir() if folder.is_dir() else ())}
    uploads: dict[str, Upload] = {}
    for file, path in there.items():
        name = file.removesuffix(".json") if path.suffix == ".json" else path.stem
        ending = ending_of(file)
        name = file[: -len(ending)] if ending else name
        if file.startswith(".") or name in uploads:
            continue
        if (known := _known(home, folder, name)) is not None:
            uploads[name] = known
        elif path.is_dir():
            uploads[file] = Upload(file, path, "", 0, ())
        elif ending == ".zip":
            with suppress(DataError):
                uploads[name] = Upload(name, path, "", len(safe_entries(path, 10**9).files), ())
    return sorted(uploads.values(), key=lambda upload: upload.name)


def _known(home: Path, folder: Path, name: str) -> Upload | None:
    """What is kept of a data set; None if that is nothing, or the data set is gone."""
    known = read_json(folder / f"{name}.json")
    try:
        found = read_imported(home, name)
        path = found.path if found else folder / f"{name}.zip"
        skipped = tuple((file, reason) for file, reason in known["skipped"])
        classes = tuple(known["classes"])
        choices = found.choices if found else AS_FOUND
        upload = Upload(name, path, known["kind"], known["images"], classes, skipped, choices)
    except (TypeError, KeyError, ValueError, DataError):
        return None
    return upload if path.exists() else None


def remove_upload(home: Path, name: str) -> str:
    """Move an uploaded data set to the trash; what lies outside the lab stays. Returns what else is
    to be put back with it is named by (engine.files.trash). Raises DataError if there is none of that
    name.
    """
    for upload in read_uploads(home):
        if upload.name == name:
            trash, about = Trash(home), home / "uploads" / f"{name}.json"
            batch = trash.put(about, "data", name).batch if about.exists() else ""
            if upload.path.parent == home / "uploads" and os.path.lexists(upload.path):
                batch = trash.put(upload.path, "data", name, batch).batch
            return batch
    raise DataError(f"there is no uploaded data set '{name}'")


def _free_name(home: Path, filename: str, ending: str) -> str:
    """A name from the file's, that no data set has: letters, digits, '-', '_' and '.'."""
    stem = re.split(r"[\\/]", filename)[-1]
    stem = stem[: -len(ending)] if ending and stem.lower().endswith(ending) else stem
    stem = re.sub(r"[^\w.-]+", "-", stem).strip("-._")[:LONGEST_NAME] or "upload"
    folder = home / "uploads"
    there = folder.iterdir() if folder.is_dir() else ()
    taken = {
        *DATASETS,
        *(upload.name for upload in read_uploads(home)),
        *(path.name[: -len(end)] for path in there if (end := ending_of(path.name))),
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
