"""Classes whose names lie beside the images while the labels are numbers."""

from __future__ import annotations

import os.path
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from engine.data.file_list import Files
from engine.data.forms.name_files import MOST_BYTES, ClassList, is_called_so, is_number, list_in
from engine.data.listing import Finding, Listing
from engine.data.names import decode_names
from engine.data.walk import FolderReader
from engine.errors import DataError

MOST_SHOWN = 3  # names


class Renamed(NamedTuple):
    """Labels with their classes' names; all names of classes that occur, in order; the file that
    lists them ('' where nothing was renamed); and what to say.
    """

    labels: Sequence[str | None]
    classes: tuple[str, ...] = ()
    file: str = ""
    findings: tuple[Finding, ...] = ()


def renamed(
    labels: Sequence[str | None], files: Files, positions: Sequence[int], data: Sequence[str] = ()
) -> Renamed:
    """Labels under the names that a file among those at some positions lists for them.

    data  names of the files that hold the images: of several lists, that whose name is most like
          theirs counts
    Only numbers are renamed, and only if a list has a name for each; the names must differ.
    """
    given = {label for label in labels if label is not None}
    if not given or not all(label.isascii() and label.isdigit() for label in given):
        return Renamed(labels)
    numbers = {int(label) for label in given}
    if len(numbers) < len(given):
        return Renamed(labels)  # '1' and '01' are two classes
    found = _lists(files, positions)
    fitting = [(one.file, names) for one in found if (names := one.names_of(numbers))]
    if len(fitting) > 1:
        fitting = _nearest(fitting, data)
    if not fitting:
        return Renamed(labels, findings=_doubt_size(found, numbers))
    file, names = fitting[0]
    if any(other != names for _, other in fitting):
        shown = " and ".join(name for name, _ in fitting[:MOST_SHOWN])
        text = (
            f"{shown} name the classes differently: none of them is used. Leave one of them there."
        )
        return Renamed(labels, findings=(Finding("warning", "classes", text),))
    order = sorted(numbers)
    if all(names[number] == str(number) for number in order):
        return Renamed(labels)
    shown = ", ".join(f"{number} is '{names[number]}'" for number in order[:MOST_SHOWN])
    more = " …" if len(order) > MOST_SHOWN else ""
    text = f"{file} names the classes: {shown}{more}."
    return Renamed(
        [None if label is None else names[int(label)] for label in labels],
        tuple(names[number] for number in order),
        file,
        (Finding("note", "classes", text),),
    )


def with_names(listing: Listing, files: Files, positions: Sequence[int]) -> Listing:
    """A listing whose classes are renamed like that, by a file among those at some positions."""
    own = renamed(listing.classes, files, positions)
    if not own.file:
        return listing.saying(*own.findings)
    survey = listing.survey
    others = tuple(one for one in survey.others if one[0] != own.file)
    survey = replace(
        survey,
        seen=survey.seen + (len(others) == len(survey.others)),
        others=others,
        tables=tuple(one for one in survey.tables if one != own.file),
        read=(*survey.read, own.file),
    )
    names = tuple(name or "" for name in own.labels)
    return replace(listing, classes=names, survey=survey).saying(*own.findings)


def lists_in(folder: Path) -> Files:
    """The files in a folder that are called like lists of classes."""
    there = sorted(one.name for one in folder.iterdir() if is_called_so(one.name))
    decoded = decode_names([os.fsencode(name) for name in there])
    return Files(decoded.names, [], decoded, FolderReader(folder, there), "folder")


def doubt_beside(path: Path, classes: Sequence[str]) -> tuple[Finding, ...]:
    """Say so where a list of names lies beside a file that was given alone, and its classes are
    numbers.
    """
    if not classes or not all(map(is_number, classes)):
        return ()
    for one in sorted(path.parent.iterdir()):
        if one == path or not is_called_so(one.name):
            continue
        with suppress(OSError, DataError):
            fits = one.stat().st_size <= MOST_BYTES
            found = list_in(one.name, one.read_bytes()) if fits else None
            if found and found.names_of(set(map(int, classes))):
                text = (
                    f"{one.name} beside it lists names that fit the classes, and is not read: give"
                    " the folder of both to use them."
                )
                return (Finding("warning", "classes", text),)
    return ()


def _lists(files: Files, positions: Sequence[int]) -> list[ClassList]:
    found: list[ClassList] = []
    for i in positions:
        if is_called_so(files.names[i]):
            try:
                one = list_in(files.names[i], files.reader.read(i, MOST_BYTES))
            except (OSError, DataError):
                continue
            found += [one] if one else []
    return found


def _nearest(
    fitting: list[tuple[str, dict[int, str]]], data: Sequence[str]
) -> list[tuple[str, dict[int, str]]]:
    """Of several lists, those whose file's name shares most of its beginning with the images'."""
    start = os.path.commonprefix([name.rpartition("/")[2].lower() for name in data]) if data else ""
    shared = [
        len(os.path.commonprefix([start, file.rpartition("/")[2].lower()])) for file, _ in fitting
    ]
    return [one for one, count in zip(fitting, shared, strict=True) if count == max(shared)]


def _doubt_size(found: Sequence[ClassList], numbers: set[int]) -> tuple[Finding, ...]:
    if not found:
        return ()
    one = found[0]
    keys = f"{min(one.names)} to {max(one.names)}"
    text = (
        f"{one.file} lists {len(one.names):,} names for the labels {keys}, and the labels are"
        f" {min(numbers)} to {max(numbers)}: classes keep their numbers."
    )
    return (Finding("warning", "classes", text),)
