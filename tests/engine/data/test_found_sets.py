"""Data sets as they are downloaded and exported: names of classes beside numbers, a file beside each
picture, archives in a folder, downloads in parts, and what single data sets do in a way of their own.
"""

from __future__ import annotations

import csv
import io
import json
import tarfile
import zipfile

import numpy as np
import pytest
from listed import accounted, counts
from pictures import files, glyphs, png, small_page, write_folder, write_mnist, write_zip
from stored import write_tar

from engine.data.report import report_of
from engine.errors import DataError

NAMES = ("alpha", "beta gamma", "δ")
NUMBERS = np.arange(12) % 3


def said(listing) -> str:
    """The findings, once every file is accounted for."""
    return "\n".join(one.text for one in accounted(listing).findings)


def picture(number: int) -> bytes:
    return png(small_page("24R"[number % 3], number))


def pictures(count: int, below: str = "") -> dict[str, bytes]:
    return {f"{below}{n:03d}.png": picture(n) for n in range(count)}


def table(*rows) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue().encode()


def saved(save, *arrays, **named) -> bytes:
    out = io.BytesIO()
    save(out, *arrays, **named)
    return out.getvalue()


def npz(**arrays) -> bytes:
    return saved(np.savez, **arrays)


def lines(names=NAMES) -> bytes:
    return "\n".join(names).encode()


LISTS = {
    "classes.txt": lines(),
    "label_names.json": json.dumps(NAMES).encode(),
    "class_indices.json": json.dumps({name: n for n, name in enumerate(NAMES)}).encode(),
    "labels.json": json.dumps({"id2label": dict(enumerate(NAMES))}).encode(),
    "categories.json": json.dumps([{"id": n, "name": c} for n, c in enumerate(NAMES)]).encode(),
    "mapping.csv": table(("index", "codepoint", "char"), *((n, "U+1", c) for n, c in enumerate(NAMES))),
    "my_classmap.tsv": "".join(f"{n}\t{name}\n" for n, name in enumerate(NAMES)).encode(),
    "data.yaml": b"train: images\nnc: 3\nnames: [alpha, beta gamma, \xce\xb4]\n",
    "classes.npy": saved(np.save, np.array(NAMES)),
}  # fmt: skip


@pytest.mark.parametrize("name", LISTS)
def test_a_list_of_names_beside_arrays_names_their_classes(opened, tmp_path, name):
    content = {"set.npz": npz(images=glyphs(12), labels=NUMBERS), name: LISTS[name]}
    listing = opened(write_folder(tmp_path / "a", content))
    assert listing.classes == NAMES and counts(listing) == {(c, "train"): 4 for c in NAMES}
    text = said(listing)
    if not name.endswith(".npy"):
        assert f"{name} names the classes: 0 is 'alpha', 1 is 'beta gamma', 2 is 'δ'." in text
        assert report_of(listing).read == (name,)


def test_a_list_of_names_names_the_classes_of_every_form(opened, tmp_path):
    """Folders, tables of pictures and of pixels, IDX files; and a table of names is none of pictures,
    though its numbers are names of pictures, too.
    """
    named = {f"im/{n}.png": picture(n) for n in range(12)}
    rows = [(f"im/{n}.png", n % 3) for n in range(12)]
    pixels = [(n % 3, *glyph.ravel()) for n, glyph in enumerate(glyphs(12))]
    numbered = table(("class_id", "class_name"), *enumerate(NAMES))
    forms = {
        "folders": files("0", "1", "2", count=4),
        "table": named | {"train.csv": table(("file", "class_id"), *rows)},
        "pixels": {"train.csv": table(("label", *(f"pixel{i}" for i in range(784))), *pixels)},
    }
    for form, content in forms.items():
        path = write_folder(tmp_path / form, content | {"classes.csv": numbered})
        listing = opened(path)
        assert counts(listing) == {(name, "train"): 4 for name in NAMES}, form
        before = opened(write_folder(tmp_path / f"{form} without", content))
        assert before.classes == ("0", "1", "2") and listing.content != before.content
        assert "classes.csv names the classes" in said(listing)
    idx = write_mnist(tmp_path / "idx", train=20, test=10, ending="")
    (idx / "labels.txt").write_bytes(lines("abcdefghij"))
    assert opened(idx).classes == tuple("abcdefghij")
    assert "labels.txt names the classes" in said(opened(idx))
    packed = {str(one.name): one.read_bytes() for one in idx.iterdir()}
    assert opened(write_zip(tmp_path / "idx.zip", packed)).classes == tuple("abcdefghij")


