"""Croissant metadata (MLCommons, version 1.0): JSON-LD that says what the files of a data set hold, so
that search engines and loaders understand them.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.exports.rows import ExportRows

CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileProperty": "cr:fileProperty",
    "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
ENCODINGS = {".parquet": "application/x-parquet", ".csv": "text/csv"}


def croissant(rows: ExportRows, folder: Path, tables: Mapping[str, Mapping[str, str]]) -> Any:
    """The document for the files in `folder`. tables: file name → column → its type, such as
    'sc:Text'; every table is a record set.
    """
    files = [
        {
            "@type": "cr:FileObject",
            "@id": name,
            "name": name,
            "contentUrl": name,
            "encodingFormat": ENCODINGS[Path(name).suffix],
            "sha256": hashlib.sha256((folder / name).read_bytes()).hexdigest(),
        }
        for name in tables
    ]
    records = [
        {
            "@type": "cr:RecordSet",
            "@id": (kind := _identifier(Path(file).stem)),
            "name": kind,
            "field": [
                {
                    "@type": "cr:Field",
                    "@id": f"{kind}/{column}",
                    "name": column,
                    "dataType": type_,
                    "source": {
                        "fileObject": {"@id": file},
                        "extract": {"column": column},
                        # a struct of bytes and path, of which the bytes are the picture
                        **({"transform": {"jsonPath": "bytes"}} if column == "image" else {}),
                    },
                    **({"repeated": True} if column == "embedding" else {}),
                }
                for column, type_ in columns.items()
            ],
        }
        for file, columns in tables.items()
    ]
    return {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": _identifier(rows.name),
        "description": f"{rows.title}: {len(rows):,} images of {len(rows.classes):,} classes.",
        "license": rows.licence or "that of the images",
        "version": "1.0.0",
        "distribution": files,
        "recordSet": records,
    }


def _identifier(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-") or "data"
