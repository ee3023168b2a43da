"""Folders and zips of pictures: every usual layout is understood, junk is left out, and what is
dangerous is refused.
"""

from __future__ import annotations

import io
import os
import struct
import zipfile

import numpy as np
import pytest
from pictures import files, page, png, small_page, write_folder, write_zip
from PIL import Image

from engine.data.folder import list_folder, list_zip
from engine.data.listing import TEST, TRAIN, VAL
from engine.data.packing import MOST_RATIO
from engine.data.pixels import guess_kind
from engine.data.walk import walk
from engine.errors import DataError

LAYOUTS = {
    "classes": {"": TRAIN},
    "train and val": {"train/": TRAIN, "val/": TEST},
    "train, val and test": {"train/": TRAIN, "val/": VAL, "test/": TEST},
    "train alone": {"train/": TRAIN},
    "test alone": {"test/": TEST},
    "Training and Testing": {"Training/": TRAIN, "Testing/": TEST},
    "one folder around classes": {"mnistTask/": TRAIN},
    "folders around splits": {"some/data/train/": TRAIN, "some/data/valid/": TEST},
}


@pytest.fixture(params=["folder", "zip"])
def listed(request, tmp_path):
    """Files → their listing, as a folder and as a zip."""

    def listing(content, kind="page"):
        if request.param == "folder":
            return list_folder(write_folder(tmp_path / "set", content), lambda paths: "abc", kind)
        return list_zip(write_zip(tmp_path / "set.zip", content), 1000, kind)

    return listing


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_usual_layout_is_understood(listed, layout):
    content = {}
    for below in LAYOUTS[layout]:
        content |= files("4", "R", below=below)
    listing = listed(content)
    assert (
        listing.classes == ("4", "R")
        and len(listing) == 6 * len(LAYOUTS[layout])
        and not listing.skipped
    )
    assert set(listing.official.tolist()) == set(LAYOUTS[layout].values())
    for below, code in LAYOUTS[layout].items():
        inner = below.removeprefix("some/data/").removeprefix("mnistTask/")
        at = listing.files.index(f"{inner}R/1.png")
        assert listing.official[at] == code and listing.classes[listing.labels[at]] == "R"
        assert listing.reader.read(at) == content[f"{below}R/1.png"]


def test_pictures_deeper_in_a_class_belong_to_it(listed):
    listing = listed({**files("2", below="train/"), "train/2/more/9.png": png(small_page("2"))})
    assert listing.classes == ("2",) and len(listing) == 4


def test_one_class_is_fine(listed):
    assert listed(files("4")).classes == ("4",)


def test_one_class_in_a_folder_around_it_is_fine(listed):
    listing = listed(files("4", below="some/"))
    assert listing.classes == ("4",) and len(listing) == 3


def test_numbers_are_ordered_as_numbers_and_names_as_names(listed):
    assert listed(files("10", "9", "2", count=1)).classes == ("2", "9", "10")


def test_names_are_ordered_as_text(listed):
    assert listed(files("b", "10", "a", count=1)).classes == ("10", "a", "b")


def test_chars74k_folders_become_characters(listed):
    listing = listed(
        files(
            "Sample001", "Sample010", "Sample011", "Sample037", "Sample062", count=1, below="train/"
        )
    )
    assert listing.classes == ("0", "9", "A", "a", "z")


def test_a_class_of_its_own_beside_chars74k_folders_keeps_its_name(listed):
    assert listed(files("Sample011", "ampersand", count=1)).classes == ("A", "ampersand")


def test_more_folders_than_chars74k_has_are_of_another_script(listed):
    listing = listed(files("Sample001", "Sample063", count=1))
    assert listing.classes == ("Sample001", "Sample063")
    assert "keep their names" in listing.survey.findings[0].text


