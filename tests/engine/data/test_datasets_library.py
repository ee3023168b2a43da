"""Data sets that Hugging Face's library `datasets` saved, in each way in which it stores images and
labels, and those of the lab that it loads.
"""

from __future__ import annotations

import importlib.util
import io
import json
from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from pictures import png, small_page
from PIL import Image
from saved_datasets import (
    IMAGE,
    a_list,
    array_2d,
    class_label,
    pictures,
    save_to_disk,
    write_stream,
)
from stored import glyph

from engine.data.listing import SPLITS
from engine.data.report import report_of
from engine.errors import DataError
from engine.lab import Lab
from engine.progress import no_progress

NAMES = ("two", "four", "R")
LABELS = [number % 3 for number in range(12)]
PAGES = [png(small_page("24R"[label], number)) for number, label in enumerate(LABELS)]
CLASS = class_label(NAMES)
NUMBERS = pa.array(LABELS, pa.int64())


def labels_of(listing):
    return [listing.classes[n] if n >= 0 else None for n in listing.labels.tolist()]


def findings(listing):
    return " ".join(one.text for one in report_of(listing).findings)


WANTED = [NAMES[label] for label in LABELS]


def test_splits_and_shards_keep_every_image_and_its_class_name(opened, tmp_path):
    features = {"image": IMAGE, "label": CLASS}
    for split, (start, end) in {"train": (0, 6), "validation": (6, 9), "test": (9, 12)}.items():
        columns = {"image": pictures(PAGES[start:end]), "label": NUMBERS[start:end]}
        save_to_disk(tmp_path / "set" / split, columns, features, shards=2)
    (tmp_path / "set/dataset_dict.json").write_text('{"splits": ["train", "validation", "test"]}')
    listing = opened(tmp_path / "set")
    assert Counter(SPLITS[code] for code in listing.official.tolist()) == Counter(
        {"train": 6, "val": 3, "test": 3}
    )
    assert listing.classes == NAMES
    found = {bytes(listing.reader.read(i)): label for i, label in enumerate(labels_of(listing))}
    assert found == dict(zip(PAGES, WANTED, strict=True))
    assert "read together" not in findings(listing)


def test_caches_beside_a_saved_set_are_not_read_as_more_of_it(opened, tmp_path):
    """`map` leaves a copy of all images beside the set, `filter` and `shuffle` a list of row numbers."""
    features = {"image": IMAGE, "label": CLASS}
    columns = {"image": pictures(PAGES), "label": NUMBERS}
    folder = save_to_disk(tmp_path / "set", columns, features)
    others = pa.array([(label + 1) % 3 for label in LABELS], pa.int64())
    mapped = {"image": pictures(PAGES), "label": others}
    write_stream(folder / "cache-a996e65801789cc6.arrow", mapped, features)
    rows = {"indices": pa.array([2, 0], pa.uint64())}
    write_stream(folder / "cache-9af27568708736e5.arrow", rows, {})
    listing = opened(folder)
    assert labels_of(listing) == WANTED
    assert "cache-9af27568708736e5.arrow, cache-a996e65801789cc6.arrow" in findings(listing)
    (folder / "cache-9af27568708736e5.arrow").unlink()
    (folder / "cache-a996e65801789cc6.arrow").unlink()
    assert "cache" not in findings(opened(folder))


def test_labels_are_read_in_each_form_that_holds_one_class(opened, tmp_path):
    one_hot = [[int(label == n) for n in range(3)] for label in LABELS]
    struct = [{"id": label, "name": NAMES[label]} for label in LABELS]
    text = {"dtype": "string", "_type": "Value"}
    forms = {
        "list": (pa.array([[label] for label in LABELS]), a_list(CLASS), WANTED),
        "one_hot": (pa.array(one_hot), a_list({"dtype": "int64", "_type": "Value"}),
                    [str(label) for label in LABELS]),
        "struct": (pa.array(struct), {"id": {"dtype": "int64", "_type": "Value"}, "name": text},
                   WANTED),
        "texts": (pa.array(WANTED), text, WANTED),
        "none": (pa.array([None, -1, *LABELS[2:]], pa.int64()), CLASS, [None, None, *WANTED[2:]]),
    }  # fmt: skip
    for name, (column, feature, wanted) in forms.items():
        columns = {"image": pictures(PAGES), "label": column}
        folder = save_to_disk(tmp_path / name, columns, {"image": IMAGE, "label": feature})
        assert labels_of(opened(folder)) == wanted, name


def test_several_classes_of_one_image_are_no_label_and_that_is_said(opened, tmp_path):
    features = {"image": IMAGE, "label": a_list(CLASS)}
    some = [[label] if label else [0, 1] for label in LABELS]
    columns = {"image": pictures(PAGES), "label": pa.array(some)}
    listing = opened(save_to_disk(tmp_path / "some", columns, features))
    assert labels_of(listing) == [NAMES[label] if label else None for label in LABELS]
    assert "several classes each in 'label'" in findings(listing)
    columns["label"] = pa.array([[0, 1]] * 12)
    with pytest.raises(DataError, match="several classes each in 'label'"):
        opened(save_to_disk(tmp_path / "all", columns, features))


