"""The lab's data room: what a data set holds, samples, what augmentation does to them, uploads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

import numpy as np

from engine.data.cache import cached_squares, stored_squares
from engine.data.catalog import list_dataset
from engine.data.check import checked
from engine.data.choices import AS_FOUND, Choices
from engine.data.decode import Target, decode, read_raw
from engine.data.fetch import fetch
from engine.data.hub import is_address
from engine.data.info import DatasetInfo, list_datasets
from engine.data.listing import SPLITS, Listing, in_turns
from engine.data.report import ImportReport, report_of
from engine.data.sources import DATASETS, find
from engine.data.splits import make_splits
from engine.data.uploads import Upload, remove_upload, save_upload
from engine.errors import DataError, unknown
from engine.labels.journal import set_aside
from engine.progress import Progress, no_progress
from engine.recipes.fields import DataSpec
from engine.services.imports import Imports
from engine.settings import COMMAND

if TYPE_CHECKING:
    from engine.recipes.augmentation import Augment
    from engine.recipes.recipe import Recipe
    from engine.store.store import Store

USUAL_SIZE = {"digit": 28, "page": 64, "photo": 128}  # pixels of a side, by kind


@dataclass(frozen=True)
class Contents:
    """What a data set holds, before any image is decoded.

    counts   (3, K) int64: images of each class in the official train, val and test splits
    splits   images in each split as a recipe makes them unless it says otherwise
    skipped  (name, reason) of files that can't be used, known so far
    report   what became of the files, and what is doubtful
    checked  whether every image has been decoded in the asked style and size, so that `skipped` and
             `report` are complete
    """

    name: str
    kind: str
    classes: tuple[str, ...]
    counts: np.ndarray
    splits: dict[str, int]
    notes: dict[str, str]
    skipped: tuple[tuple[str, str], ...]
    report: ImportReport
    checked: bool

    @property
    def images(self) -> int:
        """How many there are, with those that have no label."""
        return int(self.counts.sum()) + self.report.unlabelled


class Samples(NamedTuple):
    """images (n, C, size, size) uint8; labels (n,) int64; files: their names; of: how many there
    are to page through.
    """

    images: np.ndarray
    labels: np.ndarray
    files: list[str]
    of: int


class Data:
    """The data sets of a lab."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.imports = Imports(store)

    def list(self) -> list[DatasetInfo]:
        """The data sets known by name and those uploaded; those at hand first."""
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
        style, size = _style(listing, style), size or USUAL_SIZE[listing.kind]
        home = self.store.home
        stored = stored_squares(listing, style, size, home)
        unreadable = stored.skipped if stored else ()
        found = checked(listing, stored, style, size, home, progress) if stored else None
        read = stored.kept if stored else np.arange(len(listing.labels))
        labels, official = listing.labels[read], listing.official[read]
        counts = np.zeros((len(SPLITS), len(listing.classes)), np.int64)
        labelled = labels >= 0
        np.add.at(counts, (official[labelled], labels[labelled]), 1)
        usual = DataSpec()
        splits = make_splits(
            labels, official, validation=usual.validation, test=usual.test, seed=usual.seed
        )
        sizes = {split: len(index) for split, index in splits.items()}
        return Contents(
            name,
            listing.kind,
            listing.classes,
            counts,
            sizes,
            listing.notes,
            listing.skipped + unreadable,
            report_of(listing, unreadable, found),
            stored is not None,
        )

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
        listing = self.listing(name)
        order = in_turns(listing, split, classes)
        index = order[first : first + count]
        images, kept = self._squares(listing, index, _style(listing, style), size)
        return Samples(
            images, listing.labels[kept], [listing.files[int(i)] for i in kept], len(order)
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
        images, _ = self._squares(
            listing,
            in_turns(listing, "train", None)[first : first + count],
            _style(listing, style),
            cached,
        )
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

    def _squares(
        self, listing: Listing, index: np.ndarray, style: str, size: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Images (n, C, size, size) uint8 and their positions (n,); from the cache if all of them
        have been decoded before.
        """
        stored = stored_squares(listing, style, size, self.store.home)
        if stored is None:
            out, kept = [], []
            target = Target(style, size, listing.convention)
            for position in index:
                chunk = decode([read_raw(listing, int(position))], int(position), target)
                out.append(chunk.images)
                kept.append(chunk.kept)
            empty = decode([], 0, target)
            return np.concatenate([*out, empty.images]), np.concatenate([*kept, empty.kept])
        where = np.searchsorted(stored.kept, index)
        there = np.append(stored.kept, -1)[where] == index
        return np.asarray(stored.images[where[there]]), index[there]


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


def _style(listing: Listing, style: str) -> str:
    return listing.kind if style == "auto" else style
