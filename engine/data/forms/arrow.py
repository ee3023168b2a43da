"""Parquet and Arrow files, as Hugging Face's `datasets` writes them: images as bytes, as structs of
bytes and path, as lists of pixels, or as columns of pixels.
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportMissingTypeStubs=false
from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from engine.data.archive import CUT_SHORT
from engine.data.choices import Choices
from engine.data.forms.arrow_cells import NOT_INSIDE, PATHS_ALONE, label_in, picture_in
from engine.data.forms.arrow_parts import Parts, open_parts
from engine.data.forms.columns import LABELS, SPLITS, Roles, chosen, named, plain_name
from engine.data.forms.pixel_rows import take_frame
from engine.data.forms.records import as_text
from engine.data.forms.schema_names import (
    features_of,
    is_declared,
    listed_names,
    names_in,
    without_caches,
)
from engine.data.forms.several import doubt_several
from engine.data.forms.shapes import as_images
from engine.data.forms.sink import Sink
from engine.data.listing import TRAIN
from engine.data.roles import UNLABELLED, role_of
from engine.errors import DataError

SURE = LABELS[: LABELS.index("choice")]  # what no other column than a label is called
IMAGES = tuple("image img picture images png jpg jpeg bytes pixels pixel_values data x".split())
_SHARD = re.compile(r"-\d+-of-\d+.*$")


class _Columns(NamedTuple):
    image: str
    label: str | None
    split: str | None
    path: str | None


def read_arrow(
    files: Sequence[tuple[str, Path]], sink: Sink, choices: Choices, about: Mapping[str, bytes]
) -> None:
    """The images in Parquet and Arrow files.

    about  contents of README.md, dataset_info.json and the like by name, which list class names
    Raises DataError.
    """
    listed = listed_names(about)
    files = without_caches(files, sink, about)
    doubt_several([name for name, _ in files], sink)
    for name, path in sorted(files):
        try:
            parts = open_parts(name, path)
            names = names_in(parts.schema.metadata) or listed
            _read(name, parts, names, sink, choices)
        except DataError:
            raise
        except Exception as error:  # noqa: BLE001 - Arrow's readers raise anything on broken files
            raise DataError(f"{name} can't be read", got=str(error)[:120], hint=CUT_SHORT) from None


def _read(
    name: str,
    parts: Parts,
    names: Mapping[str, Sequence[str]],
    sink: Sink,
    choices: Choices,
) -> None:
    role, schema = _role(name), parts.schema
    columns, left = _columns(name, schema, names, choices)
    if left:
        text = f"{name}: images are in '{columns and columns.image}'; not read: {', '.join(left)}."
        sink.note("note", "tables", text)
    if columns is None:
        first = None
        for batch in parts.read(None):
            frame = batch.to_pandas()
            if not take_frame(frame, name, sink, choices, role):
                raise _no_image(name, schema)
            first = first or sink.why.append(f"{name}: a column a pixel")
        return
    if columns.label is None and role != UNLABELLED:
        shown = ", ".join(map(str, schema.names[:10]))
        text = f"{name}: no column is called like a label, of {shown}: its images have none."
        sink.note("warning", "tables", f"{text} Choose the label column when you import it.")
    classes = names.get(columns.label or "", ())
    if columns.label and classes:
        sink.classes += [one for one in classes if one not in sink.classes]
    shown = f"'{columns.label}'" if columns.label else "nothing"
    taken = [("path", columns.path), ("label", columns.label), ("split", columns.split)]
    sink.roles = Roles(tuple(map(str, schema.names)), tuple((r, c) for r, c in taken if c))
    why = f", its names from the metadata ({len(classes)})" if classes else ""
    also = [one for one in names if one != columns.label and one in schema.names]
    if also and columns.label and not choices.label:
        text = f"{name}: the label is '{columns.label}'; classes are in {', '.join(also)} too."
        sink.note("note", "tables", f"{text} Choose the label column when you import it.")
    sink.why.append(f"images are in '{columns.image}', the label is {shown}{why}")
    row = 0
    for batch in parts.read([one for one in columns if one]):
        for record in batch.to_pylist():
            _take(name, row, record, columns, classes, role, sink)
            row += 1


def _take(
    name: str,
    row: int,
    record: dict[str, Any],
    columns: _Columns,
    classes: Sequence[str],
    role: int | None,
    sink: Sink,
) -> None:
    content, path, reason = picture_in(record[columns.image])
    path = path or as_text(record.get(columns.path or "")) or ""
    called = f"{name}/{row}" + (f"/{path.replace(chr(92), '/').rpartition('/')[2]}" if path else "")
    label, several = label_in(record.get(columns.label or ""), classes)
    if several:
        text = (
            f"{name}: images have several classes each in '{columns.label}', and one here: those of"
            " several are taken as unlabelled. Choose another label column when you import it."
        )
        sink.note("warning", "classes", text)
    official = TRAIN if role in (None, UNLABELLED) else role
    if columns.split and (text := as_text(record[columns.split])):
        said = role_of(text)
        official = TRAIN if said is None or said.code == UNLABELLED else said.code
        if said is None:
            doubt = f"{name}: the split '{text}' is not known: its images are taken for training."
            sink.note("warning", "splits", doubt)
    if isinstance(content, bytes):
        sink.picture(called, content, label, official)
        return
    levels = None if content is None else as_images(np.asarray(content)[None])
    if levels is None:
        sink.skipped.append((called, reason))
        sink.hint = PATHS_ALONE if reason == NOT_INSIDE else sink.hint
        return
    sink.images(levels, [label], name, official, first=row)


def _role(name: str) -> int | None:
    """The split that a file's name or folder says: train-00000-of-00002.parquet, test/data.arrow."""
    *folders, last = name.split("/")
    stem = _SHARD.sub("", last.partition(".")[0])
    for part in (stem, *reversed(folders)):
        if (role := role_of(part)) is not None:
            return role.code
    return None