def test_junk_is_no_picture_and_named(listed):
    junk = {
        "__MACOSX/2/._0.png": b"junk",
        "2/._1.png": b"junk",
        "2/.DS_Store": b"junk",
        "2/Thumbs.db": b"junk",
        ".hidden/9.png": b"junk",
        "readme.txt": b"hello",
        "2/notes.csv": b"1,2",
    }
    listing = listed({**files("2", "4"), **junk})
    assert listing.classes == ("2", "4") and len(listing) == 6 and listing.skipped == ()
    survey = listing.survey
    assert sorted(survey.hidden) == sorted(name for name in junk if b"junk" == junk[name])
    assert dict(survey.others) == {"readme.txt": "a text", "2/notes.csv": "a CSV table"}
    assert survey.tables == ("2/notes.csv",) and survey.seen == 13


def test_pictures_outside_class_folders_are_reported_by_name(listed):
    listing = listed({**files("2"), "cover.png": png(small_page("R"))})
    assert len(listing) == 3 and listing.skipped == (("cover.png", "it is not in a class folder"),)


def test_folders_beside_splits_are_reported_by_name(listed):
    listing = listed(
        {
            **files("2", below="train/"),
            **files("extra", count=1, below="unused/"),
            "train/loose.png": png(small_page("R")),
        }
    )
    assert dict(listing.skipped) == {
        "unused/extra/0.png": "it is not in train",
        "train/loose.png": "it is not in a class folder",
    }


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({}, "holds no pictures"),
        (
            {"2/notes.txt": b"x", "readme.md": b"y"},
            "Needed: files ending in .png",
        ),
        (
            {"a.png": png(small_page("2")), "b.png": png(small_page("4"))},
            "holds 2 pictures, but none in a class folder",
        ),
        ({"train/a.png": png(small_page("2"))}, "holds 1 pictures, but none in a class folder"),
    ],
)
def test_what_is_no_data_set_is_said_with_the_layout(tmp_path, content, words):
    folder = tmp_path / "set"
    folder.mkdir()
    write_folder(folder, content)
    archive = write_zip(tmp_path / "set.zip", content)
    for read in (lambda: list_folder(folder, lambda paths: ""), lambda: list_zip(archive, 9)):
        with pytest.raises(DataError, match=words) as caught:
            read()
        assert "Lay it out as <class>/*.png" in str(caught.value)


def test_content_decides_the_hash_of_a_zip(tmp_path):
    content = files("2", "4")
    first = list_zip(write_zip(tmp_path / "a.zip", content), 100, "page")
    again = list_zip(write_zip(tmp_path / "b.zip", content, zipfile.ZIP_DEFLATED), 100, "page")
    changed = list_zip(
        write_zip(tmp_path / "c.zip", {**content, "2/0.png": content["2/1.png"]}), 100, "page"
    )
    renamed = list_zip(
        write_zip(
            tmp_path / "d.zip", {name.replace("2/", "3/"): data for name, data in content.items()}
        ),
        100,
        "page",
    )
    assert first.content == again.content
    assert len({first.content, changed.content, renamed.content}) == 3


def test_a_zip_that_was_replaced_is_read_anew(tmp_path):
    path = tmp_path / "a.zip"
    assert len(list_zip(write_zip(path, files("2")), 100)) == 3
    assert len(list_zip(write_zip(path, files("2", "4")), 100)) == 6


def test_backslashes_in_a_zip_are_folders(tmp_path):
    write_zip(tmp_path / "a.zip", {})
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for name, data in files("2").items():
            entry = zipfile.ZipInfo("x")
            entry.filename = name.replace("/", "\\")
            archive.writestr(entry, data)
    assert list_zip(tmp_path / "a.zip", 100).classes == ("2",)


@pytest.mark.parametrize(
    "name",
    ["/etc/2/0.png", "../2/0.png", "2/../../0.png", "C:/2/0.png", "\\2\\0.png", "2\\..\\..\\0.png"],
)
def test_paths_outside_the_zip_are_refused(tmp_path, name):
    write_zip(tmp_path / "a.zip", {**files("2"), name: png(small_page("2"))})
    with pytest.raises(DataError, match="a.zip holds a file outside itself") as caught:
        list_zip(tmp_path / "a.zip", 100)
    assert "Pack it again" in str(caught.value)


