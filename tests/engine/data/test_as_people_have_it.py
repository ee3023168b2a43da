"""Data sets as people have them, each a kind that was once read wrongly without a word: now read
rightly, or said to be doubtful.
"""

from __future__ import annotations

import csv
import io
import json
import struct
import warnings
import zipfile
import zlib
from collections import Counter

import numpy as np
import pytest
from listed import accounted, counts
from pictures import (
    files,
    glyphs,
    idx_bytes,
    page,
    png,
    small_page,
    write_folder,
    write_idx,
    write_zip,
)
from PIL import Image

from engine.data.catalog import list_dataset, load_dataset
from engine.data.choices import Choices
from engine.data.listing import SPLITS
from engine.data.names import guess_encoding
from engine.data.pixels import NO_NUMBERS
from engine.data.report import report_of
from engine.data.uploads import link_upload
from engine.errors import DataError
from engine.imaging.images import open_picture
from engine.progress import no_progress
from engine.recipes.fields import DataSpec


@pytest.fixture
def look(tmp_path):
    return {"folders": (), "home": tmp_path / "home", "offline": True, "unpacked_mb": 50}


@pytest.fixture
def opened(look):
    return lambda path: list_dataset(str(path), progress=no_progress, **look)


def said(listing) -> str:
    report = accounted(listing)
    rows = [f"{name}: {why}" for name, why in (*report.skipped, *report.absent)]
    return "\n".join([*(one.text for one in report.findings), *rows])


def flat(count: int, below: str = "images/") -> dict[str, bytes]:
    return {f"{below}{n:03d}.png": png(small_page("24R"[n % 3], n)) for n in range(count)}


def table(rows, separator: str = ",") -> bytes:
    out = io.StringIO()
    csv.writer(out, delimiter=separator).writerows(rows)
    return out.getvalue().encode()


def named(labels, head=("file", "label")) -> list:
    return [list(head), *([f"images/{n:03d}.png", label] for n, label in enumerate(labels))]


@pytest.mark.parametrize(
    "names",
    [
        ("entraînement", "validation", "essai"),
        ("Trainingsdaten", "Validierungsdaten", "Testdaten"),
        ("entrenamiento", "validación", "prueba"),
        ("treino", "validação", "teste"),
        ("обучение", "валидация", "тест"),
        ("訓練データ", "検証用", "テスト"),
        ("학습", "검증", "시험"),
    ],
)
def test_splits_are_known_in_other_languages(opened, tmp_path, names):
    content: dict[str, bytes] = {}
    for name in names:  # of one size: only the names tell
        content |= files("7", "x", count=2, below=f"{name}/")
    found = counts(opened(write_zip(tmp_path / "a.zip", content)))
    assert found == {(label, split): 2 for label in "7x" for split in SPLITS}


def test_folds_are_no_classes(opened, tmp_path):
    content = {k: v for n in (1, 2, 3) for k, v in files("cat", "dog", below=f"fold_{n}/").items()}
    listing = opened(write_zip(tmp_path / "a.zip", content))
    assert counts(listing) == {("cat", "train"): 9, ("dog", "train"): 9}
    assert "fold_1, fold_2, fold_3 are taken for writers or parts" in said(listing)


def test_labels_of_a_split_without_class_folders_come_from_its_table(opened, tmp_path):
    """As in Tiny ImageNet."""
    content = files("n01", "n02", below="tiny/train/") | flat(3, "tiny/val/images/")
    content["tiny/val/val_annotations.txt"] = b"".join(
        f"{n:03d}.png\tn0{n % 2 + 1}\t0\t0\t9\t9\n".encode() for n in range(3)
    )
    listing = opened(write_zip(tmp_path / "a.zip", content))
    train = {("n01", "train"): 3, ("n02", "train"): 3}
    assert counts(listing) == train | {("n01", "test"): 2, ("n02", "test"): 1}
    del content["tiny/val/val_annotations.txt"]
    assert counts(opened(write_zip(tmp_path / "b.zip", content))) == train | {(None, "train"): 3}


