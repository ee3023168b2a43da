"""Folders and zips of pictures: `train/<class>/*`, `val/<class>/*`, `test/<class>/*`, or
`<class>/*`, whatever the folders are called.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np

from engine.data.archive import ZipReader, raw_name, safe_entries
from engine.data.layout import LAYOUT, Layout, lay_out
from engine.data.listing import TEST, VAL, Finding, Listing, Reader, Survey, digest
from engine.data.names import Decoded, decode_names
from engine.data.pixels import look_at
from engine.data.tables import describe, is_table
from engine.data.walk import FolderReader, walk
from engine.errors import DataError
from engine.imaging.formats import PICTURES, begins_as_picture, is_hidden, is_picture

CHARS74K = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_SAMPLE = re.compile(r"Sample(\d{3})", re.IGNORECASE)
HEAD = 12  # bytes that tell a picture


class FileReader(Reader, Protocol):
    """A reader of files, which can also look at how one begins."""

    def head(self, index: int, count: int) -> bytes: ...


class Files(NamedTuple):
    """The files of a data set: their names as people read them, with '/'; what can't be read, with
    the reason; how the names were decoded; and what reads them.
    """

    names: list[str]
    problems: list[tuple[str, str]]
    decoded: Decoded
    reader: FileReader
    form: str


def list_zip(
    path: Path, unpacked_mb: int, kind: str | None = None, only_classes: bool = False
) -> Listing:
    """The pictures in a zip, read in place. Its content hash comes from the checksums in the zip's
    own directory.

    kind          'digit', 'page' or 'photo', if it is known; otherwise some pictures tell
    only_classes  every folder at the top is a class, whatever it is called
    Raises DataError if the zip is broken or dangerous, or holds no pictures in class folders.
    """
    entries = safe_entries(path, unpacked_mb)
    decoded = decode_names([raw_name(entry) for entry in entries])
    names = [_tidy(name) for name in decoded.names]
    files = Files(names, [], decoded, ZipReader(path, entries), "zip")

    def content(kept: np.ndarray) -> str:
        there = [entries[int(i)] for i in kept]
        return digest(
            ["zip", *(f"{entry.filename}:{entry.CRC}:{entry.file_size}" for entry in there)]
        )

    return list_files(files, path.name, content, kind, only_classes)


def list_folder(
    root: Path,
    content_of: Callable[[Sequence[Path]], str],
    kind: str | None = None,
    only_classes: bool = False,
) -> Listing:
    """The pictures below a folder. `content_of(paths)` hashes the files' content.

    Raises DataError if there are no pictures in class folders.
    """
    names, problems = walk(root)
    decoded = decode_names([os.fsencode(name) for name in names])
    readable = decode_names([os.fsencode(name) for name, _ in problems]).names
    problems = [(name, reason) for name, (_, reason) in zip(readable, problems, strict=True)]
    files = Files(decoded.names, problems, decoded, FolderReader(root, names), "folder")

    def content(kept: np.ndarray) -> str:
        there = [names[int(i)] for i in kept]
        return digest(["folder", *there, content_of([root / name for name in there])])

    return list_files(files, str(root), content, kind, only_classes)


def list_files(
    files: Files,
    where: str,
    content_of: Callable[[np.ndarray], str],
    kind: str | None = None,
    only_classes: bool = False,
) -> Listing:
    """The pictures among files, laid out by their folders. Any archive is read through it.

    content_of  hash of the files at some positions (n,)
    Raises DataError if there are no pictures in class folders.
    """
    hidden = [is_hidden(name) for name in files.names]
    pictures = [
        i for i, name in enumerate(files.names) if not hidden[i] and _holds_picture(files, i, name)
    ]
    there = set(pictures)
    rest = [name for i, name in enumerate(files.names) if not hidden[i] and i not in there]
    if not pictures:
        raise DataError(
            f"{where} holds no pictures",
            expected=f"files ending in {', '.join(PICTURES[:4])} …",
            got=_what_else(rest),
            hint=LAYOUT,
        )
    layout = lay_out([files.names[i] for i in pictures], where, only_classes)
    positions = np.array([pictures[i] for i in layout.positions])
    survey = Survey(
        form=files.form,
        seen=len(files.names) + len(files.problems),
        hidden=tuple(name for name, out in zip(files.names, hidden, strict=True) if out),
        others=tuple((name, describe(name)) for name in rest),
        tables=tuple(name for name in rest if is_table(name)),
        layout=(layout.how, layout.why),
        encoding=files.decoded.encoding,
        guessed=files.decoded.guessed,
        findings=layout.findings,
    )
    reader = files.reader.select(positions)
    return _listing(layout, files.problems, survey, reader, content_of(positions), kind)


def _listing(
    layout: Layout,
    problems: Sequence[tuple[str, str]],
    survey: Survey,
    reader: Reader,
    content: str,
    kind: str | None,
) -> Listing:
    folders = _ordered(set(layout.classes))
    position = {name: number for number, name in enumerate(folders)}
    official = np.array(layout.official, np.int8)
    notes: dict[str, str] = {}
    if (
        VAL in official and TEST not in official
    ):  # published sets keep their held-out images in val/: they give the score
        official[official == VAL] = TEST
        notes["test"] = "the folder val"
    classes, doubts = _characters(folders)
    look = look_at(reader, len(layout.names), content, kind)
    return Listing(
        kind=look.kind,
        files=layout.names,
        labels=np.array([position[name] for name in layout.classes], np.int64),
        classes=classes,
        official=official,
        content=content,
        reader=reader,
        skipped=(*layout.skipped, *problems),
        notes=notes,
        survey=replace(survey, findings=(*survey.findings, *doubts, *look.findings)),
        convention=look.convention,
    )


def _characters(folders: Sequence[str]) -> tuple[tuple[str, ...], tuple[Finding, ...]]:
    """Class names, and what to say about them. Chars74K numbers its folders: Sample001 … Sample062
    are 0-9, A-Z, a-z; with more of them they are of another script (its Kannada has 657).
    """
    numbers = [int(match[1]) if (match := _SAMPLE.fullmatch(name)) else 0 for name in folders]
    if not any(numbers):
        return tuple(folders), ()
    if max(numbers) > len(CHARS74K):
        text = (
            f"the folders {folders[0]} … {folders[-1]} keep their names: with more than 62 they are"
            " not Chars74K's 0-9, A-Z, a-z."
        )
        return tuple(folders), (Finding("note", "classes", text),)
    named = tuple(
        CHARS74K[number - 1] if number else name
        for name, number in zip(folders, numbers, strict=True)
    )
    text = "Sample001 … Sample062 are read as 0-9, A-Z, a-z, as Chars74K numbers them."
    return named, (Finding("note", "classes", text),)


def _ordered(names: set[str]) -> list[str]:
    """0, 1, 2 … 10 by number where all are numbers, else by name."""
    return (
        sorted(names, key=lambda name: (int(name), name))
        if all(name.isascii() and name.isdigit() for name in names)
        else sorted(names)
    )


def _tidy(name: str) -> str:
    """A path in a zip with '/' between folders, and without './' before them."""
    return "/".join(part for part in name.replace("\\", "/").split("/") if part not in ("", "."))


def _holds_picture(files: Files, index: int, name: str) -> bool:
    """Whether a file is a picture by its ending or, where it has none, by how it begins."""
    if is_picture(name):
        return True
    ending = name.rpartition("/")[2].rpartition(".")[2]
    if "." in name.rpartition("/")[2] and not ending.isdigit():
        return False
    try:
        return begins_as_picture(files.reader.head(index, HEAD))
    except (OSError, DataError):
        return False


def _what_else(names: Sequence[str]) -> str:
    kinds = sorted({describe(name) for name in names})
    return f"{len(names):,} other files" + (f": {'; '.join(kinds[:3])}" if kinds else "")
