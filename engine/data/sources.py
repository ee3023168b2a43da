"""The data sets known by name: one literal table, and how each is found on disk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.data import idx
from engine.data.choices import AS_FOUND, Choices
from engine.data.imported import read_imported
from engine.errors import DataError, unknown
from engine.settings import COMMAND

DIGITS = tuple("0123456789")
CHARACTERS = tuple("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
MERGED = tuple(
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabdefghnqrt"
)  # EMNIST's 47: letters alike in both cases are one class
LETTERS = tuple("abcdefghijklmnopqrstuvwxyz")


@dataclass(frozen=True)
class Source:
    """A data set known by name.

    kind     'digit', 'page' or 'photo': what its images are, and the style that 'auto' stands for
    images   how many there are; 0 where that varies
    classes  class names
    places   names looked for, in order, in each folder of GLYPHLAB_DATA and in the lab's own:
             folders or zips
    prefix   what its IDX files' names begin with, where several sets share a folder
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
    fetch: str | None = None
    licence: str = ""


NIST = "public domain, from NIST Special Database 19 (Cohen et al. 2017)"


def _emnist(split: str, about: str, images: int, classes: tuple[str, ...]) -> Source:
    places = ("EMNIST/raw", "EMNIST", "emnist", "gzip", ".")
    return Source(
        f"EMNIST {split}",
        about,
        "digit",
        images,
        classes,
        places,
        prefix=f"emnist-{split}-",
        fetch="emnist",
        licence=NIST,
    )


DATASETS: dict[str, Source] = {
    "digits": Source(
        "Digits",
        "handwritten digits that come with scikit-learn (UCI, 8×8)",
        "digit",
        1_797,
        DIGITS,
        licence="CC BY 4.0, UCI Machine Learning Repository (Alpaydin, Kaynak 1998)",
    ),
    "mnist": Source(
        "MNIST",
        "handwritten digits, 28×28, the standard split (LeCun, Cortes, Burges)",
        "digit",
        70_000,
        DIGITS,
        ("mnist", "MNIST/raw", "MNIST", "."),
        fetch="mnist",
        licence="CC BY-SA 3.0, MNIST (LeCun, Cortes, Burges)",
    ),
    "characters": Source(
        "Characters",
        "handwritten characters on whole pages, drawn on a tablet (Chars74K EnglishHnd)",
        "page",
        2_480,
        CHARACTERS,
        ("trainPart1.zip", "trainPart1", "EnglishHnd", "characters.zip", "characters"),
        fetch="characters",
        licence="research use, Chars74K (de Campos et al. 2009)",
    ),
    "task3": Source(
        "Task 3",
        "digits in folders named by labels that are badly wrong; scored on MNIST",
        "digit",
        60_000,
        DIGITS,
        ("mnistTask3.zip", "mnistTask3", "mnistTask"),
        fetch="task3",
        licence="CC BY-SA 3.0, images of MNIST (LeCun, Cortes, Burges)",
    ),
    "emnist62": Source(
        "EMNIST 62",
        "characters by many writers, upright: part of EMNIST ByClass",
        "digit",
        96_323,
        CHARACTERS,
        ("emnist62",),
        licence=NIST,
    ),
    "emnist-byclass": _emnist(
        "byclass", "digits, capitals and small letters, unbalanced", 814_255, CHARACTERS
    ),
    "emnist-bymerge": _emnist(
        "bymerge", "letters alike in both cases are one class, unbalanced", 814_255, MERGED
    ),
    "emnist-balanced": _emnist(
        "balanced", "letters alike in both cases are one class, balanced", 131_600, MERGED
    ),
    "emnist-letters": _emnist(
        "letters", "capital and small letters in one class each", 145_600, LETTERS
    ),
    "emnist-digits": _emnist("digits", "digits by many writers, balanced", 280_000, DIGITS),
    "emnist-mnist": _emnist(
        "mnist", "digits, made like MNIST from the same originals", 70_000, DIGITS
    ),
    "hymenoptera": Source(
        "Ants and bees",
        "colour photographs of insects (an ImageNet subset)",
        "photo",
        398,
        ("ants", "bees"),
        ("hymenoptera_data", "hymenoptera", "hymenoptera_data.zip", "hymenoptera.zip"),
        fetch="hymenoptera",
        licence="research use, part of ImageNet",
    ),
    "nature": Source(
        "Nature 12K",
        "colour photographs of ten classes of animals and plants (part of iNaturalist)",
        "photo",
        11_999,
        places=(
            "nature_12K",
            "nature",
            "inaturalist_12K",
            "nature_12K.zip",
            "nature.zip",
            "inaturalist_12K.zip",
        ),
        licence="research use, part of iNaturalist",
    ),
    "drawings": Source("Drawings", "what was drawn on the canvas and named by a person", "page"),
}