def test_a_declared_column_of_classes_counts_before_one_that_is_called_text(opened, tmp_path):
    text = {"dtype": "string", "_type": "Value"}
    columns = {
        "picture": pictures(PAGES),
        "text": pa.array(["a character"] * 12),
        "what": NUMBERS,
        "writer": pa.array([0, 1] * 6, pa.int64()),
    }
    features = {"picture": IMAGE, "text": text, "what": CLASS, "writer": class_label(("a", "b"))}
    listing = opened(save_to_disk(tmp_path / "set", columns, features))
    assert labels_of(listing) == WANTED
    assert "the label is 'what'; classes are in writer too" in findings(listing)


def test_images_are_read_from_lists_arrays_and_structs(opened, tmp_path):
    glyphs = [glyph(number) for number in range(12)]
    flat = pa.array([one.reshape(-1).tolist() for one in glyphs], pa.list_(pa.uint8()))
    nested = pa.array([one.tolist() for one in glyphs], pa.list_(pa.list_(pa.uint8())))
    feature, metadata = array_2d((8, 8))
    number = {"dtype": "uint8", "_type": "Value"}
    forms = {
        "flat": (flat, a_list(number)),
        "nested": (nested, a_list(a_list(number))),
        "array": ((nested, metadata), feature),
    }
    for name, (column, kind) in forms.items():
        columns = {"image": column, "label": NUMBERS}
        folder = save_to_disk(tmp_path / name, columns, {"image": kind, "label": CLASS})
        listing = opened(folder)
        assert labels_of(listing) == WANTED
        read = [np.asarray(listing.reader.read(i)) for i in range(12)]
        assert all((one == kept).all() for one, kept in zip(read, glyphs, strict=True)), name


def test_a_list_of_one_picture_is_that_picture_and_one_of_two_is_refused(opened, tmp_path):
    features = {"images": a_list(IMAGE), "label": CLASS}
    cells = [{"bytes": page, "path": None} for page in PAGES]
    columns = {"images": pa.array([[one] for one in cells]), "label": NUMBERS}
    listing = opened(save_to_disk(tmp_path / "one", columns, features))
    assert [bytes(listing.reader.read(i)) for i in range(12)] == PAGES
    columns["images"] = pa.array([[one, one] for one in cells])
    with pytest.raises(DataError, match="it holds 2 pictures"):
        opened(save_to_disk(tmp_path / "two", columns, features))


def test_a_table_of_paths_alone_says_how_to_put_the_pictures_in(opened, tmp_path):
    columns = {"image": pictures([None] * 12, [f"/else/{n}.png" for n in range(12)]),
               "label": NUMBERS}  # fmt: skip
    with pytest.raises(DataError, match="not in the table.*paths alone.*`save_to_disk`"):
        opened(save_to_disk(tmp_path / "set", columns, {"image": IMAGE, "label": CLASS}))


def test_small_grey_glyphs_of_several_sizes_are_no_photographs(opened, tmp_path):
    pixels = [
        np.kron(glyph(n), np.ones((3, 3), np.uint8))[: 20 + n % 4].tolist() for n in range(12)
    ]
    columns = {"image": pa.array(pixels, pa.list_(pa.list_(pa.uint8()))), "label": NUMBERS}
    listing = opened(save_to_disk(tmp_path / "set", columns, {"label": CLASS}))
    assert listing.kind == "digit" and len(listing) == 12


def test_the_library_itself_and_the_lab_read_what_the_other_wrote(opened, tmp_path):
    if importlib.util.find_spec("datasets") is None:
        pytest.skip("the library `datasets` is not installed: its files are made by hand above")
    import datasets

    features = datasets.Features(
        {"image": datasets.Image(), "label": datasets.ClassLabel(names=list(NAMES))}
    )
    images = [Image.open(io.BytesIO(page)) for page in PAGES]
    made = datasets.Dataset.from_dict({"image": images, "label": LABELS}, features=features)
    datasets.DatasetDict(train=made).save_to_disk(tmp_path / "set")
    listing = opened(tmp_path / "set")
    assert labels_of(listing) == WANTED
    exports = Lab(tmp_path / "home").exports
    out = exports.dataset(str(tmp_path / "set"), "parquet", tmp_path / "out", no_progress)
    loaded = datasets.load_dataset(str(out), cache_dir=str(tmp_path / "cache"))["train"]
    assert loaded.features["label"].names == list(NAMES)
    assert isinstance(loaded.features["image"], datasets.Image)
    assert loaded["label"][:] == LABELS
    assert all(
        np.array_equal(np.asarray(one), np.asarray(kept))
        for one, kept in zip(loaded["image"][:], images, strict=True)
    )


def test_the_state_of_a_saved_set_that_is_no_state_changes_nothing(opened, tmp_path):
    columns = {"image": pictures(PAGES), "label": NUMBERS}
    folder = save_to_disk(tmp_path / "set", columns, {"image": IMAGE, "label": CLASS})
    for content in ("{", "[1]", json.dumps({"_data_files": [{"filename": "renamed.arrow"}]})):
        (folder / "state.json").write_text(content, encoding="utf-8")
        assert labels_of(opened(folder)) == WANTED