def test_a_list_that_may_mean_something_else_is_not_used_and_said(opened, tmp_path):
    def read(name, labels=NUMBERS, **content):
        content = {one.replace("_", "."): raw for one, raw in content.items()}
        arrays = {"set.npz": npz(images=glyphs(12), labels=labels)}
        return opened(write_folder(tmp_path / name, arrays | content))

    short = read("short", classes_txt=lines(NAMES[:2]))
    assert short.classes == ("0", "1", "2")
    assert "classes.txt lists 2 names for the labels 0 to 1, and the labels are 0 to 2" in said(
        short
    )
    two = read("two", classes_txt=lines(), labels_txt=lines(NAMES[::-1]))
    assert two.classes == ("0", "1", "2")
    assert "classes.txt and labels.txt name the classes differently" in said(two)
    counted = read("from one", NUMBERS + 1, classes_txt=lines())
    assert counted.classes == NAMES
    prose = read(
        "prose", labels_txt=lines([f"{'a long sentence on labels ' * 4}{n}" for n in "abc"])
    )
    assert prose.classes == ("0", "1", "2") and "names the classes" not in said(prose)
    answers = read("answers", labels_txt=lines(["a", "b", "a"]))  # a label a line, no list
    assert answers.classes == ("0", "1", "2") and "names the classes" not in said(answers)
    numbers = read("numbers", mapping_txt=b"0 0\n1 1\n2 2\n")
    assert numbers.classes == ("0", "1", "2")
    alone = opened(tmp_path / "from one" / "set.npz")
    assert alone.classes == ("1", "2", "3")
    assert "classes.txt beside it lists names that fit the classes, and is not read" in said(alone)


def test_of_several_lists_that_of_the_data_set_counts(opened, tmp_path):
    """As NIST has EMNIST's in CSV: all mappings in one folder."""
    rows = [(1 + n % 3, *glyph.ravel()) for n, glyph in enumerate(glyphs(12))]
    content = {
        "emnist-letters-train.csv": table(*rows),
        "emnist-balanced-mapping.txt": b"0 48\n1 49\n2 50\n3 51\n",
        "emnist-letters-mapping.txt": b"1 65 97\n2 66 98\n3 67 99\n",
    }
    assert opened(write_folder(tmp_path / "a", content)).classes == ("A", "B", "C")


@pytest.mark.parametrize("ending", ["cls", "txt", "json"])
def test_a_file_beside_each_picture_says_its_class(opened, tmp_path, ending):
    """As WebDataset has them: in one tar, and in shards."""

    def shard(count: int) -> dict[str, bytes]:
        out = pictures(count)
        for n in range(count):
            text = (
                json.dumps({"label": NAMES[n % 3], "id": n}) if ending == "json" else NAMES[n % 3]
            )
            out[f"{n:03d}.{ending}"] = text.encode()
        return out

    listing = opened(write_tar(tmp_path / "set.tar", shard(12)))
    assert counts(listing) == {(name, "train"): 4 for name in NAMES}
    assert len(report_of(listing).read) == 12 and said(listing) is not None
    folder = tmp_path / "shards"
    folder.mkdir()
    for name in ("train-000000", "train-000001", "test-000000"):
        write_tar(folder / f"{name}.tar", shard(6), "w")
    (folder / "broken-000000.tar").write_bytes(b"ustar" * 10)
    listing = opened(folder)
    assert counts(listing) == {(c, s): n for s, n in (("train", 4), ("test", 2)) for c in NAMES}
    assert "broken-000000.tar is not a tar archive" in dict(listing.skipped)["broken-000000.tar"]
    assert "read as if each were unpacked into a folder of its name" in said(listing)


