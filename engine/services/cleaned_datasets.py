"""Cleaned labels as a zip, and as a data set of the lab."""

from __future__ import annotations

import io
import re
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from engine.data.catalog import list_dataset
from engine.data.uploads import save_upload
from engine.errors import DataError, GlyphlabError
from engine.files.atomic import failure, make_folder
from engine.imaging.images import as_picture
from engine.noise.cleaned_labels import Cleaned, table
from engine.progress import Progress, no_progress

if TYPE_CHECKING:
    from engine.noise.storage import Diagnosis
    from engine.store.store import Store


def write_zip(
    store: Store,
    diagnosis: Diagnosis,
    cleaned: Cleaned,
    file: BinaryIO,
    progress: Progress = no_progress,
) -> None:
    """A zip of the kept images in folders named by their cleaned class, split into train and test
    where the data set is.

    The pictures are the data set's own files; only where those can't be had, as for pooled sets,
    they are its squares as PNG.
    """
    test = set(diagnosis.data.splits.get("test", np.empty(0, np.int64)).tolist())
    paths: dict[int, str] = {}
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        kept = np.flatnonzero(cleaned.labels >= 0)
        for number, (i, name, content) in enumerate(_pictures(store, diagnosis, kept)):
            split = (
                ("test/" if int(diagnosis.arrays["index"][i]) in test else "train/") if test else ""
            )
            label = diagnosis.classes[cleaned.labels[i]]
            paths[int(i)] = f"{split}{_folder_name(label)}/{name}"
            archive.writestr(paths[int(i)], content)
            if number % 500 == 0:
                progress(number, len(kept), "writing pictures")
        archive.writestr("labels.csv", table(diagnosis, cleaned, paths))
    progress(len(kept), len(kept), "writing pictures")


def publish(
    store: Store,
    diagnosis: Diagnosis,
    cleaned: Cleaned,
    name: str,
    progress: Progress = no_progress,
) -> str:
    """Make the cleaned labels a data set of the lab and return its name, `name` or with a number if
    that is taken.

    Raises DataError if fewer than two classes are left.
    """
    if len(np.unique(cleaned.labels[cleaned.labels >= 0])) < 2:
        raise DataError(
            "too little is left to make a data set of",
            expected="images of two classes",
            got=f"{cleaned.kept} images",
        )
    folder = make_folder(store.home / "noise")
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            write_zip(store, diagnosis, cleaned, file, progress)
            size = file.tell()
            file.seek(0)
            limit = size // 1_000_000 + 1
            upload = save_upload(
                store.home,
                f"{name}.zip",
                file,
                upload_mb=limit,
                unpacked_mb=max(limit, store.settings.unpacked_mb),
                progress=progress,
            )
    except OSError as error:
        raise failure(error, folder) from error
    return upload.name


def _pictures(
    store: Store, diagnosis: Diagnosis, kept: np.ndarray
) -> Iterator[tuple[int, str, bytes]]:
    """(position, file name, encoded picture) of the kept images."""
    settings, data = store.settings, diagnosis.data
    try:
        listing = list_dataset(
            data.name,
            folders=settings.data,
            home=store.home,
            offline=True,
            unpacked_mb=settings.unpacked_mb,
            progress=no_progress,
        )
        place = {name: i for i, name in enumerate(listing.files)}
    except GlyphlabError:
        listing, place = None, {}
    for i in kept:
        file = diagnosis.file(i)
        path = PurePosixPath(file)
        content = (
            listing.reader.read(place[file]) if listing is not None and file in place else None
        )
        if isinstance(content, bytes) and path.suffix:
            yield i, f"{_unique(path.parent)}{path.name}", content
            continue
        picture = as_picture(
            diagnosis.images([i])[0] if content is None else np.asarray(content, np.uint8)[None]
        )
        stream = io.BytesIO()
        picture.save(stream, "PNG")
        yield i, f"{_unique(path.parent)}{path.name}.png", stream.getvalue()


def _unique(parent: PurePosixPath) -> str:
    """A prefix that keeps apart files of one name from several folders: 'train-3-'."""
    text = re.sub(r"[^\w.-]+", "-", str(parent)).strip("-.")
    return f"{text}-" if text else ""


def _folder_name(name: str) -> str:
    safe = re.sub(r"[/\\\0]", "_", name).strip()
    return safe if safe.strip(".") else f"class {name}"
