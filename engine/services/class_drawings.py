"""The drawings that the students of a class have saved, as one data set of the lab."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from engine.data.choices import AS_FOUND
from engine.data.staging import let_go, stage_file
from engine.data.uploads import Upload, keep
from engine.errors import DataError
from engine.files.trash import STUDENTS
from engine.progress import no_progress
from engine.services.drawings import Drawings

if TYPE_CHECKING:
    from engine.store.store import Store

GATHERED = "class-drawings"


def gather(store: Store, students: Iterable[str]) -> Upload:
    """Make the data set GATHERED of all drawings of these students (ids), in the place of an earlier one,
    which goes to the trash. Nothing in it says who drew what, as the whole class sees data sets; a
    drawing keeps its file's name, so labels that were corrected stay so. Raises DataError if there is
    none.
    """
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as file:  # PNGs do not shrink further
        for id in students:
            for drawing in Drawings(store, f"drawings-{STUDENTS}-{id}").all():
                with suppress(FileNotFoundError):  # its student deletes it at this moment
                    entry = f"{GATHERED}/{drawing.label}/{drawing.path.name}"
                    file.writestr(entry, drawing.path.read_bytes())
        empty = not file.namelist()
    if empty:
        raise DataError(
            "no student has saved a drawing yet",
            hint="They draw a character on Draw, give its label and save it.",
        )
    settings = store.settings
    staged = stage_file(
        store.home, f"{GATHERED}.zip", content.getvalue(), settings.upload_mb, no_progress
    )
    try:
        own = replace(staged, name=GATHERED, replaces=True)
        return keep(store.home, own, AS_FOUND, settings.unpacked_mb, no_progress)
    finally:
        let_go(staged)
