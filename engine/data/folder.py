"""Folders and archives of pictures: `train/<class>/*`, `val/<class>/*`, `test/<class>/*`, or
`<class>/*`, whatever the folders are called; or pictures that a table names.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np

from engine.data.advice import LAYOUT, advice_on
from engine.data.archive import UTF8_FLAG, ZipReader, raw_name, safe_entries, tidy
from engine.data.assemble import Labelled, assemble
from engine.data.choices import AS_FOUND, Choices
from engine.data.file_kinds import kind_of_head
from engine.data.file_list import Files, files_below
from engine.data.file_names import by_file_names, doubt_file_names, offer
from engine.data.forms.label_files import by_label_files
from engine.data.forms.manifest import Named, named_by_tables
from engine.data.forms.renaming import renamed
from engine.data.layout import Layout, lay_out
from engine.data.listing import Finding, Listing, Survey, digest
from engine.data.lost import hidden_pictures, joined, lost_folders, placeholders, twice
from engine.data.names import decode_names
from engine.data.pages import with_pages
from engine.data.parts import JOIN, volumes
from engine.data.tables import describe, is_archive, is_table
from engine.data.unlabelled import without_labels
from engine.errors import DataError
from engine.imaging.formats import PICTURES, begins_as_picture, is_hidden, is_picture

HEAD = 12  # bytes that tell a picture
CLOSED = ("an Excel table", "a Python pickle", "an HDF5 file", "a database", "a MATLAB file")


def list_zip(
    path: Path,
    unpacked_mb: int,
    kind: str | None = None,
    only_classes: bool = False,
    choices: Choices = AS_FOUND,
) -> Listing:
    """The pictures in a zip, read in place. Its content hash comes from the checksums in the zip's
    own directory.

    kind          'digit', 'page' or 'photo', if it is known; otherwise some pictures tell
    only_classes  every folder at the top is a class, whatever it is called
    Raises DataError if the zip is broken or dangerous, or holds no pictures in class folders.
    """
    files, content = zip_files(path, unpacked_mb)
    return list_files(files, path.name, content, kind, only_classes, choices)


def zip_files(path: Path, unpacked_mb: int) -> tuple[Files, Callable[[np.ndarray], str]]:
    """The files in a zip, and a hash of those at some positions. Raises DataError."""
    entries, bare = safe_entries(path, unpacked_mb)
    sure = [bool(entry.flag_bits & UTF8_FLAG) for entry in (*entries, *bare)]
    decoded = decode_names([raw_name(entry) for entry in (*entries, *bare)], sure)
    names = [tidy(name) for name in decoded.names]
    names, empty = names[: len(entries)], names[len(entries) :]

    def content(kept: np.ndarray) -> str:
        there = [entries[int(i)] for i in kept]
        return digest(
            ["zip", *(f"{entry.filename}:{entry.CRC}:{entry.file_size}" for entry in there)]
        )

    return Files(names, [], decoded, ZipReader(path, entries), "zip", empty), content


def list_folder(
    root: Path,
    content_of: Callable[[Sequence[Path]], str],
    kind: str | None = None,
    only_classes: bool = False,
    choices: Choices = AS_FOUND,
) -> Listing:
    """The pictures below a folder. `content_of(paths)` hashes the files' content.

    Raises DataError if there are no pictures in class folders.
    """
    files, content = folder_files(root, content_of)
    return list_files(files, str(root), content, kind, only_classes, choices)


def folder_files(
    root: Path, content_of: Callable[[Sequence[Path]], str]
) -> tuple[Files, Callable[[np.ndarray], str]]:
    """The files below a folder, and a hash of those at some positions."""
    files, names = files_below(root)

    def content(kept: np.ndarray) -> str:
        there = [names[int(i)] for i in kept]
        return digest(["folder", *there, content_of([root / name for name in there])])

    return files, content


def list_files(
    files: Files,
    where: str,
    content_of: Callable[[np.ndarray], str],
    kind: str | None = None,
    only_classes: bool = False,
    choices: Choices = AS_FOUND,
    table: str = "",
) -> Listing:
    """The pictures among files, as a table beside them names them, or laid out by their folders.
    Any archive is read through it.

    content_of  hash of the files at some positions (n,)
    table       the only file that may be the table
    Raises DataError if there are no pictures with labels.
    """
    hidden, pictures, rest = sorted_out(files)
    if not pictures:
        packed = [name for i in rest if is_archive(name := files.names[i])]
        parts = volumes(files.names[i] for i in rest)
        raise DataError(
            f"{where} holds no pictures",
            expected=f"files ending in {', '.join(PICTURES[:4])} …",
            got=_what_else([files.names[i] for i in rest], len(hidden)),
            hint=f"{parts[0]} is one part of an archive in several parts. {JOIN}"
            if parts
            else f"Unpack {packed[0]} first: archives inside are not opened."
            if packed
            else _hint(files, rest),
        )
    names = [files.names[i] for i in pictures]
    doubts = twice(files.names) + joined(files.decoded.joined)
    unseen = [files.names[i] for i in hidden]
    doubts += hidden_pictures(unseen) + placeholders(unseen)
    named: Named | None = None
    unnamed: list[Finding] = []
    if choices.unlabelled:
        named = Named(without_labels(names))
    elif choices.part:
        named = Named(by_file_names(names, choices.part))
    elif not only_classes:
        if not table and not choices.columns:
            named = by_label_files(files, pictures, rest)
        named = named or named_by_tables(files, pictures, rest, choices, table, unnamed)
    doubts += tuple(unnamed)
    named = named or Named(_by_folders(names, where, only_classes, [files.names[i] for i in rest]))
    layout, tables = named.layout, named.tables
    own = renamed(
        layout.classes,
        files,
        () if only_classes else [i for i in rest if files.names[i] not in tables],
    )
    layout = layout._replace(classes=list(own.labels))
    tables += (own.file,) if own.file else ()
    if not (only_classes or choices.part or choices.unlabelled):
        doubts += doubt_file_names(layout.names, layout.classes)
    positions = np.array([pictures[i] for i in layout.positions])
    content = content_of(positions)
    if tables:
        content = digest([content, *layout.classes, *layout.official])
    paged = with_pages(files.reader.select(positions), layout.names, content)
    others = [files.names[i] for i in rest if files.names[i] not in tables]
    if not named.tables and not choices.unlabelled:
        doubts += lost_folders([names[i] for i in layout.positions], others, files.empty)
    survey = Survey(
        form=files.form,
        above=_above(names, layout),
        seen=len(files.names) + len(files.problems) + len(paged.of) - len(positions),
        hidden=tuple(files.names[i] for i in hidden),
        others=tuple((name, describe(name)) for name in others),
        tables=tuple(name for name in others if is_table(name)),
        read=tables,
        absent=named.absent,
        layout=(layout.how, layout.why),
        encoding=files.decoded.encoding,
        guessed=files.decoded.guessed,
        columns=named.roles.columns,
        roles=named.roles.taken,
        findings=(*layout.findings, *own.findings, *doubts, *paged.findings),
        votes=named.votes
        if len(paged.of) == len(positions)
        else (),  # pages have names of their own
    )
    found = Labelled(
        paged.names,
        [layout.classes[i] for i in paged.of],
        [layout.official[i] for i in paged.of],
        classes=own.classes,
        skipped=(*layout.skipped, *files.problems),
    )
    return assemble(found, paged.reader, content, survey, kind, choices)


def _above(names: Sequence[str], layout: Layout) -> str:
    """The folders that wrap the pictures, which the layout has left out of their names."""
    if not layout.positions or not names[layout.positions[0]].endswith(f"/{layout.names[0]}"):
        return ""
    return names[layout.positions[0]].removesuffix(layout.names[0])


def _by_folders(
    names: Sequence[str], where: str, only_classes: bool, others: Sequence[str]
) -> Layout:
    """The layout by folders. Raises DataError if there is none, with what the file names offer.

    others  names of the files that are no pictures
    """
    try:
        return lay_out(names, where, only_classes)
    except DataError:
        closed = next((one for one in others if describe(one).startswith(CLOSED)), "")
        text = (
            f"if {closed} says the classes, save it as CSV beside the pictures." if closed else ""
        )
        if text := text or offer(names):
            what = f"{where} holds {len(names):,} pictures, but none in a class folder"
            hint = f"{text[:1].upper()}{text[1:]} {LAYOUT}"
            raise DataError(what, got=repr(names[0][:200]), hint=hint) from None
        raise


def sorted_out(files: Files) -> tuple[list[int], list[int], list[int]]:
    """Positions of the hidden files, the pictures, and the others."""
    hidden: list[int] = []
    pictures: list[int] = []
    rest: list[int] = []
    for i, name in enumerate(files.names):
        if is_hidden(name):
            hidden.append(i)
        else:
            (pictures if _holds_picture(files, i, name) else rest).append(i)
    return hidden, pictures, rest


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


def _hint(files: Files, rest: Sequence[int]) -> str:
    """What to do with files of which none is a picture: how IDX files have to be called, how others
    are made into arrays, or how pictures have to lie.
    """
    for index in sorted(
        rest[:50], key=lambda i: "meta" in files.names[i]
    ):  # CIFAR's names, no images
        name, head = files.names[index], b""
        with suppress(OSError, DataError):
            head = files.reader.head(index, HEAD)
        if re.match(rb"\0\0[\x08-\x0e][\x01-\x04]", head):
            return (
                f"{name} is an IDX file: call images and labels"
                " train-images-idx3-ubyte and train-labels-idx1-ubyte (t10k- for test)."
            )
        if advice := advice_on(name, f"{describe(name)} {kind_of_head(head)}"):
            return f"{name}: {advice}"
    return LAYOUT


def _what_else(names: Sequence[str], hidden: int) -> str:
    kinds = sorted({describe(name) for name in names})
    others = f"{len(names):,} other files" + (f": {'; '.join(kinds[:3])}" if kinds else "")
    return f"{others}, and {hidden:,} hidden ones" if hidden else others
