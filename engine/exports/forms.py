"""What a data set is written as: one table from a name to the function that fills a folder."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import numpy as np

from engine.data.listing import SPLITS
from engine.errors import DataError, GlyphlabError, unknown
from engine.exports.croissant import croissant
from engine.exports.parquet import COLUMN_TYPES, write_parquet
from engine.exports.rows import COLUMNS, ExportRows
from engine.files.bundles import whole
from engine.files.sheets import write_table
from engine.progress import Progress, no_progress

TABLE = "labels.csv"
TABLE_TYPES = {column: "sc:Text" for column in COLUMNS} | {"suspicion": "sc:Float"}
LONGEST_NAME = 200  # bytes of a folder's name; disks take 255
MARK = "croissant.json"  # written into every such folder


class Form(NamedTuple):
    """about: what it is, for people; fill(rows, folder, progress) writes it and returns its tables: file
    name → column → Croissant type.
    """

    about: str
    fill: Callable[[ExportRows, Path, Progress], dict[str, dict[str, str]]]


def write_dataset(
    rows: ExportRows, form: str, target: Path, progress: Progress = no_progress
) -> Path:
    """Write a data set to `target` and return it: a zip if its name ends so, else a folder. Raises
    DataError for an unknown form; GlyphlabError if it can't be written, or is something else's.
    """
    if form not in EXPORT_FORMS:
        raise DataError(unknown("form", form, EXPORT_FORMS))
    if not target.parent.is_dir():
        raise GlyphlabError(f"{target} can't be written", got=f"no folder {target.parent}")
    zipped = target.suffix.lower() == ".zip"
    if not zipped and target.exists() and not (target / MARK).is_file():
        raise GlyphlabError(
            f"{target} is there already and is no exported data set",
            hint="Name a new folder, or a zip.",
        )
    with whole(target, zipfile.ZIP_STORED) as fresh:  # pictures are packed already
        tables = EXPORT_FORMS[form].fill(rows, fresh, progress)
        document = json.dumps(croissant(rows, fresh, tables), indent=1, ensure_ascii=False)
        (fresh / MARK).write_text(document + "\n", encoding="utf-8")
        (fresh / "README.md").write_text(_card(rows, form), encoding="utf-8")
    return target


def _image_folder(rows: ExportRows, folder: Path, progress: Progress) -> dict[str, dict[str, str]]:
    """<split>/<class>/<picture>, without split folders where there is one split only; pictures without
    a label under `unlabelled`. The table has the pictures' new names.
    """
    many = len(np.unique(rows.official[rows.labels >= 0])) > 1
    named: list[tuple[str, ...]] = []
    taken: set[str] = set()
    for i, row in enumerate(rows.table()):
        found = rows.picture(i)
        if found is None:
            continue  # the README names it
        content, ending = found
        label = int(rows.labels[i])
        parts = [SPLITS[rows.official[i]]] if many and label >= 0 else []
        parts.append(_folder_name(rows.class_name(label)) if label >= 0 else "unlabelled")
        name = _free("/".join([*parts, _stem(str(rows.files[i]))]), ending, taken)
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
        named.append((name, *row[1:]))
        if i % 500 == 0:
            progress(i, len(rows), "writing pictures")
    with (folder / TABLE).open("w", encoding="utf-8", newline="") as file:
        write_table(file, tuple(COLUMNS), named)
    return {TABLE: TABLE_TYPES}


def _csv(rows: ExportRows, folder: Path, progress: Progress) -> dict[str, dict[str, str]]:
    with (folder / TABLE).open("w", encoding="utf-8", newline="") as file:
        write_table(file, tuple(COLUMNS), rows.table())
    return {TABLE: TABLE_TYPES}


def _parquet(rows: ExportRows, folder: Path, progress: Progress) -> dict[str, dict[str, str]]:
    columns = {**COLUMN_TYPES}
    if rows.embeddings is None:
        del columns["embedding"]
    return {name: columns for name in write_parquet(rows, folder, progress)}


EXPORT_FORMS: dict[str, Form] = {
    "imagefolder": Form(
        "pictures in folders named by split and class, with a table", _image_folder
    ),
    "parquet": Form(
        "Parquet with pictures, labels and embeddings, as `datasets` reads it", _parquet
    ),
    "csv": Form("a table of names and labels, without pictures", _csv),
}


def _folder_name(name: str) -> str:
    """A class's folder, neither hidden nor longer than disks allow; the table has the name itself."""
    safe = re.sub(r"[/\\\0]", "_", name).strip()
    safe = f"class {safe}" if not safe or safe.startswith(".") else safe
    return safe.encode()[:LONGEST_NAME].decode("utf-8", "ignore")


def _stem(file: str) -> str:
    """A picture's name without its ending and its folders, but for those that tell it from others."""
    path = PurePosixPath(file)
    return (
        re.sub(r"[^\w.+ -]+", "-", path.stem if path.suffix else path.name).strip(".-") or "image"
    )


def _free(name: str, ending: str, taken: set[str]) -> str:
    """A name that no file has yet, also where capitals and small letters are one."""
    number, fresh = 1, f"{name}{ending}"
    while fresh.lower() in taken:
        number += 1
        fresh = f"{name}-{number}{ending}"
    taken.add(fresh.lower())
    return fresh


def _card(rows: ExportRows, form: str) -> str:
    """A README with the front matter of the Hub."""
    import yaml

    front: dict[str, object] = {"pretty_name": rows.title, "license": "other"}
    front["task_categories"] = ["image-classification"]
    if form == "parquet":
        files = [
            {"split": "validation" if split == "val" else split, "path": f"data/{split}.parquet"}
            for code, split in enumerate(SPLITS)
            if (rows.official == code).any()
        ]
        front["configs"] = [{"config_name": "default", "data_files": files}]
    about = [f"| `{name}` | {text} |" for name, text in COLUMNS.items()]
    if form == "parquet" and rows.embeddings is not None:
        about.append(f"| `embedding` | of the model {rows.space}, of length 1 |")
    return "\n".join(
        [
            "---",
            yaml.safe_dump(front, sort_keys=False, allow_unicode=True).strip(),
            "---",
            f"# {rows.title}",
            "",
            f"{len(rows):,} images of {len(rows.classes):,} classes: {', '.join(rows.classes[:100])}.",
            f"Licence: {rows.licence or 'that of the images'}.",
            "",
            "| column | |",
            "|---|---|",
            *about,
            "",
            *(
                f"- Not here, because it can't be read: {name}: {reason}"
                for name, reason in rows.unreadable.items()
            ),
        ]
    )
