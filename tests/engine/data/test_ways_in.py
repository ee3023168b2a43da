"""Every way in: what was written is what is read, to the pixel, and what can't be read is said."""

from __future__ import annotations

import gzip
import io
import json
import random
import tarfile

import numpy as np
import pytest
from listed import accounted, counts
from pictures import files, glyphs, png, small_page, write_folder, write_mnist, write_zip
from stored import DATA, TABLES, Item, counted, glyphs_of, items, stored, write_7z, write_tar

from engine.data.catalog import list_dataset, load_dataset
from engine.data.choices import AS_FOUND, Choices
from engine.data.forms.schema_names import listed_names, without_caches
from engine.data.forms.sink import Sink
from engine.data.report import report_of
from engine.data.staging import list_at
from engine.errors import DataError
from engine.progress import no_progress
from engine.recipes.fields import DataSpec

CLASSES = ("0", "1", "7", "007", "é", "cat dog", "train", "x,y", "中")
JUNK = ("readme.md", "notes.txt", ".DS_Store", "__MACOSX/x.png", "model.pkl", "numbers.csv")


@pytest.fixture
def opened(tmp_path):
    def listing(path, load=False, **spec):
        look = {"folders": (), "home": tmp_path / "home", "offline": True, "unpacked_mb": 50}
        if load:
            return load_dataset(DataSpec(name=str(path), **spec), progress=no_progress, **look)
        return list_dataset(str(path), progress=no_progress, **look)

    return listing


def findings(listing) -> str:
    return "\n".join(one.text for one in report_of(listing).findings)


def tabled(rng, found, write, around="images/"):
    """Pictures that a table names, and the table."""
    names = [f"{number:03d}.png" for number in range(len(found))]
    table, ending = write(rng, found, [f"{around}{name}" for name in names])
    content = {f"{around}{name}": png(small_page("24R"[i % 3], i)) for i, name in enumerate(names)}
    return content | {f"labels{ending}": table}


def generated(seed):
    """A data set of a kind that the seed draws: its files, and what is to be found in them."""
    rng = random.Random(seed)
    form = rng.choice([*TABLES, *DATA])
    classes = (
        [str(n) for n in range(3)] if form == "idx" else rng.sample(CLASSES, rng.randint(2, 4))
    )
    has_splits = form not in ("cvat", "drawings") and rng.random() < 0.6
    if form == "listed":  # names that are numbers need no list
        classes = rng.sample([name for name in CLASSES if not name.isdigit()], 3)
    found = items(rng, classes, has_splits, form != "idx" and rng.random() < 0.5)
    found *= 2 if form == "shards" else 1  # a text that is there once is a caption
    if form == "idx":
        found = [one._replace(split="test" if one.split == "val" else one.split) for one in found]
    content = tabled(rng, found, TABLES[form]) if form in TABLES else DATA[form](rng, found)
    junk = {name: b"x" for name in rng.sample(JUNK, rng.randint(0, 3))}
    return rng, content | junk, found, junk


@pytest.mark.parametrize("part", range(3))
def test_generated_data_sets_are_counted_rightly_and_lose_no_file(opened, tmp_path, part):
    for seed in range(80 * part, 80 * part + 80):
        rng, content, found, junk = generated(seed)
        listing = opened(stored(rng, tmp_path / str(seed), content))
        assert counts(listing) == counted(found), (seed, sorted(content))
        report = accounted(listing)
        named = {name for name, _ in report.skipped} | set(report.hidden)
        lost = {name for name in junk if name not in named and name != "readme.md"}
        assert not lost, (seed, lost)
        images = " ".join([*listing.files, *listing.survey.layout])  # of arrays: set/x_train/0
        unsaid = {
            name
            for name in content.keys() - junk.keys() - named - {*report.read}
            if name not in images and name.rpartition(".")[0] not in images
            if "ubyte" not in name  # labels of IDX, whose images say that they were read
        }
        assert not unsaid, (seed, unsaid)