def test_label_files_may_lie_apart_and_hold_numbers_of_listed_names(opened, tmp_path):
    content = pictures(12, "images/") | {"classes.txt": lines()}
    content |= {f"labels/{n:03d}.txt": str(n % 3).encode() for n in range(12)}
    content["labels/011.txt"] = b""
    listing = opened(write_folder(tmp_path / "a", content))
    wanted = {(NAMES[0], "train"): 4, (NAMES[1], "train"): 4, (NAMES[2], "train"): 3}
    assert counts(listing) == wanted | {(None, "train"): 1}
    said(listing)
    beside = files("a", "b") | {f"{c}/{n}.txt": b"words" for c in "ab" for n in range(3)}
    assert opened(write_folder(tmp_path / "b", beside)).classes == ("a", "b")


YOLO = {f"labels/{n:03d}.txt": b"0 0.5 0.5 0.2 0.3\n1 0.1 0.1 0.2 0.2\n" for n in range(6)}
VOC = {f"Annotations/{n:03d}.xml": b"<annotation><object/></annotation>" for n in range(6)}
LABELME = {f"images/{n:03d}.json": b'{"shapes": [{"label": "a", "points": []}]}' for n in range(6)}
CAPTIONS = {f"images/{n:03d}.txt": b"a picture, number %d" % n for n in range(6)}


@pytest.mark.parametrize(
    ("beside", "words"),
    [(YOLO, "gives places"), (VOC, "gives places"), (LABELME, "gives places"),
     (CAPTIONS, "are no classes.*6 different ones of 6")],
)  # fmt: skip
def test_boxes_and_texts_of_their_own_are_no_classes(opened, tmp_path, beside, words):
    with pytest.raises(DataError, match=words):
        opened(write_folder(tmp_path / "a", pictures(6, "images/") | beside))


def test_archives_in_a_folder_are_read_as_folders(opened, tmp_path):
    def packed(name, content):
        return write_zip(tmp_path / "packed" / f"{name}.zip", content).read_bytes()

    kaggle = {"train.zip": packed("train", files("a", "b")), "test.zip": packed("test", files("a", "b")),
              "sample_submission.csv": b"id,label\n1,a\n"}  # fmt: skip
    listing = opened(write_folder(tmp_path / "kaggle", kaggle))
    assert counts(listing) == {(c, s): 3 for c in "ab" for s in ("train", "test")}
    said(listing)
    classes = {f"{c}.zip": packed(c, pictures(3)) for c in "abc"}
    assert counts(opened(write_folder(tmp_path / "classes", classes))) == {
        (c, "train"): 3 for c in "abc"
    }
    stamp = "set-20240101T000000Z-00"
    drive = {
        f"{stamp}{n}.zip": packed(
            f"d{n}", {f"set/{c}/{n}{k}.png": picture(k) for c in "ab" for k in (1, 2)}
        )
        for n in (1, 2)
    }
    listing = opened(write_folder(tmp_path / "drive", drive))
    assert counts(listing) == {("a", "train"): 4, ("b", "train"): 4}
    alone = opened(tmp_path / "drive" / f"{stamp}1.zip")
    assert f"{stamp}2.zip beside it is called like another part" in said(alone)
    content = {f"{n}.png": bytes(5_000_000) for n in range(3)}
    bomb = write_zip(tmp_path / "a.zip", content, zipfile.ZIP_DEFLATED).read_bytes()
    listing = opened(write_folder(tmp_path / "bomb", classes | {"a.zip": bomb}))
    assert counts(listing) == {("b", "train"): 3, ("c", "train"): 3}
    assert "zip bomb" in dict(listing.skipped)["a.zip"] and "a.zip" in said(listing)


def test_one_part_of_an_archive_is_refused_as_such(opened, tmp_path):
    raw = write_zip(tmp_path / "x.zip", files("a", "b")).read_bytes()
    for first, last in (("set.zip.001", "set.zip.002"), ("set.zip", "set.z01")):
        folder = write_folder(tmp_path / first, {first: raw[:900], last: raw[900:]})
        with pytest.raises(DataError, match=f"{first} is one part of an archive.*Join them"):
            opened(folder / first)
        if first != "set.zip":
            with pytest.raises(DataError, match="one part of an archive"):
                opened(folder)


