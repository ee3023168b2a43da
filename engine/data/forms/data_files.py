"""Files that hold many images each: one table from a form to its files and its reader. They are
read once, into the lab's cache.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from engine.data.assemble import Labelled, assemble
from engine.data.choices import Choices
from engine.data.file_list import Files, on_disk
from engine.data.forms.arrays import read_numpy
from engine.data.forms.arrow import read_arrow
from engine.data.forms.encoded import ENDINGS, is_encoded, read_encoded
from engine.data.forms.labels_beside import is_label_text
from engine.data.forms.matlab import read_matlab
from engine.data.forms.pixel_columns import HEAD_BYTES, is_pixel_table
from engine.data.forms.pixel_rows import is_labels, read_pixel_tables
from engine.data.forms.pixel_texts import is_pixel_texts, read_pixel_texts
from engine.data.forms.renaming import Renamed, renamed
from engine.data.forms.sink import Packed, Sink, packed
from engine.data.forms.strokes import is_drawings, read_drawings
from engine.data.idx import GlyphReader
from engine.data.listing import Listing, Reader, Survey, digest
from engine.data.pixels import as_glyphs, look_at_glyphs
from engine.data.tables import describe, is_table
from engine.errors import DataError
from engine.imaging.convention import Convention
from engine.imaging.formats import is_hidden
from engine.imaging.images import GLYPH_SIDE
from engine.progress import Progress

VERSION = 5  # raise when a reader finds other images or labels in the same file
MOST_ABOUT = 5_000_000  # bytes of a README or dataset_info.json
ABOUT = ("readme.md", "dataset_info.json", "dataset_infos.json", "dataset_dict.json", "state.json")

Kept = Callable[[str, Callable[[Path], None]], Path]


class DataForm(NamedTuple):
    """about     what it is, for messages and reports
    endings   of its files
    fits      whether a file is one, by how it begins
    read      the images of files (name, path), into a sink
    """

    about: str
    endings: tuple[str, ...]
    fits: Callable[[bytes], bool]
    read: Callable[[Sequence[tuple[str, Path]], Sink, Choices, Mapping[str, bytes]], None]


class Found(NamedTuple):
    """Data files among others: their form and their positions; of what lists their class names."""

    form: DataForm
    positions: list[int]
    about: list[int]


def find_data_files(files: Files) -> Found | None:
    """The files of the first form in DATA_FORMS that any fits; None if there is none."""
    shown = [i for i, name in enumerate(files.names) if not is_hidden(name)]
    about = [i for i in shown if _is_about(files.names[i])]
    for form in DATA_FORMS.values():
        positions = [
            i
            for i in shown
            if files.names[i].lower().endswith(form.endings) and form.fits(_head(files, i))
        ]
        if positions:
            if form is DATA_FORMS["pixels"]:
                rest = (i for i in shown if i not in positions)
                about += [i for i in rest if is_labels(files.names[i], _head(files, i))]
            elif form is DATA_FORMS["numpy"]:
                rest = (i for i in shown if i not in positions)
                about += [i for i in rest if is_label_text(files.names[i], _head(files, i))]
            return Found(form, positions, about)
    return None


def _is_about(name: str) -> bool:
    return name.lower().rpartition("/")[2] in ABOUT


def _head(files: Files, index: int) -> bytes:
    try:
        return files.reader.head(index, HEAD_BYTES)
    except (OSError, DataError):
        return b""


def list_data_files(
    found: Found,
    files: Files,
    where: str,
    content: str,
    kept: Kept,
    progress: Progress,
    kind: str | None,
    choices: Choices,
) -> Listing:
    """The images in data files.

    content  hash of the files' bytes
    kept     makes a folder of the cache once, by a key, and returns it
    Raises DataError if they can't be read, or hold no labelled images.
    """
    names = [files.names[i] for i in found.positions]
    content = digest(["data files", VERSION, found.form.about, content, *names])
    columns = [choices.path, choices.label, choices.split]
    columns += ["unlabelled"] * choices.unlabelled  # then images alone are enough

    def make(folder: Path) -> None:
        sink = Sink(folder, lambda done, what: progress(done, max(done, 1), what))
        copies = folder / "source"
        copies.mkdir()
        paths = [(files.names[i], on_disk(files, i, copies)) for i in found.positions]
        about = {files.names[i]: _about(files, i) for i in found.about}
        try:
            found.form.read(paths, sink, choices, about)
            sink.close()
        except DataError as error:
            text = str(error)
            raise DataError(text if text.startswith(where) else f"{where}: {text}") from None
        finally:
            sink.let_go()
        shutil.rmtree(copies)

    folder = kept(digest([content, *columns]), make)
    images = packed(folder)
    hidden = tuple(name for name in files.names if is_hidden(name))
    used = {files.names[i] for i in found.positions}
    used |= {name for i in found.about if _is_about(name := files.names[i]) or name in images.why}
    rest = [i for i, name in enumerate(files.names) if name not in used and name not in hidden]
    codes: list[int] = images.labels.tolist()
    given = [images.classes[code] if code >= 0 else None for code in codes]
    own = renamed(given, files, rest, names) if not images.listed else Renamed(given)
    others = [name for i in rest if (name := files.names[i]) != own.file]
    survey = Survey(
        form=found.form.about,
        seen=len(images.names)
        + len(images.skipped)
        + len(others)
        + bool(own.file)
        + len(hidden)
        + len(files.problems),
        hidden=hidden,
        others=tuple((name, describe(name)) for name in others),
        tables=tuple(name for name in others if is_table(name)),
        read=(own.file,) if own.file else (),
        layout=(
            "images in tables" if "table" in found.form.about else "images in arrays",
            images.why,
        ),
        encoding=files.decoded.encoding,
        guessed=files.decoded.guessed,
        columns=images.roles.columns,
        roles=images.roles.taken,
        findings=(*images.findings, *own.findings),
    )
    content = digest([content, *own.classes]) if own.file else content
    return _listing(images, own, files, content, survey, kind, choices)


def _about(files: Files, index: int) -> bytes:
    try:
        return files.reader.read(index, MOST_ABOUT)
    except (OSError, DataError):
        return b""


def _listing(
    images: Packed,
    own: Renamed,
    files: Files,
    content: str,
    survey: Survey,
    kind: str | None,
    choices: Choices,
) -> Listing:
    convention: Convention | None = None
    sides: tuple[tuple[int, bool], ...] = ()
    reader: Reader
    if images.levels is not None:
        levels = images.levels
        look = look_at_glyphs(lambda: levels, content)
        convention, sides = look.convention.on(choices.paper), look.sides
        reader = _glyphs_of(levels, convention)
        survey = replace(
            survey, polarity=look.polarity, findings=(*survey.findings, *look.findings)
        )
        kind = kind or ("digit" if max(levels.shape[1:]) <= GLYPH_SIDE else None)
    else:
        assert images.blobs is not None
        reader = images.blobs
    labelled = Labelled(
        images.names,
        own.labels,
        images.official,
        classes=own.classes or (images.classes if images.listed else ()),
        skipped=(*images.skipped, *files.problems),
    )
    return assemble(labelled, reader, content, survey, kind, choices, convention, sides)


def _glyphs_of(levels: np.ndarray, convention: Convention) -> GlyphReader:
    return GlyphReader(lambda: as_glyphs(np.asarray(levels), convention))


def _any(head: bytes) -> bool:
    return bool(head)


def _is_array(head: bytes) -> bool:
    return head.startswith((b"\x93NUMPY", b"PK\x03\x04"))


def _is_arrow(head: bytes) -> bool:
    return head.startswith((b"PAR1", b"ARROW1", b"\xff\xff\xff\xff"))


DATA_FORMS: dict[str, DataForm] = {
    "arrow": DataForm(
        "Parquet or Arrow tables", (".parquet", ".arrow", ".feather"), _is_arrow, read_arrow
    ),
    "numpy": DataForm("NumPy arrays", (".npz", ".npy"), _is_array, read_numpy),
    "matlab": DataForm("MATLAB arrays", (".mat",), _any, read_matlab),
    "pixels": DataForm(
        "tables of pixels",
        (".csv", ".tsv", ".txt", ".data", ".tra", ".tes", ".train", ".test"),
        is_pixel_table,
        read_pixel_tables,
    ),
    "pixel texts": DataForm(
        "tables of pixels in a cell", (".csv", ".tsv", ".txt"), is_pixel_texts, read_pixel_texts
    ),
    "drawings": DataForm("lines of drawings", (".ndjson", ".jsonl"), is_drawings, read_drawings),
    "encoded": DataForm("tables of encoded pictures", ENDINGS, is_encoded, read_encoded),
}
