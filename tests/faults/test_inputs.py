"""Whatever is handed in, at every door: what can't be used is refused in words, nothing outside the home is touched,
and nothing that was in it is lost.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import nasty
import numpy as np
import pytest
import yaml
from deeds import DEEDS, drawn, furnish, lab_at, looked_at, zipped
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.testclient import TestClient

from app.canvas_tabs.pad import drawing_of
from app.scatter.routes import routes
from engine.cli import COMMANDS, main, parser_of
from engine.errors import GlyphlabError
from engine.imaging.images import ink_of, open_picture
from engine.lab import Lab
from engine.recipe import RECIPES, Recipe, make_recipe, parse_changes, read_recipe, shipped_recipe
from engine.sweep.space import parse_sweep


class Yard:
    """A lab, and a folder around it in which nothing may change."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.home, self.scratch = folder, folder / "home", folder / "home" / "scratch"
        furnish(self.home)
        for deed in ("recipe", "drawing", "teach", "map", "review"):
            DEEDS[deed].do(lab_at(self.home))
        self.lab = lab_at(self.home)
        (folder / "here").mkdir()
        (folder / "here" / "kept.txt").write_text("as it was", encoding="utf-8")
        self.scratch.mkdir()
        self.space = TestClient(Starlette(routes=routes(self.lab)), raise_server_exceptions=True)
        self.before = self.around(), looked_at(self.lab)

    def around(self) -> dict[str, str]:
        return {
            str(path): hashlib.blake2b(path.read_bytes()).hexdigest()
            for path in self.folder.rglob("*")
            if path.is_file() and self.home not in path.parents
        }

    def file(self, name: str, content: bytes) -> Path:
        path = self.scratch / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    def is_unharmed(self) -> None:
        around, counts = self.before
        assert self.around() == around, "something outside the home was written"
        now = looked_at(lab_at(self.home))
        assert all(now[kind] >= count for kind, count in counts.items()), (counts, now)


@pytest.fixture(scope="module")
def yard(tmp_path_factory):
    folder = tmp_path_factory.mktemp("yard")
    before = Path.cwd(), dict(os.environ)
    yard = Yard(folder)
    os.chdir(folder / "here")
    os.environ |= {"GLYPHLAB_HOME": str(yard.home), "GLYPHLAB_OFFLINE": "1", "GLYPHLAB_DEVICE": "cpu"}
    yield yard
    os.chdir(before[0])
    os.environ.clear()
    os.environ.update(before[1])


# the doors


def a_recipe(yard: Yard, content: bytes) -> None:
    read_recipe(yard.file("recipe.yaml", content)).to_yaml()


def a_change(yard: Yard, pair: tuple[str, str]) -> None:
    shipped_recipe("quick", parse_changes(["=".join(pair)])).to_yaml()


def a_field(yard: Yard, tree: Any) -> None:
    make_recipe(tree).to_yaml()


def a_sweep(yard: Yard, content: bytes) -> None:
    parse_sweep(content.decode("utf-8", "replace"), "mine").to_yaml()


def an_upload(yard: Yard, content: bytes) -> None:
    found = yard.lab.data.upload("given.zip", content)
    try:
        yard.lab.dataset(found.name, size=8)
    finally:
        yard.lab.data.remove_upload(found.name)


def a_file(name: str) -> Callable[[Yard, bytes], None]:
    def door(yard: Yard, content: bytes) -> None:
        path = yard.file(name, content)
        yard.lab.dataset(str(path.parent), size=8)

    return door


def a_picture(yard: Yard, content: bytes) -> None:
    ink_of(open_picture(content))


def a_drawing(yard: Yard, value: Any) -> None:
    ink_of(open_picture(drawing_of(value).picture))


def a_label(yard: Yard, label: str) -> None:
    saved = yard.lab.drawings.save(drawn(3), label)
    assert yard.home in saved.path.resolve().parents
    saved.path.unlink()