def test_links_in_a_tar_are_refused_with_what_to_do(opened, tmp_path):
    with tarfile.open(write_tar(tmp_path / "a.tar", files("a", "b"), "w"), "a") as archive:
        link = tarfile.TarInfo("b/9.png")
        link.type, link.linkname = tarfile.SYMTYPE, "0.png"
        archive.addfile(link)
    with pytest.raises(DataError, match="holds a link: 'b/9.png'.*Pack it again with the files"):
        opened(tmp_path / "a.tar")


def test_the_digit_0_of_matlab_is_10(opened, tmp_path):
    from scipy.io import savemat

    tens = np.array([1, 2, 3, 10] * 3, np.uint8)[:, None]
    colour = np.stack([np.stack([glyph] * 3, -1) for glyph in glyphs(12, side=32)], -1)
    savemat(tmp_path / "train_32x32.mat", {"X": colour, "y": tens})
    savemat(tmp_path / "other.mat", {"X": colour, "y": tens})
    listing = opened(tmp_path / "train_32x32.mat")
    assert counts(listing) == {(c, "train"): 3 for c in "1230"}
    assert "label 10 is the digit 0" in said(listing)
    listing = opened(tmp_path / "other.mat")
    assert counts(listing) == {(c, "train"): 3 for c in ("1", "2", "3", "10")}
    assert "If these are digits, 10 stands for the 0" in said(listing)
    rows = glyphs(12, side=20)
    savemat(
        tmp_path / "ex3data1.mat", {"X": rows.swapaxes(1, 2).reshape(12, 400) / 255.0, "y": tens}
    )
    listing = opened(tmp_path / "ex3data1.mat")
    assert np.abs(listing.reader.read(5).astype(int) - rows[5]).max() <= 1


def test_nists_folders_are_codes_of_characters(opened, tmp_path):
    content = {
        f"by_class/{code}/{part}/{n}.png": picture(n + 3 * k)
        for k, code in enumerate(("30", "41", "7a"))
        for part in ("hsf_0", f"train_{code}")
        for n in range(2)
    }
    listing = opened(write_folder(tmp_path / "nist", content))
    assert counts(listing) == {(c, "train"): 4 for c in "0Az"}
    assert "hexadecimal codes of characters" in said(listing) and "below the class" not in said(
        listing
    )
    listing = opened(write_folder(tmp_path / "few", files("30", "41", "7a")))
    assert listing.classes == ("30", "41", "7a")
    assert "may be hexadecimal codes" in said(listing)
    assert "hexadecimal" not in said(opened(write_folder(tmp_path / "years", files("31", "42"))))


def test_iams_words_are_what_is_written_in_them(opened, tmp_path):
    words = ("A", "MOVE", "to")
    names = [f"a01-00{n // 3}u-00-{n:02d}" for n in range(6)]
    rows = [f"{name} ok 154 408 768 27 51 NN {words[n % 3]}" for n, name in enumerate(names)]
    content = {f"words/a01/{name[:8]}/{name}.png": picture(n) for n, name in enumerate(names)}
    content["ascii/words.txt"] = "\n".join(["#--- words.txt ---#", *rows]).encode()
    assert counts(opened(write_folder(tmp_path / "a", content))) == {(w, "train"): 2 for w in words}


def test_folds_give_the_splits_of_the_first_and_that_is_said(opened, tmp_path):
    """As in HASYv2, which has ten."""
    rows = [(f"data/{n:03d}.png", 31 + n % 3, NAMES[n % 3]) for n in range(12)]
    head = ("path", "symbol_id", "latex")
    content = pictures(12, "data/") | {"data-labels.csv": table(head, *rows)}
    for fold in (1, 2):
        parts = (
            {"train": rows[:6], "test": rows[6:]}
            if fold == 1
            else {"train": rows[6:], "test": rows[:6]}
        )
        for split, some in parts.items():
            up = [(f"../../{path}", *rest) for path, *rest in some]
            content[f"task/fold-{fold}/{split}.csv"] = table(head, *up)
    listing = opened(write_folder(tmp_path / "a", content))
    assert counts(listing) == {(c, s): 2 for c in NAMES for s in ("train", "test")}
    assert all((int(name[-7:-4]) < 6) == (code == 0)
               for name, code in zip(listing.files, listing.official, strict=True))  # fmt: skip
    assert "12 pictures are of one split by one table and of another by the next" in said(listing)