def test_damaged_files_are_refused_in_words(opened, tmp_path):
    """Cut, lengthened or changed: a data set, or a DataError."""
    for seed in range(120):
        rng, content, _, _ = generated(seed)
        name = rng.choice(sorted(content))
        data = bytearray(content[name])
        for _ in range(rng.randint(1, 3)):
            at = rng.randrange(len(data) + 1)
            data[at : at + rng.randint(0, 30)] = rng.randbytes(rng.randint(0, 8))
        path = stored(rng, tmp_path / str(seed), content | {name: bytes(data)})
        if path.is_file() and rng.random() < 0.5:
            whole = path.read_bytes()
            path.write_bytes(whole[: rng.randrange(len(whole))])
        try:
            report_of(opened(path))
        except DataError as error:
            assert "\n" not in str(error)


def test_the_pixels_of_every_form_are_those_that_were_written(opened, tmp_path):
    found = [Item(str(n % 3), "train") for n in range(30)]
    wanted = glyphs_of(found)
    for form in ("pixels", "npz", "idx"):
        content = DATA[form](random.Random(1), found)
        listing = opened(write_zip(tmp_path / f"{form}.zip", content))
        assert listing.kind == "digit"
        for number, glyph in enumerate(wanted):
            assert (np.asarray(listing.reader.read(number)) == glyph).all(), (form, number)


def test_a_table_by_its_own_path_names_the_pictures_beside_it(opened, tmp_path):
    found = [Item("ab"[n % 2], "train") for n in range(6)]
    folder = write_folder(tmp_path / "set", tabled(random.Random(3), found, TABLES["json"]))
    table = next(path for path in folder.iterdir() if path.is_file())
    assert counts(opened(table)) == counted(found)
    (folder / "other.csv").write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match="other.csv names no picture that lies beside it"):
        opened(folder / "other.csv")


def test_paths_of_other_machines_are_found_by_how_they_end(opened, tmp_path):
    content = {f"set/{split}/{n}.png": png(small_page("2", n)) for split in "ab" for n in range(3)}
    rows = [
        f"C:\\Users\\me\\set\\{split}\\{n}.png,{split}{n % 2}" for split in "ab" for n in range(3)
    ]
    rows += ["/home/me/set/c/9.png,x", "0.png,y"]
    content["labels.csv"] = "\n".join(["path,label", *rows]).encode()
    listing = opened(write_zip(tmp_path / "set.zip", content))
    assert set(counts(listing)) == {(label, "train") for label in ("a0", "a1", "b0", "b1")}
    assert dict(accounted(listing).absent) == {
        "/home/me/set/c/9.png": "named in labels.csv: no picture is called so",
        "0.png": "named in labels.csv: 2 pictures end so: set/a/0.png, set/b/0.png",
    }


def test_the_majority_of_annotators_counts_and_a_tie_is_no_label(opened, tmp_path):
    content = {f"{n}.png": png(small_page("2", n)) for n in range(3)}
    rows = ["0.png,a,x", "0.png,a,y", "0.png,b,z", "1.png,a,x", "1.png,b,y", "2.png,b,x"]
    content["labels.csv"] = "\n".join(["file,label,annotator", *rows]).encode()
    listing = opened(write_zip(tmp_path / "set.zip", content))
    assert counts(listing) == {("a", "train"): 1, ("b", "train"): 1, (None, "train"): 1}
    assert "2 pictures are named more than once" in findings(listing)
    assert "labels are of 3 annotators: x, y, z" in findings(listing)


def test_a_table_of_a_few_pictures_says_nothing_of_classes_in_folders(opened, tmp_path):
    content = files("a", "b", count=5) | {"best.csv": b"file,label\na/0.png,x\n"}
    listing = opened(write_zip(tmp_path / "set.zip", content))
    assert listing.classes == ("a", "b") and "best.csv: a table that was not read" in findings(
        listing
    )
    content["best.csv"] = b"file,size\n" + b"".join(
        f"{c}/{n}.png,{n}\n".encode() for c in "ab" for n in range(5)
    )
    assert opened(write_zip(tmp_path / "other.zip", content)).classes == ("a", "b")


def test_images_without_labels_are_loaded_and_in_no_split(opened, tmp_path):
    content = files("a", "b", count=6, below="train/")
    content |= {f"test/{n}.png": png(small_page("R", n)) for n in range(4)}
    data = opened(write_zip(tmp_path / "set.zip", content), load=True, test=0.25, validation=0.25)
    assert len(data) == 16 and (data.labels < 0).sum() == 4
    split = np.concatenate(list(data.splits.values()))
    assert len(split) == 12 and (data.labels[split] >= 0).all()
    assert data.split("unlabelled").tolist() == np.flatnonzero(data.labels < 0).tolist()
    assert data.counts().tolist() == [6, 6]
    assert any("4 images have no label" in one.text for one in data.findings)