def a_symbol(yard: Yard, name: str) -> None:
    yard.lab.taught.remove(yard.lab.taught.add(name, drawn(4)).name)


def taught_symbols(yard: Yard, content: bytes) -> None:
    yard.lab.taught.take_in(content)


def a_checkpoint(part: str) -> Callable[[Yard, bytes], None]:
    def door(yard: Yard, content: bytes) -> None:
        folder = yard.scratch / "model"
        shutil.copytree(yard.lab.model_folder("mmmmmm"), folder, dirs_exist_ok=True)
        file = folder / "checkpoint.json" if part == "meta" else next(folder.glob("*.safetensors"))
        try:
            file.write_bytes(content)
            yard.lab.model_meta(folder)
            yard.lab.predictor(folder).predict([drawn()])
        finally:
            shutil.rmtree(folder)

    return door


def an_address(yard: Yard, parts: tuple[str, ...]) -> None:
    *path, at = (quote(part, safe="/.", errors="replace") for part in parts)
    answer = yard.space.get(f"/{'/'.join(path)}?at={at}")
    assert answer.status_code in (200, 404, 405, 307) and "Traceback" not in answer.text


def a_command(yard: Yard, arguments: list[str]) -> None:
    assert main(arguments) != 1


def a_damaged_home(yard: Yard, damage: tuple[str, bytes]) -> None:
    name, content = damage
    file = yard.home / name
    whole = file.read_bytes()
    try:
        file.write_bytes(content)
        looked_at(lab_at(yard.home))
        lab_at(yard.home).run("mmmmmm").info()
    finally:
        file.write_bytes(whole)


# what is handed in


