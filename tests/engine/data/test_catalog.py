"""Every data set is found by name or path and loads in one form, with its splits, classes and
fingerprint.
"""

from __future__ import annotations

import time

import numpy as np
import pytest
from pictures import files, glyphs, png, small_page, write_folder, write_idx, write_mnist, write_zip

from engine.data.catalog import load_dataset
from engine.data.sources import DATASETS, find
from engine.errors import DataError
from engine.imaging.images import STYLES, open_picture, square, square_of_glyph
from engine.progress import no_progress
from engine.recipes.fields import DataSpec


@pytest.fixture
def load(tmp_path):
    """load(name, **spec) with GLYPHLAB_DATA = tmp_path/data and home = tmp_path/home, or the
    folders given.
    """

    def loaded(name, folders=(tmp_path / "data",), **spec):
        return load_dataset(
            DataSpec(name=str(name), **spec),
            folders=folders,
            home=tmp_path / "home",
            offline=True,
            unpacked_mb=1000,
            progress=no_progress,
        )

    return loaded


def check(data):
    """What is true of every data set."""
    assert data.images.dtype == np.uint8 and data.images.shape == (
        len(data),
        STYLES[data.style].channels,
        data.size,
        data.size,
    )
    assert (
        data.labels.dtype == np.int64
        and data.labels.min() >= 0
        and data.labels.max() < len(data.classes)
    )
    assert len(data.files) == len(data) and len(data.fingerprint) == 16
    indices = np.concatenate(list(data.splits.values()))
    assert len(np.unique(indices)) == len(indices) and all(
        (np.diff(index) > 0).all() for index in data.splits.values()
    )
    assert data.sources.shape == (len(data),) and len(data.source_names) == data.sources.max() + 1


def test_digits_are_always_there(load):
    data = load("digits")
    check(data)
    assert len(data) == 1797 and data.style == "digit" and data.channels == 1
    assert {name: len(index) for name, index in data.splits.items()} == {
        "train": 1298,
        "val": 144,
        "test": 355,
    }
    assert "fifth" in data.notes["test"]


@pytest.mark.parametrize("place", ["mnist", "MNIST/raw", "MNIST", "."])
@pytest.mark.parametrize("ending", ["", ".gz"])
def test_mnist_is_found_in_its_usual_places(load, tmp_path, place, ending):
    write_mnist(tmp_path / "data" / place, ending=ending)
    data = load("mnist")
    check(data)
    assert np.array_equal(data.images[:60, 0], glyphs(60, seed=60)) and data.classes == tuple(
        "0123456789"
    )
    assert {name: len(index) for name, index in data.splits.items()} == {
        "train": 54,
        "val": 6,
        "test": 20,
    }


def test_torchvisions_emnist_splits_share_a_folder(load, tmp_path):
    raw = tmp_path / "data" / "EMNIST" / "raw"
    write_mnist(raw, prefix="emnist-digits-", ending="", test_name="test")
    write_mnist(raw, train=47, test=47, prefix="emnist-balanced-", ending="", test_name="test")
    digits = load("emnist-digits")
    check(digits)
    assert np.array_equal(digits.images[0, 0], glyphs(60, seed=60)[0].T)
    assert len(load("emnist-balanced").classes) == 47
    with pytest.raises(DataError, match="'emnist-letters' is not here"):
        load("emnist-letters")


def test_emnists_readme_numbers_fit_its_class_tables():
    assert [
        len(DATASETS[f"emnist-{name}"].classes)
        for name in ("byclass", "bymerge", "balanced", "letters", "digits", "mnist")
    ] == [
        62,
        47,
        47,
        26,
        10,
        10,
    ]


def test_earlier_folders_win_over_later_ones_and_these_over_the_home(load, tmp_path):
    for number, folder in enumerate(("a", "b", "home/datasets"), start=1):
        write_mnist(tmp_path / folder / "mnist", train=20 * number)
    assert len(load("mnist", folders=(tmp_path / "a", tmp_path / "b"))) == 40
    assert len(load("mnist", folders=(tmp_path / "b", tmp_path / "a"))) == 60
    assert len(load("mnist", folders=(tmp_path / "nothing",))) == 80


