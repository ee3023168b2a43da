"""Folders mean splits or classes by how they lie, whatever they are called."""

from __future__ import annotations

import os

import pytest

from engine.data.beside import COPIES
from engine.data.layout import lay_out
from engine.data.listing import SPLITS
from engine.data.roles import UNLABELLED, role_of, roles_of
from engine.data.walk import TOO_DEEP, walk
from engine.errors import DataError

CODES = {code: name for code, name in enumerate([*SPLITS, "unlabelled"])}
ROLES = {
    "train": "train Training trainingSet trainset train_images images_train dataset_train trn"
    " seg_train TRAIN train-data TrainData train_2 my-train 训练集",
    "val": "val valid Validation val_images ValidationSet holdout dev valid_set 验证集",
    "test": "test tests Testing test_set testSet testset seg_test eval test_images tst 测试集",
    "unlabelled": "seg_pred prediction unlabeled",
    None: "a kittens 7 contest latest attestation strain valentine trains_or_tests testament"
    " trainers devil Sample001 train_test",
}


@pytest.mark.parametrize("role", ROLES)
def test_a_folders_name_says_its_split(role):
    for name in ROLES[role].split():
        found = role_of(name)
        assert (CODES[found.code] if found else None) == role, name


def test_a_sample_of_a_split_says_so():
    assert role_of("trainingSample").is_sample and not role_of("trainingSet").is_sample
    assert role_of("seg_pred").code == UNLABELLED


def paths(*folders, count=2):
    return [f"{folder}/{number}.png" for folder in folders for number in range(count)]


def found(names, **options):
    """class and split → pictures, and what was skipped."""
    layout = lay_out(names, "the set", **options)
    counts: dict[tuple[str, str], int] = {}
    for label, code in zip(layout.classes, layout.official, strict=True):
        counts[label, SPLITS[code]] = counts.get((label, SPLITS[code]), 0) + 1
    assert len(layout.positions) + len(layout.skipped) == len(names)  # nothing is lost
    return counts, {name: reason for name, reason in layout.skipped}, layout


@pytest.mark.parametrize(
    ("train", "test"),
    [
        ("training_set", "test_set"),
        ("seg_train/seg_train", "seg_test/seg_test"),
        ("archive/Train", "archive/Test"),
        ("train/images", "test/images"),
        ("set/data/TRAIN", "set/data/TEST"),
        ("mnist_png/training", "mnist_png/testing"),
    ],
)
def test_splits_under_other_names_and_zipped_once_more(train, test):
    counts, skipped, _ = found(paths(f"{train}/a", f"{train}/b", f"{test}/a", f"{test}/b"))
    assert counts == {(label, split): 2 for label in "ab" for split in ("train", "test")}
    assert not skipped


def test_pictures_to_predict_have_no_label_and_a_sample_is_no_second_split():
    names = paths("trainingSet/trainingSet/3", "trainingSet/trainingSet/5")
    names += paths("trainingSample/trainingSample/3", "testSet/testSet", "seg_pred/seg_pred")
    counts, skipped, _ = found(names)
    assert counts == {("3", "train"): 2, ("5", "train"): 2, (None, "train"): 4}
    assert "is a sample of" in skipped["trainingSample/trainingSample/3/0.png"]


@pytest.mark.parametrize("names", [["a", "b", "test"], ["train", "car", "bus"], ["val", "x", "y"]])
def test_a_class_may_be_called_like_a_split(names):
    counts, skipped, layout = found(paths(*names))
    assert {label for label, _ in counts} == set(names) and not skipped
    assert any("could be the name of a split" in one.text for one in layout.findings)


def test_a_class_called_test_within_splits_is_a_class():
    counts, _, layout = found(paths("train/a", "train/test", "test/a", "test/test"))
    assert set(counts) == {(label, split) for label in ("a", "test") for split in ("train", "test")}
    assert not layout.findings


def test_drawings_are_classes_whatever_they_are_called():
    assert set(found(paths("test"), only_classes=True)[0]) == {("test", "train")}
    assert len(found(paths("test", "train"), only_classes=True)[0]) == 2


def test_classes_may_hold_their_splits():
    counts, _, layout = found(paths("apple/train", "apple/test", "pear/train", "pear/test"))
    assert counts[("apple", "test")] == 2 and len(counts) == 4 and layout.how == "<class>/<split>/*"


def test_splits_without_class_folders_are_refused():
    with pytest.raises(DataError, match="none in a class folder: 'train/0.png'"):
        found(paths("train", "test"))


