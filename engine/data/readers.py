"""What a data set may be stored as: one table from a form to what recognises and lists it.

A new form is a row here, with a module beside this one: `fits` says whether a path is of the form,
`listed` turns it into a Listing whose Reader hands out pictures or glyphs by position. Archives and
tables of pictures end in `engine.data.folder.list_files`, which lays files out by their folders.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from engine.data import idx, idx_files
from engine.data.advice import OTHERWISE, advice_on
from engine.data.cache import made_once
from engine.data.choices import AS_FOUND, Choices
from engine.data.file_kinds import kind_of_file
from engine.data.file_list import MOST_TABLE_BYTES, Files, on_disk, one_file
from engine.data.folder import folder_files, list_files, sorted_out, zip_files
from engine.data.folder_of_archives import Content, archives_in, joined_archives, note_archives
from engine.data.forms.data_files import DATA_FORMS, find_data_files, list_data_files
from engine.data.forms.omniglot import is_omniglot, joined
from engine.data.forms.records import TABLE_ENDINGS, read_table_at
from engine.data.forms.renaming import doubt_beside, lists_in, with_names
from engine.data.gunzip import gunzipped
from engine.data.listing import Listing, digest
from engine.data.parts import doubt_part, refuse_volume
from engine.data.sources import Found, is_drawings
from engine.data.tables import KINDS, describe
from engine.data.unpack import ARCHIVES, kind_of, unpack, unpacked_files
from engine.errors import DataError
from engine.imaging.formats import is_hidden
from engine.progress import Progress, no_progress


@dataclass(frozen=True)
class Opening:
    """What a lister is handed: what was found, the largest size that an archive may unpack to
    (MB), `content_of(paths)`, which hashes files' bytes once and remembers it, the lab's `cache`
    for what is unpacked, and what a person has chosen.
    """

    found: Found
    unpacked_mb: int
    content_of: Callable[[Sequence[Path]], str]
    cache: Path
    progress: Progress = no_progress
    choices: Choices = AS_FOUND

    @property
    def path(self) -> Path:
        assert self.found.path is not None
        return self.found.path

    @property
    def kind(self) -> str | None:
        """What the images are, of a data set known by name."""
        return self.found.source.kind if self.found.source else None

    def kept(self, key: str, make: Callable[[Path], None]) -> Path:
        """A folder of the cache, filled by `make` unless it is there."""

        def whole(folder: Path) -> None:
            make(folder)
            (folder / DONE).touch()

        def read(folder: Path) -> Path:
            (folder / DONE).stat()
            return folder

        return made_once(self.cache, digest(["kept", key]), whole, read, self.progress)


class Form(NamedTuple):
    """about: what it is, for messages; fits(opening); listed(opening) → Listing."""

    about: str
    fits: Callable[[Opening], bool]
    listed: Callable[[Opening], Listing]


def list_found(opening: Opening) -> Listing:
    """What the data set holds, read by the first form that fits it. Raises DataError, saying what
    the file is, if none does.
    """
    if opening.found.path is not None and opening.path.is_file() and not opening.found.pairs:
        refuse_volume(opening.path)
    for form in FORMS.values():
        if form.fits(opening):
            return form.listed(opening)
    path = opening.path
    what = kind_of_file(path)
    advice = advice_on(path.name, what)
    raise DataError(
        f"{path.name} is {what.partition(',')[0]}, which can't be used as a data set",
        expected=None if "Python" in advice else " or ".join(form.about for form in FORMS.values()),
        hint=advice or OTHERWISE,
    )


def _is_zip(opening: Opening) -> bool:
    path = opening.path
    if path.suffix.lower() == ".zip" or (opening.found.source and path.is_file()):
        return True
    if not path.is_file() or describe(path.name) in KINDS.values():
        return False
    with path.open("rb") as file:
        return file.read(4) in (b"PK\x03\x04", b"PK\x05\x06")


def _list_idx(opening: Opening) -> Listing:
    found = opening.found
    classes = found.source.classes if found.source else None
    mapping = None if classes else idx_files.read_mapping(opening.path, found.pairs[0].prefix)
    content = opening.content_of([path for pair in found.pairs for path in pair.files])
    known, left = found.source is not None, idx_files.left_over(opening.path, found.pairs)
    listing = idx.list_pairs(found.pairs, classes or mapping, content, known, opening.choices, left)
    if classes or mapping:
        return listing
    lists = lists_in(opening.path)
    return with_names(listing, lists, range(len(lists.names)))


def _list_folder(opening: Opening) -> Listing:
    is_own = is_drawings(opening.found.name)  # its folders are labels, whatever they are
    files, content = folder_files(opening.path, opening.content_of)
    archives = [] if is_own or sorted_out(files)[1] else archives_in(files)
    if not archives:
        return _list_inside(opening, files, content, str(opening.path), only_classes=is_own)
    path_of, unpacked = partial(on_disk, files, folder=opening.path), partial(_unpacked, opening)
    opened = joined_archives((files, content), archives, path_of, unpacked, opening.unpacked_mb)
    listing = _list_inside(opening, *opened, str(opening.path))
    return listing.saying(note_archives([files.names[i] for i in archives]))


def _list_zip(opening: Opening) -> Listing:
    files, content = zip_files(opening.path, opening.unpacked_mb)
    listing = _list_inside(opening, files, content, opening.path.name)
    return listing.saying(*doubt_part(opening.path))


def _list_archive(opening: Opening) -> Listing:
    files, content, _ = _unpacked(opening, opening.path, opening.unpacked_mb)
    return _list_inside(opening, files, content, opening.path.name)


def _unpacked(opening: Opening, path: Path, unpacked_mb: int) -> tuple[Files, Content, int]:
    """The files of an archive that can't be read in place, a hash of some, and their bytes."""
    kind = kind_of(path) or ""
    content = opening.content_of([path])

    def make(folder: Path) -> None:
        unpack(path, folder, unpacked_mb)

    folder = opening.kept(digest(["unpacked", kind, path.name, content]), make)
    files = unpacked_files(folder, ARCHIVES[kind].about.partition(" ")[2])

    def content_of(kept: np.ndarray) -> str:
        return digest(["unpacked", content, *(files.names[int(i)] for i in kept)])

    return files, content_of, sum(one.stat().st_size for one in folder.iterdir())