def test_characters_are_found_as_zip_and_as_folder(load, tmp_path):
    content = files("Sample001", "Sample011", "Sample037", below="train/")
    path = write_zip(tmp_path / "data" / "trainPart1.zip", content)
    packed = load("characters")
    check(packed)
    assert (
        packed.classes == ("0", "A", "a")
        and packed.style == "page"
        and packed.files[0] == "train/Sample001/0.png"
    )
    path.unlink()
    write_folder(tmp_path / "data" / "trainPart1", content)
    assert np.array_equal(load("characters").images, packed.images)


def test_a_name_that_is_known_but_not_there_says_where_to_put_it(load):
    with pytest.raises(
        DataError,
        match=(
            "'emnist62' is not here and has no public source. Put emnist62 into a folder that"
            " GLYPHLAB_DATA"
        ),
    ):
        load("emnist62")
    with pytest.raises(DataError, match="no drawing has been saved yet"):
        load("drawings")


@pytest.mark.parametrize("name", ["mnst", "", "/no/such/folder", "no/such.zip"])
def test_a_name_that_is_not_known_is_said(load, name):
    with pytest.raises(
        DataError, match=r"did you mean 'mnist'|no data set is named|there is no data set at"
    ):
        load(name)


def test_any_folder_zip_and_idx_pair_works_by_path(load, tmp_path):
    content = files("x", "y", "z", below="train/") | files("x", "y", "z", count=2, below="val/")
    folder = write_folder(tmp_path / "set", content)
    archive = write_zip(tmp_path / "set.zip", content)
    write_mnist(tmp_path / "pairs", ending="")
    write_mnist(tmp_path / "pairs", ending="", prefix="other-")
    for path in (folder, archive):
        data = load(path)
        check(data)
        assert (
            len(data) == 15
            and data.style == "page"
            and len(data.split("test")) == 6
            and data.notes["test"] == "the folder val"
        )
    whole = load(tmp_path / "pairs" / "train-images-idx3-ubyte", validation=0)
    assert set(whole.splits) == {"train", "test"}
    assert "test" in load(tmp_path / "pairs" / "other-train-labels-idx1-ubyte").splits
    with pytest.raises(DataError, match="holds several IDX data sets: , other-"):
        load(tmp_path / "pairs")


def test_a_drawing_labelled_test_does_not_hide_the_others(load, tmp_path):
    write_folder(tmp_path / "home" / "drawings", files("test", "Sample001", "train"))
    assert load("drawings", validation=0).classes == ("0", "test", "train")


def test_a_name_in_glyphlab_data_works_like_a_path(load, tmp_path):
    write_zip(tmp_path / "data" / "own.zip", files("a", "b"))
    write_folder(tmp_path / "data" / "other", files("a", "b"))
    assert len(load("own")) == 6 and len(load("other")) == 6


def test_a_mapping_beside_an_idx_pair_names_its_classes(load, tmp_path):
    write_idx(tmp_path / "set" / "train-images-idx3-ubyte", glyphs(4))
    write_idx(tmp_path / "set" / "train-labels-idx1-ubyte", np.array([0, 1, 2, 1]))
    (tmp_path / "set" / "mapping.txt").write_text("0 65\n1 66\n2 67\n")
    assert load(tmp_path / "set").classes == ("A", "B", "C")


def test_styles_follow_the_source_and_can_be_chosen(load, tmp_path):
    content = files("a", "b")
    write_zip(tmp_path / "data" / "own.zip", content)
    write_mnist(tmp_path / "data" / "mnist")
    for style in STYLES:
        own = load("own", style=style, size=20)
        assert own.style == style
        assert np.array_equal(own.images[2], square(open_picture(content["a/2.png"]), style, 20))
        assert np.array_equal(
            load("mnist", style=style, size=20).images[3],
            square_of_glyph(glyphs(60, seed=60)[3], style, 20),
        )