def test_an_array_a_picture_and_an_array_that_is_there_twice(opened, tmp_path):
    content = {f"{c}/{n}.npy": saved(np.save, glyphs(1, n + 3 * k, 64)[0])
               for k, c in enumerate("ab") for n in range(3)}  # fmt: skip
    listing = opened(write_folder(tmp_path / "single", content))
    assert counts(listing) == {("a", "train"): 3, ("b", "train"): 3}
    assert sorted(listing.files) == [f"{c}/{n}.npy/0" for c in "ab" for n in range(3)]
    images = glyphs(12, side=8)
    bunch = npz(data=images.reshape(12, 64), images=images, target=NUMBERS)
    listing = opened(write_folder(tmp_path / "bunch", {"digits.npz": bunch}))
    assert len(listing) == 12 and "digits/images holds the images of digits/data again" in said(
        listing
    )


def test_an_excel_table_and_writers_folders_are_said(opened, tmp_path):
    with pytest.raises(DataError, match="If labels.xlsx says the classes, save it as CSV"):
        opened(write_folder(tmp_path / "a", pictures(4) | {"labels.xlsx": b"x"}))
    content = {f"w{w:02d}/{c}_{n}.png": picture(n) for w in (1, 2) for c in "01" for n in range(3)}
    assert "called like parts, writers" in said(opened(write_folder(tmp_path / "b", content)))


def test_labels_in_a_text_of_their_own_are_those_of_the_arrays_beside(opened, tmp_path):
    labels = [NAMES[n % 3] for n in range(12)]
    texts = {
        "labels.csv": "\n".join(["label", *labels]).encode(),
        "y.txt": "\n".join(labels).encode(),
        "labels.json": json.dumps(labels).encode(),
    }
    for name, raw in texts.items():
        content = {"images.npy": saved(np.save, glyphs(12)), name: raw}
        listing = opened(write_folder(tmp_path / name, content))
        assert [listing.classes[label] for label in listing.labels] == labels, name
        assert name in listing.survey.layout[1] and said(listing) is not None
    content = {"images.npy": saved(np.save, glyphs(12)), "labels.csv": texts["y.txt"][:-8]}
    with pytest.raises(DataError, match="no arrays of images and labels"):
        opened(write_folder(tmp_path / "fewer", content))


def test_a_column_that_says_whether_a_picture_is_of_a_split_is_read_so(opened, tmp_path):
    rows = [(f"{n:03d}.png", NAMES[n % 3], n >= 9) for n in range(12)]
    for head, train in (("is_valid", 9), ("IsTest", 9), ("is_train", 3), ("is_bold", 12)):
        content = pictures(12) | {"df.csv": table(("fname", "label", head), *rows)}
        found = counts(opened(write_folder(tmp_path / head, content)))
        assert sum(n for (_, split), n in found.items() if split == "train") == train, head


def test_numbers_that_stand_for_folders_leave_these_their_names(opened, tmp_path):
    """As in fastai's mnist_sample."""
    content = files("3", "7", below="train/") | files("3", "7", count=2, below="valid/")
    rows = [(name, int("/7/" in name)) for name in content]
    content["labels.csv"] = table(("name", "label"), *rows)
    listing = opened(write_folder(tmp_path / "a", content))
    assert counts(listing) == {(c, s): n for s, n in (("train", 3), ("test", 2)) for c in "37"}
    assert "numbers that stand for the folders, which are the classes: 0 for '3'" in said(listing)


def test_what_may_say_the_classes_and_is_not_opened_is_named(opened, tmp_path):
    with pytest.raises(DataError, match="If labels.pkl says the classes, save it as CSV"):
        opened(write_folder(tmp_path / "a", pictures(4) | {"labels.pkl": b"\x80\x04x"}))
    records = {"mnist-train.tfrecord-00000-of-00001": bytes(99)}
    with pytest.raises(DataError, match="a TensorFlow record.*np.savez"):
        opened(write_folder(tmp_path / "b", records))