@dataclass(frozen=True)
class Found:
    """Where a data set lies: a folder or file at `path`, or IDX `pairs` in it, and how a person has
    chosen to read it; the bundled digits have no path.
    """

    name: str
    path: Path | None
    pairs: tuple[idx.Pair, ...] = ()
    source: Source | None = None
    choices: Choices = AS_FOUND


def names_in(name: str) -> list[str]:
    """The data sets that a recipe's `data.name` means: several are joined by '+', unless that is
    part of a path that is there.

    >>> names_in("characters+emnist62")
    ['characters', 'emnist62']
    """
    if "+" in name and Path(name).expanduser().exists():
        return [name]
    parts = name.split("+")
    joined: list[str] = []
    while parts:  # the longest path that is there wins: a c++/ in it is no sign of a pool
        count = next(
            (
                length
                for length in range(len(parts), 1, -1)
                if Path("+".join(parts[:length]).strip()).expanduser().exists()
            ),
            1,
        )
        joined.append("+".join(parts[:count]).strip())
        del parts[:count]
    return joined


def find(name: str, folders: Sequence[Path], home: Path, names_only: bool = False) -> Found | None:
    """Where the data set of this name, or at this path, lies; None if its name is known but it is
    not there.

    names_only  a path must lie in one of `folders` or among the lab's data sets, links resolved

    Looked for in `folders`, then among what the lab at `home` has fetched. Raises DataError if the
    name is not known and no path.
    """
    source = DATASETS.get(name)
    if source is None:
        return _found_by_path(name, folders, home, names_only)
    if name == "digits":
        return Found(name, None, source=source)
    if name == "drawings":
        there = any((home / "drawings").glob("*/*.png"))
        return Found(name, home / "drawings", source=source) if there else None
    for folder in (*folders, home / "datasets"):
        for place in source.places:
            found = _found_at(name, source, folder / place, place == ".")
            if found is not None:
                return found
    return None


def _found_at(name: str, source: Source, path: Path, is_top: bool) -> Found | None:
    if path.is_dir():
        pairs = tuple(idx.find_pairs(path, source.prefix))
        if pairs:
            return Found(name, path, pairs, source)
        whole = (
            not is_top
            and not source.prefix
            and not idx.prefixes(path)
            and any(entry.is_dir() for entry in path.iterdir())
        )
        return Found(name, path, (), source) if whole else None
    return Found(name, path, (), source) if path.is_file() else None


def _found_by_path(name: str, folders: Sequence[Path], home: Path, names_only: bool) -> Found:
    if not name or "\0" in name:
        raise DataError("no data set is named", expected="a name, a folder, a zip or an IDX file")
    if kept := read_imported(home, name):
        roots = [folder.resolve() for folder in (home / "uploads", *folders, home / "datasets")]
        if not kept.path.exists() or (names_only and not _is_within(kept.path, roots)):
            raise DataError(
                f"data set '{name}' lies in a folder that can't be opened",
                hint="Put it back, or delete the data set from the lab.",
            )
        pairs = tuple(idx.only_pairs(kept.path)) if kept.path.is_dir() else ()
        return Found(name, kept.path, pairs, choices=kept.choices)
    wanted = Path(name).expanduser()
    candidates = [wanted]
    if not wanted.is_absolute():
        for folder in (home / "uploads", *folders, home / "datasets"):
            candidates += [folder / f"{name}.zip", folder / name]
    if names_only:  # not even whether there is something elsewhere is told
        roots = [folder.resolve() for folder in (home / "uploads", *folders, home / "datasets")]
        candidates = [path for path in candidates if _is_within(path, roots)]
        if not candidates:
            raise DataError(
                f"data set '{name}' can't be opened from here",
                expected="a name, or a folder inside one that GLYPHLAB_DATA names",
                hint=f"`{COMMAND}` on the lab's own machine opens any path.",
            )
    for path in candidates:
        if path.is_dir():
            return Found(name, path, tuple(idx.only_pairs(path)))
        if path.is_file():
            pairs = [
                pair
                for prefix in idx.prefixes(path.parent)
                for pair in idx.find_pairs(path.parent, prefix)
            ]
            own = next((pair for pair in pairs if path in (pair.images, pair.labels)), None)
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
        unknown("data set", name, [*DATASETS, *_uploads(home)]),
        hint="A path to a folder, a zip or an IDX file works too.",
    )


def _is_within(path: Path, roots: Sequence[Path]) -> bool:
    """Whether a path lies below one of the resolved `roots`, links resolved."""
    try:
        found = path.resolve()
    except (OSError, RuntimeError, ValueError):
        return False
    return any(found != root and found.is_relative_to(root) for root in roots)


def _uploads(home: Path) -> list[str]:
    return [path.stem for path in (home / "uploads").glob("*.zip") if not path.name.startswith(".")]
