"""How data sets that a person gives to the lab are read: looked at before they are kept, kept, and
read otherwise later; folders of the server are read in place.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from engine.data import staging
from engine.data.address import fetch_address, is_on_the_web, stage_address
from engine.data.cache import cached_squares, carry_squares
from engine.data.choices import AS_FOUND, Choices
from engine.data.hub import is_address
from engine.data.imported import ending_of, read_imported
from engine.data.listing import Listing
from engine.data.sources import find
from engine.data.staging import Staged, list_at, list_staged, stage_file
from engine.data.uploads import Upload, change_choices, keep, remember_images
from engine.errors import DataError, GlyphlabError
from engine.progress import Progress, no_progress
from engine.services.contents import USUAL_SIZE, Contents, Samples, contents_of, samples_of

if TYPE_CHECKING:
    from engine.store.store import Store

MOST_SHOWN = 60  # pictures of a preview
FEW_SHOWN = 24  # of one without classes
TRIES = 3  # of a class whose first images can't be read
MOST_PLACES = 2_000  # of one folder


@dataclass(frozen=True)
class Preview:
    """What would become of something that is staged: what it holds, with the report, and the first
    image of each class.
    """

    contents: Contents
    samples: Samples


class Imports:
    """The imports of a lab."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def places(self) -> list[str]:
        """What lies below GLYPHLAB_DATA and may be a data set: names of folders and files."""
        found: set[str] = set()
        for folder in self.store.settings.data:
            with suppress(OSError):
                found |= {
                    path.name
                    for path in islice(folder.iterdir(), MOST_PLACES)
                    if not path.name.startswith(".") and (path.is_dir() or ending_of(path.name))
                }
        return sorted(found)

    def stage(
        self, filename: str, content: bytes | BinaryIO, progress: Progress = no_progress
    ) -> Staged:
        """Take an archive, table or array in, to be looked at and then kept or let go. Raises
        DataError if it is too large.
        """
        most = self.store.settings.upload_mb
        return stage_file(self.store.home, filename, content, most, progress)

    def stage_place(self, place: str, progress: Progress = no_progress) -> Staged:
        """The same of hf://owner/name, which is fetched, and of a folder or file below GLYPHLAB_DATA,
        which stays where it is. Raises GlyphlabError if it is not there, or the lab is offline.
        """
        settings = self.store.settings
        if is_address(place):
            self._check_online(place)
            return stage_address(self.store.home, place, settings.upload_mb, progress)
        found = (
            None
            if is_on_the_web(place)
            else find(place, settings.data, self.store.home, names_only=True)
        )
        if found is None or found.path is None:
            raise DataError(f"there is no folder or file '{place}'")
        return Staged(found.path.name, found.path)

    def stage_path(self, name: str) -> Staged:
        """A folder or file of this machine, or a data set that was given to the lab, to be looked at
        where it lies. Raises DataError if it is not there, or the lab reads it by rules of its own.
        """
        settings = self.store.settings
        found = find(name, settings.data, self.store.home, settings.names_only)
        if found is None or found.path is None or found.source is not None:
            raise DataError(
                f"how '{name}' is read can't be chosen",
                expected="a folder or file, or a data set that was given to the lab",
            )
        return Staged(found.path.name, found.path)

    def keep_as(
        self, name: str, choices: Choices = AS_FOUND, progress: Progress = no_progress
    ) -> Upload:
        """Make a folder or file of this machine a data set that stays where it is, read by `choices`;
        one that was given to the lab is read by them from now on. Raises DataError.
        """
        if read_imported(self.store.home, name) is not None:
            return self.change(name, choices)
        return self.keep(self.stage_path(name), choices, progress)

    def look_at(
        self,
        staged: Staged,
        choices: Choices = AS_FOUND,
        *,
        check: bool = False,
        progress: Progress = no_progress,
    ) -> Preview:
        """What would become of it, read by `choices`; nothing is kept. check: every image is opened,
        so that broken, blank and identical ones are named. Raises DataError if it can't be a data
        set, or a chosen column is not there.
        """
        home, unpacked_mb = self.store.home, self.store.settings.unpacked_mb
        listing = list_staged(home, staged, choices, unpacked_mb, progress)
        size = USUAL_SIZE[listing.kind]
        if check:
            cached_squares(listing, listing.kind, size, home, progress)
        contents = contents_of(staged.name, listing, home, size=size, progress=progress)
        return Preview(contents, _one_of_each(listing, home, size))

    def keep(
        self, staged: Staged, choices: Choices = AS_FOUND, progress: Progress = no_progress
    ) -> Upload:
        """Make a data set of it. Raises DataError, and leaves it staged, if it can't be one."""
        settings = self.store.settings
        anywhere = staged.own is None and not settings.names_only
        kept = keep(self.store.home, staged, choices, settings.unpacked_mb, progress, anywhere)
        staging.let_go(staged)  # what else was fetched with it
        return kept

    def let_go(self, staged: Staged) -> None:
        """Delete what the lab holds of something that is not kept."""
        staging.let_go(staged)

    def fetch(
        self,
        address: str,
        progress: Progress = no_progress,
        choices: Choices = AS_FOUND,
        most_mb: int | None = None,
    ) -> Upload:
        """Keep what lies at hf://owner/name or https://… as a data set of the lab. most_mb: the
        largest size that is fetched; None: what an archive may unpack to from the Hub, and the
        largest upload from elsewhere. Raises GlyphlabError, also if the lab is offline.
        """
        settings = self.store.settings
        self._check_online(address)
        usual = settings.unpacked_mb if is_address(address) else settings.upload_mb
        return fetch_address(
            self.store.home,
            address,
            most_mb=usual if most_mb is None else most_mb,
            unpacked_mb=settings.unpacked_mb,
            progress=progress,
            choices=choices,
        )

    def change(self, name: str, choices: Choices) -> Upload:
        """Have a data set that was given to the lab read by other choices. Raises DataError, and
        changes nothing, if it can't be read by them.

        Which of its files can't be read stays known where only the share of test images changes: the
        images are the same.
        """
        home, most = self.store.home, self.store.settings.unpacked_mb
        before = read_imported(home, name)
        upload = change_choices(home, name, choices, most)
        if before and replace(before.choices, test=choices.test) == choices:
            with suppress(GlyphlabError):  # they are opened again when they are needed
                old = list_at(home, upload.path, before.choices, most, no_progress)
                new = list_at(home, upload.path, choices, most, no_progress)
                known = carry_squares(old, new, new.kind, USUAL_SIZE[new.kind], home)
                if known is not None:
                    remember_images(home, name, len(known.kept))
        return upload

    def choices(self, name: str) -> Choices | None:
        """The choices that a data set is read by; None if it was not given to the lab."""
        kept = read_imported(self.store.home, name)
        return kept.choices if kept else None

    def _check_online(self, address: str) -> None:
        if self.store.settings.offline:
            raise DataError(
                f"{address} can't be fetched: the lab is offline",
                hint="Set GLYPHLAB_OFFLINE=0, or carry the files and give their folder.",
            )


def _one_of_each(listing: Listing, home: Path, size: int) -> Samples:
    """The first image that can be read of each of the first classes; where there is no class, the first
    images.
    """
    there = [name for name, count in zip(listing.classes, listing.counts(), strict=True) if count]
    if not there:
        return samples_of(listing, home, count=FEW_SHOWN, size=size)
    wanted, found = there[:MOST_SHOWN], list[Samples]()
    for turn in range(TRIES):
        count = len(wanted)
        if not wanted:
            break
        one = samples_of(listing, home, classes=wanted, first=turn * count, count=count, size=size)
        had = {listing.classes[label] for label in one.labels}
        wanted = [name for name in wanted if name not in had]
        found.append(one)
    images = np.concatenate([one.images for one in found])
    labels = np.concatenate([one.labels for one in found])
    files = [file for one in found for file in one.files]
    order = np.argsort(labels, kind="stable")
    return Samples(images[order], labels[order], [files[i] for i in order], len(listing))
