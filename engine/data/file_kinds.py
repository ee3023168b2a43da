"""What a file is, told by how it begins and by its ending, for messages."""

from __future__ import annotations

from pathlib import Path

from engine.data.tables import KINDS, describe
from engine.errors import DataError
from engine.imaging.formats import begins_as_picture, is_picture


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
    return by_name if by_name in KINDS.values() else kind_of_head(head) or "no known file"


def kind_of_head(head: bytes) -> str:
    """What a file is that begins so; '' if that says nothing."""
    return next((what for start, what in _STARTS.items() if head.startswith(start)), "")


_PICKLE = KINDS[".pkl"]
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
    b"<!DOCTYPE": "a web page",
    b"<!doctype": "a web page",
    b"<html": "a web page",
    b"\x80\x02": _PICKLE,  # protocols 2 to 5
    b"\x80\x03": _PICKLE,
    b"\x80\x04": _PICKLE,
    b"\x80\x05": _PICKLE,
}
