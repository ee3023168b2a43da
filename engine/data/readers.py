"""What a data set may be stored as: one table from a form to what recognises and lists it.

A new form is a row here, with a module beside this one: `fits` says whether a path is of the form,
`listed` turns it into a Listing whose Reader hands out pictures or glyphs by position. Archives and
tables of pictures end in `engine.data.folder.list_files`, which lays files out by their folders.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from engine.data import idx
from engine.data.folder import list_folder, list_zip
from engine.data.listing import Listing
from engine.data.sources import Found
from engine.data.tables import KINDS, describe
from engine.errors import DataError
from engine.imaging.formats import begins_as_picture, is_picture


@dataclass(frozen=True)
class Opening:
    """What a lister is handed: what was found, the largest size that an archive may unpack to
    (MB), and `content_of(paths)`, which hashes files' bytes once and remembers it.
    """

    found: Found
    unpacked_mb: int
    content_of: Callable[[Sequence[Path]], str]

    @property
    def path(self) -> Path:
        assert self.found.path is not None
        return self.found.path

    @property
    def kind(self) -> str | None:
        """What the images are, of a data set known by name."""
        return self.found.source.kind if self.found.source else None


class Form(NamedTuple):
    """about: what it is, for messages; fits(opening); listed(opening) → Listing."""

    about: str
    fits: Callable[[Opening], bool]
    listed: Callable[[Opening], Listing]


def list_found(opening: Opening) -> Listing:
    """What the data set holds, read by the first form that fits it. Raises DataError, saying what
    the file is, if none does.
    """
    for form in FORMS.values():
        if form.fits(opening):
            return form.listed(opening)
    path = opening.path
    what = kind_of_file(path)
    raise DataError(
        f"{path.name} is {what}, which can't be used as a data set",
        expected=" or ".join(form.about for form in FORMS.values()),
        hint=_advice(what),
    )


def kind_of_file(path: Path) -> str:
    """What a file is, by how it begins and by its ending: 'a 7z archive', 'a CSV table'.

    Raises DataError if it can't be read.
    """
    try:
        with path.open("rb") as file:
            head = file.read(132)
    except OSError as error:
        raise DataError(f"{path.name} can't be read", got=error.strerror) from None
    if is_picture(path.name) or begins_as_picture(head):
        return "a single picture"
    by_name = describe(path.name)
    if by_name in KINDS.values():
        return by_name
    return next(
        (what for start, what in _STARTS.items() if head.startswith(start)), "no known file"
    )


_STARTS = {
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
    b"Rar!": "a RAR archive",
    b"\x1f\x8b": "a gzip file",
    b"PAR1": "a Parquet table",
    b"ARROW1": "an Arrow table",
    b"\x93NUMPY": "a NumPy array",
    b"MATLAB": "a MATLAB file",
    b"\x89HDF": "an HDF5 file",
    b"SQLite": "a database",
    b"%PDF": "a PDF document",
}


def _advice(what: str) -> str:
    if "archive" in what or what == "a gzip file":
        return "Unpack it and give the folder, or pack the folder as a zip."
    if what == "a single picture":
        return "Give the folder that holds the class folders."
    return "Put the pictures into a folder for each class, and give the folder or a zip of it."


def _is_zip(opening: Opening) -> bool:
    path = opening.path
    if path.suffix.lower() == ".zip" or (opening.found.source and path.is_file()):
        return True
    if not path.is_file() or describe(path.name) in KINDS.values():
        return False
    with path.open("rb") as file:
        return file.read(4) in (b"PK\x03\x04", b"PK\x05\x06")


def _list_idx(opening: Opening) -> Listing:
    found = opening.found
    classes = found.source.classes if found.source else None
    mapping = None if classes else idx.read_mapping(opening.path, found.pairs[0].prefix)
    files = [path for pair in found.pairs for path in (pair.images, pair.labels)]
    content = opening.content_of(files)
    known = found.source is not None
    return idx.list_pairs(found.pairs, classes or mapping, content, known)


def _list_folder(opening: Opening) -> Listing:
    is_own = opening.found.name == "drawings"  # its folders are labels, whatever they are
    return list_folder(opening.path, opening.content_of, opening.kind, only_classes=is_own)


def _list_zip(opening: Opening) -> Listing:
    return list_zip(opening.path, opening.unpacked_mb, opening.kind)


def _is_idx(opening: Opening) -> bool:
    return bool(opening.found.pairs)


def _is_folder(opening: Opening) -> bool:
    return opening.path.is_dir()


FORMS: dict[str, Form] = {
    "idx": Form("IDX files", _is_idx, _list_idx),
    "folder": Form("a folder", _is_folder, _list_folder),
    "zip": Form("a zip of pictures", _is_zip, _list_zip),
}