def _list_file(opening: Opening) -> Listing:
    """A file that holds images, or a table of pictures that lie beside it."""
    path = opening.path
    files = one_file(path, "file")

    def content_of(kept: np.ndarray) -> str:
        return opening.content_of([path])

    if find_data_files(files) or not path.name.lower().endswith(TABLE_ENDINGS):
        listing = _list_inside(opening, files, content_of, path.name)
        return listing.saying(*doubt_beside(path, listing.classes))
    files, beside = folder_files(path.parent, opening.content_of)
    if not sorted_out(files)[1]:
        read_table_at(path)  # which says what is wrong with it
        raise DataError(
            f"{path.name} is {kind_of_file(path)}, and no pictures lie beside it",
            hint="Keep the table beside the pictures that it names, or pack both together.",
        )
    return list_files(
        files, path.name, beside, opening.kind, choices=opening.choices, table=path.name
    )


def _list_inside(
    opening: Opening,
    files: Files,
    content_of: Callable[[np.ndarray], str],
    where: str,
    only_classes: bool = False,
) -> Listing:
    """Pictures among files or, where there are none in classes, IDX or other data files."""
    kind, choices = opening.kind, opening.choices
    try:
        return list_files(files, where, content_of, kind, only_classes, choices)
    except DataError as error:
        inside = None if only_classes else _data_files(opening, files, content_of, where)
        if inside is None:
            raise error from None
        return inside