def test_what_is_lost_beside_the_classes_is_said(opened, tmp_path):
    content = files("a", "b") | {f"c/{n}.svg": b"<svg/>" for n in range(4)} | {"docs/x.md": b"x"}
    folder = write_folder(tmp_path / "a", content)
    (folder / "d").mkdir()
    text = said(opened(folder))
    assert "no picture was read from c, docs, which lie beside the classes: 5 files" in text
    assert "1 folder is empty and no class: d." in text
    archive = write_zip(tmp_path / "a.zip", files("a", "b") | {"d/": b""})
    assert "1 folder is empty and no class: d." in said(opened(archive))
    with warnings.catch_warnings(), zipfile.ZipFile(archive, "a") as again:
        warnings.simplefilter("ignore")  # of the name that comes twice
        again.writestr("a/0.png", png(small_page("R")))
    assert "1 name is there twice or more, and each file is read: a/0.png." in said(opened(archive))


def test_archives_inside_and_idx_files_of_other_names_get_advice(opened, tmp_path):
    inner = write_zip(tmp_path / "train.zip", files("a", "b")).read_bytes()
    with pytest.raises(DataError, match="Unpack train.zip first"):
        opened(write_zip(tmp_path / "outer.zip", {"train.zip": inner}))
    with pytest.raises(DataError, match="x.idx is an IDX file: call images and labels train-im"):
        opened(write_zip(tmp_path / "b.zip", {"x.idx": idx_bytes(glyphs(3))}))
    with pytest.raises(DataError, match="IDX images without their labels"):
        opened(write_zip(tmp_path / "c.zip", {"train-images-idx3-ubyte": idx_bytes(glyphs(3))}))


def test_flagged_names_in_a_zip_stay_where_others_are_guessed(opened, tmp_path):
    body = directory = b""
    for name, flag in ((b"\x82/1.png", 0), (b"\x81/1.png", 0), ("中/1.png".encode(), 0x800)):
        raw = png(small_page("2"))
        head = struct.pack("<HHHHHIIIHH", 20, flag, 0, 0, 33, zlib.crc32(raw), len(raw), len(raw),
                           len(name), 0)  # fmt: skip
        directory += b"PK\x01\x02" + struct.pack("<H", 20) + head
        directory += struct.pack("<HHHII", 0, 0, 0, 0, len(body)) + name
        body += b"PK\x03\x04" + head + name + raw
    end = struct.pack("<HHHHIIH", 0, 0, 3, 3, len(directory), len(body), 0)
    (tmp_path / "a.zip").write_bytes(body + directory + b"PK\x05\x06" + end)
    assert set(opened(tmp_path / "a.zip").classes) == {"é", "ü", "中"}


def test_pictures_of_8_and_of_16_bits_in_one_set_are_both_read(look, tmp_path):
    pages = [page("24R"[n % 3], 64, 64, (16, 8, 40 + n, 52), pen=4) for n in range(6)]
    content = {}
    for n, one in enumerate(pages):
        deep = Image.fromarray(np.asarray(one).astype(np.uint16) * 257)
        content[f"{'ab'[n % 2]}/{n}.png"] = png(deep if n % 3 else one)
    write_folder(tmp_path / "mixed", content)
    plain = {f"{'ab'[n % 2]}/{n}.png": png(one) for n, one in enumerate(pages)}
    write_folder(tmp_path / "plain", plain)
    mixed, alike = (
        load_dataset(
            DataSpec(name=str(tmp_path / name), style="page"), progress=no_progress, **look
        )
        for name in ("mixed", "plain")
    )
    assert np.abs(mixed.images.astype(int) - alike.images).max() <= 2
    assert any(
        "4 of 6 pictures that were looked at have more than 8" in f.text for f in mixed.findings
    )


