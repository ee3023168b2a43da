"""Where compiled code is kept: a folder of the account's own, outside of every lab's home.

numba keeps what it has compiled as pickles, and whoever may write a pickle runs code as whoever reads
it. A home may be shared by several people, or given away; this folder is used only if nobody but the
account can write to it.
"""

from __future__ import annotations

import atexit
import os
import shutil
import stat
import tempfile
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


def compiled_folder(environ: Mapping[str, str]) -> Path:
    """The folder for compiled code: of a service that systemd starts, below its CACHE_DIRECTORY; else
    below XDG_CACHE_HOME, or ~/.cache. Where none of them can be used, or others could write to it, a
    folder of this process's own that is gone when the process ends: then everything is compiled again.
    Raises OSError where not even that can be made.
    """
    for folder in _wanted(environ):
        try:
            for made in (folder.parent, folder):
                made.parent.mkdir(parents=True, exist_ok=True)
                made.mkdir(mode=0o700, exist_ok=True)
            if is_private(folder) and os.access(folder, os.W_OK | os.X_OK):
                return folder
        except OSError:
            continue  # a home that can't be written to, or is not there
    return _for_this_process()


def is_private(folder: Path) -> bool:
    """Whether nobody but this account can write into a folder and the one that it lies in, or put
    another in its place: no folder above belongs to somebody else, or lets everybody rename what it
    holds. The administrator is trusted. Raises OSError.
    """
    own = (folder, folder.parent)
    above = {*own, *folder.parents, *folder.resolve().parents}
    return all(_is_own(one) for one in own) and all(_is_kept(one) for one in above)


def _wanted(environ: Mapping[str, str]) -> list[Path]:
    service = environ.get("CACHE_DIRECTORY", "").split(":")[0]
    shared = environ.get("XDG_CACHE_HOME", "")
    home = environ.get("HOME", "")
    wanted = [Path(service) / "numba"] if service else []
    wanted += [Path(shared) / "glyphlab" / "numba"] if shared else []
    wanted += [Path(home) / ".cache" / "glyphlab" / "numba"] if home else []
    return [folder for folder in wanted if folder.is_absolute()]


def _is_own(folder: Path) -> bool:
    found = folder.stat()
    return found.st_uid == os.getuid() and not found.st_mode & OTHERS_WRITE


def _is_kept(folder: Path) -> bool:
    found = folder.stat()
    # Whoever owns the root is the administrator, also in a container that calls them otherwise.
    trusted = {os.getuid(), 0, os.stat("/").st_uid}
    loose = found.st_mode & stat.S_IWOTH and not found.st_mode & stat.S_ISVTX
    return found.st_uid in trusted and not loose


@lru_cache(maxsize=1)
def _for_this_process() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="glyphlab-compiled-"))  # made 0700
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
