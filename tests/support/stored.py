"""One small data set, stored in every way that people store one: what is written is known, so what
is read can be compared.
"""

from __future__ import annotations

import base64
import csv
import io
import json
import random
import tarfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from pictures import idx_bytes, png, small_page, write_folder, write_zip

SIDE = 8  # pixels of a glyph
PICTURE = png(small_page("2"))


class Item(NamedTuple):
    """An image of a data set: its label, None if it has none, and its split."""

    label: str | None
    split: str


def items(rng: random.Random, classes: Sequence[str], splits: bool, unlabelled: bool) -> list[Item]:
    """Images of each class in each split, and some without a label."""
    parts = ("train", "val", "test") if splits else ("train",)
    found = [Item(c, s) for c in classes for s in parts for _ in range(rng.randint(1, 3))]
    found += [Item(None, "train") for _ in range(rng.randint(1, 3) if unlabelled else 0)]
    rng.shuffle(found)
    return found


def counted(found: Sequence[Item]) -> Counter[tuple[str | None, str]]:
    return Counter((one.label, one.split if one.label is not None else "train") for one in found)


def glyph(number: int) -> np.ndarray:
    """A glyph (SIDE, SIDE) uint8 of its own for each number, ink 255 on 0."""
    out = np.zeros((SIDE, SIDE), np.uint8)
    out[1:-1, 1:-1] = np.random.default_rng(number).integers(0, 256, (SIDE - 2, SIDE - 2))
    out[2, 2] = 255
    return out


def glyphs_of(found: Sequence[Item]) -> np.ndarray:
    return np.stack([glyph(number) for number in range(len(found))])


# tables of pictures: each gives the text of a table and its ending; `paths` are the pictures' paths


def as_csv(
    rng: random.Random, found: Sequence[Item], paths: Sequence[str]
) -> tuple[bytes, str]:  # fmt: skip
    separator, header = rng.choice(",;\t|"), rng.random() < 0.6
    names = rng.choice((("filename", "label", "split"), ("Image Path", "Class", "subset"),
                        ("id", "species", "partition")))  # fmt: skip
    has_splits = len({one.split for one in found}) > 1
    rows = [[path, one.label or "", one.split] for path, one in zip(paths, found, strict=True)]
    order = rng.sample(range(3), 3) if has_splits else rng.sample(range(2), 2)
    out = io.StringIO()
    writer = csv.writer(out, delimiter=separator)
    writer.writerows([[row[i] for i in order] for row in ([names] if header else []) + rows])
    encoding = rng.choice(("utf-8", "utf-8-sig", "utf-16"))
    return out.getvalue().encode(encoding), ".tsv" if separator == "\t" else ".csv"


def as_json(rng: random.Random, found: Sequence[Item], paths: Sequence[str]) -> tuple[bytes, str]:
    records = [
        {"file_name": path, "label": one.label, "split": one.split, "annotator": "anna"}
        for path, one in zip(paths, found, strict=True)
    ]
    if rng.random() < 0.5:
        return "\n".join(map(json.dumps, records)).encode(), ".jsonl"
    return json.dumps(rng.choice((records, {"images": records}))).encode(), ".json"


def as_label_studio(
    rng: random.Random, found: Sequence[Item], paths: Sequence[str]
) -> tuple[bytes, str]:
    tasks = []
    for number, (one, path) in enumerate(zip(found, paths, strict=True)):
        choices = [{"value": {"choices": [one.label]}, "type": "choices"}] if one.label else []
        data = {"image": f"/data/local-files/?d={path}", "split": one.split}
        tasks.append({"id": number, "data": data, "annotations": [{"result": choices}]})
    return json.dumps(tasks).encode(), ".json"


def as_cvat(rng: random.Random, found: Sequence[Item], paths: Sequence[str]) -> tuple[bytes, str]:
    from xml.sax.saxutils import quoteattr

    lines = ["<annotations>"]
    for number, (one, path) in enumerate(zip(found, paths, strict=True)):
        tag = f"<tag label={quoteattr(one.label)}/>" if one.label else ""
        lines.append(
            f'<image id="{number}" name={quoteattr(path)} subset="{one.split}">{tag}</image>'
        )
    return "\n".join([*lines, "</annotations>"]).encode(), ".xml"


TABLES: dict[str, Callable[..., tuple[bytes, str]]] = {
    "csv": as_csv,
    "json": as_json,
    "label studio": as_label_studio,
    "cvat": as_cvat,
}