def test_idx_files_keep_what_has_no_label_and_take_a_persons_choices(look, opened, tmp_path):
    drawn, labels = np.clip(glyphs(40), 0, 250), np.arange(40, dtype=np.uint8) % 4
    content = {
        "train-images-idx3-ubyte": idx_bytes(drawn),
        "train-labels-idx1-ubyte": idx_bytes(labels),
    }
    folder = write_folder(
        tmp_path / "a", content | {"t10k-images-idx3-ubyte": idx_bytes(255 - drawn[:9])}
    )
    listing = opened(folder)
    assert Counter(counts(listing)) == {(None, "train"): 9} | {(c, "train"): 10 for c in "0123"}
    assert "9 images have no label" in said(listing)
    # The polarity of the two files differs, and each glyph's own border tells.
    assert "each picture's border decides" in said(listing)
    assert np.array_equal(listing.reader.read(42), drawn[2])
    (folder / "t10k-images-idx3-ubyte").unlink()
    (folder / "t10k-labels-idx1-ubyte").write_bytes(idx_bytes(labels))
    listing = opened(folder)
    assert listing.skipped == (
        ("t10k-labels-idx1-ubyte", "the images that it is for are not here"),
    )
    name = link_upload(look["home"], folder, Choices(paper="light", test=0.2), 50).name
    chosen = opened(name)
    assert (
        counts(chosen)["0", "test"] == 2
        and "as chosen in the import settings" in chosen.notes["test"]
    )
    assert np.array_equal(chosen.reader.read(3), 255 - listing.reader.read(3))
    assert "read with light paper, as chosen" in said(chosen)


@pytest.mark.parametrize(
    ("name", "raw", "wanted", "words"),
    [
        ("a.csv", b"sep=;\r\n" + table(named("abab"), ";"), {"a": 2, "b": 2}, ""),
        ("a.csv", b"# made by hand\n# 2024\n" + table(named("abab")), {"a": 2, "b": 2}, ""),
        ("a.csv", table(named(["3.0", "5", "3", ""])), {"3": 2, "5": 1, None: 1}, "no label"),
        ("a.csv", table(named(["3", "5", "nan", "None"])), {"3": 1, "5": 1, None: 2},
         "a.csv: the labels 'None' (1), 'nan' (1) are taken for no label: all others are numbers."),
        ("a.csv", table(named(["a", "NA", "b", "N/A"])), {"a": 1, "b": 1, None: 2},
         "'N/A' (1), 'NA' (1) are taken for no label: all others are single characters."),
        ("a.csv", table(named(["null", "roti", "nan", "null"])), {"null": 2, "roti": 1, "nan": 1},
         "'nan' (1), 'null' (2) are taken for classes, like 'roti'"),
        ("a.csv", table(named(["ka", "na", "ka", " "])), {"ka": 2, "na": 1, None: 1},
         "'na' (1) are taken for classes"),
        ("a.csv", table(named(["cat", "unlabelled", "dog", ""])), {"cat": 1, "dog": 1, None: 2},
         "'unlabelled' (1) are taken for no label: they say so."),
        ("a.csv", table(named(["3", "-1", "5", "-1"])), {"3": 1, "5": 1, None: 2},
         "'-1' (2) are taken for no label"),
        ("a.csv", table([["file", "writer", "kind"], ["000.png", "w1", "a"], ["001.png", "w1", "b"],
                         ["002.png", "w2", "a"], ["003.png", "w2", "b"]]),
         {"a": 2, "b": 2}, "the pictures are of 2 writers: w1, w2."),
        ("a.csv", table([["file", "user_id", "label"], ["000.png", "1", "a"], ["000.png", "2", "a"],
                         ["001.png", "1", "b"], ["001.png", "2", "b"], ["002.png", "1", "a"]]),
         {"a": 2, "b": 1}, "labels are of 2 annotators: 1, 2."),
        ("a.csv", table([["file", "set", "label"], ["000.png", "train", "a"], ["001.png", "train", "b"],
                         ["002.png", "dev", "a"], ["003.png", "holdout", "b"]]), None, ""),
        ("a.csv", table(named(["3.5", "5", "3.5", "5"])), {"3.5": 2, "5": 2}, ""),
        ("a.csv", table(named(["007", "7", "007", "7"])), {"007": 2, "7": 2}, ""),
        ("a.csv", table(named("abab") + named("abab")[1:]), {"a": 2, "b": 2}, "named twice or more"),
        ("a.csv", table(named(["cat", "dog", "Cat", "dog"])), {"cat": 1, "dog": 2, "Cat": 1},
         "differ in capitals or spaces alone: 'Cat' and 'cat'"),
        ("a.csv", table([["image", "cat", "dog", "owl"], ["000.png", 1, 0, 0], ["001.png", 0, 1, 0],
                         ["002.png", 0, 0, 1], ["003.png", "1.0", 0, 0]]),
         {"cat": 2, "dog": 1, "owl": 1}, ""),
        ("a.csv", table([["image", "size", "kind"], ["000.png", 9, "a"], ["001.png", 9, "b"],
                         ["002.png", 8, "a"], ["003.png", 8, "b"]]),
         {"9": 2, "8": 2}, "no column is called a label: 'size' is taken for it, of 'kind'"),
        ("a.json", json.dumps(named("abab")[1:]).encode(), {"a": 2, "b": 2}, ""),
        ("a.csv", table(named(["3,0", "5,0", "3,0", "5,0"]), ";"), {"3": 2, "5": 2}, ""),
        ("via.json", json.dumps({"_via_settings": {"core": {}}, "_via_img_metadata": {
            f"{n:03d}.png77": {"filename": f"{n:03d}.png", "size": 77, "regions": [],
                               "file_attributes": {"class": "ab"[n % 2]}} for n in range(4)}}).encode(),
         {"a": 2, "b": 2}, ""),
    ],
)  # fmt: skip
def test_tables_are_read_as_they_are_meant(opened, tmp_path, name, raw, wanted, words):
    listing = opened(write_zip(tmp_path / "set.zip", flat(4) | {name: raw}))
    if wanted is None:
        assert [SPLITS[code] for code in listing.official] == ["train", "train", "val", "test"]
    else:
        assert counts(listing) == {(label, "train"): n for label, n in wanted.items()}
    assert words in said(listing)


