"""Several files of a folder that come together or not at all, whatever happens in between.

    taught/.coming/…   is being written: deleted by whoever finds it
    taught/.whole/…    was written whole, and is being put into place: whoever finds it goes on

For one writer of the folder at a time: callers hold its lock.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from engine.files.atomic import failure, make_folder, rename_whole, sync

COMING, WHOLE = ".coming", ".whole"


def write_together(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files (their path in the folder, '<folder>/<name>' → content), none of which is there yet.
    Raises GlyphlabError, and changes nothing, if they can't all be written.
    """
    coming = folder / COMING
    try:
        for name, content in files.items():
            path = coming / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        rename_whole(coming, folder / WHOLE)
    except OSError as error:
        raise failure(error, folder) from error
    finally:
        shutil.rmtree(coming, ignore_errors=True)
    finish_together(folder)


def finish_together(folder: Path) -> None:
    """Put into place what was written whole, and delete what was not. Raises GlyphlabError."""
    shutil.rmtree(folder / COMING, ignore_errors=True)
    whole = folder / WHOLE
    if not whole.is_dir():
        return
    try:
        for inner in sorted(whole.iterdir()):
            make_folder(folder / inner.name)
            for path in sorted(inner.iterdir(), reverse=True):  # symbol.json before its pictures
                os.replace(path, folder / inner.name / path.name)
            sync(folder / inner.name)
            inner.rmdir()
        whole.rmdir()
        sync(folder)
    except OSError as error:
        raise failure(error, folder) from error
