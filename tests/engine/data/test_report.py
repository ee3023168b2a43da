"""The import report: blanks, copies, contradictions and leaks are counted as a slow loop counts
them, and whatever is left out is named.
"""

from __future__ import annotations

import pickle
import re
import warnings

import numpy as np
import pytest
from pictures import files, png, small_page, write_folder, write_idx, write_mnist, write_zip
from PIL import Image

from engine.data.catalog import list_dataset, load_dataset
from engine.data.report import report_of
from engine.data.sources import names_in
from engine.errors import DataError
from engine.progress import no_progress
from engine.recipes.fields import DataSpec


@pytest.fixture
def load(tmp_path):
    def loaded(path, **spec):
        return load_dataset(
            DataSpec(name=str(path), **spec),
            folders=(),
            home=tmp_path / "home",
            offline=True,
            unpacked_mb=100,
            progress=no_progress,
        )

    return loaded


@pytest.fixture
def listed(tmp_path):
    def listing(path):
        return list_dataset(
            str(path),
            folders=(),
            home=tmp_path / "home",
            offline=True,
            unpacked_mb=100,
            progress=no_progress,
        )

    return listing


def test_blank_identical_contradictory_and_leaked_images_are_named(load, tmp_path):
    content = files("a", "b", count=4, below="train/") | {
        f"test/c/{n}.png": png(small_page("R", 40 + n)) for n in range(2)
    }
    content |= {
        "train/a/copy.png": content["train/a/0.png"],
        "train/b/wrong.png": content["train/a/1.png"],
        "test/a/leak.png": content["train/a/2.png"],
        "train/b/blank.png": png(Image.new("L", (60, 45), 255)),
        "train/b/broken.png": b"broken",
    }
    data = load(write_zip(tmp_path / "set.zip", content), style="page", size=48)
    texts = {one.text for one in data.findings if one.level == "warning"}
    starts = (
        "1 of 15 pictures can't be read: train/b/broken.png",
        "1 image is blank: train/b/blank.png.",
        "2 images are identical to one of another class: train/a/1.png ('a'), train/b/wrong.png",
        "1 image is held out and identical to a training image: test/a/leak.png (test)",
        "1 of 2 classes of test are not in train: c.",
    )
    for start in starts:
        assert any(text.startswith(start) for text in texts), (start, texts)
    notes = [one.text for one in data.findings if one.level == "note"]
    assert any("2 images are identical to an earlier one" in text for text in notes), notes


def test_classes_of_very_unequal_size_are_said(listed, tmp_path):
    content = {**files("a", count=40), **files("b", count=2), **files("c", count=3)}
    texts = [
        one.text for one in report_of(listed(write_folder(tmp_path / "set", content))).warnings
    ]
    assert any("very unequal size: a has 40 images, b 2 images" in text for text in texts)
    even = write_folder(tmp_path / "even", files("a", "b", count=3))
    assert not any("unequal" in one.text for one in report_of(listed(even)).warnings)


def test_one_class_and_a_table_that_was_not_read_are_said(listed, tmp_path):
    content = files("Img", count=5) | {"english.csv": b"size,weight\n3,4\n"}
    report = report_of(listed(write_zip(tmp_path / "set.zip", content)))
    texts = [one.text for one in report.warnings]
    words = "one class only, 'Img': nothing can be trained on it"
    assert any(words in text and "Add images of another class" in text for text in texts)
    assert any(text.startswith("english.csv: a table that was not read") for text in texts)


@pytest.mark.parametrize(
    ("name", "start", "words"),
    [
        ("train.csv", b"label,pixel0\n", "train.csv is no text: null bytes"),
        ("set.tar.gz", b"\x1f\x8b", "set.tar.gz is not a tar archive that can be read"),
        ("set", b"7z\xbc\xaf\x27\x1c", "set is not a 7z archive that can be read"),
        ("a.npy", b"\x93NUMPY", "a.npy can't be read"),
        ("mnist.npz", b"PK\x03\x04", "mnist.npz can't be read"),
        ("set.rar", b"Rar!", "set.rar is a RAR archive, which can't be used.*Unpack it"),
        (
            "model.pkl",
            b"\x80",
            r"a Python pickle.*run any code.*pickle.load.*np.savez\('model.npz'",
        ),
        ("data_batch_1", b"\x80\x02}q", r"a Python pickle.*np.savez\('data_batch_1.npz'"),
        ("training.pt", b"PK\x03\x04", r"PyTorch.*torch.load\('training.pt', weights_only=True"),
        ("set.h5", b"\x89HDF", r"an HDF5 file.*np.savez\('set.npz'"),
        ("one.png", b"\x89PNG", "one.png is a single picture.*Give the folder"),
        ("what", b"what", "what is no known file"),
    ],
)
def test_what_is_no_data_set_is_said_as_what_it_is(listed, tmp_path, name, start, words):
    (tmp_path / name).write_bytes(start + bytes(200))
    with pytest.raises(DataError, match=words):
        listed(tmp_path / name)


