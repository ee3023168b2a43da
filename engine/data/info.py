"""What the lists of data sets show, without opening an image."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from engine.data.fetch import DOWNLOADS
from engine.data.forms.omniglot import count_parts
from engine.data.own_folders import own_folders
from engine.data.sources import DATASETS, Found, Source, find
from engine.data.uploads import read_uploads
from engine.files.cache import Stamp, stamp_of

LINKED = "kept by its path, where it stays"  # of what lies outside the lab
OWN = "a folder in GLYPHLAB_DATA"


@dataclass(frozen=True)
class DatasetInfo:
    """A data set as lists show it.

    kind        'digit', 'page' or 'photo': what its images are; '' if that is not known yet
    here        whether it can be loaded without a download
    fetchable   whether the lab can download it
    path        where it lies; None if it is not here, or is part of a library
    images      how many there are, 0 if that is not known yet; classes likewise
    size_bytes  on disk, or of the download if it is not here; 0 if unknown
    uploaded    whether a person gave it to this lab
    """

    name: str
    title: str
    about: str
    kind: str
    here: bool
    fetchable: bool
    path: Path | None
    images: int = 0
    classes: int = 0
    size_bytes: int = 0
    uploaded: bool = False


def list_datasets(folders: Sequence[Path], home: Path) -> list[DatasetInfo]:
    """The data sets known by name, those uploaded, and the folders of `folders` that hold one; those
    at hand first.
    """
    known = [
        _info(name, source, find(name, folders, home), home) for name, source in DATASETS.items()
    ]
    uploads = [
        DatasetInfo(
            upload.name,
            upload.name,
            "added to this lab" if upload.path.parent == home / "uploads" else LINKED,
            upload.kind,
            True,
            False,
            upload.path,
            upload.images,
            len(upload.classes),
            _size(upload.path),
            True,
        )
        for upload in read_uploads(home)
    ]
    own = [
        DatasetInfo(name, name, OWN, "", True, False, path)
        for name, path in own_folders(folders, home).items()
    ]
    return sorted(known + uploads + own, key=lambda info: not info.here)


def _info(name: str, source: Source, found: Found | None, home: Path) -> DatasetInfo:
    images, classes = source.images, len(source.classes)
    if name == "drawings":
        files = [path for path in (home / "drawings").glob("*/*.png")]
        images, classes = len(files), len({path.parent for path in files})
    if found is not None and found.path is not None and found.is_in_parts:
        images, classes = _in_parts(sorted(found.path.glob(source.parts)), images)
    size = DOWNLOADS[source.fetch].size_bytes if source.fetch and found is None else 0
    if found is not None and found.pairs:
        size = sum(_size(path) for pair in found.pairs for path in pair.files)
    elif found is not None and found.path is not None:
        size = _size(found.path)
    return DatasetInfo(
        name,
        source.title,
        source.about,
        source.kind,
        found is not None,
        source.fetch is not None,
        found.path if found else None,
        images,
        classes,
        size,
    )


def _in_parts(paths: Sequence[Path], whole: int) -> tuple[int, int]:
    """Images and classes of a set of which only some parts are there. whole: images of all of it."""
    try:
        return _counts(tuple((path, stamp_of(path)) for path in paths))
    except (OSError, zipfile.BadZipFile):  # said by whoever opens it
        return whole, 0


@lru_cache(maxsize=8)
def _counts(parts: tuple[tuple[Path, Stamp], ...]) -> tuple[int, int]:
    return count_parts([path for path, _ in parts])


def _size(path: Path) -> int:
    """Bytes of a file; of a folder 0: adding up its files could take as long as reading them."""
    return path.stat().st_size if path.is_file() else 0