@pytest.mark.parametrize(
    ("folders", "words"),
    [
        (["English/Img/GoodImg/Bmp/S1", "English/Img/BadImg/Bmp/S1"], "4 pictures lie 2 folders"),
        (["w1/ab", "w1/cd", "w2/ab", "w2/cd"], "all of w1, w2 hold the folders ab, cd"),
        (["Greek/alpha", "Latin/a"], "4 pictures lie 1 folder below the class folder"),
    ],
)
def test_classes_below_the_first_level_are_pointed_out(folders, words):
    findings = found(paths(*folders))[2].findings
    assert any(words in one.text and one.level == "warning" for one in findings), findings


def test_one_loose_picture_does_not_change_what_the_classes_are():
    names = [*paths("mnist/0", "mnist/1", "mnist/2"), "mnist/cover.png"]
    counts, skipped, _ = found(names)
    assert {label for label, _ in counts} == {"0", "1", "2"}
    assert skipped == {"mnist/cover.png": "it is not in a class folder"}


def test_folders_of_writers_within_splits_are_no_classes():
    names = paths("train/w1/a", "train/w1/b", "train/w2/a", "train/w2/b", "test/w3/a", count=3)
    wanted = {("a", "train"): 6, ("b", "train"): 6, ("a", "test"): 3}
    assert found(names)[0] == wanted
    layout = lay_out(names, "the set")
    assert layout.how == "<test|train>/<writer>/<class>/*"
    assert any("taken for writers or parts" in one.text for one in layout.findings)
    parts = paths(
        "train/writer1/cat", "train/writer1/dog", "train/writer2/cat", "train/writer2/dog"
    )
    parts += paths("test/writer3/cat", "test/writer3/dog")
    assert {label for label, _ in found(parts)[0]} == {"cat", "dog"}
    mixed = paths("train/w1/a", "train/w1/b", "train/w2/a", "train/w2/b", "test/w1", "test/w2")
    assert {label for label, _ in found(mixed)[0]} == {"w1", "w2"}


def test_classes_that_are_called_like_characters_lie_below_folders_of_writers():
    counts, skipped, layout = found(paths("anna/0", "anna/1", "bert/0", "bert/1"))
    assert counts == {("0", "train"): 4, ("1", "train"): 4} and not skipped
    assert layout.how == "<writer>/<class>/*"
    assert any("are taken for writers or parts" in one.text for one in layout.findings)


def test_splits_in_words_that_nobody_listed_are_told_by_their_sizes():
    names = [f"обучение/{label}/{n}.png" for label in ("кот", "пёс") for n in range(8)]
    names += [f"экзамен/{label}/{n}.png" for label in ("кот", "пёс") for n in range(3)]
    counts, _, layout = found(names)
    assert counts == {
        (label, split): n for label in ("кот", "пёс") for split, n in (("train", 8), ("test", 3))
    }
    assert any(
        "обучение as train, экзамен as test by their sizes" in f.text for f in layout.findings
    )
    even = [name.replace("экзамен", "раздел") for name in names if int(name[-5]) < 3]
    assert set(found(even)[0]) == {("обучение", "train"), ("раздел", "train")}


@pytest.mark.parametrize(
    ("holders", "aside", "labelled"),
    [
        (["labelled"], "unlabelled", False),
        (["labelled/data"], "unlabelled/images", False),
        (["annotated"], "todo", False),
        (["sorted"], "unsorted", False),
        (["cells"], "test", False),
        (["cells"], "scans", None),
        (["glyphs"], "scanned_pages/2021", None),
        (["anything"], "whatever", None),  # what is in it is called like characters
        (["dataset-28", "dataset-64"], "raw-data", None),
    ],
)
def test_what_lies_beside_the_folder_of_the_classes_is_no_class(holders, aside, labelled):
    names = paths(*(f"{holder}/{label}" for holder in holders for label in "ABC"))
    counts, skipped, layout = found([*names, *paths(aside, count=5)])
    wanted = {(label, "train"): 2 * len(holders) for label in "ABC"}
    if labelled is None:
        assert counts == wanted and len(skipped) == 5
        assert all("beside the folders that hold them" in reason for reason in skipped.values())
    else:
        assert counts == wanted | {(None, "train"): 5} and not skipped
    top = aside.split("/")[0]
    said = f"the 5 pictures in {top} lie beside the folders of classes"
    assert any(said in one.text and one.level == "warning" for one in layout.findings)
    assert f"{top} beside them: no classes" in layout.why