def test_a_table_of_several_classes_in_one_picture_is_refused_with_the_reason(opened, tmp_path):
    rows = [["image", "cat", "dog", "owl"]] + [[f"{n:03d}.png", 1, n % 2, 1] for n in range(4)]
    with pytest.raises(
        DataError, match="cat, dog, owl hold 0 and 1, and 4 of 4 rows more than one"
    ):
        opened(write_zip(tmp_path / "set.zip", flat(4) | {"a.csv": table(rows)}))


def test_splits_are_those_of_the_folders_that_tables_or_pictures_lie_in(opened, tmp_path):
    """As in Roboflow's exports and in ImageFolders of the Hub with metadata."""
    content = flat(4, "train/") | flat(2, "valid/")
    rows = [(f"{n:03d}.png", n % 2) for n in range(4)]
    for split, count in (("train", 4), ("valid", 2)):
        lines = [f"{name}, {int(not odd)}, {odd}" for name, odd in rows[:count]]
        content[f"{split}/_classes.csv"] = "\n".join(["filename, cat, dog", *lines]).encode()
    wanted = {("cat", "train"): 2, ("dog", "train"): 2, ("cat", "test"): 1, ("dog", "test"): 1}
    assert counts(opened(write_zip(tmp_path / "a.zip", content))) == wanted
    labels = [
        (f"{split}/{name}", ["cat", "dog"][odd])
        for split, count in (("train", 4), ("valid", 2))
        for name, odd in rows[:count]
    ]
    both = (
        flat(4, "train/") | flat(2, "valid/") | {"labels.csv": table([("file", "label"), *labels])}
    )
    assert counts(opened(write_zip(tmp_path / "b.zip", both))) == wanted


def test_a_line_around_each_picture_is_no_paper(opened, look, tmp_path):
    content = {}
    for n in range(6):
        framed = np.asarray(page("24R"[n % 3], 64, 64, (16, 12, 44, 50), pen=4)).copy()
        framed[:2], framed[-2:], framed[:, :2], framed[:, -2:] = 0, 0, 0, 0
        content[f"{'ab'[n % 2]}/{n}.png"] = png(Image.fromarray(framed))
    path = write_zip(tmp_path / "a.zip", content)
    assert "6 pictures that were looked at have a line around them" in said(opened(path))
    data = load_dataset(DataSpec(name=str(path), style="page"), progress=no_progress, **look)
    assert data.images.mean() < 100  # the cells are paper


