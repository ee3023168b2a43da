"""The doors of a lab, each knocked at by one function, and a yard around the lab in which nothing may change."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from deeds import DEEDS
from made_lab import drawn, furnish, lab_at, looked_at
from starlette.applications import Starlette
from starlette.testclient import TestClient

from app.canvas_tabs.drawing import drawing_of
from app.scatter.routes import routes
from engine.cli import main
from engine.imaging.images import ink_of, open_picture
from engine.recipes.recipe import make_recipe, parse_changes, read_recipe, shipped_recipe
from engine.sweep.spec import parse_sweep


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

    def files(self) -> list[Path]:
        """What the lab keeps in its home, but for logs and locks."""
        kinds = (".json", ".jsonl", ".yaml", ".npz", ".npy", ".png")
        found = sorted(path for path in self.home.rglob("*") if path.suffix in kinds)
        return [path for path in found if self.scratch not in path.parents]

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
        file = (
            folder / "checkpoint.json"
            if part == "checkpoint.json"
            else next(folder.glob("*.safetensors"))
        )
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


def a_damaged_home(yard: Yard, damage: tuple[Path, bytes]) -> None:
    file, content = damage
    whole = file.read_bytes()
    try:
        file.write_bytes(content)
        looked_at(lab_at(yard.home))
        lab_at(yard.home).run("mmmmmm").info()
    finally:
        file.write_bytes(whole)
