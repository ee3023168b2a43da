"""The data sets there are: one literal table, and how each is found on disk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.data import digits, idx
from engine.data.cache import content_hash
from engine.data.folder import list_folder, list_zip
from engine.data.listing import Listing
from engine.errors import DataError, unknown
from engine.progress import Progress

DIGITS = tuple("0123456789")
CHARACTERS = tuple("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
MERGED = tuple("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabdefghnqrt")  # EMNIST's 47: letters alike in both cases are one class
LETTERS = tuple("abcdefghijklmnopqrstuvwxyz")


@dataclass(frozen=True)
class Source:
    """A data set known by name.

    kind      'digit', 'page' or 'photo': what its images are, and the style that 'auto' stands for
    places    names looked for, in order, in each folder of GLYPHLAB_DATA and in the lab's downloads: folders or zips
    prefix    what its IDX files' names begin with, where several sets share a folder
    classes   class names, where the files don't tell
    fetch     a name in engine.data.fetch.DOWNLOADS, or None if there is no public source
    """

    title: str
    about: str
    kind: str
    places: tuple[str, ...] = ()
    prefix: str = ""
    classes: tuple[str, ...] | None = None
    fetch: str | None = None


def _emnist(split: str, about: str, classes: tuple[str, ...]) -> Source:
    places = ("EMNIST/raw", "emnist", "EMNIST", "gzip", ".")
    return Source(f"EMNIST {split}", about, "digit", places, prefix=f"emnist-{split}-", classes=classes, fetch="emnist")


DATASETS: dict[str, Source] = {
    "digits": Source("Digits", "1,797 handwritten digits that come with scikit-learn (UCI, 8×8)", "digit", classes=DIGITS),
    "mnist": Source(
        "MNIST", "70,000 handwritten digits, 28×28, the standard split (LeCun, Cortes, Burges)", "digit",
        ("mnist", "MNIST/raw", "MNIST", "."), classes=DIGITS, fetch="mnist",
    ),
    "characters": Source(
        "Characters", "2,480 handwritten characters of 62 classes on whole pages (Chars74K EnglishHnd)", "page",
        ("trainPart1.zip", "trainPart1", "EnglishHnd", "characters.zip", "characters"), classes=CHARACTERS, fetch="characters",
    ),
    "task3": Source(
        "Task 3", "60,000 digits whose labels are badly wrong; scored on MNIST", "digit",
        ("mnistTask3.zip", "mnistTask3", "mnistTask"), classes=DIGITS, fetch="task3",
    ),
    "emnist62": Source(
        "EMNIST 62", "96,323 characters by many writers, 62 classes: part of EMNIST ByClass, upright", "digit", ("emnist62",), classes=CHARACTERS,
    ),
    "emnist-byclass": _emnist("byclass", "814,255 characters, 62 unbalanced classes", CHARACTERS),
    "emnist-bymerge": _emnist("bymerge", "814,255 characters, 47 unbalanced classes", MERGED),
    "emnist-balanced": _emnist("balanced", "131,600 characters, 47 balanced classes", MERGED),
    "emnist-letters": _emnist("letters", "145,600 letters, 26 classes, both cases in one", LETTERS),
    "emnist-digits": _emnist("digits", "280,000 digits, balanced", DIGITS),
    "emnist-mnist": _emnist("mnist", "70,000 digits, made like MNIST from NIST's originals", DIGITS),
    "hymenoptera": Source(
        "Ants and bees", "398 colour photographs of two classes (an ImageNet subset)", "photo",
        ("hymenoptera_data", "hymenoptera", "hymenoptera_data.zip", "hymenoptera.zip"), fetch="hymenoptera",
    ),
    "nature": Source(
        "Nature 12K", "about 12,000 colour photographs of ten classes (part of iNaturalist)", "photo",
        ("nature_12K", "nature", "inaturalist_12K", "nature_12K.zip"),
    ),
    "drawings": Source("Drawings", "what was drawn on the canvas and named by a person", "page"),
}


@dataclass(frozen=True)
class Found:
    """Where a data set lies: a folder or zip at `path`, or IDX `pairs`, or neither for the bundled digits."""

    name: str
    path: Path | None
    pairs: tuple[idx.Pair, ...] = ()
    source: Source | None = None


def search_path(folders: Sequence[Path], home: Path) -> list[Path]:
    """Folders in which data sets are looked for, in order."""
    return [*folders, home / "datasets", home / "uploads"]


def find(name: str, folders: Sequence[Path], home: Path) -> Found | None:
    """Where the data set of this name, or this path, lies; None if it is known but not there. Raises DataError if it is not known."""
    source = DATASETS.get(name)
    if source is None:
        return _found_by_path(name, folders, home)
    if name == "digits":
        return Found(name, None, source=source)
    if name == "drawings":
        return Found(name, home / "drawings", source=source) if (home / "drawings").is_dir() else None
    for folder in search_path(folders, home):
        for place in source.places:
            path = folder / place
            if not path.exists():
                continue
            pairs = tuple(idx.find_pairs(path, source.prefix)) if path.is_dir() else ()
            if pairs:
                return Found(name, path, pairs, source)
            if place != "." and not source.prefix and (path.is_file() or any(path.iterdir())):
                return Found(name, path, (), source)
    return None


def listing_of(found: Found, unpacked_mb: int, home: Path, progress: Progress) -> Listing:
    """What the found data set holds. Raises DataError if it can't be read."""
    source = found.source
    if found.path is None:
        return digits.list_digits()

    def content_of(paths: Sequence[Path]) -> str:
        return content_hash(paths, home, progress)

    if found.pairs:
        classes = (idx.read_mapping(found.path) if not source or not source.prefix else None) or (source.classes if source else None)
        files = [path for pair in found.pairs for path in (pair.images, pair.labels)]
        return idx.list_pairs(found.pairs, classes, idx.content_of(found.pairs, [content_of(files)]))
    kind = source.kind if source else None
    if found.path.is_file():
        return list_zip(found.path, unpacked_mb, kind)
    return list_folder(found.path, content_of, kind)


def _found_by_path(name: str, folders: Sequence[Path], home: Path) -> Found:
    candidates: list[Path] = [Path(name).expanduser()]
    if not Path(name).is_absolute():
        for folder in search_path(folders, home):
            candidates += [folder / name, folder / f"{name}.zip"]
    for path in candidates:
        if path.is_dir():
            return Found(name, path, tuple(_any_pairs(path)))
        if path.is_file():
            pairs = tuple(pair for pair in _any_pairs(path.parent) if path in (pair.images, pair.labels))
            return Found(name, path.parent if pairs else path, pairs)
    raise DataError(unknown("data set", name, DATASETS), hint="A path to a folder, a zip or IDX files works too.")


def _any_pairs(folder: Path) -> list[idx.Pair]:
    prefixes = idx.prefixes(folder)
    if len(prefixes) > 1:
        raise DataError(f"{folder} holds several IDX data sets", got=", ".join(prefixes), hint="Name one of its files.")
    return idx.find_pairs(folder, prefixes[0]) if prefixes else []


