"""Classes in the names of files: offered, and taken only where a person chooses so."""

from __future__ import annotations

import pytest
from pictures import png, small_page, write_folder

from engine.data.choices import AS_FOUND, Choices
from engine.data.file_names import by_file_names, offer
from engine.data.folder import list_folder
from engine.data.listing import SPLITS
from engine.data.report import report_of
from engine.errors import DataError

PAGE = png(small_page("2"))


@pytest.mark.parametrize(
    ("name", "count", "wanted"),
    [
        ("{k}_{n:04}.png", 3, "part 1 (3 values: 0, 1, 2)"),
        ("img{k:03}-{n:05}.png", 4, "part 2 (4 values: 000, 001, 002, 003)"),
        ("train/{c}.{n}.jpg", 2, "part 1 (2 values: a, b)"),
        ("w{n:03}_pass01_digit{k}.bmp", 3, "part 6 (3 values: 0, 1, 2)"),
        ("{n:05} ({c}).png", 3, "part 2 (3 values: a, b, c)"),
    ],
)
def test_a_part_that_comes_again_and_again_is_offered(name, count, wanted):
    names = [name.format(n=10 * n + k, k=k, c="abcd"[k]) for n in range(1, 5) for k in range(count)]
    assert wanted in offer(names) and offer(names).count("values") == 1


@pytest.mark.parametrize(
    "name", ["IMG_{n}.jpg", "2024-03-{n:02}_scan.png", "{n}.png", "scan ({n}).tif", "{n:08x}.png"]
)
def test_numbers_of_pictures_are_not_offered(name):
    assert offer([name.format(n=n) for n in range(10, 30)]) == ""


def listed(folder, choices=AS_FOUND):
    return list_folder(folder, lambda paths: "", "page", choices=choices)


def test_nothing_is_taken_from_names_unless_it_is_chosen(tmp_path):
    flat = {
        f"{split}/{k}_{n}.png": PAGE for split in ("train", "test") for k in "7é" for n in "123"
    }
    folder = write_folder(tmp_path / "flat", flat | {"train/note.png": PAGE, "test/é_9.png": PAGE})
    with pytest.raises(DataError, match=r"part 1 \(3 values: 7, é, note\).*--name-part"):
        listed(folder)
    found = listed(folder, Choices(part=1))
    counts = {name: int(n) for name, n in zip(found.classes, found.counts(), strict=True)}
    assert counts == {"7": 6, "é": 7, "note": 1}
    splits = [SPLITS[code] for code in found.official]
    assert splits == [name.partition("/")[0] for name in found.files]
    assert {"note", "warning"} >= {one.level for one in report_of(found).findings}
    last = listed(folder, Choices(part=2))
    assert last.classes == ("1", "2", "3") and (last.labels < 0).sum() == 2
    text = str(report_of(last).findings)
    assert "2 names have no such part, or one that no training image has: test/é_9.png" in text
    with pytest.raises(DataError, match="part 5 of the file names can't be the class"):
        listed(folder, Choices(part=5))
    with pytest.raises(DataError, match="1 to 12, or -1 to -12"):
        Choices(part=13)


def test_folders_that_tell_the_classes_leave_nothing_to_offer(tmp_path):
    plain = {f"{c}/{c}_{n}_{n % 2}.png": PAGE for c in "ab" for n in range(6)}
    assert "file names" not in str(
        report_of(listed(write_folder(tmp_path / "two", plain))).findings
    )
    one = {name.replace("a/", "all/").replace("b/", "all/"): PAGE for name in plain}
    text = str(report_of(listed(write_folder(tmp_path / "one", one))).findings)
    assert "one class only" in text and "part 1 (2 values: a, b) or part 2" in text
    parts = {f"Part0{n % 2 + 1}/w{n}_digit{n % 3}.png": PAGE for n in range(12)}
    text = str(report_of(listed(write_folder(tmp_path / "parts", parts))).findings)
    assert "Part01, Part02 are called like parts" in text and "part 4 (3 values: 0, 1, 2)" in text


def test_splits_are_kept_and_a_part_that_only_test_images_have_is_no_class():
    layout = by_file_names(["seg_train/a_1.png", "seg_test/a_2.png", "seg_test/b_3.png"], 1)
    assert (layout.classes, layout.official) == (["a", "a", None], [0, 2, 2])