def _data_files(
    opening: Opening, files: Files, content_of: Callable[[np.ndarray], str], where: str
) -> Listing | None:
    rest = sorted_out(files)[2]
    named_so = [i for i in rest if idx_files.is_named_so(files.names[i].rpartition("/")[2])]
    if named_so:
        content = content_of(np.array(named_so))

        def make(folder: Path) -> None:
            for i in named_so:
                copy = folder / files.names[i].rpartition("/")[2]
                copy.write_bytes(files.reader.read(i, MOST_TABLE_BYTES))

        folder = opening.kept(digest(["idx files", content]), make)
        pairs = idx_files.only_pairs(folder)
        if pairs:
            mapping = idx_files.read_mapping(folder, pairs[0].prefix)
            left = idx_files.left_over(folder, pairs)
            listing = idx.list_pairs(pairs, mapping, content, False, opening.choices, left)
            return with_names(_beside(listing, files, set(named_so)), files, rest)
        if idx_files.prefixes(folder):
            raise DataError(f"{where} holds IDX images without their labels",
                            expected="train-labels-idx1-ubyte beside train-images-idx3-ubyte")  # fmt: skip
    endings = [ending for form in DATA_FORMS.values() for ending in form.endings]
    files = gunzipped(files, endings)
    found = find_data_files(files)
    if found is None:
        return None
    content = content_of(np.array([*found.positions, *found.about]))
    kept, progress = opening.kept, opening.progress
    kind, choices = opening.kind, opening.choices
    return list_data_files(found, files, where, content, kept, progress, kind, choices)


def _beside(listing: Listing, files: Files, used: set[int]) -> Listing:
    """The listing, with every file that it was not read from in its survey."""
    hidden = [i for i, name in enumerate(files.names) if is_hidden(name)]
    others = [name for i, name in enumerate(files.names) if i not in used and i not in set(hidden)]
    survey = replace(
        listing.survey,
        seen=listing.survey.seen + len(others) + len(hidden) + len(files.problems),
        hidden=tuple(files.names[i] for i in hidden),
        others=tuple((name, describe(name)) for name in others),
    )
    return replace(listing, survey=survey, skipped=(*listing.skipped, *files.problems))


def _is_idx(opening: Opening) -> bool:
    return bool(opening.found.pairs)


def _is_omniglot(opening: Opening) -> bool:
    return bool(opening.found.source and opening.found.source.parts) or is_omniglot(opening.path)


def _list_omniglot(opening: Opening) -> Listing:
    source = opening.found.source
    known = source and source.parts and opening.path.is_dir()
    parts = opening.path.glob(source.parts) if source and known else ()
    paths = sorted(parts) or [opening.path]
    files, content = joined(paths, opening.unpacked_mb, opening.content_of)
    return list_files(files, opening.path.name, content, opening.kind, only_classes=True)


def _is_folder(opening: Opening) -> bool:
    return opening.path.is_dir()


def _is_archive(opening: Opening) -> bool:
    return opening.path.is_file() and kind_of(opening.path) is not None


def _is_data_file(opening: Opening) -> bool:
    path = opening.path
    is_table = path.name.lower().endswith(TABLE_ENDINGS)
    return path.is_file() and (is_table or find_data_files(one_file(path, "file")) is not None)


DONE = "done"  # a file in a folder of the cache that is complete

FORMS: dict[str, Form] = {
    "idx": Form("IDX files", _is_idx, _list_idx),
    "omniglot": Form("Omniglot's alphabets", _is_omniglot, _list_omniglot),
    "folder": Form("a folder", _is_folder, _list_folder),
    "zip": Form("a zip of pictures", _is_zip, _list_zip),
    "archive": Form("a tar or 7z archive", _is_archive, _list_archive),
    "file": Form(
        "a table or array of images (Parquet, CSV, .npz, .mat, .ndjson)", _is_data_file, _list_file
    ),
}
