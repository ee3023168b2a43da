"""Which folders of a data set are splits, which are classes, and which only wrap the others.

Decided by structure, never by a name alone: a folder called `test` is a split if it and its
neighbours hold folders of classes, and a class if it lies beside `a` and `b` with pictures in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from engine.data.advice import LAYOUT
from engine.data.beside import COPIES, Apart, copies_of, set_apart
from engine.data.doubts import (
    doubt_aside,
    doubt_copies,
    doubt_depth,
    doubt_names,
    doubt_same,
    doubt_versions,
    masks,
    thumbnails,
)
from engine.data.listing import SPLITS, TEST, TRAIN, Finding
from engine.data.nesting import (
    Node,
    are_versions,
    by_writers,
    crossed,
    inner_folder,
    is_bare,
    is_split,
    unwrapped,
)
from engine.data.roles import UNLABELLED, Role, role_of, roles_of
from engine.data.walk import DEEPEST, TOO_DEEP
from engine.errors import DataError


class Layout(NamedTuple):
    """Of the pictures that are part of the data set, in order: their positions among the names,
    names without the wrapping folders, classes (None where a picture has no label) and official
    splits.

    skipped   (name, reason) of the pictures that are not
    how, why  the pattern that was recognised, and what it was recognised by
    findings  what is doubtful about it
    """

    positions: list[int]
    names: list[str]
    classes: list[str | None]
    official: list[int]
    skipped: list[tuple[str, str]]
    how: str
    why: str
    findings: tuple[Finding, ...]


def lay_out(names: Sequence[str], where: str, only_classes: bool = False) -> Layout:
    """The classes and splits of pictures by their paths.

    only_classes  every folder at the top is a class, whatever it is called
    Raises DataError if no picture is in a class folder.
    """
    root = Node()
    too_deep: list[int] = []
    for number, name in enumerate(names):
        node = root
        *folders, _ = name.split("/")
        if len(folders) > DEEPEST:
            too_deep.append(number)
            continue
        for folder in folders:
            node = node.folders.setdefault(folder, Node())
        node.files.append(number)
    top, depth = (root, 0) if only_classes else unwrapped(root)
    work = _Work(names, depth)
    work.skip(too_deep, TOO_DEEP)
    if only_classes:
        _take_classes(work, top, TRAIN, only_classes)
        work.how, work.why = "<class>/*", "the folders at the top are not splits"
        work.findings += doubt_names(top)
    else:
        _take(work, top)
    if all(label is None for label, _ in work.taken.values()):
        first = (work.skipped[0][0] if work.skipped else names[0])[:200]
        what = f"{where} holds {len(names):,} pictures, but none in a class folder"
        raise DataError(what, got=repr(first), hint=LAYOUT)
    return work.done()


def _take(work: _Work, top: Node) -> None:
    """What the folders at the top hold, by the first pattern that they are of."""
    if splits := _splits(top):
        _take_splits(work, top, splits)
    elif _classes_hold_splits(top):
        _take_classes_of_splits(work, top)
    elif apart := set_apart(top):
        _put_aside(work, top, apart)
        _take(work, apart.inner)
        if apart.aside:
            work.why += f"; {', '.join(apart.aside)} beside them: no classes"
    elif upper := crossed(top):
        _take_below(work, top, upper)
    else:
        _take_classes(work, top, TRAIN)
        work.how, work.why = "<class>/*", "the folders at the top are not splits"
        work.findings += doubt_names(top)


class _Work:
    """A layout in the making."""

    def __init__(self, names: Sequence[str], depth: int) -> None:
        self.names, self.depth = names, depth
        self.taken: dict[int, tuple[str | None, int]] = {}  # picture → class and official split
        self.skipped: list[tuple[str, str]] = []
        self.findings: list[Finding] = []
        self.deep: dict[int, int] = {}  # picture → folders between it and its class
        self.how = self.why = ""

    def take(self, numbers: list[int], label: str | None, official: int, deep: int = 0) -> None:
        for number in numbers:
            self.taken[number] = label, official
            self.deep[number] = deep

    def skip(self, numbers: Iterator[int] | list[int], reason: str) -> None:
        self.skipped += [(self.names[number], reason) for number in numbers]

    def done(self) -> Layout:
        copies, findings = thumbnails(self.names, self.taken, self.deep)
        drawn, doubts = masks(self.names, set(self.taken) - set(copies))
        copies, findings = copies | drawn, findings + doubts
        for number, reason in copies.items():
            del self.taken[number]
            self.skipped.append((self.names[number], reason))
        positions = sorted(self.taken)
        self.findings += findings + doubt_depth(self.names, self.taken, self.deep)
        return Layout(
            positions,
            ["/".join(self.names[i].split("/")[self.depth :]) for i in positions],
            [self.taken[i][0] for i in positions],
            [self.taken[i][1] for i in positions],
            sorted(self.skipped),
            self.how,
            self.why,
            tuple(self.findings),
        )


def _splits(top: Node) -> dict[str, Role]:
    """The folders at the top that are splits, with their roles; none if these are classes."""
    roles = roles_of(top.folders)
    others = [name for name in top.folders if name not in roles]
    labelled = [name for name in roles if is_split(top.folders[name], name)]
    kinds = {role.code for role in roles.values()}
    if not labelled:  # pictures lie in them, and nothing says of which class
        several = len(kinds) > 1 and TRAIN in kinds and len(others) < len(roles)
        return roles if several or not others else {}
    if not others:
        return roles
    inside = {part for name in labelled for part in inner_folder(top.folders[name], name).folders}
    shared = any(inside & set(top.folders[name].folders) for name in others)
    if len(others) < len(roles) or (len(kinds) > 1 and not shared):
        return roles
    alone = kinds == {TRAIN} and len(others) == len(roles) == 1
    return roles if alone and not shared else {}


def _take_splits(work: _Work, top: Node, splits: dict[str, Role]) -> None:
    samples = {
        name
        for name, role in splits.items()
        if role.is_sample
        and any(other.code == role.code and not other.is_sample for other in splits.values())
    }
    copies = copies_of({name: role for name, role in splits.items() if name not in samples})
    known = frozenset(
        part for name in splits for part in inner_folder(top.folders[name], name).folders
    )
    beside = " or ".join(sorted(name for name in splits if name not in samples))
    work.skip(top.files, f"it is not in {beside}")
    bare: list[str] = []
    inners = {name: inner_folder(top.folders[name], name, known) for name in splits}
    written = by_writers({n: one for n, one in inners.items() if one.folders and not one.files})
    for name, node in top.folders.items():
        role = splits.get(name)
        if role is None:
            work.skip(node.below(), f"it is not in {beside}")
        elif name in samples:
            work.skip(node.below(), f"{name} is a sample of what is beside it")
        elif name in copies:
            below = list(node.below())
            work.skip(below, COPIES)
            work.findings.append(doubt_copies(name, copies[name], len(below)))
        else:
            inner, code = inners[name], TEST if role.code == UNLABELLED else role.code
            if inner.folders and not is_bare(inner, known):
                for part in inner.folders.values() if name in written else (inner,):
                    _take_classes(work, part, code)
            else:
                bare.append(name)
                work.take(list(node.below()), None, TRAIN)
    if not work.taken:
        return
    work.how = f"<{'|'.join(sorted(splits))}>/{'<writer>/' if written else ''}<class>/*"
    if written:
        text = "the folders in the splits are taken for writers or parts, those in them for the classes."
        work.findings.append(Finding("warning", "layout", text))
    aside = {*samples, *copies}
    work.findings += doubt_same({n: role for n, role in splits.items() if n not in aside})
    parts = [
        f"{name} is {'without labels' if name in bare else SPLITS[min(role.code, TEST)]}"
        for name, role in splits.items()
        if name not in aside
    ]
    work.why = f"{', '.join(parts)}, by name and because they hold folders of classes"


def _put_aside(work: _Work, top: Node, apart: Apart) -> None:
    """Take without a label, or leave out, what lies beside the folders of classes."""
    work.skip(top.files, "it is not in a class folder")
    for name, reason in apart.aside.items():
        below = list(top.folders[name].below())
        if reason is None:
            work.take(below, None, TRAIN)
        else:
            work.skip(below, reason)
        work.findings.append(doubt_aside(name, len(below), reason))


def _take_classes(work: _Work, top: Node, official: int, only_classes: bool = False) -> None:
    work.skip(top.files, "it is not in a class folder")
    for label, node in top.folders.items():
        role = None if only_classes or len(top.folders) < 3 else role_of(label)
        if role and role.code == UNLABELLED:
            work.take(list(node.below()), None, TRAIN)
            continue
        work.take(node.files, label, official)
        for folder in node.folders.values():
            _take_deeper(work, folder, label, official, 1)


def _take_deeper(work: _Work, node: Node, label: str, official: int, deep: int) -> None:
    work.take(node.files, label, official, deep)
    for folder in node.folders.values():
        _take_deeper(work, folder, label, official, deep + 1)


def _take_below(work: _Work, top: Node, upper: dict[str, int | None]) -> None:
    """Take the classes below folders of writers (None) or of splits whose names nobody knows."""
    work.skip(top.files, "it is not in a class folder")
    for name, node in top.folders.items():
        code = upper[name]
        _take_classes(work, node, TRAIN if code is None else code)
    shown = ", ".join(sorted(upper)[:5]) + (" …" if len(upper) > 5 else "")
    if None in upper.values():
        shared = set[str].intersection(*(set(node.folders) for node in top.folders.values()))
        kind = "versions or parts" if are_versions(upper) else "writers or parts"
        kind = kind if shared else "groups"
        work.how = "<writer>/<class>/*" if shared else "<group>/<class>/*"
        work.why = f"{shown} {'all hold the same' if shared else 'hold'} folders"
        work.why += "" if shared else " that are called like characters"
        text = f"{shown} are taken for {kind}, and the folders in them for the classes."
        work.findings += doubt_versions(work.names, top)
    else:
        work.how = "<split>/<class>/*"
        work.why = f"{shown} hold the same folders, and one of them has the most of each"
        parts = [f"{name} as {SPLITS[code]}" for name, code in upper.items() if code is not None]
        text = f"no name says which folders are splits: {', '.join(parts)} by their sizes."
    work.findings.append(Finding("warning", "layout", text))


def _classes_hold_splits(top: Node) -> bool:
    """Whether each class holds its splits: apple/train/*, apple/test/*."""
    inside = [set(node.folders) for node in top.folders.values() if node.folders]
    names = {name for each in inside for name in each}
    roles = roles_of(names)
    codes = {role.code for role in roles.values()}
    return len(inside) == len(top.folders) and len(roles) == len(names) and len(codes) > 1


def _take_classes_of_splits(work: _Work, top: Node) -> None:
    work.skip(top.files, "it is not in a class folder")
    roles = roles_of(inner for node in top.folders.values() for inner in node.folders)
    for label, node in top.folders.items():
        work.skip(node.files, f"it is in no split of {label}")
        for name, split in node.folders.items():
            role = roles.get(name)
            if role is None or role.code == UNLABELLED:
                work.take(list(split.below()), None, TRAIN)
            else:
                work.take(list(split.below()), label, role.code)
    work.how, work.why = "<class>/<split>/*", "every folder at the top holds train and test"
