"""What a person gives to the lab: checked before it becomes a data set, and never half there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import nullcontext, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

from engine.data.archive import safe_entries
from engine.data.choices import AS_FOUND, Choices
from engine.data.imported import ending_of, is_linked, read_imported
from engine.data.listing import Listing
from engine.data.sources import DATASETS
from engine.data.staging import (
    Staged,
    let_go,
    list_at,
    list_staged,
    plain_stem,
    stage_file,
    told,
)
from engine.errors import DataError, GlyphlabError
from engine.files.atomic import make_folder, read_json, sync, write_json
from engine.files.locks import Lock
from engine.files.trash import Trash
from engine.progress import Progress, no_progress

# What a data set in a JSON file ends in here: NAME.json says what is kept of NAME.
KEPT_JSON = ".data.json"


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
    staged = stage_file(home, filename, content, upload_mb, progress)
    try:
        return keep(home, staged, choices, unpacked_mb, progress)
    finally:
        let_go(staged)


def keep(
    home: Path,
    staged: Staged,
    choices: Choices,
    unpacked_mb: int,
    progress: Progress,
    anywhere: bool = False,
) -> Upload:
    """Make a data set of what is staged, read by `choices`: what the lab holds of it is moved, what
    stays where it is is remembered. anywhere: its path was named where every path may be. Raises
    DataError, and keeps nothing, if it can't be one.
    """
    folder, path = home / "uploads", staged.path
    with told(home, staged.name):
        listing = list_staged(home, staged, choices, unpacked_mb, progress)
        make_folder(folder)
        with Lock.take(folder / ".lock", seconds=30) or nullcontext():
            ending = "" if path.is_dir() else _ending(path)
            if staged.replaces and read_imported(home, staged.name) is not None:
                remove_upload(home, staged.name)
            name = staged.name if staged.replaces else _free_name(home, staged.name, ending)
            kept = KEPT_JSON if ending == ".json" else ending
            at = path if staged.own is None else folder / f"{name}{kept}"
            upload = _upload(name, at, listing, choices)
            _keep(folder, upload, str(at.resolve()) if staged.own is None else at.name, anywhere)
            if staged.own is not None:
                if not path.is_dir():
                    sync(path)
                os.replace(path, at)  # present means complete
                sync(folder)
    return upload


def _ending(path: Path) -> str:
    """What the kept file's name ends in, by which it is told what it is."""
    if ending := ending_of(path.name):
        return ending
    with path.open("rb") as file:
        return ".zip" if file.read(4) == b"PK\x03\x04" else path.suffix


def link_upload(home: Path, path: Path, choices: Choices, unpacked_mb: int) -> Upload:
    """Keep a folder or file of this machine as a data set that stays where it is. Raises DataError,
    and keeps nothing, if it can't be one.
    """
    return keep(home, Staged(path.name, path), choices, unpacked_mb, no_progress)


def change_choices(home: Path, name: str, choices: Choices, unpacked_mb: int) -> Upload:
    """Have a data set of the lab read by other choices. Raises DataError, and changes nothing, if it
    is not there, or can't be read so.
    """
    found = read_imported(home, name)
    if found is None:
        raise DataError(f"there is no uploaded data set '{name}'")
    listing = list_at(home, found.path, choices, unpacked_mb, no_progress)
    upload = _upload(name, found.path, listing, choices)
    file = str(found.path) if is_linked(home, found) else found.path.name
    _keep(home / "uploads", upload, file, found.anywhere)
    return upload


def _upload(name: str, path: Path, listing: Listing, choices: Choices) -> Upload:
    skipped = listing.skipped[:1000]
    return Upload(name, path, listing.kind, len(listing), listing.classes, skipped, choices)


def _keep(folder: Path, upload: Upload, file: str, anywhere: bool) -> None:
    kept = {**asdict(upload), "choices": asdict(upload.choices), "file": file, "anywhere": anywhere}
    write_json(folder / f"{upload.name}.json", kept)


def remember_images(home: Path, name: str, images: int) -> None:
    """Keep how many images of a data set can be read, once each was opened: until then the lists show
    how many files there are. Nothing happens to other data sets, and where nothing can be written.
    """
    file = home / "uploads" / f"{name}.json"
    with suppress(OSError, GlyphlabError):
        if read_imported(home, name) is None or read_json(file).get("images") == images:
            return
        with Lock.take(home / "uploads" / ".lock", seconds=5) or nullcontext():
            write_json(file, {**read_json(file), "images": images})


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
        if file.startswith(".") or file.endswith(KEPT_JSON) or name in uploads:
            continue
        if (known := _known(home, folder, name)) is not None:
            uploads[name] = known
        elif path.is_dir():
            uploads[file] = Upload(file, path, "", 0, ())
        elif ending == ".zip":
            with suppress(DataError):
                uploads[name] = Upload(name, path, "", len(safe_entries(path, 10**9).files), ())
    return sorted(uploads.values(), key=lambda upload: upload.name)


def is_upload(home: Path, name: str) -> bool:
    """Whether `read_uploads` names a data set so. Looks for this one only, and for none by a path."""
    if not name or name.startswith(".") or Path(name).name != name or "\0" in name:
        return False
    folder = home / "uploads"
    try:
        kept = _known(home, folder, name) is not None
        return kept or (folder / name).is_dir() or (folder / f"{name}.zip").is_file()
    except OSError:  # too long for a name
        return False


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
    """A name from the file's, that no data set has."""
    stem = plain_stem(filename, ending)
    folder = home / "uploads"
    there = folder.iterdir() if folder.is_dir() else ()
    taken = {
        *DATASETS,
        *(upload.name for upload in read_uploads(home)),
        *(
            path.name[: -len(end)]
            for path in there
            if (end := ending_of(path.name)) and (end != ".json" or path.name.endswith(KEPT_JSON))
        ),
    }
    return next(name for name in _numbered(stem) if name not in taken)


def _numbered(stem: str) -> Iterator[str]:
    yield stem
    number = 2
    while True:
        yield f"{stem}-{number}"
        number += 1
