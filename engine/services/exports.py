"""`lab.exports`: models and data sets as people use them elsewhere, in files and on the Hub."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from engine.data.catalog import DATASETS, list_dataset
from engine.data.sources import names_in
from engine.errors import DataError, GlyphlabError
from engine.exports.forms import write_dataset
from engine.exports.hub import BESIDE, pull_checkpoint, push_folder
from engine.exports.rows import ExportRows
from engine.files.atomic import make_folder
from engine.files.hub import read_address
from engine.labels.journal import journal_of
from engine.models.metadata import META, read_weights_name
from engine.progress import Progress, no_progress
from engine.store.models import PULLED

if TYPE_CHECKING:
    from engine.store.store import Store


class Exports:
    """Ways out of a lab."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def package(self, model: str, target: Path) -> Path:
        """Write a model with what a stranger needs to use it, as a folder or a zip; see
        engine.models.portable.package. Raises CheckpointError, GlyphlabError.
        """
        from engine.models.portable.package import write_package

        return write_package(self.store.model_folder(model), Path(target))

    def dataset(self, name: str, form: str, target: Path, progress: Progress = no_progress) -> Path:
        """Write a data set with what the lab knows of its labels in a form of EXPORT_FORMS, as a folder
        or a zip. Raises DataError, GlyphlabError.
        """
        return write_dataset(self.rows(name, progress), form, Path(target), progress)

    def push_model(
        self, model: str, address: str, private: bool = False, progress: Progress = no_progress
    ) -> str:
        """Put a model on the Hub: card, weights, recipe, and below onnx/ its package; returns where a
        browser finds it. Raises CheckpointError, GlyphlabError.
        """
        folder, wanted = self.store.model_folder(model), read_address(address)
        self._check_online(address)
        with tempfile.TemporaryDirectory() as made:
            files = [META, read_weights_name(folder), *BESIDE]
            for name in files:
                if (folder / name).is_file():
                    shutil.copyfile(folder / name, Path(made) / name)
            self.package(model, Path(made) / "onnx")
            return push_folder(Path(made), wanted, "model", private=private, progress=progress)

    def push_dataset(
        self, name: str, address: str, private: bool = False, progress: Progress = no_progress
    ) -> str:
        """Put a data set on the Hub as Parquet; returns where a browser finds it. Raises DataError,
        GlyphlabError.
        """
        wanted = read_address(address)
        self._check_online(address)
        with tempfile.TemporaryDirectory() as made:
            folder = self.dataset(name, "parquet", Path(made) / "data", progress)
            return push_folder(folder, wanted, "dataset", private=private, progress=progress)

    def pull_model(self, address: str, progress: Progress = no_progress) -> str:
        """Fetch a model from the Hub and return its name in the lab, 'owner--name'. It is checked as
        any stranger's checkpoint before it is kept, and replaces an earlier fetch. Raises
        GlyphlabError, CheckpointError.
        """
        from engine.models.checkpoint import load_checkpoint

        wanted = read_address(address)
        self._check_online(address)
        models = make_folder(self.store.home / PULLED)
        name = wanted.repo.replace("/", "--")
        with tempfile.TemporaryDirectory(dir=models, prefix=".") as made:
            fresh = Path(made) / "new"
            fresh.mkdir()
            most_bytes = self.store.settings.upload_mb * 1_000_000
            pull_checkpoint(wanted, fresh, most_bytes, progress)
            load_checkpoint(fresh)
            if (models / name).exists():
                (models / name).rename(Path(made) / "before")
            fresh.rename(models / name)
        return name

    def _check_online(self, address: str) -> None:
        if self.store.settings.offline:
            raise GlyphlabError(
                f"{address} can't be reached: the lab is offline",
                hint="Set GLYPHLAB_OFFLINE=0; or export to files and carry them.",
            )

    def rows(self, name: str, progress: Progress = no_progress) -> ExportRows:
        """A data set's images with their labels, splits and embeddings, nothing decoded. Raises
        DataError.
        """
        if len(names_in(name)) > 1:
            raise DataError(f"'{name}' is several data sets", hint="Export them one by one.")
        settings = self.store.settings
        listing = list_dataset(
            name,
            folders=settings.data,
            home=self.store.home,
            offline=settings.offline,
            unpacked_mb=settings.unpacked_mb,
            progress=progress,
            names_only=settings.names_only,
        )
        source, count = DATASETS.get(name), len(listing)
        current = journal_of(self.store.home, name).current()
        new = [now.label for now in current.values() if now.label is not None]
        rows = ExportRows(
            name=Path(name).stem,
            title=source.title if source else Path(name).stem,
            licence=source.licence if source else "",
            files=listing.files,
            classes=tuple(dict.fromkeys([*listing.classes, *new])),
            labels=listing.labels.copy(),
            given=listing.labels,
            suggested=np.full(count, -1, np.int64),
            suspicion=np.full(count, np.nan),
            official=listing.official,
            reviewed=np.zeros(count, bool),
            reader=listing.reader,
        )
        places = {str(file): i for i, file in enumerate(listing.files)}
        self._add_diagnoses(name, rows, places, listing.classes)
        for file, now in current.items():
            if file in places and (now.excluded or now.label is not None):
                label = -1 if now.excluded else rows.classes.index(now.label or "")
                rows.labels[places[file]], rows.reviewed[places[file]] = label, True
        return self._with_embeddings(name, rows, places)

    def _add_diagnoses(
        self, name: str, rows: ExportRows, places: dict[str, int], classes: tuple[str, ...]
    ) -> None:
        """Fill in suggestions, suspicions and decisions of version 0.1.0, those of all images last."""
        from engine.noise.explanation import not_decided
        from engine.services.label_noise import Noise

        noise = Noise(self.store)
        splits = {info.split for info in noise.list() if info.name == name}
        for split in sorted(splits, key=lambda split: split == "all"):
            found = noise.find(name, split)
            if found is None or found.classes != classes:
                continue
            there = [places.get(found.file(i), -1) for i in range(found.n)]
            left_open = not_decided(found)
            own = np.array(
                [i for i, place in enumerate(there) if place >= 0 and not left_open[i]], np.int64
            )
            at = np.array(there, np.int64)[own]
            rows.suggested[at] = found.arrays["likely"][own]
            rows.suspicion[at] = 1 - found.arrays["score"][own].astype(np.float64)
            for position, decision in noise.review(found).decisions().items():
                if there[position] >= 0:
                    rows.labels[there[position]] = decision.label
                    rows.reviewed[there[position]] = True

    def _with_embeddings(self, name: str, rows: ExportRows, places: dict[str, int]) -> ExportRows:
        """With the embeddings of the newest space of the data set, one of all its images if there is
        one.
        """
        from engine.services.spaces import Spaces

        spaces = Spaces(self.store)
        infos = [info for info in spaces.list() if info.data == name]
        for info in sorted(infos, key=lambda info: info.part != "all"):
            space = spaces.find(info.model, name, info.part)
            if space is None:
                continue
            found = np.full((len(rows), space.embeddings.shape[1]), np.nan, np.float32)
            for place, number in enumerate(space.index):
                at = places.get(str(space.images.files[int(number)]), -1)
                if at >= 0:
                    found[at] = space.embeddings[place]
            return replace(rows, embeddings=found, space=info.model)
        return rows