def test_only_some_classes(load, tmp_path):
    write_mnist(tmp_path / "data" / "mnist")
    data = load("mnist", classes=("7", "1"))
    check(data)
    assert data.classes == ("7", "1") and len(data) == 16 and data.labels[0] == 1
    assert np.array_equal(data.images[0, 0], glyphs(60, seed=60)[1])
    assert data.fingerprint != load("mnist").fingerprint
    with pytest.raises(DataError, match="class 'q' is not known. Known: 0, 1"):
        load("mnist", classes=("1", "q"))


def test_limits_keep_every_image_in_place(load, tmp_path):
    write_mnist(tmp_path / "data" / "mnist", train=200, test=50)
    whole, small = load("mnist"), load("mnist", limit=30, limit_eval=10)
    assert {name: len(index) for name, index in small.splits.items()} == {
        "train": 30,
        "val": 10,
        "test": 10,
    }
    assert small.counts("train").tolist() == [3] * 10
    assert np.array_equal(whole.images, small.images) and whole.fingerprint == small.fingerprint


def test_shares_and_seed_decide_the_splits(load, tmp_path):
    write_zip(tmp_path / "data" / "own.zip", files("a", "b", count=20))
    sizes = {
        name: len(index) for name, index in load("own", validation=0.25, test=0.2).splits.items()
    }
    assert sizes == {"train": 24, "val": 8, "test": 8}
    assert load("own", seed=1).split("val").tolist() != load("own", seed=2).split("val").tolist()
    assert set(load("own", validation=0).splits) == {"train"}


def test_the_fingerprint_follows_content_style_and_size_but_not_the_place(load, tmp_path):
    content = files("a", "b")
    write_zip(tmp_path / "one.zip", content)
    write_zip(tmp_path / "two.zip", content)
    write_zip(tmp_path / "three.zip", {**content, "b/1.png": png(small_page("R", 9))})
    one = load(tmp_path / "one.zip").fingerprint
    assert one == load(tmp_path / "two.zip").fingerprint
    others = {
        load(tmp_path / "three.zip").fingerprint,
        load(tmp_path / "one.zip", size=32).fingerprint,
    }
    others |= {
        load(tmp_path / "one.zip", style="digit").fingerprint,
        load(tmp_path / "one.zip", classes=("a",)).fingerprint,
    }
    assert len(others) == 4 and one not in others


def test_skipped_images_are_named_and_the_rest_stays_aligned(load, tmp_path):
    content = files("a", "b") | {"a/1.png": b"broken", "loose.png": png(small_page("2"))}
    write_zip(tmp_path / "data" / "own.zip", content)
    data = load("own")
    check(data)
    assert [name for name, _ in data.skipped] == ["loose.png", "a/1.png"] and len(data) == 5
    for index, name in enumerate(data.files):
        assert data.classes[data.labels[index]] == name[0]
        assert np.array_equal(data.images[index], square(open_picture(content[name]), "page", 28))


def test_pooled_sets_match_classes_by_name(load, tmp_path):
    write_zip(
        tmp_path / "data" / "one.zip",
        files("1", "7", "A", below="train/") | files("1", "7", "A", count=2, below="test/"),
    )
    write_mnist(tmp_path / "data" / "mnist")
    data = load("one + mnist", style="duo", size=32)
    check(data)
    assert (
        data.classes == ("1", "7", "A", "0", "2", "3", "4", "5", "6", "8", "9")
        and data.style == "duo"
    )
    assert data.source_names == ("one", "mnist") and np.bincount(data.sources).tolist() == [15, 80]
    assert data.files[0] == "one/train/1/0.png" and data.files[15] == "mnist/train/0"
    alone = load("mnist", style="duo", size=32)
    assert np.array_equal(data.images[15:], alone.images)
    names = [data.classes[label] for label in data.labels[15:]]
    assert names == [alone.classes[label] for label in alone.labels]
    assert len(data.split("test")) == 6 + 20
    for split in data.splits:
        own = data.splits[split][data.sources[data.splits[split]] == 1] - 15
        assert np.array_equal(own, alone.splits[split])


