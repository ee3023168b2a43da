"""Tables that say of which class the pictures beside them are: CSV, TSV, JSON, JSON lines, and the
exports of Label Studio and CVAT.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from engine.data.choices import Choices
from engine.data.file_list import Files
from engine.data.forms.columns import (
    BY_NAME,
    ENOUGH,
    Columns,
    Roles,
    is_unlabelled_split,
    split_of,
)
from engine.data.forms.given import Given, agreed, doubt, doubt_folders, numbers_of_folders
from engine.data.forms.headers import with_header
from engine.data.forms.labels import plain_labels
from engine.data.forms.name_files import is_list
from engine.data.forms.paths import Paths
from engine.data.forms.records import TABLE_ENDINGS, read_table
from engine.data.forms.table_doubts import doubts_of, no_picture
from engine.data.forms.text import Table
from engine.data.layout import Layout, lay_out
from engine.data.listing import TRAIN, Finding
from engine.data.roles import UNLABELLED, held_out_by_folders, own_split, role_of, splits_by_folders
from engine.errors import DataError
from engine.imaging.formats import is_picture

MOST_BYTES = 500_000_000  # of all tables of paths: 3 million rows
MOST_TABLES = 200
MOST_NAMED = 10_000
NOT_LABELS = ("submission",)  # Kaggle's sample_submission.csv holds made-up labels


class Named(NamedTuple):
    """A layout by tables; the tables' names; what they name that is not there, with the reason; the
    columns of the first of them; who said what.
    """

    layout: Layout
    tables: tuple[str, ...] = ()
    absent: tuple[tuple[str, str], ...] = ()
    roles: Roles = Roles()
    votes: tuple[tuple[str, str, str], ...] = ()


def named_by_tables(
    files: Files,
    pictures: Sequence[int],
    rest: Sequence[int],
    choices: Choices,
    only: str = "",
    doubts: list[Finding] | None = None,
) -> Named | None:
    """The layout of the pictures at some positions by the tables among the `rest`; None if no table
    names them. `only`: the one file that may be the table; `doubts`: where to say which tables name
    no picture.

    Raises DataError if a chosen column is not there, or the chosen table names no picture.
    """
    names = [files.names[i] for i in pictures]
    paths = Paths(names)
    given = Given()
    read: list[tuple[Table, Columns]] = []
    for table in _tables(files, rest, only):
        table, found = with_header(table, paths, choices)
        if found is not None:
            read.append((table, found))
        elif doubts is not None:
            doubts += no_picture(table, names)
    read = _of_pictures(read)
    for table, found in read:
        _take(given, table, found, paths)
    if not read:
        if only:
            raise DataError(
                f"{only} names no picture that lies beside it",
                expected="a column with the pictures' paths",
                hint="Keep the table beside the pictures, or pack both together.",
            )
        return None
    folders = classes_by_folders(names)
    few = len(given.listed) < ENOUGH * len(names)
    if few and (folders or not given.as_files) and not only and not choices.columns:
        filled = folders and _filled(given, read, names, folders)
        return filled or None  # a list of some of the pictures says nothing of the others
    return _laid_out(given, read, names, folders)


def _of_pictures(read: list[tuple[Table, Columns]]) -> list[tuple[Table, Columns]]:
    """The tables without those that list names of classes beside them, 0,alpha: numbers may be
    names of pictures, too.
    """
    left = [one for one in read if not is_list(one[0].name, [one[0].columns, *one[0].rows])]
    return left or read


def _filled(
    given: Given, read: list[tuple[Table, Columns]], names: list[str], folders: Layout
) -> Named | None:
    """The layout by folders, with labels from tables for pictures that lie in no class folder: a
    test split without folders, as ImageNet's. None if the tables are about something else.
    """
    labels = {p: label for p, each in given.labels.items() if (label := agreed(each)) is not None}
    bare = {p for p, label in zip(folders.positions, folders.classes, strict=True) if label is None}
    if not labels or not set(labels) <= bare or not set(labels.values()) <= set(folders.classes):
        return None
    classes = [labels.get(p, c) for p, c in zip(folders.positions, folders.classes, strict=True)]
    official = [
        held_out_by_folders(names[p]) if p in labels else code
        for p, code in zip(folders.positions, folders.official, strict=True)
    ]
    tables = tuple(dict.fromkeys(table.name for table, _ in read))
    why = f"{folders.why}; {' and '.join(tables[:3])} names those in no class folder"
    findings = (*folders.findings, *given.findings)
    layout = folders._replace(classes=classes, official=official, why=why, findings=findings)
    table, columns = read[0]
    return Named(
        layout, tables, tuple(given.absent), columns.roles(table), given.named_votes(names)
    )


def classes_by_folders(names: Sequence[str]) -> Layout | None:
    """The layout by folders, where these are classes: two at least."""
    try:
        layout = lay_out(names, "the data set")
    except DataError:
        return None
    return layout if len(set(layout.classes) - {None}) > 1 else None


def _tables(files: Files, rest: Sequence[int], only: str) -> list[Table]:
    """The tables among files, those nearest to the top first."""
    found: list[Table] = []
    wanted = [
        i
        for i in rest
        if files.names[i].lower().endswith(TABLE_ENDINGS)
        and not any(word in files.names[i].lower() for word in NOT_LABELS)
        and only in ("", files.names[i])
    ]
    wanted.sort(key=lambda i: (files.names[i].count("/"), files.names[i]))
    left = MOST_BYTES
    for i in wanted[:MOST_TABLES]:
        try:
            raw = files.reader.read(i, left)
            left -= len(raw)
            found += read_table(files.names[i], raw)
        except (DataError, OSError):
            if only:
                raise
    return found


def _take(given: Given, table: Table, columns: Columns, paths: Paths) -> None:
    """What one table says."""
    (folder, _, last), own = table.name.rpartition("/"), own_split(table.name)
    codes: dict[str, int] = {}
    if columns.split is not None:
        codes, guess = split_of(table, columns.split)
        if guess:
            given.findings.append(Finding("warning", "splits", f"{table.name}: {guess}"))
    texts, doubts = _labels(table, columns.label)
    given.findings += doubts_of(table, columns)
    given.findings += [one._replace(text=f"{table.name}: {one.text}") for one in doubts]
    for row, label in zip(table.rows, texts, strict=True):
        text = row[columns.path] or ""
        hit = paths.find(text, folder, own)
        if hit.position < 0 and columns.by_number:
            hit = paths.find_number(text, folder, own)
            if hit.position >= 0:
                given.by_number.append((text, hit.position))
        if hit.position < 0:
            if len(given.absent) < MOST_NAMED:
                given.absent.append((text, f"named in {last}: {hit.reason}"))
            continue
        if not hit.whole and given.listed.get(hit.position):
            given.absent.append(
                (text, f"named in {last}: the picture of this name is another one's")
            )
            continue
        given.by_last_name += not hit.whole
        given.as_files = given.as_files or is_picture(text)
        given.listed[hit.position] = hit.whole
        if label is not None:
            given.labels[hit.position].append(label)
        if columns.split is not None and (value := (row[columns.split] or "").strip()) in codes:
            given.splits[hit.position] = codes[value]
        elif own is not None and given.splits.setdefault(hit.position, own) != own:
            given.split_twice.add(hit.position)
        if columns.annotator is not None and (who := row[columns.annotator]):
            given.votes[hit.position, who] = label
        if columns.writer is not None and (who := row[columns.writer]):
            given.writers.add(who)
    for number, reason in table.broken:
        given.absent.append((f"row {number}", f"of {last}: {reason}"))


def _labels(table: Table, column: int | None) -> tuple[list[str | None], list[Finding]]:
    """Each row's label, None where it has none, and what is doubtful about them."""
    if column is None:
        return [None] * len(table.rows), []
    return plain_labels([row[column] for row in table.rows])


