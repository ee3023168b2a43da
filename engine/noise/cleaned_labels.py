"""Cleaned labels: given labels corrected by a review and, optionally, by the diagnosis; as a table,
a zip, and a data set of the lab.
"""

from __future__ import annotations

import csv
import io
import re
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from engine.data.catalog import list_dataset
from engine.data.uploads import save_upload
from engine.errors import DataError, GlyphlabError
from engine.imaging.images import as_picture
from engine.noise.config import CONFIG
from engine.progress import Progress, no_progress

if TYPE_CHECKING:
    from engine.lab import Lab
    from engine.noise.review import Decision
    from engine.noise.storage import Diagnosis

RESTS: dict[str, str] = {
    "given": "Keep their given labels",
    "likely": "Take the likely classes, and leave out images whose class is uncertain",
    "none": "Leave them out",
}


@dataclass(frozen=True)
class Cleaned:
    """labels (n,) int64 of the diagnosis's images, -1 where an image is left out; how: 'reviewed',
    'given', 'likely' or '' for each.
    """

    labels: np.ndarray
    how: np.ndarray

    @property
    def kept(self) -> int:
        return int((self.labels >= 0).sum())


def clean(
    diagnosis: Diagnosis,
    decisions: Mapping[int, Decision],
    rest: str,
    confidence: float = CONFIG.cleaned_confidence,
) -> Cleaned:
    """Labels by the decisions, and by `rest` (a name in RESTS) for the images without one.

    confidence: posterior probability of the likely class, 0..1, from which it becomes the label.
    Raises DataError for an unknown `rest`.
    """
    if rest not in RESTS:
        raise DataError(
            "what to do with the other images is not known",
            expected=f"one of: {', '.join(RESTS)}",
            got=repr(rest),
        )
    found = diagnosis.arrays
    given, likely = found["given"].astype(np.int64), found["likely"].astype(np.int64)
    labels, how = np.full(len(given), -1, np.int64), np.full(len(given), "", "<U8")
    if rest == "given":
        labels, how[:] = given.copy(), "given"
    elif rest == "likely":
        taken = found["confidence"] >= confidence
        labels[taken], how[taken] = likely[taken], "likely"
    for position, decision in decisions.items():
        labels[position], how[position] = decision.label, "reviewed"
    return Cleaned(labels, how)


def table(diagnosis: Diagnosis, cleaned: Cleaned) -> str:
    """A CSV of the kept images: file, index, given, label, how."""
    out = io.StringIO()
    rows = csv.writer(out)
    rows.writerow(("file", "index", "given", "label", "how"))
    found, names = diagnosis.arrays, diagnosis.classes
    for i in np.flatnonzero(cleaned.labels >= 0):
        rows.writerow(
            (
                diagnosis.file(i),
                int(found["index"][i]),
                names[found["given"][i]],
                names[cleaned.labels[i]],
                cleaned.how[i],
            )
        )
    return out.getvalue()


def write_zip(
    lab: Lab,
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
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        kept = np.flatnonzero(cleaned.labels >= 0)
        for number, (i, name, content) in enumerate(_pictures(lab, diagnosis, kept)):
            split = (
                ("test/" if int(diagnosis.arrays["index"][i]) in test else "train/") if test else ""
            )
            archive.writestr(
                f"{split}{_folder_name(diagnosis.classes[cleaned.labels[i]])}/{name}", content
            )
            if number % 500 == 0:
                progress(number, len(kept), "writing pictures")
        archive.writestr("labels.csv", table(diagnosis, cleaned))
    progress(len(kept), len(kept), "writing pictures")


def publish(
    lab: Lab, diagnosis: Diagnosis, cleaned: Cleaned, name: str, progress: Progress = no_progress
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
    folder = lab.home / "noise"
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder) as file:
        write_zip(lab, diagnosis, cleaned, file, progress)
        size = file.tell()
        file.seek(0)
        limit = size // 1_000_000 + 1
        upload = save_upload(
            lab.home,
            f"{name}.zip",
            file,
            upload_mb=limit,
            unpacked_mb=max(limit, lab.settings.unpacked_mb),
            progress=progress,
        )
    return upload.name


def _pictures(lab: Lab, diagnosis: Diagnosis, kept: np.ndarray) -> Iterator[tuple[int, str, bytes]]:
    """(position, file name, encoded picture) of the kept images."""
    settings, data = lab.settings, diagnosis.data
    try:
        listing = list_dataset(
            data.name,
            folders=settings.data,
            home=lab.home,
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


def default_name(diagnosis: Diagnosis) -> str:
    """What the cleaned data set is called unless a person says otherwise."""
    return f"{re.sub(r'[^A-Za-z0-9_-]+', '-', Path(diagnosis.document['name']).stem).strip('-') or 'data'}-cleaned"
