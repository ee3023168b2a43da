"""The room of embeddings: any data set through any saved model, once, in the background, and what
is made of it.
"""

from __future__ import annotations

import re
import shutil
import time
from collections import OrderedDict
from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.data.imageset import ImageSet
from engine.device import usable_cores
from engine.embedding.kept import UNTRAINED, Learning, SpaceInfo
from engine.embedding.outputs import outputs, untrained
from engine.embedding.projection import (
    MAP_METHODS,
    Options,
    Projection,
    aligned,
    project,
    transform,
)
from engine.embedding.space import META, PARTS, Space, part_of, short_digest, weights_digest
from engine.embedding.space_files import is_known, read_about, read_space, spaces_in, write_space
from engine.errors import DamagedError, DataError, ImageError, RunError, unknown
from engine.files.atomic import failure, is_name, read_json, write_arrays
from engine.files.checked import Damaged, read_arrays
from engine.progress import Progress, no_progress
from engine.services.model_data import images_for

if TYPE_CHECKING:
    from engine.models.predictor import Predictor
    from engine.store.store import Store

OPEN = 4  # spaces kept open


class Spaces:
    """`lab.spaces`: embed, map, and look. Everything is kept in the lab's home under spaces/ and
    found again by content.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self.home = store.home / "spaces"
        self._open: OrderedDict[tuple[Path, str], Space] = OrderedDict()
        self._lock = Lock()

    def list(self) -> list[SpaceInfo]:
        """The spaces on disk, newest first. Damaged ones are left out, see `damaged`."""
        found = [info for info in spaces_in(self.home) if isinstance(info, SpaceInfo)]
        return sorted(found, key=lambda info: info.created, reverse=True)

    def damaged(self) -> list[Damaged]:
        """The spaces that can't be read, and why."""
        return [entry for entry in spaces_in(self.home) if isinstance(entry, Damaged)]

    def delete(self, name: str) -> None:
        """Forget a space and its maps. Raises RunError if there is none of that name."""
        folder = self.home / name
        if (
            not re.fullmatch(r"[\w.-]+", name)
            or name.startswith(".")
            or name == "learning"
            or not folder.is_dir()
        ):
            raise RunError(f"there is no space '{name}'")
        with self._lock:
            for key in [key for key in self._open if key[0] == folder]:
                del self._open[key]
        try:
            shutil.rmtree(folder)
        except OSError as error:
            raise failure(error, folder) from error

    def by_key(self, key: str) -> Space:
        """A space on disk by the name of its folder. Raises RunError if there is none."""
        with self._lock:
            for (folder, _), held in self._open.items():
                if folder.name == key:
                    return held
        if not is_name(key) or not (self.home / key / META).exists():
            raise RunError(f"there is no space '{key}'")
        about = read_about(self.home / key)
        found = self.find(about.model, about.data, about.part)
        if found is None or found.key != key:
            raise RunError(f"there is no space '{key}'")
        return found

    def find(self, model: str, data: str, part: str = "train") -> Space | None:
        """The space of `model` and `data` as they are now, if it was embedded before; never
        computes, and reads no images if not.
        """
        _check_part(part)
        if not is_known(self.home, data, part, self._weights(model)):
            return None
        images, index, folder = self._place(model, data, part, no_progress)
        return self._opened(folder, images, model) if (folder / META).exists() else None

    def embed(
        self, model: str, data: str, part: str = "train", progress: Progress = no_progress
    ) -> Space:
        """The space of `data` through `model`; computed if it is not on disk.

        model  a saved model's name, or 'untrained:' and a name. data: a data set's name or path.
               part: 'train' (validation included),
        'val', 'test' or 'all'. Raises DataError, CheckpointError.
        """
        images, index, folder = self._place(model, data, part, progress)
        if not (folder / META).exists():
            begun = time.monotonic()
            predictor = self._predictor(model)
            embeddings, predicted, confidence = outputs(predictor, images, index, progress)
            about = {
                "model": model,
                "data": data,
                "part": part,
                "weights": self._weights(model),
                "images": images.fingerprint,
                "n": len(index),
                "width": embeddings.shape[1],
                "classes": list(predictor.classes),
                "created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
                "seconds": round(time.monotonic() - begun, 3),
                "device": str(predictor.device),
            }
            write_space(
                folder,
                about,
                index=index,
                embeddings=embeddings,
                predicted=predicted,
                confidence=confidence,
            )
        return self._opened(folder, images, model)

    def map(self, space: Space, options: Options, progress: Progress = no_progress) -> Projection:
        """The map of a space; made if it is not on disk."""
        found = space.find_map(options)
        if found is None:
            by_neighbours = MAP_METHODS[options.method].layout is not None
            known = space.graph(options.near, progress) if by_neighbours else None
            found = project(
                space.embeddings,
                options,
                known=known,
                labels=space.labels,
                threads=self.threads,
                compiled=self.store.compiled(),
                progress=progress,
            )
            space.keep_map(found)
        return found

    def embedding_of(self, space: Space, picture: Any) -> np.ndarray:
        """The embedding (D,) float32 of any picture, by the space's model. Raises ImageError, also
        if nothing is drawn: a blank page is near to nothing.
        """
        found = self._predictor(space.model).predict([picture])[0]
        if found.blank:
            raise ImageError("nothing is drawn", got="a blank picture")
        return found.embedding

    def locate(self, space: Space, projection: Projection, embedding: np.ndarray) -> np.ndarray:
        """Where an embedding (D,) lies on a finished map: coordinates (dims,) float32."""
        return transform(
            embedding[None], space.embeddings, projection, threads=1, compiled=self.store.compiled()
        )[0]

    def epochs(self, run: str) -> tuple[int, ...]:
        """The epochs of a run whose embeddings were kept. Raises RunError if there is no such run."""
        return tuple(int(file.stem.split("-")[1]) for file in _snapshots(self.store.run(run).path))

    def figures(self, model: str, data: str, part: str = "test") -> list[dict[str, Any]] | None:
        """What task 'measure' found for a model on a part of a data set, a row a group of classes;
        None if it was not measured yet.
        """
        space = self.find(model, data, part)
        return read_json(space.folder / "measured.json") if space else None

    def run_images(self, run: str) -> tuple[ImageSet, np.ndarray]:
        """The images whose embeddings a run kept at its epochs: its data set, and their indices
        (n,) in it. Raises RunError; DataError, also where that has changed since.
        """
        files = _snapshots(self.store.run(run).path)
        if not files:
            raise RunError(f"run {run} has kept no epochs")
        index = _snapshot(files[-1])["index"].astype(np.int64)
        images = self.store.dataset(self.store.run(run).recipe().data)
        if (self.store.run(run).status().get("fingerprint") or "") not in ("", images.fingerprint):
            raise DataError(f"data set {images.name} has changed since this run")
        return images, index

    def learning(
        self, run: str, options: Options, progress: Progress = no_progress, *, compute: bool = True
    ) -> Learning | None:
        """A run's embedding while it learned, on shared axes. With compute=False None where it was
        not laid out before.
        """
        files = _snapshots(self.store.run(run).path)
        if len(files) < 2:
            hint = "They are kept while a run trains."
            raise RunError(
                f"run {run} has too few stored epochs",
                expected="at least 2",
                got=len(files),
                hint=hint,
            )
        epochs = tuple(int(file.stem.split("-")[1]) for file in files)
        last = _snapshot(files[-1])
        labels, index = last["labels"].astype(np.int64), last["index"].astype(np.int64)
        file = (
            self.home
            / "learning"
            / f"{run}-{short_digest(epochs, files[-1].stat().st_mtime_ns, options.used())}.npz"
        )
        with suppress(DamagedError):  # it is laid out again
            stored = read_arrays(file, ("coordinates",), "")
            return Learning(run, epochs, stored["coordinates"], labels, index)
        if not compute:
            return None
        series = [_embeddings_in(path) for path in files]
        found = aligned(
            series, options, threads=self.threads, compiled=self.store.compiled(), progress=progress
        )
        write_arrays(file, coordinates=found)
        return Learning(run, epochs, found, labels, index)

    @cached_property
    def threads(self) -> int:
        return self.store.settings.threads or usable_cores()

    def _place(
        self, model: str, data: str, part: str, progress: Progress
    ) -> tuple[ImageSet, np.ndarray, Path]:
        _check_part(part)
        meta = self.store.model_meta(model.removeprefix(UNTRAINED))
        images = images_for(self.store, meta, data, progress)
        index = part_of(images, part)
        name = re.sub(r"[^\w-]+", "-", f"{Path(data).stem}-{part}").strip("-")[-60:]
        return (
            images,
            index,
            self.home / f"{name}-{short_digest(self._weights(model), images.fingerprint, index)}",
        )

    def _weights(self, model: str) -> str:
        folder = self.store.model_folder(model.removeprefix(UNTRAINED))
        meta = self.store.model_meta(model.removeprefix(UNTRAINED))
        path = folder / meta["weights"]
        settings = (
            meta["style"],
            meta["size"],
            meta["input_size"],
            meta.get("crop"),
            meta.get("temperature"),
        )
        return short_digest(
            model.startswith(UNTRAINED), weights_digest(path, path.stat().st_mtime_ns), settings
        )

    def _predictor(self, model: str) -> Predictor:
        predictor = self.store.predictor(model.removeprefix(UNTRAINED))
        return untrained(predictor) if model.startswith(UNTRAINED) else predictor

    def _opened(self, folder: Path, images: ImageSet, model: str) -> Space:
        with self._lock:
            held = self._open.get((folder, model))
            if held is None or held.images.fingerprint != images.fingerprint:
                held = self._open[folder, model] = replace(read_space(folder, images), model=model)
            self._open.move_to_end((folder, model))
            while len(self._open) > OPEN:
                self._open.popitem(last=False)
            return held


def _snapshots(run: Path) -> list[Path]:
    return sorted((run / "snapshots").glob("epoch-*.npz"))


def _embeddings_in(path: Path) -> np.ndarray:
    return _snapshot(path)["embeddings"].astype(np.float32)


def _snapshot(path: Path) -> dict[str, np.ndarray]:
    return read_arrays(path, ("embeddings", "labels", "index"), "Delete this epoch's file.")


def _check_part(part: str) -> None:
    if part not in PARTS:
        raise DataError(unknown("part", part, PARTS))
