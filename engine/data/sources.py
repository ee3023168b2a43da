"""The data sets known by name: one literal table, and how each is found on disk."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from engine.data import idx_files
from engine.data.found import Found, Source, found_by_path
from engine.data.hub import is_address, wanted_at
from engine.data.imported import read_imported
from engine.errors import DataError

DRAWINGS = "drawings"
_OWN = re.compile(r"drawings-(students|visits)-([0-9a-f]{16})")
DIGITS = tuple("0123456789")
CHARACTERS = tuple("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
MERGED = tuple(
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabdefghnqrt"
)  # EMNIST's 47: letters alike in both cases are one class
LETTERS = tuple("abcdefghijklmnopqrstuvwxyz")


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


def _omniglot(half: str, about: str, images: int) -> Source:
    name = f"images_{half}"
    places = [f"{folder}/{name}" for folder in ("omniglot", "omniglot-py")]
    return Source(
        "Omniglot" if half == "background" else "Omniglot, evaluation",
        about,
        "page",
        images,
        places=(*places, *(f"{place}.zip" for place in places), name, f"{name}.zip", "omniglot"),
        parts=f"{name}_small*.zip",
        fetch="omniglot" if half == "background" else "omniglot-evaluation",
        licence="MIT, Omniglot (Lake, Salakhutdinov, Tenenbaum 2015)",
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
    "omniglot": _omniglot(
        "background",
        "characters of many alphabets, each by 20 people: the background set, 30 alphabets, or what"
        " is there of it",
        19_280,
    ),
    "omniglot-evaluation": _omniglot(
        "evaluation", "characters of 20 alphabets that no model is trained on", 13_180
    ),
    "invented": Source(
        "Invented characters",
        "characters of no script, drawn by simulated hands; made on this machine",
        "digit",
        40_000,
        licence="CC0, made by this program",
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
    DRAWINGS: Source("Drawings", "what was drawn on the canvas and named by a person", "page"),
}


MOST_JOINED, LONGEST_NAME = 20, 4_096


def is_pool(name: str) -> bool:
    """Whether a name joins no more data sets than `names_in` looks for."""
    return "+" not in name or (name.count("+") < MOST_JOINED and len(name) <= LONGEST_NAME)


def names_in(name: str) -> list[str]:
    """The data sets that a recipe's `data.name` means: several are joined by '+', unless that is
    part of a path that is there.

    Raises DataError for more than a few joined ones: each is looked for on the disk.

    >>> names_in("characters+emnist62")
    ['characters', 'emnist62']
    """
    if not is_pool(name):
        raise DataError(
            "this names too many data sets",
            expected=f"at most {MOST_JOINED} joined by '+', {LONGEST_NAME:,} characters",
            got=f"{name.count('+') + 1:,}, {len(name):,} characters",
        )
    if "+" in name and _is_there(name):
        return [name]
    parts = name.split("+")
    joined: list[str] = []
    while parts:  # the longest path that is there wins: a c++/ in it is no sign of a pool
        count = next(
            (
                length
                for length in range(len(parts), 1, -1)
                if _is_there("+".join(parts[:length]).strip())
            ),
            1,
        )
        joined.append("+".join(parts[:count]).strip())
        del parts[:count]
    return joined


def part_of(data: str, sample: str) -> tuple[str, str]:
    """The one data set that a sample of `data` is of, and the sample's name there: in a pooled one
    samples are named '<data set>/<sample>'.

    >>> part_of("characters+emnist62", "emnist62/train/17")
    ('emnist62', 'train/17')
    """
    names = names_in(data)
    if len(names) == 1:
        return data, sample
    own = next((one for one in names if sample.startswith(f"{one}/")), names[0])
    return own, sample.removeprefix(f"{own}/")


def is_plain_name(name: str) -> bool:
    """Whether a data set goes by a name that tells nothing of this machine's folders.

    >>> is_plain_name("mnist"), is_plain_name("/home/anna/scans"), is_plain_name("scans/first")
    (True, False, False)
    """
    return is_address(name) or not any(sign in name for sign in "/\\~")


def _is_there(path: str) -> bool:
    try:
        return Path(path).expanduser().exists()
    except (OSError, RuntimeError, ValueError):  # too long for a name, or no path at all
        return False


def is_drawings(name: str) -> bool:
    """Whether a data set is what was drawn on the canvas, by anybody or by one student."""
    return name == DRAWINGS or _OWN.fullmatch(name) is not None


def drawings_folder(home: Path, name: str) -> Path:
    """Where the drawings of this name are kept: 'drawings', or of one person
    'drawings-students-0123456789abcdef'.
    """
    own = _OWN.fullmatch(name)
    return home / own[1] / own[2] / DRAWINGS if own else home / DRAWINGS


def find(name: str, folders: Sequence[Path], home: Path, names_only: bool = False) -> Found | None:
    """Where the data set of this name, or at this path, lies; None if its name is known but it is
    not there.

    names_only  a path must lie in one of `folders` or among the lab's data sets, links resolved

    Looked for in `folders`, then among what the lab at `home` has fetched. Raises DataError if the
    name is not known and no path.
    """
    if is_address(name):
        own = wanted_at(name).name
        there = read_imported(home, own) is not None
        return found_by_path(own, folders, home, names_only, ()) if there else None
    if is_drawings(name):
        folder = drawings_folder(home, name)
        there = any(folder.glob("*/*.png"))
        return Found(name, folder, source=DATASETS[DRAWINGS]) if there else None
    source = DATASETS.get(name)
    if source is None:
        return found_by_path(name, folders, home, names_only, list(DATASETS))
    if name in ("digits", "invented"):
        return Found(name, None, source=source)
    for folder in (*folders, home / "datasets"):
        for place in source.places:
            found = _found_at(name, source, folder / place, place == ".")
            if found is not None:
                return found
    return None


def _found_at(name: str, source: Source, path: Path, is_top: bool) -> Found | None:
    if path.is_dir() and source.parts and path.name == "omniglot":
        return Found(name, path, (), source) if any(path.glob(source.parts)) else None
    if path.is_dir():
        pairs = tuple(idx_files.find_pairs(path, source.prefix))
        if pairs:
            return Found(name, path, pairs, source)
        whole = (
            not is_top
            and not source.prefix
            and not idx_files.prefixes(path)
            and any(entry.is_dir() for entry in path.iterdir())
        )
        return Found(name, path, (), source) if whole else None
    return Found(name, path, (), source) if path.is_file() else None