def test_splits_and_words_within_the_folder_of_the_classes():
    names = paths("labelled/train/a", "labelled/train/b", "labelled/test/a", "labelled/test/b")
    counts, _, layout = found([*names, *paths("unlabelled", count=5)])
    assert counts[None, "train"] == 5 and counts["b", "test"] == 2 and len(counts) == 5
    words = [*paths("letters/alpha", "letters/beta"), *paths("photos"), "letters/cover.png"]
    counts, skipped, _ = found([*words, *(f"letters/alpha/more{n}.png" for n in range(9))])
    assert {label for label, _ in counts} == {"alpha", "beta"} and len(skipped) == 3
    counts, skipped, _ = found([*paths("cells/A", "cells/B"), "scan1.png", "scan2.png"])
    assert {label for label, _ in counts} == {"A", "B"}
    assert list(skipped) == ["scan1.png", "scan2.png"]


@pytest.mark.parametrize(
    ("folders", "classes", "doubted"),
    [
        (["a", "b", "c/x"], "a b c", False),
        (["cat", "dog/x"], "cat dog", False),
        (["cat", "dog/batch_1", "dog/batch_2"], "cat dog", False),
        (["cat", "dog", "bird/x", "bird/y"], "cat dog bird", True),
        (["cat", "dog/pug", "dog/husky", "dog/poodle"], "cat dog", True),
        (["a", "b", "more/a", "more/b"], "a b more", True),
        (["1", "2", "3/A", "3/B"], "1 2 3", True),
        (["plus", "minus", "digits/0", "digits/1"], "plus minus digits", True),
    ],
)
def test_a_class_may_have_folders_of_its_own(folders, classes, doubted):
    counts, skipped, layout = found(paths(*folders))
    assert {label for label, _ in counts} == set(classes.split()) and not skipped
    assert any("are the classes, give" in one.text for one in layout.findings) == doubted


def test_changed_copies_and_other_versions_are_no_splits():
    original = paths(*(f"original/{label}" for label in "ABC"))
    augmented = paths(*(f"augmented/{label}" for label in "ABC"), count=8)
    counts, skipped, layout = found([*original, *augmented])
    assert counts == {(label, "train"): 2 for label in "ABC"}
    assert len(skipped) == 24 and set(skipped.values()) == {COPIES}
    assert "no copy of a test image is trained on" in layout.findings[0].text
    names = [name.replace("augmented", "cleaned") for name in augmented]
    counts, skipped, layout = found([*original, *names])
    assert counts == {(label, "train"): 10 for label in "ABC"} and not skipped
    assert any("have the same names" in one.text for one in layout.findings)


def test_development_and_held_out_images_beside_training_images():
    every = [f"{split}/{label}" for split in ("train", "dev", "holdout") for label in "ab"]
    counts, _, _ = found(paths(*every))
    assert {split for _, split in counts} == {"train", "val", "test"}
    assert found(paths(*every[:2], *every[4:]))[0]["a", "val"] == 2
    assert {code.code for code in roles_of(["dev", "hold-out", "test"]).values()} == {1, 2}


def test_parts_of_a_class_are_no_doubt_and_groups_of_characters_are_none_either():
    names = [f"by_class/{label}/hsf_{n}" for label in ("41", "42") for n in (0, 4)]
    counts, _, layout = found(paths(*names, "by_class/41/train_41", "by_class/42/train_42"))
    assert {label for label, _ in counts} == {"41", "42"}
    assert [one.level for one in layout.findings] == ["note"]
    groups = [f"digits/{n}" for n in "01"] + ["upper/A", "upper/B", "lower/a", "lower/b"]
    counts, _, layout = found(paths(*groups))
    assert {label for label, _ in counts} == set("01ABab") and layout.how == "<group>/<class>/*"


def test_an_unlabelled_folder_beside_classes_has_no_label():
    assert found(paths("a", "b", "unlabelled"))[0][None, "train"] == 2


def test_pictures_in_folders_without_end_are_left_out():
    deep = "/".join("d" * 5000) + "/1.png"
    layout = lay_out([deep, *paths("a", "b")], "it")
    assert layout.classes == ["a", "a", "b", "b"]
    assert [name for name, _ in layout.skipped] == [deep] and "more than 64" in layout.skipped[0][1]
    with pytest.raises(DataError, match="none in a class folder"):
        lay_out([deep], "it")


def test_a_folder_in_thousands_of_others_is_named_and_not_entered(tmp_path):
    at = os.open(tmp_path, os.O_RDONLY)
    for _ in range(1200):  # one by one: the path as a whole is longer than the system takes
        os.mkdir("d", dir_fd=at)
        inner = os.open("d", os.O_RDONLY, dir_fd=at)
        os.close(at)
        at = inner
    os.close(at)
    [(name, reason)] = walk(tmp_path).problems
    for _ in range(1199):  # pytest, too, could not remove them
        os.rename(tmp_path / "d" / "d", tmp_path / "next")
        os.rmdir(tmp_path / "d")
        os.rename(tmp_path / "next", tmp_path / "d")
    assert name.count("d") == 65 and reason == TOO_DEEP
