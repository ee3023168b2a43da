"""Folders in GLYPHLAB_DATA that hold a data set are listed under the names that open them."""

from __future__ import annotations

import pytest
from pictures import files, png, small_page, write_folder, write_mnist, write_zip

from engine.data.choices import Choices
from engine.errors import DataError
from engine.lab import Lab
from engine.settings import read_settings

TABLE = b"file,label\n1.png,a\n2.png,b\n"


@pytest.fixture
def data(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    return folder


@pytest.fixture
def lab(tmp_path, data):
    environ = {"GLYPHLAB_DATA": str(data), "GLYPHLAB_NAMES_ONLY": "1", "GLYPHLAB_OFFLINE": "1"}
    return Lab(tmp_path / "home", read_settings(environ))


def own(lab: Lab) -> list[str]:
    """The names in the list that are neither known by name nor given to the lab."""
    return [info.name for info in lab.datasets() if "GLYPHLAB_DATA" in info.about]


def test_each_name_in_the_list_opens_its_folder(lab, data):
    write_folder(data / "classes", files("a", "b"))
    write_folder(data / "my scans (2)", files("a", "b", below="train/") | files("a", below="test/"))
    pictures = {f"images/{number}.png": png(small_page("2", number)) for number in (1, 2)}
    write_folder(data / "tabled", {**pictures, "labels.csv": TABLE})
    write_mnist(data / "idx")
    assert own(lab) == ["classes", "idx", "my scans (2)", "tabled"]
    for info in lab.datasets():
        if info.name in own(lab):
            assert info.here and info.path == data / info.name and not info.uploaded
            assert len(lab.dataset(info.name)) and lab.data.is_here(info.name)


def test_folders_that_are_no_data_set_are_not_listed(lab, data):
    pictures = files("a", "b")
    for name in (".hidden", "train", "a+b", "a`b", "mnist", "digits", "drawings", "trainPart1"):
        write_folder(data / name, pictures)
    write_folder(data / "notes", {"a/1.txt": b"text", "b/2.txt": b"text"})
    write_folder(data / "album", {"1.png": png(small_page("2")), "2.png": png(small_page("4"))})
    write_folder(data / "one", files("a"))
    (data / "empty").mkdir()
    assert own(lab) == []


def test_a_link_that_leads_outside_is_not_listed(lab, data, tmp_path):
    (data / "out").symlink_to(write_folder(tmp_path / "elsewhere", files("a", "b")))
    write_folder(data / "around" / "inner", {"1.txt": b"text"})
    for label in "ab":
        (data / "around" / label).symlink_to(tmp_path / "elsewhere" / label)
    assert own(lab) == []


def test_a_folder_that_is_filled_later_is_listed_then(lab, data):
    write_folder(data / "later", {"read.me": b""})
    assert own(lab) == []
    write_folder(data / "later", files("a", "b"))
    assert own(lab) == ["later"]


def test_what_was_given_to_the_lab_under_the_name_stands_for_the_folder(lab, data):
    write_folder(data / "mine", files("a", "b"))
    lab.data.imports.keep(lab.data.imports.stage_place("mine"), Choices(test=0.2))
    assert own(lab) == []
    assert [info.name for info in lab.datasets() if info.uploaded] == ["mine"]


def test_the_path_is_that_of_what_the_name_opens(lab, data):
    write_folder(data / "both", files("a", "b"))
    write_zip(data / "both.zip", files("a", "b", "c"))
    (info,) = (info for info in lab.datasets() if info.name == "both")
    assert info.path == data / "both.zip" and lab.dataset("both").classes == ("a", "b", "c")


def test_what_to_do_about_a_name_that_is_not_there_can_be_done_where_it_is_said(lab, tmp_path):
    with pytest.raises(DataError, match="Put its folder into one that GLYPHLAB_DATA names"):
        lab.data.listing("nosuch")
    with pytest.raises(DataError, match="A path to a folder"):
        Lab(tmp_path / "home").data.listing("nosuch")