# files that hold the images: each gives contents by name


def as_pixels(rng: random.Random, found: Sequence[Item]) -> dict[str, bytes]:
    """A table a split, as Kaggle has them; one with a column for the split where some have none."""
    pixels = glyphs_of(found).reshape(len(found), -1)
    header, separator = rng.random() < 0.7, rng.choice(",;\t")
    files: dict[str, list[list[str]]] = {}
    for one, row in zip(found, pixels, strict=True):
        files.setdefault(one.split, []).append([one.label or "", *map(str, row)])
    first = [["label", *(f"pixel{i}" for i in range(SIDE * SIDE))]] * header
    return {f"{split}.csv": _written(first + rows, separator) for split, rows in files.items()}


def as_npz(rng: random.Random, found: Sequence[Item]) -> dict[str, bytes]:
    """Arrays of a split each, in one file or many."""
    images = glyphs_of(found)
    if rng.random() < 0.5:
        images = images.reshape(len(found), -1)
    x, y = rng.choice((("x", "y"), ("images", "labels"), ("X", "target")))
    arrays: dict[str, np.ndarray] = {}
    for split in dict.fromkeys(one.split for one in found):
        at = [i for i, one in enumerate(found) if one.split == split]
        arrays[f"{x}_{split}"] = images[at]
        arrays[f"{y}_{split}"] = np.array([found[i].label or "" for i in at])
    if rng.random() < 0.5:
        return {"set.npz": _saved(lambda file: np.savez(file, **arrays))}
    return {
        f"{name}.npy": _saved(lambda file, array=array: np.save(file, array))
        for name, array in arrays.items()
    }


def as_matlab(rng: random.Random, found: Sequence[Item]) -> dict[str, bytes]:
    """Arrays of a split each, labels as a cell array of texts."""
    from scipy.io import savemat

    images = glyphs_of(found)
    arrays: dict[str, np.ndarray] = {}
    for split in dict.fromkeys(one.split for one in found):
        at = [i for i, one in enumerate(found) if one.split == split]
        arrays[f"images_{split}"] = images[at]
        arrays[f"labels_{split}"] = np.array([found[i].label or "" for i in at], object)
    return {"set.mat": _saved(lambda file: savemat(file, arrays))}


def as_listed(rng: random.Random, found: Sequence[Item]) -> dict[str, bytes]:
    """Arrays whose labels are numbers, and a file that lists the names of these."""
    names = sorted({one.label for one in found if one.label})
    numbers = [names.index(one.label) if one.label else -1 for one in found]
    splits = np.array([one.split for one in found])
    arrays = {f"x_{split}": glyphs_of(found)[splits == split] for split in set(splits.tolist())}
    arrays |= {f"y_{name[2:]}": np.array(numbers)[splits == name[2:]] for name in arrays}
    name, content = rng.choice(
        (
            ("classes.txt", "\n".join(names).encode()),
            ("label_names.json", json.dumps(names).encode()),
            (
                "class_map.csv",
                _written([["id", "name"], *([str(n), c] for n, c in enumerate(names))], ","),
            ),
        )
    )
    return {"set.npz": _saved(lambda file: np.savez(file, **arrays)), name: content}


def as_shards(rng: random.Random, found: Sequence[Item]) -> dict[str, bytes]:
    """A WebDataset's shards, unpacked: a file beside each picture holds its class."""
    ending = rng.choice(("cls", "txt", "json"))
    files: dict[str, bytes] = {}
    for number, one in enumerate(found):
        key = f"{one.split}-{number % 2:06d}/{number:09d}"
        text = json.dumps({"label": one.label}) if ending == "json" else one.label or ""
        files |= {f"{key}.png": png_of(number), f"{key}.{ending}": text.encode()}
    return files


