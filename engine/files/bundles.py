"""Folders and zips that are written whole or not at all."""

from __future__ import annotations

import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.files.atomic import failure

FIRST_MOMENT = (1980, 1, 1, 0, 0, 0)  # of every file in a zip: the same content makes the same zip


@contextmanager
def whole(target: Path, compression: int = zipfile.ZIP_DEFLATED) -> Iterator[Path]:
    """An empty folder to fill. It becomes `target` when the block ends: a zip if its name ends so,
    else the folder, in place of one that is there. Nothing is changed if the block fails. Raises
    GlyphlabError for what the disk refuses.
    """
    try:
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".export-") as made:
            fresh, before = Path(made) / "fresh", Path(made) / "before"
            fresh.mkdir()
            yield fresh
            if target.suffix.lower() == ".zip":
                _pack(fresh, Path(made) / "zip", compression)
                (Path(made) / "zip").replace(target)
                return
            if target.exists():
                target.rename(before)
            try:
                fresh.rename(target)
            except OSError:
                if before.exists():
                    before.rename(target)
                raise
    except OSError as error:
        raise failure(error, target) from error


def _pack(folder: Path, file: Path, compression: int) -> None:
    with zipfile.ZipFile(file, "w", compression) as archive:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            entry = zipfile.ZipInfo(path.relative_to(folder).as_posix(), FIRST_MOMENT)
            entry.compress_type, entry.external_attr = compression, 0o644 << 16
            with path.open("rb") as source, archive.open(entry, "w", force_zip64=True) as out:
                shutil.copyfileobj(source, out)
