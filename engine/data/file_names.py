"""Classes in the names of pictures' files, `7_0001.png`, `cat.12.jpg`, `writer3_digit7.bmp`: offered
where nothing else says the classes, taken only where a person chooses so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from engine.data.choices import MOST_PARTS
from engine.data.layout import Layout
from engine.data.listing import TRAIN, Finding
from engine.data.names import composed
from engine.data.nesting import are_parts
from engine.data.roles import splits_by_folders
from engine.errors import DataError

EVERY = 0.95  # chosen: share of the pictures whose names have a part that is offered
EACH = 2  # chosen: pictures of a class, on average, from which a part is offered
OFFERED = 3  # parts
_WRITER = re.compile(r"w\d+", re.IGNORECASE)
_PART = re.compile(r"\d+|[^\d\s_\-.,;()\[\]]+")  # letters and digits are parts of their own


def parts_of(name: str) -> list[str]:
    """The parts of a file's name, without its folders and its ending.

    >>> parts_of("a/img001-00005.png"), parts_of("cat.12.jpg"), parts_of("é_b (2).tif")
    (['img', '001', '00005'], ['cat', '12'], ['é', 'b', '2'])
    """
    stem = composed(name.rpartition("/")[2]).rpartition(".")[0]
    return _PART.findall(stem)[:MOST_PARTS]


def by_file_names(names: Sequence[str], part: int) -> Layout:
    """Pictures whose class is a part of their file's name: 1 the first, -1 the last. Splits are those
    of their folders, where these name train and another one. Raises DataError if no name has it.
    """
    labels = [_part(parts_of(name), part) for name in names]
    if not any(labels):
        raise DataError(
            f"part {part} of the file names can't be the class",
            got=f"no picture whose name has it; the first is {names[0][:200]!r}",
        )
    there = list(range(len(names)))
    splits = splits_by_folders(names, there)
    # dogs-vs-cats: train/cat.0.jpg beside test/1.jpg, which says no class
    known = {label for at, label in enumerate(labels) if splits.get(at, TRAIN) == TRAIN}
    labels = [label if label in known else None for label in labels]
    bare = [name for name, label in zip(names, labels, strict=True) if label is None]
    found = [Finding("note", "layout", "classes are taken from the file names, as chosen.")]
    if bare:
        text = (
            f"{len(bare):,} names have no such part, or one that no training image has: {bare[0]} …"
        )
        found.append(Finding("warning", "layout", text))
    return Layout(
        there,
        list(names),
        labels,
        [splits.get(number, TRAIN) for number in there],
        [],
        "<class> in the file's name",
        f"part {part} of each name is its class, as chosen",
        tuple(found),
    )


def offer(names: Sequence[str]) -> str:
    """What to say of classes that may be in the names of some pictures; '' if they hold none."""
    splits = splits_by_folders(names, range(len(names)))
    own = [name for at, name in enumerate(names) if splits.get(at, TRAIN) == TRAIN]
    split, folders = [parts_of(name) for name in own], [name.rpartition("/")[0] for name in own]
    shown: list[str] = []
    known: set[tuple[str | None, ...]] = set()
    for part in _places(split):
        found = tuple(_part(parts, part) for parts in split)
        if found in known or not _may_be_classes(found) or _counts_on(found, folders):
            continue
        known.add(found)
        values = sorted({one for one in found if one}, key=lambda one: (len(one), one))
        some = ", ".join(values[:5]) + (" …" if len(values) > 5 else "")
        shown.append(f"part {part} ({len(values):,} values: {some})")
    if not shown:
        return ""
    return (
        f"the file names may hold the classes: {' or '.join(shown[:OFFERED])}. Nothing is taken from"
        " them unless you choose the part at the import: 'Class in the file names' on the Data page,"
        " --name-part on the command line."
    )


def doubt_file_names(names: Sequence[str], classes: Sequence[str | None]) -> tuple[Finding, ...]:
    """The offer, where pictures were read and nothing but folders of parts tells them apart."""
    folders = {name for name in classes if name is not None}
    if len(folders) > 1 and not (are_parts(folders) or all(map(_WRITER.fullmatch, folders))):
        return ()
    text = offer(names)
    if len(folders) > 1:
        shown = ", ".join(sorted(folders)[:5])
        text = f"the classes {shown} are called like parts, writers or folds. {text[:1].upper()}{text[1:]}"
    return (Finding("warning", "classes", text.strip()),) if text else ()


def _places(split: Sequence[Sequence[str]]) -> Iterator[int]:
    """The parts that may be the class: from the front, then, if names are of several lengths, from
    the back.
    """
    lengths = {len(parts) for parts in split}
    yield from range(1, max(lengths, default=0) + 1)
    if len(lengths) > 1:
        yield from range(-1, -max(lengths) - 1, -1)


def _part(parts: Sequence[str], part: int) -> str | None:
    at = part - 1 if part > 0 else len(parts) + part
    return parts[at] if 0 <= at < len(parts) else None


def _may_be_classes(found: Sequence[str | None]) -> bool:
    """Whether values come again and again, as classes do, and numbers of pictures do not."""
    there = [one for one in found if one is not None]
    different = len(set(there))
    return len(there) >= EVERY * len(found) and 1 < different <= len(there) / EACH


def _counts_on(found: Sequence[str | None], folders: Sequence[str]) -> bool:
    """Whether a part numbers the pictures of each folder: digits, and rarely twice in one."""
    different = len(set(zip(found, folders, strict=True)))
    return different > len(found) / EACH and all(one is None or one.isdigit() for one in found)