def _columns(
    name: str, schema: Any, names: Mapping[str, Sequence[str]], choices: Choices
) -> tuple[_Columns | None, list[str]]:
    """Which columns are which, None if no column holds images; and the columns that may hold other
    images.
    """
    import pyarrow as pa

    all_names = [str(one) for one in schema.names]
    kinds = {one: schema.field(i).type for i, one in enumerate(all_names)}
    features = features_of(schema.metadata)

    lists = (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list)

    def may_hold_images(column: str) -> bool:
        kind = kinds[column]
        if named([column], LABELS) is not None:  # a list of one, as some tools write labels
            return False
        if isinstance(kind, pa.ExtensionType):
            kind = kind.storage_type
        inner = kind
        while any(is_list(inner) for is_list in lists):
            inner = inner.value_type
        if pa.types.is_struct(inner):
            return "bytes" in [inner.field(i).name for i in range(inner.num_fields)]
        numbers = pa.types.is_integer(inner) or pa.types.is_floating(inner)
        is_bytes = pa.types.is_binary(inner) or pa.types.is_large_binary(inner)
        return is_bytes or (inner is not kind and numbers and column != "embedding")

    holding = [one for one in all_names if may_hold_images(one)]
    declared = [one for one in holding if is_declared(features.get(one))]
    by_name = named(holding, IMAGES)
    image = declared[0] if declared else holding[by_name] if by_name is not None else None
    image = image or (holding[0] if holding else None)
    if image is None:
        return None, []
    others = [one for one in all_names if one not in holding]
    label = chosen(all_names, choices.label, name)
    split = chosen(all_names, choices.split, name)
    listed = [one for one in others if one in names]
    at = named(others, LABELS)
    found = all_names[label] if label is not None else None
    if found is None:
        found = others[at] if at is not None else listed[0] if listed else None
        if listed and found not in listed and plain_name(found or "") not in SURE:
            found = listed[0]  # a column that is declared as classes, beside one called `text`
    at = named(others, SPLITS)
    by_split = all_names[split] if split is not None else others[at] if at is not None else None
    path = next((one for one in others if one in ("path", "file_name", "filename", "file")), None)
    left = [one for one in holding if one != image]
    return _Columns(image, found, by_split if by_split != found else None, path), left


def _no_image(name: str, schema: Any) -> DataError:
    return DataError(
        f"{name} holds no images",
        expected="a column of pictures' bytes, or a column a pixel",
        got=", ".join(schema.names[:10]),
    )
