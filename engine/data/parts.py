"""Downloads in several parts: volumes of one archive, and the zips that Google Drive makes of one
folder.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from engine.data.listing import Finding
from engine.errors import DataError

# set.zip.001, set.7z.002, set.z01, set.part1.rar, set.r00
_VOLUME = re.compile(r"(?P<stem>.+?)\.(\d{3}|z\d\d|part\d+\.rar|r\d\d)", re.IGNORECASE)
_DRIVE = re.compile(r"(?P<stem>.+)-\d{8}T\d{6}Z(-\d+)?-\d{3}")
JOIN = (
    "Join them first (7-Zip does it when you open the first), and give the whole archive or folder."
)


def volumes(names: Iterable[str]) -> list[str]:
    """Those of some names that are called like one volume of an archive."""
    return sorted(name for name in names if _VOLUME.fullmatch(name.rpartition("/")[2]))


def refuse_volume(path: Path) -> None:
    """Raise DataError if a file is one volume of an archive, by its name and what lies beside it."""
    match = _VOLUME.fullmatch(path.name)
    stem = match["stem"] if match else path.stem
    others = [
        one.name
        for one in path.parent.glob(f"{_escaped(stem)}.*")
        if one.name != path.name and _VOLUME.fullmatch(one.name)
    ]
    if others and (match or path.suffix.lower() in (".zip", ".rar")):
        raise DataError(
            f"{path.name} is one part of an archive in several parts",
            got=", ".join(sorted([path.name, *others])[:5]),
            hint=JOIN,
        )


def without_part(stem: str) -> str:
    """The name of a zip that Google Drive made, without what numbers it.

    >>> without_part("set-20240101T000000Z-001"), without_part("train-000001")
    ('set', 'train-000001')
    """
    match = _DRIVE.fullmatch(stem)
    return match["stem"] if match else stem


def doubt_part(path: Path) -> tuple[Finding, ...]:
    """Say so where other zips that Google Drive made of the same folder lie beside one."""
    match = _DRIVE.fullmatch(path.stem)
    if not match:
        return ()
    others = sorted(
        one.name
        for one in path.parent.glob(f"{_escaped(match['stem'])}-*.zip")
        if one.name != path.name and without_part(one.stem) == match["stem"]
    )
    if not others:
        return ()
    text = (
        f"{', '.join(others[:3])}{' …' if len(others) > 3 else ''} beside it"
        f" {'are' if len(others) > 1 else 'is'} called like another part of the same download, and not"
        " read: give the folder that holds all parts to read them together."
    )
    return (Finding("warning", "files", text),)


def _escaped(text: str) -> str:
    """The text as a pattern of itself."""
    return re.sub(r"([*?\[])", r"[\1]", text)
