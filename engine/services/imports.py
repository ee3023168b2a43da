"""How data sets that a person has given to the lab are read, and folders that are read in place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.data.address import fetch_address
from engine.data.choices import AS_FOUND, Choices
from engine.data.hub import is_address
from engine.data.imported import read_imported
from engine.data.sources import find
from engine.data.uploads import Upload, change_choices, link_upload
from engine.errors import DataError
from engine.progress import Progress, no_progress

if TYPE_CHECKING:
    from engine.store.store import Store


class Imports:
    """The imports of a lab."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def link(self, path: str, choices: Choices = AS_FOUND) -> Upload:
        """Keep a folder or file below GLYPHLAB_DATA as a data set of its own name, read by
        `choices`; it stays where it is. Raises DataError.
        """
        settings = self.store.settings
        found = find(path, settings.data, self.store.home, names_only=True)
        if found is None or found.path is None:
            raise DataError(f"there is no folder or file '{path}'")
        return link_upload(self.store.home, found.path, choices, settings.unpacked_mb)

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
        if settings.offline:
            raise DataError(
                f"{address} can't be fetched: the lab is offline",
                hint="Set GLYPHLAB_OFFLINE=0, or carry the files and give their folder.",
            )
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
        """
        return change_choices(self.store.home, name, choices, self.store.settings.unpacked_mb)

    def choices(self, name: str) -> Choices | None:
        """The choices that a data set is read by; None if it was not given to the lab."""
        kept = read_imported(self.store.home, name)
        return kept.choices if kept else None
