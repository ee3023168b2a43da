"""IDX files are read in every form they come in, and a broken one is named."""

from __future__ import annotations

import gzip
import hashlib

import numpy as np
import pytest
from pictures import glyphs, idx_bytes, write_idx, write_mnist

from engine.data.idx import list_pairs
from engine.data.idx_files import find_pairs, prefixes, read_mapping
from engine.data.idx_format import read_idx
from engine.data.listing import TEST, TRAIN
from engine.errors import DataError


@pytest.mark.parametrize("ending", ["", ".gz"])
@pytest.mark.parametrize("shape", [(7,), (4, 5), (3, 28, 28), (2, 3, 4, 5)])
def test_an_array_comes_back_as_it_was(tmp_path, shape, ending):
    array = np.arange(np.prod(shape), dtype=np.uint8).reshape(shape)
    assert np.array_equal(read_idx(write_idx(tmp_path / f"a-ubyte{ending}", array)), array)


def test_gzip_is_told_by_content_not_by_name(tmp_path):
    path = tmp_path / "train-images-idx3-ubyte"
    path.write_bytes(gzip.compress(idx_bytes(np.ones((2, 4, 4), np.uint8))))
    assert read_idx(path).sum() == 32


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is not an IDX file"),
        (b"PK\x03\x04 a zip", "is not an IDX file"),
        (b"\x00\x00\x0a\x03" + bytes(12), "type 0x0a with 3 axes. Needed: IDX with 1 to 4 axes"),
        (b"\x00\x00\x08\x09" + bytes(40), "Needed: IDX with 1 to 4 axes"),
        (idx_bytes(np.ones((10, 28, 28)))[:-5], "is cut short: 7,835. Needed: 7,840 bytes"),
        (gzip.compress(idx_bytes(glyphs(10)))[:-400], "can't be read"),
        (b"\x1f\x8b" + b"broken gzip", "can't be read"),
        (b"\x00\x00\x08\x03" + b"\xff" * 12, "is too large"),
    ],
)
def test_a_broken_file_is_named_with_what_is_wrong(tmp_path, content, words):
    path = tmp_path / "train-images-idx3-ubyte"
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        read_idx(path)
    assert words in str(caught.value) and path.name in str(caught.value)


def test_a_missing_file_is_an_error_of_ours(tmp_path):
    with pytest.raises(DataError, match="can't be read"):
        read_idx(tmp_path / "nothing")


def test_mnist_is_listed_with_its_official_split(tmp_path):
    pairs = find_pairs(write_mnist(tmp_path))
    assert [pair.official for pair in pairs] == [TRAIN, TEST]
    listing = list_pairs(pairs, tuple("0123456789"), "abc")
    assert len(listing) == 80 and listing.classes == tuple("0123456789")
    assert listing.official.tolist() == [TRAIN] * 60 + [TEST] * 20
    assert listing.files[0] == "train/0" and listing.files[60] == "test/0"
    assert np.array_equal(listing.reader.read(61), glyphs(20, seed=20)[1])
    assert np.array_equal(listing.labels[:12], np.arange(12) % 10)


def test_a_train_file_alone_is_a_data_set(tmp_path):
    write_mnist(tmp_path)
    for path in tmp_path.glob("t10k*"):
        path.unlink()
    assert [pair.official for pair in find_pairs(tmp_path)] == [TRAIN]


def test_images_and_labels_may_be_packed_differently(tmp_path):
    write_idx(tmp_path / "train-images-idx3-ubyte", glyphs(5))
    write_idx(tmp_path / "train-labels-idx1-ubyte.gz", np.arange(5))
    assert len(list_pairs(find_pairs(tmp_path), None, "")) == 5


def test_torchvisions_emnist_is_turned_upright_and_ours_is_not(tmp_path):
    glyph = glyphs(1)
    for prefix in ("emnist-letters-", ""):
        write_idx(tmp_path / f"{prefix}train-images-idx3-ubyte", glyph)
        write_idx(tmp_path / f"{prefix}train-labels-idx1-ubyte", np.array([1 if prefix else 0]))
    assert prefixes(tmp_path) == ["", "emnist-letters-"]
    upright = list_pairs(find_pairs(tmp_path), None, "").reader.read(0)
    turned = list_pairs(find_pairs(tmp_path, "emnist-letters-"), None, "").reader.read(0)
    assert np.array_equal(upright, glyph[0]) and np.array_equal(turned, glyph[0].T)


def test_labels_that_count_from_one_fit_their_classes(tmp_path):
    letters = tuple("abcdefghijklmnopqrstuvwxyz")
    write_idx(tmp_path / "emnist-letters-train-images-idx3-ubyte", glyphs(26))
    write_idx(tmp_path / "emnist-letters-train-labels-idx1-ubyte", np.arange(1, 27))
    listing = list_pairs(find_pairs(tmp_path, "emnist-letters-"), letters, "")
    assert listing.labels.tolist() == list(range(26)) and listing.classes == letters


