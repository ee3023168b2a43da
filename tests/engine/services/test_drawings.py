"""Drawings collected on the canvas: a data set of the lab."""

from __future__ import annotations

import io
import zipfile

import numpy as np
import pytest
from hands import drawn, png
from trained import model_run

from engine.errors import DataError, ImageError
from engine.imaging import images
from engine.lab import Lab
from engine.recipes.fields import DataSpec
from engine.services.drawings import held_back


@pytest.fixture
def lab(tmp_path):
    return Lab(tmp_path)


def collect(lab, labels="701", count=4) -> None:
    for label in labels:
        for number in range(count):
            lab.drawings.save(png(drawn(label, number)), label)


def test_a_drawing_is_kept_dark_on_white_with_its_place_on_the_page(lab):
    ink = drawn("7")
    saved = lab.drawings.save(png(ink), " 7 ")
    picture = images.open_picture(saved.path)
    assert saved.label == "7" and picture.mode == "L" and picture.getpixel((0, 0)) == 255
    assert images.ink_box(images.ink_of(picture)) == images.ink_box(ink)


def test_drawings_are_a_data_set_with_capitals_small_letters_and_symbols_apart(lab):
    for label in ("T", "o", "7", "β", "O"):
        lab.drawings.save(png(drawn("T")), label)
    data = lab.dataset("drawings")
    assert (
        sorted(data.classes) == sorted(("T", "o", "7", "β", "O"))
        and data.style == "page"
        and len(data) == 5
    )
    assert lab.drawings.counts() == dict.fromkeys(sorted(("T", "o", "7", "β", "O")), 1)
    assert (
        len({path.name.casefold() for path in lab.drawings.folder.iterdir()}) == 5
    )  # on every file system


def test_the_newest_comes_first_and_can_be_deleted(lab):
    collect(lab, "70", 2)
    every = lab.drawings.all()
    assert len(every) == 4
    lab.drawings.remove(every[0].path.name)
    assert [one.path for one in lab.drawings.all()] == [one.path for one in every[1:]]
    for one in every[1:]:
        lab.drawings.remove(one.path.name)
    assert lab.drawings.all() == [] and not lab.drawings.folder.exists()
    with pytest.raises(DataError, match="not there any more"):
        lab.drawings.remove("../secret.png")


def test_an_export_is_a_data_set_elsewhere(lab, tmp_path):
    collect(lab, "70", 2)
    path = tmp_path / "export.zip"
    path.write_bytes(lab.drawings.export())
    assert zipfile.ZipFile(io.BytesIO(path.read_bytes())).testzip() is None
    data = Lab(tmp_path / "other").dataset(str(path))
    assert data.classes == ("0", "7") and list(data.counts()) == [2, 2]
    with pytest.raises(DataError, match="no drawing has been saved yet"):
        Lab(tmp_path / "other").drawings.export()


@pytest.mark.parametrize("label", ["", " ", "a/b", "..", "what?", "x" * 41, "end.", "\ud800"])
def test_a_label_must_be_able_to_name_a_folder(lab, label):
    with pytest.raises(DataError, match="label"):
        lab.drawings.save(png(drawn("7")), label)


def test_a_blank_pad_is_not_saved(lab):
    with pytest.raises(ImageError, match="nothing is drawn"):
        lab.drawings.save(png(np.zeros((36, 48), np.uint8)), "7")
    assert lab.drawings.all() == []


def test_too_few_drawings_are_not_learned_from(lab):
    collect(lab, "7", 2)
    with pytest.raises(DataError, match="too few drawings to learn from: 2. Needed: at least 5"):
        lab.drawings.recipe("canvas-digits")


def test_fine_tuning_keeps_every_class_in_its_order_and_adds_new_ones(lab):
    run = model_run(lab)
    collect(lab, "70", 2)
    lab.drawings.save(png(drawn("♥")), "♥")
    recipe = lab.drawings.recipe(run.id)
    assert (
        recipe.data.name == "digits+drawings"
        and recipe.data.classes == (*"0123456789", "♥")
        and recipe.init_from == run.id
    )
    assert (recipe.model.name, recipe.model.options, recipe.data.style, recipe.data.size) == (
        "convnet",
        {"width": 4},
        "digit",
        28,
    )


def test_fine_tuning_learns_a_new_symbol_and_is_judged_on_held_back_drawings(lab):
    start = lab.train(
        lab.recipe("quick", {"epochs": 2, "data.limit": 600, "model.options": {"width": 8}})
    )
    collect(lab, "701♥", 8)
    recipe = lab.drawings.recipe(start.id, {"epochs": 3})
    run = lab.train(recipe)
    assert run.info().state == "finished"
    found = lab.drawings.before_and_after(recipe, [start.id, run.id])
    assert (
        found[start.id]["n"] == found[run.id]["n"] == len(held_back(lab.dataset(recipe.data))) >= 8
    )
    assert found[run.id]["accuracy"] > max(
        found[start.id]["accuracy"], 0.8
    )  # the old model can't know the heart


def test_without_its_own_data_a_model_learns_only_what_was_drawn(lab):
    collect(lab, "70", 3)
    recipe = lab.drawings.recipe("canvas-characters")
    assert recipe.data.name == "drawings" and recipe.data.classes is None
    assert len(held_back(lab.dataset(recipe.data))) == 2


def test_held_back_drawings_are_told_from_other_test_images(lab):
    collect(lab, "70", 4)
    pooled = lab.dataset(DataSpec(name="digits+drawings", style="digit", test=0.3))
    index = held_back(pooled)
    assert all(pooled.files[number].startswith("drawings/") for number in index) and len(index) == 2
