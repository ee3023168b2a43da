"""Data sets from an address: on the Hub, or a file on the web. Fetched once, then data sets of the
lab like any upload.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from urllib.parse import unquote, urlsplit

from engine.data.choices import AS_FOUND, Choices
from engine.data.hub import fetch_files, is_address, wanted_at
from engine.data.staging import Staged, let_go, own_folder, stage_file, told
from engine.data.transfer import download
from engine.data.uploads import Upload, keep
from engine.errors import DataError
from engine.files.atomic import make_folder
from engine.progress import Progress
from engine.settings import COMMAND

WEB = ("http://", "https://")


def is_on_the_web(text: str) -> bool:
    """Whether a text is the address of a file on the web."""
    return text.strip().lower().startswith(WEB)


def fetch_address(
    home: Path,
    address: str,
    *,
    most_mb: int,
    unpacked_mb: int,
    progress: Progress,
    choices: Choices,
) -> Upload:
    """Keep what lies at 'hf://owner/name' or 'https://…' as a data set of the lab. An earlier fetch
    from the same place on the Hub is replaced.

    most_mb  the largest size that is fetched
    Raises GlyphlabError, and keeps nothing, if it can't be had, is too large, or can't be read.
    """
    staged = stage_address(home, address, most_mb, progress)
    try:
        return keep(home, staged, choices, unpacked_mb, progress)
    finally:
        let_go(staged)


def stage_address(home: Path, address: str, most_mb: int, progress: Progress) -> Staged:
    """Fetch what lies at an address, to be kept or let go. Raises GlyphlabError, and leaves nothing,
    if it can't be had, or is larger than `most_mb`.
    """
    if is_address(address):
        wanted = wanted_at(address)
        with told(home, str(wanted)):
            own = own_folder(home)
            try:
                files = make_folder(own / "files")
                found = fetch_files(wanted, files, most_mb * 1_000_000, progress)
            except BaseException:
                shutil.rmtree(own, ignore_errors=True)
                raise
        return Staged(wanted.name, found, own, replaces=True)
    if not is_on_the_web(address):
        raise DataError(
            "the address can't be used", expected="hf://owner/name or https://…", got=address
        )
    parts = make_folder(home / "uploads")
    with tempfile.TemporaryDirectory(dir=parts, prefix=".") as made:
        path = Path(made) / "file"
        name = _last_name(address)
        download(address.strip(), path, progress, name, most_mb * 1_000_000)
        with path.open("rb") as content:
            return stage_file(home, name, content, most_mb, progress)


def fetch_named(home: Path, name: str, closed: bool, unpacked_mb: int, progress: Progress) -> None:
    """Fetch a data set of the Hub that a recipe names. Raises DataError, saying what to do, if the
    lab is offline or opens no new places (`closed`).
    """
    if closed:
        raise DataError(
            f"data set '{name}' is not in the lab, and can't be fetched now",
            hint=f"Fetch it once, online: {COMMAND} datasets --fetch {name}; or carry its files and"
            " give their folder.",
        )
    fetch_address(
        home, name, most_mb=unpacked_mb, unpacked_mb=unpacked_mb, progress=progress,
        choices=AS_FOUND,
    )  # fmt: skip


def _last_name(address: str) -> str:
    return unquote(urlsplit(address).path).rstrip("/").rpartition("/")[2] or "download"