def test_arrays_and_tables_of_images_alone_are_read_where_a_person_says_so(tmp_path):
    wanted = glyphs(6)
    np.save(tmp_path / "images.npy", wanted)
    np.savez(tmp_path / "several.npz", a=wanted, b=wanted[:3])
    rows = "\n".join(",".join(map(str, one.ravel())) for one in wanted)
    header = ",".join(f"pixel{n}" for n in range(wanted[0].size))
    (tmp_path / "test.csv").write_text(f"{header}\n{rows}", encoding="utf-8")
    chosen = Choices(unlabelled=True)
    for name, count in (("images.npy", 6), ("several.npz", 9), ("test.csv", 6)):
        listing = list_at(tmp_path / "home", tmp_path / name, chosen, 50, no_progress)
        assert len(listing) == count and (listing.labels < 0).all() and not listing.classes
        assert np.array_equal(listing.reader.read(0), wanted[0])
        with pytest.raises(
            DataError, match="say so at the import|none of the 6 images has a label"
        ):
            list_at(tmp_path / "home", tmp_path / name, AS_FOUND, 50, no_progress)


def test_pages_are_pictures_of_their_own(opened, tmp_path):
    out = io.BytesIO()
    pages = [small_page("R", n) for n in range(3)]
    pages[0].save(out, "TIFF", save_all=True, append_images=pages[1:])
    content = files("a", "b") | {"a/all.tif": out.getvalue()}
    data = opened(write_zip(tmp_path / "set.zip", content), load=True, style="page", size=60)
    assert [name for name in data.files if "#" in name] == [f"a/all.tif#{n}" for n in (1, 2, 3)]
    alone = files("a") | {f"b/{n}.png": png(page) for n, page in enumerate(pages)}
    other = opened(write_zip(tmp_path / "b.zip", alone), load=True, style="page", size=60)
    assert (data.images[-3:] == other.images[3:]).all()


def test_emnists_matlab_file_is_turned_and_named(opened, tmp_path):
    from scipy.io import savemat

    images, labels = glyphs(20), np.arange(20) % 5 + 1
    turned = images.transpose(0, 2, 1).reshape(20, 784)
    part = {"images": turned, "labels": labels[:, None], "writers": labels[:, None]}
    mapping = np.array([[n, 64 + n, 96 + n] for n in range(1, 6)])
    test = {"images": turned[:5], "labels": labels[:5, None]}
    savemat(tmp_path / "e.mat", {"dataset": {"train": part, "test": test, "mapping": mapping}})
    listing = opened(tmp_path / "e.mat")
    assert listing.classes == tuple("ABCDE") and counts(listing)["A", "test"] == 1
    first = list(listing.files).index("e.mat/dataset/train/images/0")
    assert (np.asarray(listing.reader.read(first)) == images[0]).all()
    assert "EMNIST's MATLAB files" in findings(listing)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.npz", {"x": np.zeros((3, 8, 8)), "y": np.array([1, None, "a"], object)}, "Python obj"),
        ("a.npz", {"x": np.zeros(3)}, "no arrays of images and labels.*a/x \\(3,\\) float64"),
        ("a.npz", {"x_train": np.zeros((3, 8, 8))}, "none of the 3 images has a label|no arrays"),
        ("a.csv", b"label," + b",".join(b"p%d" % n for n in range(50)), "no image that can be read"),
        ("a.jsonl", b'{"drawing": []}', "no image that can be read|strokes"),
        ("a.parquet", b"PAR1 and no more", "a.parquet can't be read"),
        ("a.xml", b"<!DOCTYPE x [<!ENTITY a 'b'>]><image/>", "defines XML entities"),
    ],
)  # fmt: skip
def test_what_is_in_no_known_form_is_refused_in_words(opened, tmp_path, name, content, words):
    if isinstance(content, dict):
        np.savez(tmp_path / name, **content)
    else:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=words):
        opened(tmp_path / name)