def test_pooled_kinds_share_a_style(load, tmp_path):
    write_zip(tmp_path / "data" / "one.zip", files("1", "7"))
    write_mnist(tmp_path / "data" / "mnist")
    assert load("one+mnist").style == "digit" and load("one+one").style == "page"
    data = load("one+mnist", classes=("0", "1"))
    assert data.classes == ("1", "0") and len(data) == 3 + 16
    assert load("one+mnist", classes=("5",)).source_names == ("mnist",)


def test_what_is_asked_twice_is_not_decoded_twice(load, tmp_path):
    path = write_zip(tmp_path / "data" / "own.zip", files("a", "b"))
    first = load("own")
    caches = sorted((tmp_path / "home" / "cache").iterdir())
    path.rename(tmp_path / "data" / "renamed.zip")
    again = load("renamed", validation=0.4, seed=7)
    assert (
        np.array_equal(first.images, again.images)
        and sorted((tmp_path / "home" / "cache").iterdir()) == caches
    )


def test_drawings_are_a_data_set_once_there_are_some(load, tmp_path):
    write_folder(tmp_path / "home" / "drawings", files("Sample001", "Sample037", "ampersand"))
    data = load("drawings")
    check(data)
    assert data.classes == ("0", "a", "ampersand") and data.style == "page"


def test_find_tells_where(tmp_path):
    assert find("digits", (), tmp_path).path is None
    assert find("mnist", (tmp_path,), tmp_path) is None
    write_mnist(tmp_path / "mnist")
    assert find("mnist", (tmp_path,), tmp_path).path == tmp_path / "mnist"
    (tmp_path / "emnist62").mkdir()
    assert find("emnist62", (tmp_path,), tmp_path) is None  # an empty folder is no data set


REAL = {
    "mnist": (70_000, "digit", 10, {"train": 54_000, "val": 6_000, "test": 10_000}),
    "emnist62": (96_323, "digit", 62, {"train": 74_091, "val": 8_232, "test": 14_000}),
    "hymenoptera": (398, "photo", 2, {"train": 221, "val": 24, "test": 153}),
}


@pytest.mark.parametrize("name", REAL)
def test_the_real_data_sets_load(load, real_data, name):
    count, style, classes, splits = REAL[name]
    data = load(name, folders=(real_data,))
    check(data)
    assert (len(data), data.style, len(data.classes)) == (
        count,
        style,
        classes,
    ) and not data.skipped
    assert {split: len(index) for split, index in data.splits.items()} == splits
    began = time.process_time()
    again = load(name, folders=(real_data,))
    assert again.fingerprint == data.fingerprint and time.process_time() - began < 30


def test_the_real_pages_keep_what_tells_capitals_from_small_letters(load, real_data):
    data = load(
        "characters", folders=(real_data,), classes=("O", "o", "S", "s"), style="duo", size=32
    )
    check(data)
    assert len(data) == 160 and data.counts().tolist() == [40] * 4
    heights = np.array([np.ptp(np.flatnonzero(image[1].max(1) > 60)) for image in data.images])
    alone = np.array([np.ptp(np.flatnonzero(image[0].max(1) > 60)) for image in data.images])
    for capital, small in ((0, 1), (2, 3)):
        assert heights[data.labels == capital].mean() > 1.2 * heights[data.labels == small].mean()
        assert abs(alone[data.labels == capital].mean() - alone[data.labels == small].mean()) < 6


def test_what_can_be_no_name_is_said_in_words():
    with pytest.raises(DataError, match="can't be the name of a data set"):
        DataSpec.named("x" * 1_001)
