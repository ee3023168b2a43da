"""`Source`, a data set known by name, and `Found`, where a data set lies on disk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.data import idx_files
from engine.data.choices import AS_FOUND, Choices
from engine.data.imported import is_within, read_imported, uploaded_names
from engine.errors import DataError, one_line, unknown
from engine.settings import COMMAND

LONGEST_PATH, LONGEST_PART = (
    3_000,
    250,
)  # bytes; systems take 4,096 and 255, with the lab's own before and after


@dataclass(frozen=True)
class Source:
    """A data set known by name.

    kind     'digit', 'page' or 'photo': what its images are, and the style that 'auto' stands for
    images   how many there are; 0 where that varies
    classes  class names
    places   names looked for, in order, in each folder of GLYPHLAB_DATA and in the lab's own:
             folders or zips
    prefix   what its IDX files' names begin with, where several sets share a folder
    parts    a pattern of archives that together are the set, where a folder holds them and no more
    fetch    a name in engine.data.fetch.DOWNLOADS, or None if there is no public source
    licence  under which the images are published, as cards of models trained on them say
    """

    title: str
    about: str
    kind: str
    images: int = 0
    classes: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    prefix: str = ""
    parts: str = ""
    fetch: str | None = None
    licence: str = ""


@dataclass(frozen=True)
class Found:
    """Where a data set lies: a folder or file at `path`, or IDX `pairs` in it, and how a person has
    chosen to read it; the bundled digits have no path.
    """

    name: str
    path: Path | None
    pairs: tuple[idx_files.Pair, ...] = ()
    source: Source | None = None
    choices: Choices = AS_FOUND

    @property
    def is_in_parts(self) -> bool:
        """Whether `path` is a folder that holds some archives of the set beside each other."""
        parts = self.source.parts if self.source else ""
        return bool(parts and self.path and self.path.is_dir() and any(self.path.glob(parts)))


def found_by_path(
    name: str, folders: Sequence[Path], home: Path, names_only: bool, known: Sequence[str]
) -> Found:
    """The data set at a path, or given to the lab under this name. known: the names that an error
    suggests. Raises DataError.
    """
    if not name or "\0" in name:
        raise DataError("no data set is named", expected="a name, a folder, a zip or an IDX file")
    if len(name.encode("utf-8", "replace")) > LONGEST_PATH or any(
        len(part.encode("utf-8", "replace")) > LONGEST_PART for part in name.split("/")
    ):
        raise DataError(
            "this can't be the name of a data set: it is too long",
            expected=f"at most {LONGEST_PATH:,} bytes, and {LONGEST_PART} between two '/'",
            got=one_line(name, 60),
        )
    if kept := read_imported(home, name):
        roots = [folder.resolve() for folder in (home / "uploads", *folders, home / "datasets")]
        if names_only and not kept.anywhere and not is_within(kept.path, roots):
            raise DataError(
                f"data set '{name}' lies outside the folders that this lab may open",
                hint="Start the lab with GLYPHLAB_DATA naming the folder that it lies in.",
            )
        if not kept.path.exists():
            raise DataError(
                f"the files of data set '{name}' are not where they were",
                hint="Put them back, or delete the data set from the lab.",
            )
        pairs = tuple(idx_files.only_pairs(kept.path)) if kept.path.is_dir() else ()
        return Found(name, kept.path, pairs, choices=kept.choices)
    wanted = Path(name).expanduser()
    candidates = [wanted]
    if not wanted.is_absolute():
        for folder in (home / "uploads", *folders, home / "datasets"):
            candidates += [folder / f"{name}.zip", folder / name]
    if names_only:  # not even whether there is something elsewhere is told
        roots = [folder.resolve() for folder in (home / "uploads", *folders, home / "datasets")]
        candidates = [path for path in candidates if is_within(path, roots)]
        if not candidates:
            raise DataError(
                f"data set '{name}' can't be opened from here",
                expected="a name, or a folder inside one that GLYPHLAB_DATA names",
                hint=f"`{COMMAND}` on the lab's own machine opens any path.",
            )
    for path in candidates:
        if path.is_dir():
            return Found(name, path, tuple(idx_files.only_pairs(path)))
        if path.is_file():
            pairs = [
                pair
                for prefix in idx_files.prefixes(path.parent)
                for pair in idx_files.find_pairs(path.parent, prefix)
            ]
            own = next((pair for pair in pairs if path in pair.files), None)
            if own is None:
                return Found(name, path)
            # The test images beside the training images are of the same data set.
            whole = tuple(pair for pair in pairs if pair.prefix == own.prefix)
            return Found(name, path.parent, whole)
    if wanted.is_absolute() or len(wanted.parts) > 1:
        raise DataError(
            f"there is no data set at {name}", hint="Give a folder, a zip or an IDX file."
        )
    raise DataError(
        unknown("data set", name, [*known, *uploaded_names(home)]),
        hint="Put its folder into one that GLYPHLAB_DATA names, or add it on the page Data."
        if names_only
        else "A path to a folder, a zip or an IDX file works too.",
    )
