"""The lab's data room: what a data set holds, samples, what augmentation does to them, uploads."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from engine.data.cache import cached_squares
from engine.data.catalog import list_dataset
from engine.data.choices import AS_FOUND, Choices
from engine.data.fetch import fetch
from engine.data.hub import is_address
from engine.data.info import DatasetInfo, list_datasets
from engine.data.listing import Listing, in_turns
from engine.data.sources import DATASETS, find
from engine.data.uploads import Upload, remember_images, remove_upload, save_upload
from engine.errors import DataError, unknown
from engine.labels.journal import set_aside
from engine.progress import Progress, no_progress
from engine.services.contents import (
    USUAL_SIZE,
    Contents,
    Samples,
    contents_of,
    samples_of,
    squares_at,
    style_of,
)
from engine.services.imports import Imports
from engine.settings import COMMAND
from engine.store.trainable import check_data

if TYPE_CHECKING:
    from engine.recipes.augmentation import Augment
    from engine.recipes.fields import DataSpec
    from engine.recipes.recipe import Recipe
    from engine.store.store import Store


class Data:
    """The data sets of a lab."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.imports = Imports(store)

    def list(self) -> list[DatasetInfo]:
        """The data sets known by name, those uploaded, and folders in GLYPHLAB_DATA that hold one; those
        available here first.
        """
        return list_datasets(self.store.settings.data, self.store.home)

    def check(self, name: str, progress: Progress = no_progress) -> Contents:
        """What the data set holds, after every image was decoded at the usual size of its kind:
        the report is complete. Raises DataError.
        """
        listing = self.listing(name, progress)
        size = USUAL_SIZE[listing.kind]
        cached_squares(listing, listing.kind, size, self.store.home, progress)
        return self.contents(name, size=size, progress=progress)

    def contents(
        self, name: str, style: str = "auto", size: int = 0, progress: Progress = no_progress
    ) -> Contents:
        """What the data set holds. Nothing is decoded or downloaded. size: a side in pixels in which
        it may have been decoded; 0: the usual one of its kind. Raises DataError.
        """
        listing = self.listing(name, progress)
        found = contents_of(
            name, listing, self.store.home, style=style, size=size, progress=progress
        )
        if found.report.checked:
            remember_images(self.store.home, name, found.images)
        return found

    def samples(
        self,
        name: str,
        *,
        split: str = "all",
        classes: Sequence[str] | None = None,
        first: int = 0,
        count: int = 60,
        style: str = "auto",
        size: int = 28,
    ) -> Samples:
        """Images `first` … `first + count` of those classes in an official split; images that can't
        be read are left out.

        Several classes (None: all) take turns: the first image of each, the second, and so on.
        Raises DataError for a split or class that does not exist.
        """
        return samples_of(
            self.listing(name),
            self.store.home,
            split=split,
            classes=classes,
            first=first,
            count=count,
            style=style,
            size=size,
        )

    def augmented(
        self,
        name: str,
        augment: Augment,
        *,
        count: int = 8,
        draws: int = 7,
        style: str = "auto",
        size: int = 28,
        first: int = 0,
        seed: int = 0,
    ) -> np.ndarray:
        """What training sees of the same samples: (n, 1 + draws, C, size, size) uint8; the first of
        each row is the image itself.
        """
        import torch

        from engine.data.augment import augment as changed
        from engine.data.augment import fit_size

        listing = self.listing(name)
        cached = max(size, augment.crop or 0)
        turns = in_turns(listing, "train", None)
        if not len(turns):  # no image has a label yet: they are looked at all the same
            turns = in_turns(listing, "all", None)
        index = turns[first : first + count]
        images, _ = squares_at(listing, index, self.store.home, style_of(listing, style), cached)
        batch = torch.from_numpy(images)
        generator = torch.Generator().manual_seed(seed)
        rows = [
            fit_size(batch, size, augment.crop),
            *(changed(batch, augment, size, generator) for _ in range(draws)),
        ]
        return torch.stack(rows, 1).round().clamp(0, 255).to(torch.uint8).numpy()

    def recipe_view(self, recipe: Recipe) -> tuple[Augment, str, int]:
        """The augmentation, style and size (pixels) of a recipe's first stage."""
        stage = recipe.resolved_stages()[0]
        return stage.augment, recipe.data.style, stage.size or recipe.data.size

    def fetch(self, name: str, progress: Progress = no_progress) -> Path:
        """Download a data set from its public source; returns where it lies. Raises DataError."""
        source = DATASETS.get(name)
        if source is None or source.fetch is None:
            raise DataError(
                unknown("download", name, [key for key, value in DATASETS.items() if value.fetch])
            )
        if self.store.settings.offline:
            raise DataError(
                f"data set '{name}' can't be fetched: the lab is offline",
                hint="Set GLYPHLAB_OFFLINE=0.",
            )
        return fetch(source.fetch, self.store.home, progress)

    def upload(
        self,
        filename: str,
        content: bytes | BinaryIO,
        progress: Progress = no_progress,
        choices: Choices = AS_FOUND,
    ) -> Upload:
        """Keep an archive, table or array as a data set. Raises DataError if it can't be one."""
        settings = self.store.settings
        return save_upload(
            self.store.home,
            filename,
            content,
            upload_mb=settings.upload_mb,
            unpacked_mb=settings.unpacked_mb,
            progress=progress,
            choices=choices,
        )

    def remove_upload(self, name: str) -> None:
        """Move an uploaded data set and its label journal to the trash. Raises DataError."""
        set_aside(self.store.home, name, remove_upload(self.store.home, name))

    def why_not_trained(self, spec: DataSpec) -> str:
        """Why no run can be trained on these images, as a sentence; '' where one can, as far as labels and
        the share for a test split go.
        """
        try:
            check_data(spec, self.store.home, self.listing)
        except DataError as error:
            words = str(error)
            return words[:1].upper() + words[1:]
        return ""

    def is_here(self, name: str) -> bool:
        """Whether one data set can be opened without fetching anything. Looks for its files only."""
        settings = self.store.settings
        try:
            return find(name, settings.data, self.store.home, settings.names_only) is not None
        except DataError:
            return False

    def listing(self, name: str, progress: Progress = no_progress) -> Listing:
        """The names and given labels of a data set's images, nothing decoded. Raises DataError."""
        settings = self.store.settings
        found = find(name, settings.data, self.store.home, settings.names_only)
        if found is None:
            fetchable = is_address(name) or (name in DATASETS and DATASETS[name].fetch)
            fetch = f"Fetch it: {COMMAND} datasets --fetch {name}"
            there = fetch if fetchable else "It has no public source."
            raise DataError(f"data set '{name}' is not here", hint=there)
        if found.path is None or not found.path.is_file():
            return _listed(name, settings.data, self.store.home, settings.unpacked_mb, progress)
        stat = found.path.stat()
        return _zip_listed(
            name,
            settings.data,
            self.store.home,
            settings.unpacked_mb,
            (stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, found.choices.key),
        )


def _listed(
    name: str, folders: tuple[Path, ...], home: Path, unpacked_mb: int, progress: Progress
) -> Listing:
    return list_dataset(
        name, folders=folders, home=home, offline=True, unpacked_mb=unpacked_mb, progress=progress
    )


# A page asks several times at every click, and listing 60,000 files takes a fifth of a second.
@lru_cache(maxsize=3)
def _zip_listed(
    name: str, folders: tuple[Path, ...], home: Path, unpacked_mb: int, stamp: tuple[object, ...]
) -> Listing:
    return _listed(name, folders, home, unpacked_mb, no_progress)