def test_two_dots_within_a_name_are_fine(tmp_path):
    assert (
        len(
            list_zip(
                write_zip(tmp_path / "a.zip", {**files("2"), "2/a..b.png": png(small_page("2"))}),
                100,
            )
        )
        == 4
    )


def test_links_are_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        entry = zipfile.ZipInfo("2/0.png")
        entry.external_attr = 0o120777 << 16
        archive.writestr(entry, "/etc/passwd")
    with pytest.raises(DataError, match="holds a link"):
        list_zip(tmp_path / "a.zip", 100)


def test_encryption_is_refused(tmp_path):
    data = bytearray(write_zip(tmp_path / "a.zip", files("2", count=1)).read_bytes())
    at = data.index(b"PK\x01\x02")
    data[at + 8] |= 1
    (tmp_path / "a.zip").write_bytes(data)
    with pytest.raises(
        DataError, match="a.zip is encrypted: '2/0.png'. Pack it again without a password."
    ):
        list_zip(tmp_path / "a.zip", 100)


def test_a_zip_that_unpacks_to_too_much_is_refused(tmp_path):
    write_zip(tmp_path / "a.zip", {"2/0.png": np.random.default_rng(0).bytes(3_000_000)})
    with pytest.raises(
        DataError,
        match="unpacks to too much: 3 MB. Allowed: at most 2 MB. Raise GLYPHLAB_UNPACKED_MB",
    ):
        list_zip(tmp_path / "a.zip", 2)


def test_a_zip_bomb_is_refused(tmp_path):
    write_zip(tmp_path / "a.zip", {"2/0.png": bytes(60_000_000)}, zipfile.ZIP_DEFLATED)
    with pytest.raises(
        DataError,
        match=(
            f"a.zip unpacks to .* times its size. Allowed: at most {MOST_RATIO} times. .*zip bomb"
        ),
    ):
        list_zip(tmp_path / "a.zip", 1000)


def test_a_file_that_lies_about_its_size_is_reported_when_it_is_read(tmp_path):
    data = bytearray(
        write_zip(
            tmp_path / "a.zip", {"2/0.png": bytes(5_000_000)}, zipfile.ZIP_DEFLATED
        ).read_bytes()
    )
    at = data.index(b"PK\x01\x02")
    data[at + 24 : at + 28] = struct.pack("<I", 1000)
    (tmp_path / "a.zip").write_bytes(data)
    reader = list_zip(tmp_path / "a.zip", 100, "page").reader
    try:
        assert len(reader.read(0)) <= 1000
    except DataError:
        pass


@pytest.mark.parametrize("content", [b"", b"no zip at all", b"PK\x05\x06" + bytes(10)])
def test_what_is_no_zip_is_refused(tmp_path, content):
    (tmp_path / "a.zip").write_bytes(content)
    with pytest.raises(DataError, match="a.zip is not a zip that can be read"):
        list_zip(tmp_path / "a.zip", 100)
    with pytest.raises(DataError, match="missing.zip can't be read"):
        list_zip(tmp_path / "missing.zip", 100)


def test_a_zip_cut_short_is_refused(tmp_path):
    whole = write_zip(tmp_path / "a.zip", files("2", "4")).read_bytes()
    (tmp_path / "a.zip").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match="cut short"):
        list_zip(tmp_path / "a.zip", 100)


def test_a_damaged_file_in_a_zip_is_an_error_of_its_own(tmp_path):
    path = write_zip(tmp_path / "a.zip", files("2"))
    data = bytearray(path.read_bytes())
    at = data.index(b"\x89PNG")
    data[at + 40] ^= 0xFF
    path.write_bytes(data)
    reader = list_zip(path, 100, "page").reader
    with pytest.raises(DataError, match="CRC"):
        reader.read(0)
    assert reader.read(1).startswith(b"\x89PNG")