def _laid_out(
    given: Given, read: list[tuple[Table, Columns]], names: list[str], folders: Layout | None
) -> Named:
    # Where folders are classes, a column is the label only if its name says so.
    by_folder = folders is not None and not (given.labels and any(one.sure for _, one in read))
    if folders and not by_folder and all(one.why == BY_NAME for _, one in read):
        by_folder = numbers_of_folders(given, folders)  # a number stands for each class
    splits: dict[int, int] = {}
    if by_folder and folders:
        labels = dict(zip(folders.positions, folders.classes, strict=True))
        splits = dict(zip(folders.positions, folders.official, strict=True))
    else:
        labels = {position: agreed(given.labels.get(position, [])) for position in given.listed}
    skipped: list[tuple[str, str]] = []
    tables = tuple(dict.fromkeys(table.name for table, _ in read))
    shown = " or ".join(tables[:2]) + (" …" if len(tables) > 2 else "")
    heads = {names[position].split("/")[0] for position in given.listed}
    positions: list[int] = []
    for position, name in enumerate(names):
        head = name.split("/")[0]
        role = role_of(head) if "/" in name and head not in heads else None
        if position in given.listed and position in labels:
            positions.append(position)
        elif role is not None and role.code != TRAIN and position not in given.listed:
            positions.append(position)  # pictures to predict, as competitions have them
            labels[position] = None
        else:
            skipped.append((name, f"{shown} does not name it"))
    if not splits:
        splits = splits_by_folders(names, positions)
    official = [_split(given, splits, position) for position in positions]
    doubt(given, names)
    if folders and not by_folder:
        doubt_folders(given, labels, folders)
    table, columns = read[0]
    how = f"a table of pictures ({table.how})"
    why = (
        f"{shown} names them; the label is"
        f" {'the folder' if by_folder else columns.label_in_words(table)}"
    )
    if by_folder:
        why = f"{shown} names them, and the folders are the classes"
    layout = Layout(
        positions,
        [names[position] for position in positions],
        [labels[position] for position in positions],
        official,
        skipped,
        how,
        why,
        tuple(given.findings),
    )
    return Named(
        layout, tables, tuple(given.absent), columns.roles(table), given.named_votes(names)
    )


def _split(given: Given, by_folder: dict[int, int], position: int) -> int:
    code = given.splits.get(position, by_folder.get(position, TRAIN))
    return TRAIN if is_unlabelled_split(code) else min(code, UNLABELLED - 1)
