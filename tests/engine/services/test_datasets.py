"""The data room shows what a data set holds, samples of it and what augmentation does, without
decoding all of it.
"""

from __future__ import annotations

import dataclasses
import zipfile

import numpy as np
import pytest
from pictures import files, png, small_page, write_mnist, write_zip

from engine.errors import DataError
from engine.imaging.images import open_picture, square
from engine.lab import Lab
from engine.recipes.fields import Augment
from engine.settings import read_settings


@pytest.fixture
def lab(tmp_path):
    settings = read_settings({"GLYPHLAB_DATA": str(tmp_path / "data"), "GLYPHLAB_OFFLINE": "1"})
    return Lab(tmp_path / "home", settings)


@pytest.fixture
def own(lab, tmp_path):
    """A data set 'own': 2 and 4, five and three training images and two test images each, one of
    them broken.
    """
    content = files("2", count=5, below="train/") | files("2", "4", count=2, below="test/")
    content |= {f"train/4/{number}.png": png(small_page("4", number)) for number in range(3)}
    content["train/2/1.png"] = b"broken"
    write_zip(tmp_path / "data" / "own.zip", content)
    return content


def test_contents_are_counts_by_class_and_split(lab, own):
    found = lab.data.contents("own")
    assert (
        found.kind == "page"
        and found.classes == ("2", "4")
        and not found.checked
        and found.skipped == ()
    )
    assert found.counts.tolist() == [[5, 3], [0, 0], [2, 2]] and found.splits == {
        "train": 7,
        "val": 1,
        "test": 4,
    }
    assert not (lab.home / "cache").exists()


def test_broken_images_are_known_once_everything_was_decoded(lab, own):
    lab.dataset("own")
    found = lab.data.contents("own", size=28)
    assert found.checked and [name for name, _ in found.skipped] == ["train/2/1.png"]
    assert not lab.data.contents("own", size=40).checked


@pytest.mark.parametrize("decoded", [False, True])
def test_samples_take_turns_between_classes(lab, own, decoded):
    if decoded:
        lab.dataset("own")
    samples = lab.data.samples("own", split="train", count=4)
    shown = ["train/2/0.png", "train/4/0.png", "train/4/1.png"]  # the broken one is left out
    if decoded:  # and known: the next one has its place
        shown.append("train/2/2.png")
    assert sorted(samples.files) == sorted(shown) and samples.of == (7 if decoded else 8)
    assert samples.labels.tolist() == [int(name[6] == "4") for name in samples.files]
    for image, name in zip(samples.images, samples.files, strict=True):
        assert np.array_equal(image, square(open_picture(own[name]), "page", 28))


def test_samples_of_one_class_are_paged_through(lab, own):
    names = [
        lab.data.samples("own", classes=["2"], first=first, count=3).files for first in (0, 3, 6, 9)
    ]
    assert [len(page) for page in names] == [2, 3, 1, 0]
    assert len({name for page in names for name in page}) == 6
    assert lab.data.samples("own", classes=["2"]).of == 7


def test_pages_are_of_images_that_there_are(lab, own):
    lab.dataset("own", size=64)  # as an import does, which opens every image
    for style, size in (("auto", 64), ("digit", 28)):
        pages = [
            lab.data.samples("own", classes=["2"], first=first, count=3, style=style, size=size)
            for first in (0, 3, 6)
        ]
        assert [len(page.files) for page in pages] == [3, 3, 0] and {page.of for page in pages} == {
            6
        }


def test_samples_come_in_any_style_and_size(lab, own):
    assert lab.data.samples("own", style="duo", size=40).images.shape == (11, 2, 40, 40)
    assert lab.data.samples("own", first=99, style="photo", size=20).images.shape == (0, 3, 20, 20)


def test_unknown_names_are_said(lab, own):
    for wrong in ({"split": "tests"}, {"classes": ["7"]}):
        with pytest.raises(DataError, match="is not known"):
            lab.data.samples("own", **wrong)
    with pytest.raises(
        DataError,
        match="data set 'mnist' is not here. Fetch it: python -m engine datasets --fetch mnist",
    ):
        lab.data.contents("mnist")
    with pytest.raises(DataError, match="data set 'nature' is not here. It has no public source"):
        lab.data.contents("nature")