def test_links_to_folders_are_followed_once_and_never_in_circles(tmp_path):
    write_folder(tmp_path / "set", files("2"))
    write_folder(tmp_path / "store", files("4", count=1))
    for name, target in (
        ("again", tmp_path / "set"),
        ("3", "2"),
        ("4", tmp_path / "store" / "4"),
        ("5", "nowhere"),
        ("2/x.png", "nothing.png"),
    ):
        (tmp_path / "set" / name).symlink_to(target)
    found = walk(tmp_path / "set")
    assert found.names == ["2/0.png", "2/1.png", "2/2.png", "4/0.png"]
    assert dict(found.problems) == {
        "again": "a link to ., which is read already",
        "3": "a link to 2, which is read already",
        "5": "a link to nowhere, which is not there",
        "2/x.png": "a link to nothing.png, which is not there",
    }


def test_what_can_not_be_read_is_named_and_the_rest_is_read(tmp_path, monkeypatch):
    root = write_folder(tmp_path / "set", files("2", "4"))
    os.mkfifo(root / "2" / "pipe.png")
    real = os.access  # root may read everything, so that permissions can't be taken away
    monkeypatch.setattr(
        os, "access", lambda path, mode: not str(path).endswith("4/1.png") and real(path, mode)
    )
    listing = list_folder(root, lambda paths: "", "page")
    assert len(listing) == 5
    assert dict(listing.skipped) == {
        "2/pipe.png": "it is a pipe",
        "4/1.png": "it can't be read: permission denied",
    }


class Pictures:
    def __init__(self, *pictures):
        self.pictures = [png(picture) for picture in pictures]

    def read(self, index):
        return self.pictures[index]


def test_the_kind_of_image_is_guessed():
    rng = np.random.default_rng(0)
    photos = [Image.fromarray(rng.integers(0, 256, (80, 100, 3), dtype=np.uint8)) for _ in range(3)]
    assert guess_kind(Pictures(*photos), 3) == "photo"
    assert guess_kind(Pictures(page("2"), page("4"), page("R")), 3) == "page"
    assert guess_kind(Pictures(page("2", mode="RGB", paper="white", ink="navy")), 1) == "page"
    assert guess_kind(Pictures(page("2", 28, 28, (6, 4, 22, 24), pen=2)), 1) == "digit"
    grey = Image.fromarray(np.tile(np.linspace(0, 255, 100).astype(np.uint8), (80, 1)))
    assert guess_kind(Pictures(grey), 1) == "photo"


def test_a_character_that_fills_its_square_is_no_photograph():
    """As upscaled digits are: soft edges, and more ink than paper."""
    rows, columns = np.mgrid[:64, :64] / 63.0
    stroke = np.clip(4 * (np.abs(rows - columns) - 0.35), 0, 1) * 255
    bold = Image.fromarray(stroke.astype(np.uint8))
    assert guess_kind(Pictures(bold), 1) == "page"
    soft = Image.fromarray((255 * np.abs(rows - columns)).astype(np.uint8))
    assert guess_kind(Pictures(soft), 1) == "photo"
    assert guess_kind(Pictures(bold.resize((640, 640))), 1) == "photo"


def test_broken_pictures_do_not_decide_the_kind():
    reader = Pictures(page("2"))
    reader.pictures = [b"broken", *reader.pictures]
    assert guess_kind(reader, 2) == "page"
    reader.pictures = [b"broken"]
    assert guess_kind(reader, 1) == "page"


def test_the_real_archives(real_data):
    characters = list_zip(real_data / "trainPart1.zip", 20_000)
    assert characters.kind == "page" and len(characters) == 2480 and len(characters.classes) == 62
    assert (
        "".join(characters.classes)
        == "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    )
    assert (np.bincount(characters.labels) == 40).all() and set(characters.official.tolist()) == {
        TRAIN
    }
    task3 = list_zip(real_data / "mnistTask3.zip", 20_000)
    assert task3.kind == "digit" and len(task3) == 60_000 and task3.classes == tuple("0123456789")
    insects = list_folder(real_data / "hymenoptera_data", lambda paths: "")
    assert insects.kind == "photo" and insects.classes == ("ants", "bees")
    assert np.bincount(insects.official).tolist() == [245, 0, 153]
    assert Image.open(io.BytesIO(insects.reader.read(0))).size[0] > 100
