"""What is kept of a data set that a person has given to the lab: where it lies, and their choices."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from engine.data.choices import Choices, read_choices
from engine.files.atomic import read_json

# The endings of files that may be a data set. The longest that fits is a file's.
ENDINGS = tuple(
    ".zip .tar .tar.gz .tgz .tar.bz2 .tar.xz .7z .csv .csv.gz .tsv .parquet .arrow .npz .npy .mat"
    " .ndjson .jsonl .json".split()
)


class Imported(NamedTuple):
    """path: the file in the lab, or the folder or file on its machine that was named; anywhere: whether
    that was done on the machine itself, where every path may be named.
    """

    path: Path
    choices: Choices
    anywhere: bool = False


def ending_of(name: str) -> str:
    """A file name's ending, one of ENDINGS; '' if it has none of them."""
    return max((end for end in ENDINGS if name.lower().endswith(end)), key=len, default="")


def read_imported(home: Path, name: str) -> Imported | None:
    """The data set of this name among those that were given to the lab; None if nothing is kept of
    one. Raises DataError if its choices can't be used.
    """
    if not name or Path(name).name != name:
        return None
    folder = home / "uploads"
    kept = read_json(folder / f"{name}.json")
    if not isinstance(kept, dict):
        return None
    file = kept.get("file")  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
    if not isinstance(file, str) or not file or "\0" in file:
        return None
    choices = read_choices(kept.get("choices"))  # pyright: ignore[reportUnknownMemberType]
    anywhere = kept.get("anywhere") is True  # pyright: ignore[reportUnknownMemberType]
    return Imported(folder / file, choices, anywhere)


def is_linked(home: Path, found: Imported) -> bool:
    """Whether it lies outside the lab, where nothing is deleted."""
    return found.path.parent != home / "uploads"


def is_within(path: Path, roots: Sequence[Path]) -> bool:
    """Whether a path lies below one of the resolved `roots`, links resolved."""
    try:
        found = path.resolve()
    except (OSError, RuntimeError, ValueError):
        return False
    return any(found != root and found.is_relative_to(root) for root in roots)


def uploaded_names(home: Path) -> list[str]:
    """The names of the zips that were given to the lab."""
    return [path.stem for path in (home / "uploads").glob("*.zip") if not path.name.startswith(".")]