def _tar_with(path, change):
    with tarfile.open(path, "w:gz") as archive:
        entry = tarfile.TarInfo("a/1.png")
        entry.size = 3
        change(entry)
        archive.addfile(entry, io.BytesIO(b"abc") if entry.isfile() else None)
    return path


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda entry: setattr(entry, "name", "../x.png"), "a file outside itself"),
        (lambda entry: setattr(entry, "name", "/etc/x.png"), "a file outside itself"),
        (lambda entry: setattr(entry, "type", tarfile.SYMTYPE), "holds a link"),
        (lambda entry: setattr(entry, "type", tarfile.LNKTYPE), "holds a link"),
        (lambda entry: setattr(entry, "type", tarfile.FIFOTYPE), "what is no file"),
    ],
)
def test_dangerous_tars_are_refused(opened, tmp_path, change, words):
    with pytest.raises(DataError, match=words):
        opened(_tar_with(tmp_path / "a.tar.gz", change))


def test_archive_bombs_are_refused_before_they_fill_the_disk(opened, tmp_path):
    zeros = bytes(60_000_000)
    bombs = [
        write_tar(tmp_path / "a.tar.gz", {"a/1.png": zeros}),
        write_7z(tmp_path / "a.7z", {"a/1.png": zeros}),
        tmp_path / "a.csv.gz",
    ]
    bombs[2].write_bytes(gzip.compress(zeros))
    for bomb in bombs:
        with pytest.raises(DataError, match="unpacks to (too much|more than 200 times)"):
            opened(bomb)
    left = sum(path.stat().st_size for path in (tmp_path / "home").rglob("*") if path.is_file())
    assert left < 1_000_000


def test_a_7z_is_read_like_a_zip(opened, tmp_path):
    content = files("a", "b", below="train/") | files("a", "b", count=1, below="test/")
    listing = opened(write_7z(tmp_path / "a.7z", content | {"empty.txt": b""}))
    assert counts(listing)["a", "train"] == 3 and counts(listing)["b", "test"] == 1
    assert [listing.reader.read(i) for i in range(len(listing))] == [
        content[f"{name}"] for name in listing.files
    ]
    assert dict(accounted(listing).skipped) == {"empty.txt": "a text"}


def test_idx_files_in_a_zip_keep_what_lies_beside_them_in_the_report(opened, tmp_path):
    folder = write_mnist(tmp_path / "mnist")
    content = {f"MNIST/raw/{path.name}": path.read_bytes() for path in folder.iterdir()}
    listing = opened(write_zip(tmp_path / "a.zip", content | {"MNIST/readme.txt": b"x"}))
    assert len(listing) == 80 and dict(accounted(listing).skipped) == {"MNIST/readme.txt": "a text"}
    assert (folder / "t10k-labels-idx1-ubyte.gz").exists()