def test_each_of_nists_files_has_a_mapping_of_its_own(listed, tmp_path):
    for prefix, first, codes in (("emnist-letters-", 1, "ABC"), ("emnist-digits-", 0, "012")):
        write_mnist(tmp_path, train=3, test=3, ending="", prefix=prefix, test_name="test")
        for split in ("train", "test"):
            write_idx(tmp_path / f"{prefix}{split}-labels-idx1-ubyte", np.arange(3) + first)
        lines = [f"{first + n} {ord(code)}" for n, code in enumerate(codes)]
        (tmp_path / f"{prefix}mapping.txt").write_text("\n".join(lines))
    letters = listed(tmp_path / "emnist-letters-train-images-idx3-ubyte")
    assert letters.classes == tuple("ABC") and len(letters) == 6
    assert listed(tmp_path / "emnist-digits-test-labels-idx1-ubyte").classes == tuple("012")


def test_idx_files_in_folders_of_their_name_are_read(listed, tmp_path):
    write_mnist(tmp_path / "flat", ending="")
    for path in (tmp_path / "flat").iterdir():
        (tmp_path / "set" / path.name).mkdir(parents=True)
        path.rename(tmp_path / "set" / path.name / path.name)
    assert len(listed(tmp_path / "set")) == 80


def test_little_endian_sizes_are_said(listed, tmp_path):
    write_idx(tmp_path / "train-labels-idx1-ubyte", np.arange(60))
    sizes = b"".join(n.to_bytes(4, "little") for n in (60, 28, 28))
    (tmp_path / "train-images-idx3-ubyte").write_bytes(b"\0\0\x08\x03" + sizes + bytes(60 * 784))
    with pytest.raises(DataError, match="is too large.*little-endian"):
        listed(tmp_path)


def test_a_plus_in_a_path_is_no_pool(load, tmp_path):
    first = write_folder(tmp_path / "c++" / "set", files("a", "b"))
    assert names_in(str(first)) == [str(first)]
    assert names_in(f"{first}+digits") == [str(first), "digits"]
    assert len(load(first)) == 6


def test_a_name_of_thousands_of_data_sets_is_refused_at_once():
    for name in ("+".join(["a"] * 4_000), "a" * 5_000 + "+b"):
        with pytest.raises(DataError, match="too many data sets"):
            names_in(name)
    assert len(names_in("+".join(["a"] * 20))) == 20


def test_files_without_an_ending_are_read_if_they_are_pictures(listed, tmp_path):
    content = files("a", "b") | {"a/noext": png(small_page("4")), "b/notes": b"nothing"}
    listing = listed(write_zip(tmp_path / "set.zip", content))
    assert len(listing) == 7 and dict(listing.survey.others) == {"b/notes": "not a picture"}


def test_what_is_made_of_a_pickle_as_its_refusal_says_is_read(listed, tmp_path):
    """CIFAR's batches; the advice is run as it stands."""
    rng = np.random.default_rng(0)
    for name in ("data_batch_1", "data_batch_2", "test_batch"):
        images = rng.integers(0, 256, (6, 3 * 32 * 32), dtype=np.uint8)
        batch = {"data": images, "labels": [n % 3 for n in range(6)]}
        (tmp_path / "py" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "py" / name).write_bytes(pickle.dumps(batch, protocol=2))
    (tmp_path / "py" / "batches.meta").write_bytes(pickle.dumps({}, protocol=2))
    with pytest.raises(DataError, match=r"holds no pictures.*data_batch_1: A pickle can run any"):
        listed(tmp_path / "py")
    (tmp_path / "new").mkdir()
    for path in (tmp_path / "py").glob("*batch*"):
        if path.name != "batches.meta":
            with pytest.raises(DataError) as refused:
                listed(path)
            code = re.findall("`(import.*?)`", str(refused.value))[0]
            code = code.replace(f"'{path.name}'", f"r'{path}'")
            code = code.replace("savez('", f"savez(r'{tmp_path / 'new'}' + '/")
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ResourceWarning)  # of the file that it opens
                exec(code, {})  # noqa: S102
    new = listed(tmp_path / "new")
    assert new.kind == "photo" and new.classes == ("0", "1", "2")
    assert np.bincount(new.official, minlength=3).tolist() == [12, 0, 6]


E_APART, HEART = "e\u0301", "\u2764"
ALIKE = {
    ("alpha", "Alpha", "beta"): "differ in capitals or spaces alone: 'Alpha' and 'alpha'",
    ("cat", "cat ", "dog"): "differ in capitals or spaces alone: 'cat' and 'cat '",
    ("1", "01", "001", "2"): "differ in the zeros before a number alone: '001' and '01' and '1'",
    ("cat", "cat\u200b", "dog"): "signs that can't be seen, alone: 'cat' and",
    (HEART, f"{HEART}\ufe0f", "x"): "forms of the same characters, or signs",
    ("x" * 120, "y" * 120, "z"): "2 of 3 class names are longer than 100 characters",
    ("a", "A", "b"): "",
    ("01", "02", "10"): "",
    ("水", "مرحبا", "😀"): "",
}


