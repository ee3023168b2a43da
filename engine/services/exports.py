"""`lab.exports`: models as people use them elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

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