def test_pixels_in_one_cell_are_read(opened, tmp_path):
    """As in FER-2013."""
    drawn = glyphs(6)
    rows = [["emotion", "pixels", "Usage"]] + [
        [n % 2, " ".join(map(str, one.ravel())), ["Training", "PrivateTest"][n // 4]]
        for n, one in enumerate(drawn)
    ]
    (tmp_path / "fer2013.csv").write_bytes(table([*rows, [0, "1 2 3", "Training"]]))
    listing = opened(tmp_path / "fer2013.csv")
    assert counts(listing) == {(c, s): n for c in "01" for s, n in (("train", 2), ("test", 1))}
    assert np.array_equal(listing.reader.read(4), drawn[4])
    assert "fer2013.csv/6: its pixels are no square of numbers" in said(listing)


def test_parquet_names_pictures_beside_it_and_minus_one_is_no_label(opened, tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder = write_folder(tmp_path / "a", flat(4))
    rows = {"file_name": [f"images/{n:03d}.png" for n in range(4)], "label": [3.0, 5.0, None, 3.0]}
    pq.write_table(pa.table(rows), folder / "metadata.parquet")
    assert counts(opened(folder)) == {("3", "train"): 2, ("5", "train"): 1, (None, "train"): 1}
    pictures = [png(small_page("2", n)) for n in range(4)]
    rows = {"image": pictures, "mask": pictures, "label": [[0], [1], [-1], [0]]}
    pq.write_table(pa.table(rows), tmp_path / "b.parquet")
    listing = opened(tmp_path / "b.parquet")
    assert counts(listing) == {("0", "train"): 2, ("1", "train"): 1, (None, "train"): 1}
    assert "images are in 'image'; not read: mask." in said(listing)


def test_arrays_that_fit_nothing_are_said_and_never_paired_across_splits(opened, tmp_path):
    drawn, labels = glyphs(8), np.arange(8) % 2
    np.savez(tmp_path / "a.npz", x_test=drawn, x_train=drawn, y_train=labels / 1, z=np.zeros(3))
    listing = opened(tmp_path / "a.npz")
    assert counts(listing) == {("0", "train"): 4, ("1", "train"): 4, (None, "train"): 8}
    assert "1 array is not read: a/z (3,)." in said(listing)
    np.savez(tmp_path / "b.npz", x_train=drawn, y_train=labels, x_test=drawn[:5], y_test=labels[:4])
    text = said(opened(tmp_path / "b.npz"))
    assert "1 array is not read: no images or labels of as many are left: b/y_test (4,)." in text
    turned = drawn / 127.5 - 1  # -1 to 1: nothing is cut off
    turned[0, 0, 0], turned[1, 0, :3] = np.inf, np.nan
    some = np.where(np.arange(8) < 7, labels, np.nan)  # one is missing
    np.savez(tmp_path / "c.npz", x=turned, y=some)
    assert counts(opened(tmp_path / "c.npz"))[None, "train"] == 1
    found = np.stack([opened(tmp_path / "c.npz").reader.read(n) for n in range(6)])
    assert np.abs(found.astype(int) - drawn[2:]).max() <= 2


@pytest.mark.parametrize("ending", ["npz", "npy", "mat", "idx", "colour"])
def test_images_of_what_is_no_number_are_named_and_left_out(opened, tmp_path, ending):
    from scipy.io import savemat

    levels = glyphs(8) / np.float32(255)
    levels[1, 3, 3], levels[4], levels[6, 0, 0] = np.nan, np.nan, -np.inf
    labels = np.arange(8) % 2
    path = tmp_path / f"a.{ending}"
    if ending == "npy":
        path = tmp_path
        np.save(path / "images.npy", levels)
        np.save(path / "labels.npy", labels)
    elif ending == "idx":
        path = tmp_path
        write_idx(path / "train-images-idx3-ubyte", levels)
        write_idx(path / "train-labels-idx1-ubyte", labels.astype(np.uint8))
    elif ending == "mat":
        savemat(path, {"images": levels, "labels": labels})
    else:
        three = np.stack([levels] * 3, axis=-1)
        path = tmp_path / "a.npz"
        np.savez(path, images=three if ending == "colour" else levels, labels=labels)
    listing = opened(path)
    assert counts(listing) == {("0", "train"): 2, ("1", "train"): 3}
    text = said(listing)
    assert "3 images hold values that are no numbers (NaN or infinite), and are left out: " in text
    assert [name.rpartition("/")[2] for name, _ in listing.skipped] == ["1", "4", "6"]
    assert listing.skipped[0][1] == NO_NUMBERS and len(report_of(listing).skipped) == 3
    shown = open_picture(listing.reader.read(1))  # what is left keeps its place
    assert np.abs(np.asarray(shown.convert("L")).astype(int) - glyphs(8)[2]).max() <= 1


def test_pictures_of_floats_that_are_no_numbers_are_said(opened, tmp_path):
    content = {}
    for n in range(4):
        levels = np.asarray(small_page("24"[n % 2], n), np.float32) / 255
        if n == 2:
            levels = np.where(levels < 0.5, np.nan, levels)
        file = io.BytesIO()
        Image.fromarray(levels).save(file, "TIFF")
        content[f"{'ab'[n % 2]}/{n}.tif"] = file.getvalue()
    text = said(opened(write_zip(tmp_path / "a.zip", content)))
    assert "1 of 4 pictures that were looked at hold values that are no numbers" in text
    ok = {name: raw for name, raw in content.items() if "2" not in name}
    assert "no numbers" not in said(opened(write_zip(tmp_path / "b.zip", ok)))


def cells(values) -> np.ndarray:
    """A cell array, as scipy writes it."""
    out = np.empty(len(values), object)
    for number, value in enumerate(values):
        out[number] = value
    return out


DRAWN = glyphs(6)
RAGGED = [drawn[: 20 + n] for n, drawn in enumerate(DRAWN)]
MATLAB = {
    "of one size": {"images": cells(list(DRAWN)), "labels": np.array([1, 2] * 3)},
    "of many": {"letters": cells(RAGGED), "labels": cells(list("ababab"))},
    "a column": {"x": cells(RAGGED).reshape(-1, 1), "y": np.array([["1"], ["2"]] * 3)},
    "a mask": {"x": cells([one > 99 for one in RAGGED]), "y": cells([1, 2] * 3)},
    "beside their labels": {
        "data": np.array([cells([one, "ab"[n % 2]]) for n, one in enumerate(RAGGED)])
    },
    "structs": {
        "s": np.array(
            [(one, "ab"[n % 2]) for n, one in enumerate(RAGGED)],
            dtype=[("image", object), ("label", object)],
        )
    },
    "with names": {
        "images": cells(list(DRAWN)),
        "labels": np.array([1, 2] * 3),
        "class_names": cells(["a", "b"]),
    },
}


@pytest.mark.parametrize("how", MATLAB)
def test_cell_arrays_of_images_are_read(opened, tmp_path, how):
    from scipy.io import savemat

    savemat(tmp_path / "a.mat", MATLAB[how])
    listing = opened(tmp_path / "a.mat")
    names = ("1", "2") if how in ("of one size", "a column", "a mask") else ("a", "b")
    assert counts(listing) == {(name, "train"): 3 for name in names}
    assert listing.labels.tolist() == [0, 1] * 3
    wanted = DRAWN[3] if how in ("of one size", "with names") else RAGGED[3]
    wanted = wanted > 99 if how == "a mask" else wanted
    assert listing.convention.high == (1 if how == "a mask" else None)
    raw = listing.reader.read(3)
    found = raw if isinstance(raw, np.ndarray) else np.asarray(open_picture(raw))
    assert np.array_equal(found, wanted)
    report = report_of(listing)
    assert report.seen == 6 and not report.skipped


def test_a_table_of_cells_has_a_class_in_each_row(opened, tmp_path):
    """As Binary Alphadigits has them: 36 classes by 39 images."""
    from scipy.io import savemat

    table = cells(list(DRAWN)).reshape(2, 3)
    savemat(tmp_path / "a.mat", {"dat": table, "classlabels": cells(["A", "B"])})
    listing = opened(tmp_path / "a.mat")
    assert counts(listing) == {("A", "train"): 3, ("B", "train"): 3}
    assert "2 rows of images, which are taken for the classes: a.mat/classlabels" in said(listing)
    nested = cells([cells(RAGGED[:4]), cells(RAGGED[4:])])
    savemat(tmp_path / "b.mat", {"letters": nested})
    listing = opened(tmp_path / "b.mat")
    assert counts(listing) == {("1", "train"): 4, ("2", "train"): 2}
    assert "nothing names them" in said(listing)


def test_a_cell_without_a_picture_is_left_out_and_cells_of_other_things_are_named(opened, tmp_path):
    from scipy.io import savemat

    some = cells([*RAGGED[:2], np.zeros((0, 0)), *RAGGED[3:]])
    savemat(tmp_path / "a.mat", {"x": some, "y": cells(list("ababab"))})
    listing = opened(tmp_path / "a.mat")
    assert counts(listing) == {("a", "train"): 2, ("b", "train"): 3}
    assert listing.skipped == (("a.mat/x/2", "it holds no picture"),)
    savemat(tmp_path / "b.mat", {"x": cells(["a", DRAWN[0], 3]), "y": np.arange(3)})
    with pytest.raises(DataError, match=r"b.mat/x 3 cells of int, ndarray, str"):
        opened(tmp_path / "b.mat")


def test_what_is_wrong_with_a_file_is_said_with_what_to_do(opened, tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    objects = np.array([np.zeros((9, 9)), np.zeros((8, 9))], dtype=object)
    np.save(tmp_path / "a.npy", objects, allow_pickle=True)
    with pytest.raises(DataError, match=r"a.npy holds Python objects.*a pickle.*np.savez\("):
        opened(tmp_path / "a.npy")
    pq.write_table(pa.table({"image": [png(small_page("2"))] * 9}), tmp_path / "b.parquet")
    np.savez(tmp_path / "c.npz", x=glyphs(4), y=np.arange(4))
    for name in ("b.parquet", "c.npz"):
        raw = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(raw[: len(raw) // 2])
        with pytest.raises(DataError, match=f"{name}.*copy or download it again"):
            opened(tmp_path / name)
    np.savez(tmp_path / "d.npz", x=glyphs(8).astype(int), y=np.arange(8) % 2)
    assert glyphs(8).max() == 255 and "stretched" not in said(opened(tmp_path / "d.npz"))


def test_a_decompression_bomb_is_named_in_one_sentence(look, tmp_path):
    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    head = struct.pack(">IIBBBBB", 40_000, 40_000, 8, 0, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")
    path = write_zip(tmp_path / "a.zip", files("a", "b") | {"a/bomb.png": bomb})
    data = load_dataset(DataSpec(name=str(path)), progress=no_progress, **look)
    text = "\n".join(one.text for one in data.findings)
    assert "1,600,000,000. Allowed: at most 50,000,000 pixels." in text and ".." not in text


def test_idx_files_of_colour_and_of_rows(opened, tmp_path):
    drawn, labels = glyphs(8), (np.arange(8) % 2).astype(np.uint8)
    for name, images in {
        "row": drawn.reshape(8, -1),
        "channel": drawn[..., None],
        "colour": np.stack([drawn, drawn, 255 - drawn], axis=-1),
    }.items():
        (tmp_path / name).mkdir()
        axes = images.ndim
        write_idx(tmp_path / name / f"train-images-idx{axes}-ubyte", images)
        write_idx(tmp_path / name / "train-labels-idx1-ubyte", labels)
        listing = opened(tmp_path / name)
        assert counts(listing) == {("0", "train"): 4, ("1", "train"): 4}
        raw = listing.reader.read(3)
        if name == "colour":
            assert np.array_equal(np.asarray(open_picture(raw)), images[3])
        else:
            assert np.array_equal(raw, drawn[3])
    write_idx(tmp_path / "row" / "train-images-idx2-ubyte", np.zeros((8, 4, 28, 28), np.float32))
    with pytest.raises(DataError, match="4 axes .* of float32. Needed: 3 axes"):
        opened(tmp_path / "row")


def test_a_class_of_which_nothing_can_be_read_is_said(look, tmp_path):
    content = files("a", "b") | {f"c/{n}.png": b"<html>" for n in range(2)}
    data = load_dataset(
        DataSpec(name=str(write_zip(tmp_path / "a.zip", content))), progress=no_progress, **look
    )
    assert "no picture of c can be read." in [one.text for one in data.findings]


def test_a_pool_keeps_images_without_a_label_without_one(look, tmp_path):
    content = files("a", "b", count=6, below="train/") | flat(3, "test/")
    names = [str(write_zip(tmp_path / f"{n}.zip", content)) for n in "xy"]
    data = load_dataset(DataSpec(name="+".join(names)), progress=no_progress, **look)
    assert Counter(data.labels.tolist()) == {0: 12, 1: 12, -1: 6}


def test_omniglots_characters_are_classes_of_their_alphabet_whatever_the_zip_is_called(
    opened, tmp_path
):
    drawn = {
        f"strokes/{alphabet}/character{number:02d}/{n}.png": png(small_page("24"[number % 2], n))
        for alphabet in ("Greek", "N_Ko")
        for number in (1, 2)
        for n in range(2)
    }
    listing = opened(write_zip(tmp_path / "strokes.zip", drawn))
    assert listing.classes == ("Greek 01", "Greek 02", "N Ko 01", "N Ko 02")
    listing = opened(write_zip(tmp_path / "other.zip", {**drawn, "strokes/A/b/1.png": b""}))
    assert "Greek 01" not in listing.classes  # not all lie so


@pytest.mark.parametrize("repeated", [True, False])
def test_a_header_of_numbers_is_no_picture(opened, tmp_path, repeated):
    """A to Z of NIST as it is passed around: a row of zeros that pandas took for names."""
    names = ["0", *(f"0.{n}" for n in range(1, 785))] if repeated else list(map(str, range(785)))
    pages = [np.asarray(small_page("24R"[n % 3], n).resize((28, 28))) for n in range(12)]
    rows = [[str(n % 3), *map(str, page.ravel())] for n, page in enumerate(pages)]
    path = tmp_path / "letters.csv"
    path.write_text("\n".join(",".join(row) for row in [names, *rows]))
    listing = opened(path)
    assert len(listing.labels) == 12 and listing.classes == ("0", "1", "2")


@pytest.mark.parametrize("called", ["px_{}_{}", "at row {} column {}"])
def test_a_named_label_may_stand_behind_the_pixels(opened, tmp_path, called):
    names = [*(called.format(n // 28, n % 28) for n in range(784)), "class"]
    pages = [np.asarray(small_page("24R"[n % 3], n).resize((28, 28))) for n in range(12)]
    rows = [[*map(str, page.ravel()), "ABC"[n % 3]] for n, page in enumerate(pages)]
    path = tmp_path / "letters.csv"
    path.write_text("\n".join(",".join(row) for row in [names, *rows]))
    listing = opened(path)
    assert len(listing.labels) == 12 and listing.classes == ("A", "B", "C")


def test_thumbnails_within_a_class_are_no_images_of_it(opened, tmp_path):
    content = files("a", "b", count=4)
    content |= {
        f"{name.rpartition('/')[0]}/thumbnails/{name.rpartition('/')[2]}": data
        for name, data in content.items()
    }
    listing = opened(write_zip(tmp_path / "small.zip", content))
    assert len(listing.labels) == 8 and listing.classes == ("a", "b")
    assert any("8 pictures lie in thumbnails" in one.text for one in report_of(listing).warnings)
    only = {name: data for name, data in content.items() if "/thumbnails/" in name}
    assert len(opened(write_zip(tmp_path / "only.zip", only)).labels) == 8  # there are no others


def test_a_table_in_a_code_page_is_decoded_however_long_its_lines_are(opened, tmp_path):
    """A long line that an encoding can't decode costs more than one that it can."""
    labels = ("Ärger", "Öl", "süß")
    content = {f"bilder/b{n}.png": png(small_page("24R"[n % 3], n)) for n in range(30)}
    lines = [f"bilder\\b{n}.png;{labels[n % 3]}" for n in range(30)]
    for encoding in ("cp1252", "cp850"):
        table = "\r\n".join(["Datei;Klasse", *lines]).encode(encoding)
        folder = write_folder(tmp_path / encoding, content | {"tabelle.csv": table})
        assert counts(opened(folder)) == {(label, "train"): 10 for label in labels}
    name = "Übungsblätter-für-Größen-" * 4
    raw = name.encode("cp850")
    assert raw.decode(guess_encoding([raw])) == name


def test_paths_in_a_table_may_be_percent_encoded(opened, tmp_path):
    """Label Studio's CSV: /data/upload/1/0a1b2c3d-scan%201.png."""
    content = {f"images/{n:08x}-scan {n}.png": png(small_page("24"[n % 2], n)) for n in range(6)}
    rows = [f"{'ab'[n % 2]},{n},/data/upload/1/{n:08x}-scan%20{n}.png" for n in range(6)]
    content["project.csv"] = "\n".join(["choice,id,image", *rows]).encode()
    listing = opened(write_folder(tmp_path / "set", content))
    assert counts(listing) == {(name, "train"): 3 for name in "ab"}
