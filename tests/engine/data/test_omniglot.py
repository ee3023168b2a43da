"""Omniglot: a class is an alphabet and a character, whatever it is stored as."""

from __future__ import annotations

import pytest
from pictures import STROKES, png, small_page, write_folder, write_zip

from engine.data.catalog import load_dataset
from engine.data.info import list_datasets
from engine.errors import DataError
from engine.progress import no_progress
from engine.recipes.fields import DataSpec

SETS = {
    "images_background_small1": {"Greek": 2, "Korean": 1},
    "images_background_small2": {"Greek": 2, "Japanese_(katakana)": 2},
    "images_evaluation": {"Tengwar": 1},
}
ALL = [("Greek", 1), ("Greek", 2)]
ALL += [("Japanese (katakana)", 1), ("Japanese (katakana)", 2), ("Korean", 1)]


def pictures(name, drawers=2):
    """The pictures of a set, as its zip holds them."""
    return {
        f"{name}/{alphabet}/character{number:02d}/{number:04d}_{drawer:02d}.png": png(
            small_page(list(STROKES)[number], drawer)
        )
        for alphabet, count in SETS[name].items()
        for number in range(1, count + 1)
        for drawer in range(1, drawers + 1)
    }


@pytest.fixture
def load(tmp_path):
    def loaded(name="omniglot", **spec):
        return load_dataset(
            DataSpec(name=name, size=28, validation=0, **spec),
            folders=[tmp_path / "data"],
            home=tmp_path / "home",
            offline=True,
            unpacked_mb=100,
            progress=no_progress,
        )

    return loaded


def test_the_small_sets_are_one_and_what_both_hold_is_taken_once(load, tmp_path):
    for name in SETS:  # the evaluation set beside them is not of the background
        write_zip(tmp_path / "data" / "omniglot" / f"{name}.zip", pictures(name))
    data = load()
    names = [f"{alphabet} {number:02d}" for alphabet, number in ALL]
    assert list(data.classes) == names and data.style == "page"
    assert len(data) == 2 * len(ALL) and set(data.splits) == {"train"}
    assert data.files[0] == "Greek 01/0001_01.png" and data.skipped == ()
    assert load("omniglot-evaluation").classes == ("Tengwar 01",)


def test_the_list_says_how_many_are_there_of_it(load, tmp_path):
    for name in SETS:
        write_zip(tmp_path / "data" / "omniglot" / f"{name}.zip", pictures(name))
    listed = {info.name: info for info in list_datasets([tmp_path / "data"], tmp_path / "home")}
    data = load()
    assert (listed["omniglot"].images, listed["omniglot"].classes) == (len(data), len(data.classes))
    (tmp_path / "data/omniglot/images_background_small2.zip").unlink()
    [info] = [
        one
        for one in list_datasets([tmp_path / "data"], tmp_path / "home")
        if one.name == "omniglot"
    ]
    assert (info.images, info.classes) == (6, 3)
    (tmp_path / "data/omniglot/images_background_small1.zip").write_bytes(b"torn")
    assert list_datasets([tmp_path / "data"], tmp_path / "home")


@pytest.mark.parametrize("packed", [True, False])
def test_the_whole_background_set_comes_before_the_small_ones(load, tmp_path, packed):
    write_zip(
        tmp_path / "data/omniglot/images_background_small1.zip",
        pictures("images_background_small1"),
    )
    whole = {
        name.replace("_small2", ""): content
        for name, content in pictures("images_background_small2").items()
    }
    if packed:
        write_zip(tmp_path / "data/omniglot/images_background.zip", whole)
    else:  # as torchvision unpacks it
        write_folder(tmp_path / "data/omniglot", whole)
    assert load().classes == tuple(f"{name} {n:02d}" for name, n in ALL if name != "Korean")


def test_alphabets_can_be_left_out(load, tmp_path):
    write_zip(
        tmp_path / "data/omniglot/images_background_small1.zip",
        pictures("images_background_small1"),
    )
    assert load(without=("Greek *",)).classes == ("Korean 01",)
    assert load(without=("Greek 02",)).classes == ("Greek 01", "Korean 01")
    with pytest.raises(DataError, match="Korean 01"):
        load(without=("Korea",))
