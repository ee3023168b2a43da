"""What people drew on the canvas and named: kept as pictures in class folders, and so a data set of
the lab like any other.

    drawings/Sample011/20260102T030405-k3f9a2.png     an A, dark on white, the whole page

Characters of the published 62 are filed under its folder names (Sample001 … Sample062), because `a`
and `A` are one folder on some file systems; every other label is its own folder's name. The data
set `drawings` reads them back.
"""

from __future__ import annotations

import io
import re
import secrets
import time
import unicodedata
import zipfile
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.data.sources import DRAWINGS, drawings_folder, is_drawings
from engine.errors import DataError, GlyphlabError, ImageError
from engine.files.atomic import write_bytes
from engine.imaging import images

if TYPE_CHECKING:
    from engine.data.imageset import ImageSet
    from engine.recipes.recipe import Recipe
    from engine.store.store import Store

RECIPE = "canvas-finetune"
CHARACTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
LONGEST_LABEL = 40  # characters
MOST_DRAWINGS = 1_000_000
FEWEST = 5  # drawings in all before anything can be learned from them
FORBIDDEN = re.compile(r'[\x00-\x1f\ud800-\udfff<>:"/\\|?*]')
_NAME = re.compile(r"[0-9]{8}T[0-9]{6}-[a-z0-9]{6}\.png")


@dataclass(frozen=True)
class Drawing:
    """One saved drawing."""

    label: str
    path: Path
    created: str


class Drawings:
    """The drawings of a lab, in `home/drawings`, or those of one person. name: of the data set that
    they are; most: drawings in all.
    """

    def __init__(self, store: Store, name: str = DRAWINGS, most: int = MOST_DRAWINGS) -> None:
        self.store, self.name = store, name
        self.folder = drawings_folder(store.home, name)
        self._most = most

    def save(self, picture: bytes | Path, label: str) -> Drawing:
        """Keep a picture under its right label. Raises DataError for a label that can't be a
        folder, ImageError if nothing is drawn.
        """
        label = checked_label(label)
        content = ink_png(picture)
        if len(self.all()) >= self._most:
            raise DataError(
                "there is no room for more drawings",
                expected=f"at most {self._most:,}",
                hint="Delete some first.",
            )
        folder = self.folder / _folder_name(label)
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
        name = f"{stamp}-{''.join(secrets.choice('abcdefghjkmnpqrstuvwxyz23456789') for _ in range(6))}.png"
        try:
            write_bytes(folder / name, content)
        except GlyphlabError:
            self._drop_empty(folder)
            raise
        return Drawing(label, folder / name, stamp)

    def all(self) -> list[Drawing]:
        """Every drawing, newest first."""
        found = [
            Drawing(_label_of(folder.name), path, path.name[:15])
            for folder in (self.folder.iterdir() if self.folder.is_dir() else ())
            if folder.is_dir()
            for path in folder.iterdir()
            if _NAME.fullmatch(path.name)
        ]
        return sorted(found, key=lambda drawing: drawing.path.name, reverse=True)

    def counts(self) -> dict[str, int]:
        """Drawings of each label, labels in order."""
        counts: dict[str, int] = {}
        for drawing in self.all():
            counts[drawing.label] = counts.get(drawing.label, 0) + 1
        return dict(sorted(counts.items()))

    def remove(self, name: str) -> None:
        """Move the drawing whose file has this name to the trash. Raises DataError if there is none."""
        for drawing in self.all():
            if drawing.path.name == name:
                self.store.trash.put(drawing.path, "drawing", drawing.label)
                self._drop_empty(drawing.path.parent)
                return
        raise DataError("this drawing is not there any more", got=repr(name))

    def _drop_empty(self, folder: Path) -> None:
        """An empty folder would be a class, or a data set, of nothing."""
        for one in (folder, self.folder):
            with suppress(OSError):
                one.rmdir()

    def export(self) -> bytes:
        """A zip with a folder a class, which the lab and most others read as a data set. Raises
        DataError if there is nothing in it.
        """
        found = self.all()
        if not found:
            raise DataError(
                "no drawing has been saved yet",
                hint="Draw a character, give its label and save it.",
            )
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as file:  # PNGs do not shrink further
            for drawing in sorted(found, key=lambda one: (one.label, one.path.name)):
                moment = time.strptime(drawing.created, "%Y%m%dT%H%M%S")[:6]
                entry = zipfile.ZipInfo(
                    f"drawings/{drawing.path.parent.name}/{drawing.path.name}",
                    max(moment, (1980, 1, 1, 0, 0, 0)),
                )
                with suppress(FileNotFoundError):  # somebody deletes it at this moment
                    file.writestr(entry, drawing.path.read_bytes())
        return out.getvalue()

    def recipe(self, model: str, changes: dict[str, Any] | None = None) -> Recipe:
        """The fine-tuning recipe for `model`: its network, style and size, and all its classes, in
        their order, with the new ones after.

        The smallest data set that the model was trained on and that is available is pooled in, so
        that it forgets nothing; without one, the new model knows only what was drawn. Raises
        DataError while there are too few drawings.
        """
        counts = self.counts()
        if sum(counts.values()) < FEWEST or max(counts.values()) < 2:
            hint = "Draw and save some more."
            raise DataError(
                "there are too few drawings to learn from",
                expected=f"at least {FEWEST}",
                got=sum(counts.values()),
                hint=hint,
            )
        meta = self.store.model_meta(model)
        network, base = (
            meta["recipe"]["model"],
            self._smallest(str(meta["recipe"]["data"]["name"]).split("+")),
        )
        changed: dict[str, Any] = {
            "data.name": f"{base}+{self.name}" if base else self.name,
            "data.style": meta["style"],
            "data.size": meta["size"],
            "model.name": network["name"],
            "model.options": network["options"],
            "init_from": model,
        }
        if base:
            changed["data.classes"] = [
                *meta["classes"],
                *(label for label in counts if label not in meta["classes"]),
            ]
        return self.store.recipe(RECIPE, {**changed, **(changes or {})})

    def _smallest(self, names: list[str]) -> str | None:
        from engine.services.datasets import Data

        here = {info.name for info in self.store.datasets() if info.here}
        sizes = {
            name: sum(Data(self.store).contents(name).splits.values())
            for name in names
            if name in here and not is_drawings(name)
        }
        return min(sizes, key=sizes.__getitem__) if sizes else None

    def before_and_after(self, recipe: Recipe, models: list[str]) -> dict[str, dict[str, float]]:
        """Right answers of each model on the drawings that `recipe` holds back: {model:
        {'accuracy': 0..1, 'n': images}}.
        """
        data = self.store.dataset(recipe.data)
        index = held_back(data)
        out = {}
        for model in models:
            predictor = self.store.predictor(model)
            likeliest = predictor.squares(data.images[index]).argmax(1)
            right = [
                predictor.classes[guess] == data.classes[label]
                for guess, label in zip(likeliest, data.labels[index], strict=True)
            ]
            out[model] = {"accuracy": float(np.mean(right)), "n": len(index)}
        return out


