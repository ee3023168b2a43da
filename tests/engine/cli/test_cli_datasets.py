"""`python -m engine datasets`: the list, what one holds, and fetching."""

from __future__ import annotations

import argparse

import pytest
from pictures import files, png, small_page, write_folder, write_zip

from engine.cli import datasets
from engine.errors import DataError
from engine.lab import Lab
from engine.progress import no_progress
from engine.settings import read_settings


@pytest.fixture
def lab(tmp_path):
    return Lab(
        tmp_path / "home", read_settings({"GLYPHLAB_DATA": str(tmp_path), "GLYPHLAB_OFFLINE": "1"})
    )


def run(lab, *arguments):
    parser = argparse.ArgumentParser()
    datasets.arguments(parser)
    return datasets.run(lab, parser.parse_args(arguments), no_progress)


def test_the_list_says_where_each_is(lab):
    rows = {row["name"]: row for row in run(lab)}
    assert rows["digits"]["here"] and rows["mnist"]["fetchable"] and not rows["nature"]["here"]
    assert rows["invented"]["images"] and rows["invented"]["classes"] is None, "not known yet"
    assert rows["drawings"]["images"] in (0, None) and rows["digits"]["classes"] == 10
    text = datasets.show(list(rows.values()))
    lines = {line.split()[0]: line for line in text.splitlines()}
    assert (
        "built in" in lines["digits"]
        and "can be fetched" in lines["mnist"]
        and "not here" in lines["nature"]
    )


def test_of_one_class_it_is_not_said_that_a_recipe_can_be_trained_on_it(lab, tmp_path):
    write_folder(tmp_path / "single", files("seven", count=10))
    text = datasets.show(run(lab, "single", "--keep"))
    assert "kept as 'single'" in text and "trained on it with" not in text
    assert "a recipe splits them" not in text and "right about everything" not in text
    assert "no recipe is trained on them as they are: it takes images of two classes" in text
    assert "nothing can be trained on it" in text and "Add images of another class" in text
    write_folder(tmp_path / "pair", files("six", "seven", count=10))
    text = datasets.show(run(lab, "pair", "--keep"))
    assert "trained on it with --set data.name=pair" in text and "a recipe splits them" in text


def test_one_shows_classes_counts_splits_and_what_is_left_out(lab, tmp_path):
    content = (
        files("a", "b", count=4, below="train/")
        | files("a", "b", count=1, below="val/")
        | {"loose.png": png(small_page("2"))}
    )
    write_zip(tmp_path / "own.zip", content)
    document = run(lab, "own")
    assert (
        document["images"] == 10
        and document["kind"] == "page"
        and document["splits"] == {"train": 7, "val": 1, "test": 2}
    )
    assert document["classes"] == [
        {"name": "a", "train": 4, "val": 0, "test": 1},
        {"name": "b", "train": 4, "val": 0, "test": 1},
    ]
    assert document["skipped"] == [{"name": "loose.png", "reason": "it is not in train or val"}]
    text = datasets.show(document)
    assert (
        "own: 10 images of 2 classes\nimage type: characters, place and size kept (kind 'page')\n"
        in text
    )
    # what a recipe makes of them, kept apart from what the columns below add up to
    assert "a recipe splits them into 7 train, 1 val, 2 test, unless it says otherwise" in text
    assert "images of each class in the splits as they are stored:\nCLASS  TRAIN  TEST" in text
    assert "skipped loose.png: it is not in train or val" in text


def test_mistakes_are_said(lab):
    nameless = (["--keep"], ["--check"], ["--paper", "dark"])
    for arguments in (["mnst"], ["mnist"], ["--fetch", "mnist"], ["--fetch", "nature"], *nameless):
        with pytest.raises(DataError):
            run(lab, *arguments)


def test_how_a_folder_is_read_can_be_chosen_and_kept(lab, tmp_path):
    folder = write_folder(
        tmp_path / "scans",
        {f"{n:03}_{'ab'[n % 2]}.png": png(small_page("24"[n % 2])) for n in range(8)},
    )
    with pytest.raises(DataError, match="file names may hold the classes: part 2"):
        run(lab, str(folder))
    looked = run(lab, str(folder), "--name-part", "2", "--test-share", "0.25", "--paper", "light")
    assert looked["classes"] == [{"name": name, "train": 3, "val": 0, "test": 1} for name in "ab"]
    assert looked["report"]["checked"] and "as chosen" in looked["report"]["polarity"]
    with pytest.raises(DataError):
        run(lab, "scans")  # it was only looked at
    kept = run(lab, str(folder), "--keep", "--name-part", "2")
    assert kept["images"] == run(lab, "scans")["images"] == 8 and len(kept["classes"]) == 2
    assert "kept as 'scans': the pages show it" in datasets.show(kept)
    assert "data.name=scans" in datasets.show(kept) and "kept as" not in datasets.show(looked)
    again = run(lab, "scans", "--keep", "--unlabelled")
    assert again["report"]["unlabelled"] == run(lab, "scans")["report"]["unlabelled"] == 8
    with pytest.raises(DataError, match="how 'digits' is read can't be chosen"):
        run(lab, "digits", "--paper", "dark")


def test_the_list_counts_the_images_of_a_kept_set_that_can_be_read(lab, tmp_path):
    content = {f"{name}/{n}.png": png(small_page("24"[n % 2])) for name in "ab" for n in range(4)}
    folder = write_folder(tmp_path / "shapes", content | {"a/torn.png": b"\x89PNG torn"})
    document = run(lab, str(folder), "--keep")
    row = next(row for row in run(lab) if row["name"] == "shapes")
    assert document["images"] == row["images"] == 8
    assert row["about"] == "kept by its path, where it stays" and row["path"] == str(folder)


def test_a_folder_that_nobody_has_read_yet_is_listed_without_counts(lab, tmp_path):
    write_folder(tmp_path / "scans", files("a", "b"))
    (row,) = (row for row in run(lab) if row["name"] == "scans")
    assert row["here"] and row["images"] is None and row["classes"] is None
