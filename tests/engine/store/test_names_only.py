"""What a lab opens that strangers reach: things by their names, and paths into its own folders."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from engine.data.choices import Choices
from engine.errors import CheckpointError, DataError, GlyphlabError, RecipeError, RunError
from engine.lab import Lab
from engine.recipes.recipe import Recipe
from engine.settings import read_settings
from engine.store.store import CHECKPOINTS


@pytest.fixture
def places(tmp_path):
    """A folder of pictures outside, one inside GLYPHLAB_DATA, and a link from there to the first."""
    from PIL import Image

    for place in ("outside/secret", "data/mine", "home/received/1/files"):
        for label in "ab":
            folder = tmp_path / place / label
            folder.mkdir(parents=True)
            for number in range(3):
                Image.new("L", (8, 8), 40 * number).save(folder / f"{number}.png")
    (tmp_path / "data" / "link").symlink_to(tmp_path / "outside" / "secret")
    return tmp_path


def lab(places: Path, names_only: bool) -> Lab:
    environ = {"GLYPHLAB_DATA": str(places / "data"), "GLYPHLAB_NAMES_ONLY": str(int(names_only))}
    settings = read_settings({**environ, "GLYPHLAB_HOME": str(places / "home")})
    return Lab(settings.home, settings)


def test_a_data_set_is_opened_by_name_or_inside_the_folders_that_were_named(places):
    web, own = lab(places, True), lab(places, False)
    for name in ("mine", str(places / "data" / "mine"), "digits"):
        assert web.store.dataset(name).images.shape[0] == own.store.dataset(name).images.shape[0]
    for name in (
        str(places / "outside" / "secret"),
        str(places / "data" / "link"),
        "link",
        "../outside/secret",
        str(places / "data" / ".." / "outside" / "secret"),
        str(places / "home" / "received" / "1" / "files"),
        str(places / "data"),
        "/",
        "/etc/passwd",
        "~",
        "mine\0",
        "digits+" + str(places / "outside" / "secret"),
    ):
        with pytest.raises(DataError):
            web.store.dataset(name)
        with pytest.raises(DataError):
            web.data.samples(name, count=1)
    assert len(own.store.dataset(str(places / "outside" / "secret"))) == 6


def test_what_was_made_a_data_set_on_the_machine_itself_is_opened_where_it_stays(places):
    web, own = lab(places, True), lab(places, False)
    kept = own.data.imports.keep_as(str(places / "outside" / "secret")).name
    assert len(web.store.dataset(kept)) == len(own.store.dataset(kept)) == 6
    own.data.imports.change(kept, Choices(paper="dark"))
    assert len(web.store.dataset(kept)) == 6
    shutil.rmtree(places / "outside" / "secret")
    with pytest.raises(DataError, match="not where they were.*Put them back"):
        web.store.dataset(kept)
    linked = web.data.imports.keep_as(str(places / "data" / "mine")).name
    elsewhere = replace(web.settings, data=())
    with pytest.raises(DataError, match="outside the folders.*GLYPHLAB_DATA"):
        Lab(web.home, elsewhere).store.dataset(linked)


def test_a_path_outside_is_answered_alike_whether_something_is_there_or_not(places):
    said = []
    for name in ("outside/secret", "outside/nothing"):
        with pytest.raises(DataError) as caught:
            lab(places, True).store.dataset(str(places / name))
        said.append(str(caught.value).replace(name, "X"))
    assert said[0] == said[1] and "GLYPHLAB_DATA" in said[0]


def test_models_runs_and_recipes_are_names(places):
    model = places / "outside" / "model"
    shutil.copytree(CHECKPOINTS / "mnist-tiny-best", model)
    (places / "outside" / "own.yaml").write_text("data: {name: digits}\nmodel: {name: tiny}\n")
    web, own = lab(places, True), lab(places, False)
    assert web.store.model_folder("mnist-tiny-best") == CHECKPOINTS / "mnist-tiny-best"
    assert own.store.model_folder(model) == model
    for name in (str(model), "../outside/model", "..", ".", "mnist-tiny-best/../canvas-digits"):
        with pytest.raises(CheckpointError):
            web.store.model_folder(name)
        with pytest.raises(RunError):
            web.store.run(name)
    own.store.recipe(places / "outside" / "own.yaml")
    for name in (str(places / "outside" / "own.yaml"), "own.yaml", "../outside/own", ".."):
        with pytest.raises(RecipeError):
            web.store.recipe(name)


@pytest.mark.parametrize("change", ["data", "test_on", "init_from", "weights"])
def test_nothing_is_started_from_a_path(places, change):
    web = lab(places, True)
    outside = str(places / "outside" / "secret")
    recipe = web.store.recipe("quick").model_dump()
    if change == "init_from":
        recipe["init_from"] = outside
    elif change == "weights":
        recipe["model"] = {"name": "resnet18", "options": {"weights": outside}}
    elif change == "data":
        recipe["data"]["name"] = outside
    else:
        recipe["data"]["test_on"] = outside
    with pytest.raises(GlyphlabError):
        web.launcher.submit(Recipe.model_validate(recipe))
    assert web.store.runs() == []


def test_weights_are_a_file_of_the_home_by_its_name(tmp_path):
    import torch

    from engine.errors import ModelError
    from engine.models.pretrained import keep_downloads, read_weights

    torch.save({"a": torch.zeros(2)}, tmp_path / "own.pth")
    try:
        keep_downloads(tmp_path, offline=True, names_only=True)
        assert list(read_weights("own.pth", "")) == ["a"]
        for given in (str(tmp_path / "own.pth"), "../own.pth", "~/own.pth", "/dev/zero", "..", ""):
            with pytest.raises(ModelError, match="can't be given by a path"):
                read_weights(given, "")
    finally:
        keep_downloads(None, offline=False)


def test_the_processes_that_are_started_keep_to_names_too(places):
    from engine.jobs.processes import environment_of

    settings = lab(places, True).settings
    assert read_settings(environment_of(settings, {})).names_only


def test_the_lab_that_pages_canvas_and_server_share_keeps_to_names(tmp_path):
    from app.shared_lab import open_lab

    assert open_lab({"GLYPHLAB_HOME": str(tmp_path)}).settings.names_only
    assert not Lab.open({"GLYPHLAB_HOME": str(tmp_path)}).settings.names_only
