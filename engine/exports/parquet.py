"""A data set as Parquet, a file a split, with the schema of Hugging Face's `datasets`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from engine.data.listing import SPLITS
from engine.exports.rows import ExportRows
from engine.progress import Progress

AT_ONCE = 1000  # pictures held in memory: one row group
COLUMN_TYPES = {
    "image": "sc:ImageObject",
    "file": "sc:Text",
    "label": "sc:Integer",
    "given_label": "sc:Integer",
    "suggested_label": "sc:Integer",
    "suspicion": "sc:Float",
    "split": "sc:Text",
    "annotator": "sc:Text",
    "embedding": "sc:Float",
}


def write_parquet(rows: ExportRows, folder: Path, progress: Progress) -> list[str]:
    """Write data/<split>.parquet and return their names. Pictures are structs of bytes and path,
    null where one can't be read; labels numbers with the class names in the schema, null for none.
    """
    import pyarrow.parquet as pq

    (folder / "data").mkdir()
    schema, written, done = _schema(rows), [], 0
    for code, split in enumerate(SPLITS):
        index = np.flatnonzero(rows.official == code)
        if not len(index):
            continue
        name = f"data/{split}.parquet"
        with pq.ParquetWriter(folder / name, schema) as file:
            for start in range(0, len(index), AT_ONCE):
                file.write_table(_table(rows, index[start : start + AT_ONCE], schema))
                done += min(AT_ONCE, len(index) - start)
                progress(done, len(rows), "writing Parquet")
        written.append(name)
    return written


def _schema(rows: ExportRows) -> Any:
    import pyarrow as pa

    picture = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    fields = [
        ("image", picture),
        ("file", pa.string()),
        ("label", pa.int64()),
        ("given_label", pa.int64()),
        ("suggested_label", pa.int64()),
        ("suspicion", pa.float64()),
        ("split", pa.string()),
        ("annotator", pa.string()),
    ]
    text, number = ({"dtype": kind, "_type": "Value"} for kind in ("string", "float64"))
    label = {"names": list(rows.classes), "_type": "ClassLabel"}
    features: dict[str, Any] = {
        "image": {"_type": "Image"},
        "file": text,
        "label": label,
        "given_label": label,
        "suggested_label": label,
        "suspicion": number,
        "split": text,
        "annotator": text,
    }
    if rows.embeddings is not None:
        fields.append(("embedding", pa.list_(pa.float32())))
        single = {"dtype": "float32", "_type": "Value"}
        features["embedding"] = {"feature": single, "_type": "List"}
    metadata = {"huggingface": json.dumps({"info": {"features": features}}, ensure_ascii=False)}
    return pa.schema(fields, metadata)


def _table(rows: ExportRows, index: np.ndarray, schema: Any) -> Any:
    import pyarrow as pa

    columns: dict[str, list[Any]] = {
        "image": list(_pictures(rows, index)),
        "file": [str(rows.files[int(i)]) for i in index],
        "label": _numbers(rows.labels[index]),
        "given_label": _numbers(rows.given[index]),
        "suggested_label": _numbers(rows.suggested[index]),
        "suspicion": [None if np.isnan(value) else float(value) for value in rows.suspicion[index]],
        "split": [SPLITS[code] for code in rows.official[index]],
        "annotator": ["review" if decided else None for decided in rows.reviewed[index]],
    }
    if rows.embeddings is not None:
        found = rows.embeddings[index]
        columns["embedding"] = [None if np.isnan(row).any() else row.tolist() for row in found]
    return pa.Table.from_pydict(columns, schema=schema)


def _pictures(rows: ExportRows, index: np.ndarray) -> Iterator[dict[str, Any] | None]:
    for i in index:
        found = rows.picture(int(i))
        if found is None:
            yield None
            continue
        content, ending = found
        name = Path(str(rows.files[int(i)])).name
        yield {"bytes": content, "path": name if name.endswith(ending) else f"{name}{ending}"}


def _numbers(labels: np.ndarray) -> list[int | None]:
    return [int(label) if label >= 0 else None for label in labels]
