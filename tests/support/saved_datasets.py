"""Folders as Hugging Face's `datasets` 5.2 writes them with `save_to_disk`, made without the library:
a stream of Arrow batches, its features in the schema's metadata, and three small JSON files.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.ipc

PICTURE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
IMAGE: dict[str, Any] = {"_type": "Image"}


def class_label(names: Sequence[str]) -> dict[str, Any]:
    return {"names": list(names), "_type": "ClassLabel"}


def a_list(feature: dict[str, Any]) -> dict[str, Any]:
    return {"feature": feature, "_type": "List"}


def array_2d(shape: tuple[int, int]) -> tuple[dict[str, Any], dict[bytes, bytes]]:
    """The feature Array2D of bytes, and what its column's metadata says."""
    feature = {"shape": list(shape), "dtype": "uint8", "_type": "Array2D"}
    name = b"datasets.features.features.Array2DExtensionType"
    said = json.dumps([list(shape), "uint8"]).encode()
    return feature, {b"ARROW:extension:metadata": said, b"ARROW:extension:name": name}


def write_stream(path: Path, columns: Mapping[str, Any], features: Mapping[str, Any]) -> None:
    """A table's columns (Arrow arrays, or with their metadata) as one file."""
    fields, arrays = [], []
    for name, column in columns.items():
        array, metadata = column if isinstance(column, tuple) else (column, None)
        fields.append(pa.field(name, array.type, metadata=metadata))
        arrays.append(array)
    said = {"huggingface": json.dumps({"info": {"features": dict(features)}})} if features else {}
    table = pa.Table.from_arrays(arrays, schema=pa.schema(fields, said))
    path.parent.mkdir(parents=True, exist_ok=True)
    with pyarrow.ipc.new_stream(path, table.schema) as stream:
        stream.write_table(table)


def save_to_disk(
    folder: Path, columns: Mapping[str, Any], features: Mapping[str, Any], shards: int = 1
) -> Path:
    """A data set of one split."""
    count = len(next(c[0] if isinstance(c, tuple) else c for c in columns.values()))
    names = [f"data-{number:05d}-of-{shards:05d}.arrow" for number in range(shards)]
    for number, name in enumerate(names):
        start, end = number * count // shards, (number + 1) * count // shards
        part = {
            key: (c[0][start:end], c[1]) if isinstance(c, tuple) else c[start:end]
            for key, c in columns.items()
        }
        write_stream(folder / name, part, features)
    state = {"_data_files": [{"filename": name} for name in names], "_split": None}
    (folder / "state.json").write_text(json.dumps(state), encoding="utf-8")
    info = {"citation": "", "description": "", "features": dict(features), "license": ""}
    (folder / "dataset_info.json").write_text(json.dumps(info), encoding="utf-8")
    return folder


def pictures(contents: Sequence[bytes | None], paths: Sequence[str | None] = ()) -> pa.Array:
    """A column of Image."""
    paths = paths or [None] * len(contents)
    cells = [
        None if content is path is None else {"bytes": content, "path": path}
        for content, path in zip(contents, paths, strict=True)
    ]
    return pa.array(cells, PICTURE)