def test_without_names_classes_are_the_labels(tmp_path):
    write_idx(tmp_path / "train-images-idx3-ubyte", glyphs(4))
    write_idx(tmp_path / "train-labels-idx1-ubyte", np.array([9, 3, 9, 7]))
    listing = list_pairs(find_pairs(tmp_path), None, "")
    assert listing.classes == ("3", "7", "9") and listing.labels.tolist() == [2, 0, 2, 1]


def test_dark_ink_on_white_paper_is_turned_to_white_on_black(tmp_path):
    write_idx(tmp_path / "train-images-idx3-ubyte", 255 - glyphs(4))
    write_idx(tmp_path / "train-labels-idx1-ubyte", np.arange(4))
    assert np.array_equal(list_pairs(find_pairs(tmp_path), None, "").reader.read(2), glyphs(4)[2])


@pytest.mark.parametrize(
    ("images", "labels", "classes", "words"),
    [
        (glyphs(4), np.arange(5), None, "does not fit its labels: 4. Needed: 5 images"),
        (glyphs(4)[0], np.arange(28), None, "holds no images that can be read: .*Needed: 3 axes"),
        (
            glyphs(4),
            np.array([0, 1, 2, 3]),
            ("a", "b"),
            "does not fit its classes: 2. Needed: labels 0 to 1",
        ),
        (glyphs(4), np.zeros((4, 1)), None, "holds no labels"),
        (glyphs(0), np.zeros(0), None, "holds no images"),
    ],
)
def test_what_does_not_fit_together_is_said(tmp_path, images, labels, classes, words):
    write_idx(tmp_path / "train-images-idx3-ubyte", images)
    write_idx(tmp_path / "train-labels-idx1-ubyte", labels)
    with pytest.raises(DataError, match=words):
        list_pairs(find_pairs(tmp_path), classes, "").reader.read(0)


def test_images_of_two_sizes_do_not_mix(tmp_path):
    write_mnist(tmp_path)
    write_idx(tmp_path / "t10k-images-idx3-ubyte.gz", glyphs(20, side=32))
    with pytest.raises(DataError, match="mixes sizes"):
        list_pairs(find_pairs(tmp_path), None, "").reader.read(0)


def test_a_mapping_names_the_classes(tmp_path):
    assert read_mapping(tmp_path) is None
    (tmp_path / "mapping.txt").write_text("0 48\n1 65\n2 97\n")
    assert read_mapping(tmp_path) == {0: "0", 1: "A", 2: "a"}
    (tmp_path / "mapping.txt").write_text("0 48\n7 48\n")
    with pytest.raises(DataError, match="mapping.txt can't be used"):
        read_mapping(tmp_path)


def test_classes_can_be_chosen_and_reordered(tmp_path):
    listing = list_pairs(find_pairs(write_mnist(tmp_path)), tuple("0123456789"), "abc")
    two = listing.only(("7", "1"))
    assert two.classes == ("7", "1") and len(two) == 16 and two.content != listing.content
    assert two.files[0] == "train/1" and two.labels[0] == 1
    assert np.array_equal(two.reader.read(0), listing.reader.read(1))
    assert two.only(("1",)).files == [
        f"{split}/{n}" for split, top in (("train", 60), ("test", 20)) for n in range(1, top, 10)
    ]


def test_the_real_mnist_has_its_well_known_content(real_data):
    wanted = {
        "train-images-idx3-ubyte": "6bbc9ace",
        "train-labels-idx1-ubyte": "a25bea73",
        "t10k-images-idx3-ubyte": "2646ac64",
        "t10k-labels-idx1-ubyte": "27ae3e4e",
    }
    for pair in find_pairs(real_data / "mnist"):
        for path in (pair.images, pair.labels):
            assert (
                hashlib.md5(idx_bytes(read_idx(path)))
                .hexdigest()
                .startswith(wanted[path.name.removesuffix(".gz")])
            )


def test_the_real_emnist62_is_upright_with_62_classes(real_data):
    folder = real_data / "emnist62"
    classes = read_mapping(folder)
    assert (
        "".join(classes.values())
        == "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    )
    listing = list_pairs(find_pairs(folder), classes, "")
    assert len(listing) == 96_323 and (listing.official == TEST).sum() == 14_000
    ones = np.flatnonzero(listing.labels == listing.classes.index("1"))[:200]
    mean = np.mean([listing.reader.read(int(i)) for i in ones], axis=0)
    assert np.ptp(np.flatnonzero(mean.max(1) > 60)) > np.ptp(
        np.flatnonzero(mean.max(0) > 60)
    )  # ones are taller than wide