def as_json(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[bytes]:
    return strategy.map(lambda value: json.dumps(value).encode())


QUICK = make_recipe({"name": "quick", "stages": [{"epochs": 1}, {"lr": 0.1}]}).model_dump(mode="json")
SWEEP = {"name": "s", "recipe": "quick", "trials": 3, "space": {"lr": [0.1, 0.2], "epochs": {"low": 1, "high": 3}}}
SHIPPED = [path.read_bytes() for path in sorted(RECIPES.glob("*.yaml"))[:6]]
IDX = (b"\0\0\x08\x03" + (4).to_bytes(4, "big") + (8).to_bytes(4, "big") * 2 + bytes(range(256)))
LABELS = b"\0\0\x08\x01" + (4).to_bytes(4, "big") + bytes([0, 1, 0, 1])
URI = "data:image/png;base64," + base64.b64encode(drawn()).decode()
PATHS = [".".join(path) for path in (*((name,) for name in Recipe.model_fields), ("data", "name"), ("data", "size"),
         ("model", "options", "width"), ("stages", "0", "epochs"), ("augment", "rotate"), ("a", "b"))]  # fmt: skip
STARTS_WORK = {"train", "submit", "sweep", "study", "resume", "noise", "project", "embed", "evaluate"}


@st.composite
def command_lines(draw: st.DrawFn) -> list[str]:
    """A command with options that it has and values that nobody expects; names that are known only where nothing is
    started by them."""
    command = draw(st.sampled_from(sorted(COMMANDS)))
    known = [text for action in parser_of(command)._actions for text in action.option_strings]
    words = nasty.texts if command not in STARTS_WORK else nasty.texts.map(lambda text: f"?{text}")
    out = [command, *(draw(st.lists(words, min_size=1, max_size=3)))]
    for option in draw(st.lists(st.sampled_from(known), max_size=3)):
        out += [option, draw(words)] if draw(st.booleans()) else [option]
    return [text.replace("\0", "") for text in out]


class Door(NamedTuple):
    act: Callable[[Yard, Any], None]
    given: st.SearchStrategy[Any]
    few: int
    full: int


DOORS: dict[str, Door] = {
    "recipe as YAML": Door(a_recipe, st.one_of(st.sampled_from(SHIPPED).flatmap(nasty.damaged), as_json(nasty.spoiled(QUICK)), nasty.texts.map(lambda text: text.encode("utf-8", "replace"))), 25, 1500),
    "recipe by fields": Door(a_field, nasty.spoiled(QUICK), 25, 1000),
    "--set": Door(a_change, st.tuples(st.one_of(st.sampled_from(PATHS), nasty.texts), nasty.texts), 25, 1000),
    "sweep as YAML": Door(a_sweep, st.one_of(as_json(nasty.spoiled(SWEEP)), nasty.damaged(yaml.safe_dump(SWEEP).encode())), 25, 1000),
    "upload": Door(an_upload, st.one_of(nasty.archives(drawn()), nasty.damaged(zipped(6))), 15, 800),
    "IDX images": Door(a_file("idx/train-images-idx3-ubyte"), nasty.damaged(IDX), 15, 500),
    "folder of pictures": Door(a_file("folder/a/1.png"), nasty.damaged(drawn()), 15, 300),
    "picture": Door(a_picture, st.one_of(nasty.damaged(drawn()), st.binary(max_size=60)), 25, 800),
    "drawing": Door(a_drawing, st.one_of(as_json(nasty.values), as_json(nasty.spoiled({"picture": URI, "model": "m"})), nasty.texts), 25, 1000),
    "label": Door(a_label, nasty.texts, 10, 300),
    "symbol": Door(a_symbol, nasty.texts, 10, 200),
    "taught symbols": Door(taught_symbols, nasty.archives(drawn()), 10, 300),
    "checkpoint": Door(a_checkpoint("meta"), st.binary(max_size=50), 5, 50),
    "address of a space": Door(an_address, st.tuples(st.sampled_from(["points", "layer", "image", "run", "x"]), nasty.texts, st.one_of(st.just("sheet"), nasty.texts, st.integers().map(str)), nasty.texts), 20, 700),
    "command line": Door(a_command, command_lines(), 10, 600),
}  # fmt: skip


@pytest.mark.parametrize("name", DOORS)
def test_whatever_is_handed_in_is_taken_or_refused_in_words(name, yard, tally, capfd):
    door = DOORS[name]
    knocked = _knocking(name, door, yard, tally)
    knocked()
    yard.is_unharmed()


def test_a_damaged_checkpoint_is_refused(yard, tally):
    folder = yard.lab.model_folder("mmmmmm")
    meta = json.loads((folder / "checkpoint.json").read_bytes())
    weights = next(folder.glob("*.safetensors")).read_bytes()
    for part, given_ in (("meta", as_json(nasty.spoiled(meta))), ("weights", nasty.damaged(weights))):
        door = Door(a_checkpoint(part), given_, 12, 400)
        _knocking(part, door, yard, tally)()
    yard.is_unharmed()


def test_a_damaged_file_of_the_home_costs_no_more_than_itself(yard, tally):
    files = [
        path
        for path in sorted(yard.home.rglob("*"))
        if path.is_file() and path.suffix in (".json", ".jsonl", ".yaml", ".npz", ".npy", ".png") and yard.scratch not in path.parents
    ]
    given_ = st.sampled_from(files).flatmap(
        lambda path: st.tuples(st.just(str(path.relative_to(yard.home))), nasty.damaged(path.read_bytes()))
    )
    _knocking("home", Door(a_damaged_home, given_, 12, 800), yard, tally)()
    yard.is_unharmed()


def _knocking(name: str, door: Door, yard: Yard, tally: Any) -> Callable[[], None]:
    @settings(
        max_examples=tally.of(door.few, door.full),
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.generate, Phase.shrink),
    )
    @given(door.given)
    def knock(value: Any) -> None:
        tally.add("generated inputs")
        try:
            door.act(yard, value)
        except GlyphlabError as error:
            assert "Traceback" not in str(error) and "\n" not in str(error)

    return knock