def held_back(data: ImageSet) -> np.ndarray:
    """Indices (n,) of the test split that are drawings from the canvas. Raises DataError if there
    are none.
    """
    index = data.split("test")
    own = [at for at, name in enumerate(data.source_names) if is_drawings(name)]
    if data.sources is not None and own:
        index = index[np.isin(data.sources[index], own)]
    if not len(index):
        raise DataError(
            "no drawing is held back to judge by", hint="Save some more drawings of each character."
        )
    return index


def checked_label(label: str) -> str:
    """The label, trimmed and in Unicode's composed form. Raises DataError if it can't name a folder
    on every file system.
    """
    label = unicodedata.normalize("NFC", label).strip()
    if not label:
        raise DataError("a drawing needs a label", expected="the character, or a name")
    bad = FORBIDDEN.search(label)
    if bad or label.startswith(".") or label.endswith(".") or len(label) > LONGEST_LABEL:
        what = repr(bad[0]) if bad else repr(label[:LONGEST_LABEL])
        expected = f"at most {LONGEST_LABEL} characters that a folder's name may have"
        raise DataError(
            "this label can't be used",
            expected=expected,
            got=what,
            hint="Write the sign's name, e.g. 'slash'.",
        )
    return label


def ink_png(picture: bytes | Path) -> bytes:
    """Any picture of writing as a PNG, dark on white, the whole page. Raises ImageError if nothing
    is drawn in it.
    """
    ink = images.ink_of(images.open_picture(picture))
    if not ink.any():
        raise ImageError("nothing is drawn", hint="Draw first.")
    out = io.BytesIO()
    images.as_picture(ink[None]).save(out, "PNG", optimize=True)
    return out.getvalue()


def _folder_name(label: str) -> str:
    return (
        f"Sample{CHARACTERS.index(label) + 1:03d}"
        if len(label) == 1 and label in CHARACTERS
        else label
    )


def _label_of(folder: str) -> str:
    number = folder.removeprefix("Sample")
    if len(number) == 3 and number.isdigit() and 1 <= int(number) <= len(CHARACTERS):
        return CHARACTERS[int(number) - 1]
    return folder