def tabled(labels) -> dict[str, bytes]:
    """As many pictures as labels, which a table names."""
    rows = [f'images/{n}.png,"{label}"' for n, label in enumerate(labels)]
    table = "\n".join(["file,label", *rows]).encode()
    pictures = {f"images/{n}.png": png(small_page("24R"[n % 3], n)) for n in range(len(labels))}
    return pictures | {"labels.csv": table}


@pytest.mark.parametrize("names", ALIKE)
def test_names_that_people_take_for_one_are_said(listed, tmp_path, names):
    listing = listed(write_folder(tmp_path / "a", files(*names, count=2)))
    assert set(listing.classes) == set(names)
    found = [one.text for one in report_of(listing).findings]
    assert all("alone" not in one and "longer" not in one for one in found) or ALIKE[names]
    assert any(ALIKE[names] in one for one in found) or not ALIKE[names]
    listing = listed(write_zip(tmp_path / "a.zip", tabled(names * 2)))
    assert set(listing.classes) == {name.strip() for name in names}


def test_what_becomes_one_name_is_said(listed, tmp_path):
    folder = write_folder(tmp_path / "a", files("é", "b") | files(E_APART))
    (folder / E_APART / "0.png").rename(folder / E_APART / "9.png")
    text = str(report_of(listed(folder)).findings)
    assert listed(folder).classes == ("b", "é") and "NFC and NFD), and count as one: é" in text
    for labels, words in {
        ("é", E_APART, "b"): "or in the form of Unicode alone, and are one:",
        ("cat", "cat ", "dog"): "labels differ in spaces around them",
        ("1", "1.0", "2"): "labels like '1.0' are taken for whole numbers: '1'",
    }.items():
        archive = write_zip(tmp_path / f"{labels[2]}.zip", tabled(labels * 2))
        listing = listed(archive)
        texts = [one.text for one in report_of(listing).findings]
        assert len(listing.classes) == 2 and any(words in text for text in texts)


def test_a_class_in_a_hidden_folder_is_said_to_be_missing(listed, tmp_path):
    report = report_of(listed(write_folder(tmp_path / "a", files("...", "a", "b"))))
    assert "3 pictures lie in hidden folders, and are not read: ..." in report.warnings[0].text


@pytest.mark.parametrize("copies", ["train_augmented", "train-aug", "rotated_train"])
def test_changed_copies_of_a_split_are_left_out(listed, tmp_path, copies):
    content = files("0", "1", below="train/") | files("0", "1", count=2, below="test/")
    content |= files("0", "1", count=9, below=f"{copies}/")
    report = report_of(listed(write_folder(tmp_path / "a", content)))
    assert report.official == {"train": 6, "test": 4} and len(report.skipped) == 18
    assert f"the 18 pictures in {copies} are taken for changed copies of those in train" in str(
        report.warnings
    )
    alone = {name: data for name, data in content.items() if not name.startswith("train/")}
    assert report_of(listed(write_folder(tmp_path / "b", alone))).official["train"] == 18


def test_two_folders_of_one_split_are_said_to_be_read_together(listed, tmp_path):
    content = files("0", "1", below="train_1/") | files("0", "1", below="train_2/")
    report = report_of(
        listed(write_folder(tmp_path / "a", content | files("0", "1", below="test/")))
    )
    assert report.official == {"train": 12, "test": 6}
    assert "train_1 and train_2 are read together as train." in str(report.warnings)


def test_columns_range_and_polarity_are_in_the_report(listed, tmp_path):
    report = report_of(listed(write_folder(tmp_path / "a", tabled(["a", "b"] * 3))))
    assert (report.columns, report.roles) == (
        ("file", "label"),
        (("path", "file"), ("label", "label")),
    )
    assert report.levels == "0 to 255" and report.polarity.startswith(
        "dark on light: so are the bord"
    )
    np.savez(tmp_path / "b.npz", x=np.eye(16)[None].repeat(9, 0), y=np.arange(9) % 3)
    report = report_of(listed(tmp_path / "b.npz"))
    assert report.levels == "0 to 1, stretched to 0 to 255"


@pytest.mark.parametrize("above", ["", "mine/", "mine/inner/"])
def test_all_that_is_left_out_is_named_as_it_is_stored(load, listed, tmp_path, above):
    content = files("1", "7", count=4, below=above) | {
        f"{above}1/broken.png": b"broken",
        f"{above}7/note.txt": b"a note",
    }
    path = write_zip(tmp_path / "own.zip", content)
    data, listing = load(path), listed(path)
    assert [name for name, _ in data.skipped] == [f"{above}1/broken.png"]
    report = report_of(listing, [("1/broken.png", "it is broken")])
    assert [name for name, _ in report.skipped] == [f"{above}1/broken.png", f"{above}7/note.txt"]
    assert report.images == 8 and report.classes == {"1": 4, "7": 4}
    assert any(f"{above}1/broken.png" in one.text for one in report.findings)
    assert set(data.files) == {f"{name}/{n}.png" for name in "17" for n in range(4)}
