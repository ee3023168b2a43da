"""Whatever happens to one file of a home, every list is drawn, the others are in it, and nothing but
an error in words comes out of the entry itself.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from whole_home import whole_home

from engine.embedding.space_files import read_about, read_predictions
from engine.errors import GlyphlabError
from engine.lab import Lab
from engine.labels.journal import Journal
from engine.noise.review import Review
from engine.noise.storage import Diagnosis

ODD = (None, True, -1, 0, 10**30, 1.5, -1e300, "", "x", "2026-99-99", "../up", [], [[]], [1], {})
RAW = (b"", b"\0" * 100, b"\xff\xfe\xfd", b"{", b"[" * 100_000, b"null", b"[]", b"NaN", b"{}", b"1")
TEXTS = ('"\\ud800"', "NaN", "-Infinity", "1e999", "9" * 5000, "[" * 50 + "]" * 50)


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    home = tmp_path_factory.mktemp("whole")
    whole_home(home)
    return home


@pytest.fixture(scope="module")
def before(whole) -> dict[str, list[Any]]:
    """What is listed while nothing is damaged."""
    found = look(Lab(whole, checkpoints=whole / "none"))
    assert all(len(names) == 2 for names in found.values()), found
    return found


def lists(lab: Lab) -> dict[str, Callable[[], list[Any]]]:
    """Every look-up that lists what there is."""
    return {
        "runs": lambda: [info.name for info in lab.runs()],
        "models": lambda: [model.title for model in lab.models()],
        "recipes": lambda: [r.name for r in lab.recipes() if r.saved],
        "tasks": lambda: [task.id for task in lab.tasks() if task.state != "damaged"],
        "sweeps": lambda: [info.name for info in lab.sweeps.list() if not info.error],
        "spaces": lambda: [info.name for info in lab.spaces.list()],
        "diagnoses": lambda: [info.key for info in lab.noise.list()],
        "trials": lambda: [trial["id"] for trial in lab.noise.trials()],
        "symbols": lambda: [symbol.name for symbol in lab.taught.symbols()],
        "drawings": lambda: [drawing.label for drawing in lab.drawings.all()],
    }


def files_of(home: Path) -> list[str]:
    """The files that belong to the first of the two of everything."""
    names = [str(path.relative_to(home)) for path in home.rglob("*") if path.is_file()]
    return sorted(name for name in names if not name.endswith("lock") and ".door" not in name)


@st.composite
def damages(draw: st.DrawFn, content: bytes) -> bytes | None:
    """What may have become of a file: gone, emptied, cut off, overwritten, or one value changed."""
    kind = draw(st.sampled_from(["gone", "raw", "cut", "bytes", "value", "value", "value", "text"]))
    if kind == "gone":
        return None
    if kind == "raw":
        return draw(st.sampled_from(RAW))
    if kind == "cut":
        return content[: draw(st.integers(0, max(len(content) - 1, 0)))]
    if kind == "bytes":
        place = draw(st.integers(0, max(len(content) - 1, 0)))
        return content[:place] + draw(st.binary(min_size=1, max_size=8)) + content[place + 4 :]
    try:
        tree = json.loads(content)
    except ValueError:
        return draw(st.sampled_from(RAW))
    places = list(places_in(tree))
    if not places:
        return b"[]"
    node, key = draw(st.sampled_from(places))
    if kind == "text":
        node[key] = "@@"
        return json.dumps(tree).replace('"@@"', draw(st.sampled_from(TEXTS))).encode()
    if draw(st.booleans()) and isinstance(node, dict):
        del node[key]
    else:
        node[key] = draw(st.sampled_from(ODD))
    return json.dumps(tree).encode()


def places_in(tree: Any) -> Iterator[tuple[Any, Any]]:
    items = (
        tree.items()
        if isinstance(tree, dict)
        else enumerate(tree if isinstance(tree, list) else ())
    )
    for key, value in list(items):
        yield tree, key
        yield from places_in(value)


def look(lab: Lab) -> dict[str, list[Any]]:
    """Everything that lists, and then each entry by itself, which may be an error in words."""
    found = {name: listed() for name, listed in lists(lab).items()}
    lab.datasets(), lab.data.list(), lab.health()
    for known in lab.store.known_runs():
        for part in ("figures", "facts", "recipe"):
            try_(getattr, known, part)
        try_(known.info)
    for folder in sorted((lab.home / "runs").iterdir()):
        run = try_(lab.run, folder.name)
        if run is not None:
            for ask in (run.info, run.recipe, run.metrics, run.final, run.log_tail):
                try_(ask)
            try_(lab.model_meta, run.id)
            try_(lab.predictor, run.id)
    for folder in sorted((lab.home / "tasks").glob("2*")):
        try_(lab.task, folder.name)
    for folder in sorted((lab.home / "sweeps").iterdir()):
        for ask in (lab.sweeps.info, lab.sweeps.trials, lab.sweeps.spec, lab.sweeps.recipe):
            try_(ask, folder.name)
    for folder in sorted((lab.home / "spaces").iterdir()):
        try_(read_about, folder)
        try_(read_predictions, folder)
    for folder in sorted((lab.home / "noise").glob("abc*")):
        files, journal = list("abcdef"), Journal(lab.home, "x")
        try_(Review(folder, [0, 1, 2, 0, 1, 2], ("a", "b", "c"), files, journal).decisions)
        try_(getattr, Diagnosis(folder, {"n": 6}, None), "arrays")
    for entry in lab.damaged():
        assert entry.kind and entry.name and len(entry.why) > 20
        assert str(lab.home.parent) not in entry.why or entry.kind in ("model", "recipe", "sweep")
    return found


def try_(ask: Callable[..., Any], *arguments: Any) -> Any:
    """What `ask` returns; None if it is an error in words. Any other error fails the test."""
    try:
        return ask(*arguments)
    except GlyphlabError as error:
        assert "Traceback" not in str(error)
        return None


@given(data=st.data())
def test_one_damaged_file_costs_at_most_its_own_entry(whole, before, data):
    name = data.draw(st.sampled_from(files_of(whole)))
    path = whole / name
    content = path.read_bytes()
    damage = data.draw(damages(content))
    try:
        path.unlink()
        if damage is not None:
            path.write_bytes(damage)
        after = look(Lab(whole, checkpoints=whole / "none"))
    finally:
        path.write_bytes(content)
    for kind, names in before.items():
        left = set(names) - set(after[kind])
        assert len(left) <= 1, f"{name}: {left} of {kind} are gone"


def test_a_home_that_may_only_be_read_is_told_in_words(tmp_path, monkeypatch):
    lab = whole_home(tmp_path)

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    for name in ("mkdir", "replace", "open", "rmdir", "unlink"):
        real = getattr(os, name)
        if name == "open":

            def opened(path: Any, flags: int, *rest: Any, real: Any = real, **more: Any) -> int:
                if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
                    refuse()
                return real(path, flags, *rest, **more)

            monkeypatch.setattr(os, name, opened)
        else:
            monkeypatch.setattr(os, name, refuse)

    def not_removed(path: Path, ignore_errors: bool = False) -> None:
        if not ignore_errors:
            refuse()

    monkeypatch.setattr(shutil, "rmtree", not_removed)
    recipe = lab.recipe("quick")
    for act in (
        lambda: lab.save_recipe(recipe.model_copy(update={"name": "mine"})),
        lambda: lab.start_task("load", name="digits"),
        lambda: lab.sweeps.delete("sweep-0"),
        lambda: lab.sweeps.pause("sweep-0"),
        lambda: lab.submit(recipe),
        lambda: lab.taught.remove("sign 0"),
        lambda: lab.spaces.delete("space-0"),
        lambda: lab.noise.delete("abcdef0123456780"),
    ):
        with pytest.raises(GlyphlabError, match="can't be written|no room"):
            act()
