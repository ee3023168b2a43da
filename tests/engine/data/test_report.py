"""The import report: blanks, copies, contradictions and leaks are counted as a slow loop counts
them, and whatever is left out is named.
"""

from __future__ import annotations

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


def test_one_class_and_a_table_that_was_not_read_are_said(listed, tmp_path):
    content = files("Img", count=5) | {"english.csv": b"size,weight\n3,4\n"}
    report = report_of(listed(write_zip(tmp_path / "set.zip", content)))
    texts = [one.text for one in report.warnings]
    assert any("one class only, 'Img'" in text for text in texts)
    assert any(text.startswith("english.csv: a table that was not read") for text in texts)


@pytest.mark.parametrize(
    ("name", "start", "words"),
    [
        ("train.csv", b"label,pixel0\n", "train.csv is no text, got null bytes"),
        ("set.tar.gz", b"\x1f\x8b", "set.tar.gz is not a tar archive that can be read"),
        ("set", b"7z\xbc\xaf\x27\x1c", "set is not a 7z archive that can be read"),
        ("a.npy", b"\x93NUMPY", "a.npy can't be read"),
        ("mnist.npz", b"PK\x03\x04", "mnist.npz can't be read"),
        ("set.rar", b"Rar!", "set.rar is a RAR archive, which can't be used.*Unpack it"),
        ("model.pkl", b"\x80", "a Python pickle, which can run code and is never opened"),
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


def test_files_without_an_ending_are_read_if_they_are_pictures(listed, tmp_path):
    content = files("a", "b") | {"a/noext": png(small_page("4")), "b/notes": b"nothing"}
    listing = listed(write_zip(tmp_path / "set.zip", content))
    assert len(listing) == 7 and dict(listing.survey.others) == {"b/notes": "not a picture"}