def test_class_names_come_from_a_card_as_text(opened, tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    pictures = [png(small_page("2", n)) for n in range(6)]
    folder = write_folder(
        tmp_path / "set",
        {"README.md": b"---\ndataset_info:\n  features:\n  - name: img\n    dtype: image\n"
         b"  - name: label\n    dtype:\n      class_label:\n        names:\n"
         b"          '0': 007\n          '1': no\n          '2': 1e3\n---\n"},
    )  # fmt: skip
    table = pa.table({"img": pictures, "label": [n % 3 for n in range(6)]})
    pq.write_table(table, folder / "train.parquet")
    assert opened(folder).classes == ("007", "no", "1e3")


def test_bytes_that_are_not_in_the_table_are_named(opened, tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = [{"bytes": png(small_page("2", n)), "path": f"{n}.png"} for n in range(4)]
    rows[3] = {"bytes": None, "path": "/data/3.png"}
    pq.write_table(pa.table({"image": rows, "label": list("abab")}), tmp_path / "a.parquet")
    listing = opened(tmp_path / "a.parquet")
    assert len(listing) == 3
    assert listing.skipped == (("a.parquet/3/3.png", "its bytes are not in the table"),)


def test_coco_and_datumaro_exports_are_read(opened, tmp_path):
    pictures = {f"images/{n}.png": png(small_page("2", n)) for n in range(4)}
    coco = {
        "images": [{"id": n, "file_name": f"{n}.png"} for n in range(4)],
        "categories": [{"id": 1, "name": "a"}, {"id": 2, "name": "b"}],
        "annotations": [{"image_id": n, "category_id": n % 2 + 1} for n in range(3)],
    }
    datumaro = {
        "categories": {"label": {"labels": [{"name": "a"}, {"name": "b"}]}},
        "items": [
            {"id": str(n), "annotations": [{"type": "label", "label_id": n % 2}] if n < 3 else [],
             "image": {"path": f"{n}.png"}}
            for n in range(4)
        ],
    }  # fmt: skip
    for value in (coco, datumaro):
        content = pictures | {"annotations.json": json.dumps(value).encode()}
        path = tmp_path / f"{len(json.dumps(value))}.zip"
        found = counts(opened(write_zip(path, content)))
        assert found == {("a", "train"): 2, ("b", "train"): 1, (None, "train"): 1}


def lines(rows, separator: str = ",") -> bytes:
    return "".join(separator.join(map(str, row)) + "\n" for row in rows).encode()


def pixels_and_labels(count: int = 24):
    return glyphs(count).reshape(count, -1).tolist(), [n % 3 for n in range(count)]


def test_numbers_of_images_are_no_labels(opened, tmp_path):
    """As in Kannada-MNIST's test.csv."""
    drawn, labels = pixels_and_labels()
    names = [f"pixel{n}" for n in range(784)]
    train = lines([["label", *names], *([y, *x] for x, y in zip(drawn, labels, strict=True))])
    test = lines([["id", *names], *([n, *x] for n, x in enumerate(drawn))])
    more = {"Dig-MNIST.csv": train}
    listing = opened(write_folder(tmp_path / "a", {"train.csv": train, "test.csv": test} | more))
    assert counts(listing) == {("0", "train"): 16, ("1", "train"): 16, ("2", "train"): 16,
                               (None, "train"): 24}  # fmt: skip
    assert "Dig-MNIST.csv, test.csv, train.csv are read together" in findings(listing)
    ids = lines([["id", *names], *([n // 8, *x] for n, x in enumerate(drawn))])
    assert opened(write_zip(tmp_path / "b.zip", {"train.csv": ids})).classes == ("0", "1", "2")


def test_labels_in_a_table_of_their_own_belong_to_the_pixels_of_their_split(opened, tmp_path):
    """As in the Arabic Handwritten Characters Dataset."""
    drawn, labels = pixels_and_labels()
    content = {
        "csvTrainImages 18x784.csv": lines(drawn[:18]),
        "csvTrainLabel 18x1.csv": lines([y] for y in labels[:18]),
        "csvTestImages 6x784.csv": lines(drawn[18:]),
        "csvTestLabel 6x1.csv": lines([["label"], *([y] for y in labels[18:])]),
    }
    listing = opened(write_folder(tmp_path / "a", content))
    assert counts(listing) == {(c, "train"): 6 for c in "012"} | {(c, "test"): 2 for c in "012"}
    assert "the labels are in csvTrainLabel 18x1.csv" in listing.survey.layout[1]
    accounted(listing)
    content["csvTestLabel 6x1.csv"] = lines([y] for y in labels[18:22])
    listing = opened(write_folder(tmp_path / "b", content))  # four labels of six images
    assert counts(listing)[None, "train"] == 6
    assert "csvTestLabel 6x1.csv is not read: no table holds the pixels of 4" in findings(listing)


def test_uci_and_usps_tables_are_read_under_their_own_endings(opened, tmp_path):
    drawn, labels = pixels_and_labels()
    rows = [[*x, y] for x, y in zip(drawn, labels, strict=True)]
    content = {"optdigits.tra": lines(rows[:18]), "optdigits.tes": lines(rows[18:])}
    listing = opened(write_folder(tmp_path / "uci", content | {"optdigits.names": b"x"}))
    assert counts(listing) == {(c, "train"): 6 for c in "012"} | {(c, "test"): 2 for c in "012"}
    usps = lines(([f"{y:.4f}", *(v / 127.5 - 1 for v in x)] for *x, y in rows), " ")
    assert opened(write_folder(tmp_path / "usps", {"zip.train": usps})).classes == ("0", "1", "2")
    packed = {
        "zip.train.gz": gzip.compress(usps),
        "zip.test.gz": gzip.compress(usps[: -len(usps) // 2]),
    }
    again = counts(opened(write_folder(tmp_path / "packed", packed | {"x.gz": b"x"})))
    assert sum(n for (_, split), n in again.items() if split == "train") == len(rows)
    with pytest.raises(DataError, match="can't be unpacked"):
        opened(write_folder(tmp_path / "cut", {"zip.train.gz": gzip.compress(usps)[:-30]}))
    marks = [[*(v // 200 for v in x), *(int(y == n) for n in range(3))] for *x, y in rows]
    listing = opened(write_folder(tmp_path / "semeion", {"semeion.data": lines(marks, " ")}))
    assert counts(listing) == {(c, "train"): 8 for c in "012"}
    assert "the one of the last 3 columns that holds 1" in listing.survey.layout[1]


def test_a_table_of_one_split_names_the_pictures_of_that(opened, tmp_path):
    """As in Kaggle's CIFAR-10: train/1.png and test/1.png are two pictures."""
    content = {f"{s}/{n}.png": png(small_page("24R"[n % 3], n)) for s in ("train", "test")
               for n in range(6)}  # fmt: skip
    rows = [["id", "label"], *([n, ("cat", "dog")[n % 2]] for n in range(6))]
    listing = opened(write_folder(tmp_path / "a", content | {"trainLabels.csv": lines(rows)}))
    assert counts(listing) == {("cat", "train"): 3, ("dog", "train"): 3, (None, "train"): 6}
    assert all(name.startswith("train") for name, label in
               zip(listing.files, listing.labels, strict=True) if label >= 0)  # fmt: skip


def test_quotes_behind_a_space_are_no_part_of_a_label(opened, tmp_path):
    content = {f"{n}.png": png(small_page("24"[n % 2], n)) for n in range(4)}
    table = b"".join(b'%d.png, "%s"\r\n' % (n, (b"a, b", b"c")[n % 2]) for n in range(4))
    listing = opened(write_folder(tmp_path / "a", content | {"gt.txt": table}))
    assert listing.classes == ("a, b", "c")


def packed(**arrays) -> bytes:
    out = io.BytesIO()
    np.savez(out, **arrays)
    return out.getvalue()


def test_files_of_several_data_sets_are_said_to_be_read_together(opened, tmp_path):
    content = {
        f"{name}-{split}-{what}.npz": packed(
            arr_0=glyphs(9) if what == "imgs" else np.arange(9) % 3
        )
        for name in ("kmnist", "k49")
        for split in ("train", "test")
        for what in ("imgs", "labels")
    }
    text = findings(opened(write_folder(tmp_path / "a", content)))
    assert "k49-test-imgs, k49-train-imgs, kmnist-test-imgs, kmnist-train-imgs are read tog" in text
    content = {name: raw for name, raw in content.items() if name.startswith("k49")}
    assert "together" not in findings(opened(write_folder(tmp_path / "b", content)))


def test_a_table_without_a_label_column_names_its_columns(opened, tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    pictures = [png(small_page("2", n)) for n in range(6)]
    pq.write_table(
        pa.table({"image": pictures, "kanji": list("水火木") * 2}), tmp_path / "a.parquet"
    )
    with pytest.raises(DataError, match="no column is called like a label, of image, kanji"):
        opened(tmp_path / "a.parquet")


@pytest.mark.parametrize(
    "head",
    [
        "dataset_info: {features: [{name: label, dtype: {class_label: x}}]}",
        "dataset_info: {features: [{dtype: {class_label: {names: [a, b]}}}]}",
        "dataset_info: {features: [{name: [x], dtype: {class_label: {names: [a, b]}}}]}",
        "dataset_info: {features: x}",
        "dataset_info: [1, {features: [1, [2]]}]",
        "x: " + "[" * 30_000,
    ],
)
def test_a_card_of_any_shape_costs_itself(tmp_path, head):
    about = {"README.md": f"---\n{head}\n---\n".encode(), "dataset_info.json": b"[" * 100_000}
    assert listed_names(about) == {}
    sink = Sink(tmp_path, lambda done, what: None)
    table = [("a.parquet", tmp_path / "a.parquet")]
    assert without_caches(table, sink, {"state.json": b"[" * 100_000}) == table


def test_names_of_classes_by_number_whatever_the_number_is():
    head = "dataset_info: {features: [{name: y, dtype: {class_label: {names: {'²': a, '1': b}}}}]}"
    assert listed_names({"README.md": f"---\n{head}\n---\n".encode()}) == {"y": ["a", "b"]}