def test_a_zip_that_was_replaced_is_looked_into_anew(lab, tmp_path):
    path = write_zip(tmp_path / "data" / "own.zip", files("2"))
    assert lab.data.contents("own").classes == ("2",)
    path.unlink()
    write_zip(path, files("2", "4"))
    assert lab.data.contents("own").classes == ("2", "4") and lab.data.samples("own").of == 6


def test_augmentation_shows_the_image_and_what_becomes_of_it(lab):
    plain = lab.data.augmented("digits", Augment(), count=3, draws=2)
    assert plain.shape == (3, 3, 1, 28, 28) and plain.dtype == np.uint8
    assert np.array_equal(plain[:, 0], plain[:, 1])
    assert np.array_equal(plain[:, 0], lab.data.samples("digits", split="train", count=3).images)

    turned = lab.data.augmented("digits", Augment(rotate=40), count=3, draws=2, seed=1)
    assert np.array_equal(turned[:, 0], plain[:, 0])
    assert not np.array_equal(turned[:, 1], turned[:, 0]) and not np.array_equal(
        turned[:, 1], turned[:, 2]
    )
    assert np.array_equal(
        turned, lab.data.augmented("digits", Augment(rotate=40), count=3, draws=2, seed=1)
    )
    assert not np.array_equal(
        turned, lab.data.augmented("digits", Augment(rotate=40), count=3, draws=2, seed=2)
    )


def test_augmentation_follows_the_crop_and_size_of_a_recipe(lab, own):
    rows = lab.data.augmented("own", Augment(crop=48), count=2, draws=3, style="photo", size=32)
    assert rows.shape == (2, 4, 3, 32, 32)


def test_what_lists_show_needs_no_decoding(lab, own, tmp_path):
    write_mnist(tmp_path / "data" / "mnist")
    lab.data.upload(
        "letters.zip", write_zip(tmp_path / "letters.zip", files("a", "b")).read_bytes()
    )
    infos = {info.name: info for info in lab.datasets()}
    assert (
        infos["mnist"].here
        and infos["mnist"].path == tmp_path / "data" / "mnist"
        and infos["mnist"].size_bytes > 1000
    )
    assert infos["digits"].here and infos["digits"].path is None and infos["digits"].images == 1797
    assert (
        not infos["characters"].here
        and infos["characters"].fetchable
        and infos["characters"].classes == 62
    )
    letters = infos["letters"]
    assert letters.uploaded and (letters.images, letters.classes, letters.kind) == (6, 2, "page")
    here = [info.here for info in lab.datasets()]
    assert here == sorted(here, reverse=True)


def test_fetching_needs_a_source_and_a_connection(lab):
    with pytest.raises(DataError, match="'mnist' can't be fetched: the lab is offline"):
        lab.data.fetch("mnist")
    with pytest.raises(DataError, match="download 'nature' is not known"):
        lab.data.fetch("nature")


def test_uploads_obey_the_settings(lab, tmp_path):
    small = Lab(tmp_path / "home", dataclasses.replace(lab.settings, upload_mb=0))
    data = write_zip(tmp_path / "a.zip", files("a")).read_bytes()
    with pytest.raises(DataError, match="a.zip is too large"):
        small.data.upload("a.zip", data)
    small = Lab(tmp_path / "home", dataclasses.replace(lab.settings, unpacked_mb=0))
    with pytest.raises(DataError, match="unpacks to too much"):
        small.data.upload("a.zip", data)
    assert lab.data.upload("a.zip", data).name == "a"
    lab.data.remove_upload("a")
    assert "a" not in {info.name for info in lab.datasets()}


def test_a_zip_is_sampled_without_reading_all_of_it(lab, tmp_path):
    """The other files may be anything: only the shown ones are opened."""
    path = write_zip(tmp_path / "data" / "large.zip", files("2", "4", count=2))
    with zipfile.ZipFile(path, "a") as archive:
        for number in range(300):
            archive.writestr(f"2/later{number:03}.png", b"never opened")
    assert len(lab.data.samples("large", count=4).images) == 4
