"""What a data set may have lost without a file being broken: classes of which nothing could be read,
and files of one name.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import Literal

from engine.data.listing import Finding
from engine.data.tables import describe
from engine.imaging.formats import is_picture

MOST_NAMED = 5  # folders, files
# What lies beside classes without being meant as one: notes, lists and programs.
WRITTEN = ("a text", "a program", "a notebook", "table", "a JSON file", "an XML file")


def lost_folders(
    read: Sequence[str], others: Sequence[str], empty: Sequence[str]
) -> tuple[Finding, ...]:
    """What to say about folders beside those of classes, of which no picture was read.

    read, others, empty  names of the pictures, of the other files that are not hidden, and of
                         folders that hold nothing
    """
    folders = {name.rpartition("/")[0] for name in read}
    above = {folder.rpartition("/")[0] for folder in folders if folder}
    inside = folders | {parent for folder in folders for parent in _parents(folder)}
    lost: dict[str, list[str]] = defaultdict(list)
    for name in others:
        for folder in _parents(name):
            if folder and folder not in inside and folder.rpartition("/")[0] in above:
                lost[folder].append(name)
    found: list[Finding] = []
    if lost:
        kinds = {describe(name) for names in lost.values() for name in names}
        level: Literal["note", "warning"] = (
            "note" if all(kind.endswith(WRITTEN) for kind in kinds) else "warning"
        )
        text = (
            f"no picture was read from {_some(sorted(lost))}, which"
            f" {'lie' if len(lost) > 1 else 'lies'} beside the classes:"
            f" {sum(map(len, lost.values())):,} files ({', '.join(sorted(kinds)[:3])})."
        )
        found.append(Finding(level, "classes", text))
    bare = sorted(name for name in empty if name and name.rpartition("/")[0] in above)
    if bare:
        what = (
            "folders are empty and no classes" if len(bare) > 1 else "folder is empty and no class"
        )
        found.append(Finding("warning", "classes", f"{len(bare):,} {what}: {_some(bare)}."))
    return tuple(found)


def twice(names: Sequence[str]) -> tuple[Finding, ...]:
    """What to say about files whose names are there more than once."""
    again = sorted(name for name, count in Counter(names).items() if count > 1)
    if not again:
        return ()
    names_are = "1 name is" if len(again) == 1 else f"{len(again):,} names are"
    text = f"{names_are} there twice or more, and each file is read: {_some(again)}."
    return (Finding("warning", "files", text),)


def joined(parts: Sequence[str]) -> tuple[Finding, ...]:
    """What to say about folders and files whose names are there in two forms of Unicode."""
    if not parts:
        return ()
    text = f"names are written in two forms of Unicode (NFC and NFD), and count as one: {_some(parts)}."
    return (Finding("warning", "names", text),)


def placeholders(hidden: Sequence[str]) -> tuple[Finding, ...]:
    """What to say about pictures that iCloud keeps elsewhere: .x.png.icloud stands for x.png."""
    away = [name for name in hidden if name.lower().endswith(".icloud")]
    if not away:
        return ()
    files_are = "1 file is" if len(away) == 1 else f"{len(away):,} files are"
    text = (
        f"{files_are} in iCloud and not here, only placeholders: {_some(away)}. Download them first, in"
        " the Finder."
    )
    return (Finding("warning", "files", text),)


def hidden_pictures(hidden: Sequence[str]) -> tuple[Finding, ...]:
    """What to say about pictures in hidden folders, which a class may be called like: '...'."""
    folders: dict[str, int] = Counter()
    for name in hidden:
        parts = name.split("/")
        first = next((n for n, part in enumerate(parts[:-1]) if part.startswith(".")), None)
        if first is not None and is_picture(name) and not parts[-1].startswith("."):
            folders["/".join(parts[: first + 1])] += 1
    if not folders:
        return ()
    text = (
        f"{sum(folders.values()):,} pictures lie in hidden folders, and are not read:"
        f" {_some(sorted(folders))}. If they are a class, give it a name that begins with no point."
    )
    return (Finding("warning", "files", text),)


def _parents(name: str) -> Iterator[str]:
    folder = name.rpartition("/")[0]
    while folder:
        yield folder
        folder = folder.rpartition("/")[0]


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:MOST_NAMED]) + (" …" if len(names) > MOST_NAMED else "")