def as_parquet(rng: random.Random, found: Sequence[Item]) -> dict[str, bytes]:
    """A table a split, as `datasets` writes them, or one table with a column for the split."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    names = sorted({one.label for one in found if one.label})
    structs, listed = rng.random() < 0.5, rng.random() < 0.5
    pictures = [png_of(number) for number in range(len(found))]
    rows = [
        {
            "image": {"bytes": picture, "path": None} if structs else picture,
            "label": (names.index(one.label) if one.label else -1) if listed else one.label,
            "split": one.split,
        }
        for picture, one in zip(pictures, found, strict=True)
    ]
    features = {"image": {"_type": "Image"}, "label": {"names": names, "_type": "ClassLabel"}}
    about = json.dumps({"info": {"features": features}})
    files: dict[str, bytes] = {}
    apart = rng.random() < 0.5
    for split in dict.fromkeys(one.split for one in found) if apart else ("all",):
        some = [row for row in rows if split in ("all", row["split"])]
        table = pa.Table.from_pylist(
            [{k: r[k] for k in r if k != "split" or not apart} for r in some]
        )
        if listed:
            table = table.replace_schema_metadata({"huggingface": about})
        name = f"data/{split}-00000-of-00001.parquet" if apart else "all.parquet"
        files[name] = _saved(lambda file, table=table: pq.write_table(table, file))
    return files


def as_drawings(rng: random.Random, found: Sequence[Item]) -> dict[str, bytes]:
    """Quick, Draw!'s lines, a file a split."""
    files: dict[str, list[str]] = {}
    for number, one in enumerate(found):
        strokes = [[[0, 40, number % 50], [0, 90, 100]], [[10], [20]]]
        record = {"word": one.label, "recognized": True, "drawing": strokes}
        files.setdefault(one.split, []).append(json.dumps(record))
    return {f"{split}.ndjson": "\n".join(lines).encode() for split, lines in files.items()}


def as_base64(rng: random.Random, found: Sequence[Item]) -> dict[str, bytes]:
    """Pictures in the cells of a table: CSV, JSON or JSON lines."""
    before = rng.choice(("", "data:image/png;base64,"))
    texts = [before + base64.b64encode(png_of(number)).decode() for number in range(len(found))]
    rows = [["picture", "label", "split"]]
    rows += [[text, one.label or "", one.split] for text, one in zip(texts, found, strict=True)]
    if rng.random() < 0.4:
        return {"pictures.csv": _written(rows, ",")}
    records = [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]
    if rng.random() < 0.5:
        return {"pictures.json": json.dumps(records).encode()}
    return {"pictures.jsonl": "\n".join(json.dumps(one) for one in records).encode()}


def as_idx(rng: random.Random, found: Sequence[Item]) -> dict[str, bytes]:
    """MNIST's files; labels are numbers, all images have one, and there is no val."""
    files: dict[str, bytes] = {}
    images = glyphs_of(found)
    for split, name in (("train", "train"), ("test", "t10k")):
        at = [i for i, one in enumerate(found) if one.split == split]
        labels = np.array([int(found[i].label or 0) for i in at])
        if at:
            files[f"raw/{name}-images-idx3-ubyte"] = idx_bytes(images[at])
            files[f"raw/{name}-labels-idx1-ubyte"] = idx_bytes(labels)
    return files


DATA: dict[str, Callable[[random.Random, Sequence[Item]], dict[str, bytes]]] = {
    "pixels": as_pixels,
    "npz": as_npz,
    "matlab": as_matlab,
    "listed": as_listed,
    "shards": as_shards,
    "parquet": as_parquet,
    "drawings": as_drawings,
    "base64": as_base64,
    "idx": as_idx,
}


def _written(rows: Sequence[Sequence[str]], separator: str) -> bytes:
    out = io.StringIO()
    csv.writer(out, delimiter=separator).writerows(rows)
    return out.getvalue().encode()


def png_of(number: int) -> bytes:
    return png(small_page("24R"[number % 3], number))


def _saved(write: Callable[[io.BytesIO], object]) -> bytes:
    out = io.BytesIO()
    write(out)
    return out.getvalue()


# what they are packed in


def write_tar(path: Path, content: Mapping[str, bytes], mode: str = "w:gz") -> Path:
    with tarfile.open(path, mode) as archive:
        for name, data in content.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return path


def write_7z(path: Path, content: Mapping[str, bytes]) -> Path:
    import py7zr

    with py7zr.SevenZipFile(path, "w") as archive:
        for name, data in content.items():
            archive.writestr(data, name)
    return path


def stored(rng: random.Random, path: Path, content: Mapping[str, bytes]) -> Path:
    """The files as a folder, a zip, a tar or, seldom, a 7z."""
    kind = rng.choice(("folder", "zip", "zip", "tar", "tar.gz"))
    if kind == "folder":
        return write_folder(path, content)
    if kind == "zip":
        return write_zip(path.with_name(f"{path.name}.zip"), content)
    return write_tar(
        path.with_name(f"{path.name}.{kind}"), content, "w:gz" if kind[-1] == "z" else "w"
    )
