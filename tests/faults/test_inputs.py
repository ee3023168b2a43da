"""Whatever is handed in, at every door: what can't be used is refused in words, nothing outside the home is touched,
and nothing that was in it is lost.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import doors
import nasty
import pytest
import yaml
from doors import Yard
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from made_lab import drawn, zipped

from engine.cli import COMMANDS, parser_of
from engine.errors import GlyphlabError
from engine.recipes.recipe import RECIPES, Recipe, make_recipe


@pytest.fixture(scope="module")
def yard(tmp_path_factory):
    folder = tmp_path_factory.mktemp("yard")
    before = Path.cwd(), dict(os.environ)
    yard = Yard(folder)
    os.chdir(folder / "here")
    os.environ |= {
        "GLYPHLAB_HOME": str(yard.home),
        "GLYPHLAB_OFFLINE": "1",
        "GLYPHLAB_DEVICE": "cpu",
    }
    yield yard
    os.chdir(before[0])
    os.environ.clear()
    os.environ.update(before[1])


def as_json(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[bytes]:
    return strategy.map(lambda value: json.dumps(value).encode())


QUICK = make_recipe({"name": "quick", "stages": [{"epochs": 1}, {"lr": 0.1}]})
SWEEP = {
    "name": "s",
    "recipe": "quick",
    "trials": 3,
    "space": {"lr": [0.1, 0.2], "epochs": {"low": 1, "high": 3}},
}
SHIPPED = [path.read_bytes() for path in sorted(RECIPES.glob("*.yaml"))[:6]]
IDX = b"\0\0\x08\x03" + (4).to_bytes(4, "big") + (8).to_bytes(4, "big") * 2 + bytes(range(256))
URI = "data:image/png;base64," + base64.b64encode(drawn()).decode()
DEEPER = (
    "data.name",
    "data.size",
    "model.options.width",
    "stages.0.epochs",
    "augment.rotate",
    "a.b",
)
STARTS_WORK = "train submit sweep study resume noise project embed evaluate".split()

fields = nasty.spoiled(QUICK.model_dump(mode="json"))
sweeps = st.one_of(as_json(nasty.spoiled(SWEEP)), nasty.damaged(yaml.safe_dump(SWEEP).encode()))
encoded = nasty.texts.map(lambda text: text.encode("utf-8", "replace"))
recipes = st.one_of(st.sampled_from(SHIPPED).flatmap(nasty.damaged), as_json(fields), encoded)
changes = st.tuples(
    st.one_of(st.sampled_from([*Recipe.model_fields, *DEEPER]), nasty.texts), nasty.texts
)
uploads = st.one_of(nasty.archives(drawn()), nasty.damaged(zipped(6)))
pictures = st.one_of(nasty.damaged(drawn()), st.binary(max_size=60))
spoiled_uris = as_json(nasty.spoiled({"picture": URI, "model": "m"}))
drawings = st.one_of(as_json(nasty.values), spoiled_uris, nasty.texts)
places = st.one_of(st.just("sheet"), nasty.texts, st.integers().map(str))
kinds = st.sampled_from(["points", "layer", "image", "run", "x"])
addresses = st.tuples(kinds, nasty.texts, places, nasty.texts)


@st.composite
def command_lines(draw: st.DrawFn) -> list[str]:
    """A command with options that it has and values that nobody expects; names are known only where they start
    nothing.
    """
    command = draw(st.sampled_from(sorted(COMMANDS)))
    known = [text for action in parser_of(command)._actions for text in action.option_strings]
    words = nasty.texts.map(lambda text: f"?{text}") if command in STARTS_WORK else nasty.texts
    out = [command, *draw(st.lists(words, min_size=1, max_size=3))]
    for option in draw(st.lists(st.sampled_from(known), max_size=3)):
        out += [option, draw(words)] if draw(st.booleans()) else [option]
    return [text.replace("\0", "") for text in out]


class Door(NamedTuple):
    """few: inputs with every `make test`; full: in the long form."""

    act: Callable[[Yard, Any], None]
    given: st.SearchStrategy[Any]
    few: int
    full: int


DOORS: dict[str, Door] = {
    "recipe as YAML": Door(doors.a_recipe, recipes, 25, 1500),
    "recipe by fields": Door(doors.a_field, fields, 25, 1000),
    "--set": Door(doors.a_change, changes, 25, 1000),
    "sweep as YAML": Door(doors.a_sweep, sweeps, 25, 1000),
    "upload": Door(doors.an_upload, uploads, 15, 800),
    "IDX images": Door(doors.a_file("idx/train-images-idx3-ubyte"), nasty.damaged(IDX), 15, 500),
    "folder of pictures": Door(doors.a_file("folder/a/1.png"), nasty.damaged(drawn()), 15, 300),
    "picture": Door(doors.a_picture, pictures, 25, 800),
    "drawing": Door(doors.a_drawing, drawings, 25, 1000),
    "label": Door(doors.a_label, nasty.texts, 10, 300),
    "symbol": Door(doors.a_symbol, nasty.texts, 10, 200),
    "taught symbols": Door(doors.taught_symbols, nasty.archives(drawn()), 10, 300),
    "address of a space": Door(doors.an_address, addresses, 20, 700),
    "command line": Door(doors.a_command, command_lines(), 10, 600),
}


@pytest.mark.parametrize("name", DOORS)
def test_whatever_is_handed_in_is_taken_or_refused_in_words(name, yard, tally, capfd):
    knock(DOORS[name], yard, tally)


@pytest.mark.parametrize("part", ["checkpoint.json", "weights"])
def test_a_damaged_checkpoint_is_refused(part, yard, tally):
    folder = yard.lab.model_folder("mmmmmm")
    if part == "weights":
        handed_in = nasty.damaged(next(folder.glob("*.safetensors")).read_bytes())
    else:
        meta = (folder / part).read_bytes()
        handed_in = st.one_of(as_json(nasty.spoiled(json.loads(meta))), nasty.damaged(meta))
    knock(Door(doors.a_checkpoint(part), handed_in, 12, 400), yard, tally)


def test_a_damaged_file_of_the_home_costs_no_more_than_itself(yard, tally):
    damage = st.sampled_from(yard.files()).flatmap(
        lambda path: st.tuples(st.just(path), nasty.damaged(path.read_bytes()))
    )
    knock(Door(doors.a_damaged_home, damage, 12, 800), yard, tally)


def knock(door: Door, yard: Yard, tally: Any) -> None:
    """Hand in what the door is given, as often as this size of the test asks for."""

    @settings(
        max_examples=tally.of(door.few, door.full),
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.generate, Phase.shrink),
    )
    @given(door.given)
    def hand_in(value: Any) -> None:
        tally.add("generated inputs")
        try:
            door.act(yard, value)
        except GlyphlabError as error:
            assert "Traceback" not in str(error) and "\n" not in str(error)

    hand_in()
    yard.is_unharmed()
