"""Taught symbols as a zip: a folder a symbol, with `symbol.json` and its examples."""

from __future__ import annotations

import io
import unicodedata
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from engine.data.archive import check_overlaps
from engine.errors import DataError
from engine.files.checked import parse_json

LONGEST_NAME = 40
MOST_EXAMPLES = 50  # of one symbol
LARGEST_ARCHIVE = 50_000_000  # bytes
NO_ARCHIVE = (  # what reading a zip that is none, or is damaged, raises
    OSError,
    ValueError,
    KeyError,
    TypeError,
    RuntimeError,
    EOFError,
    zlib.error,
    zipfile.BadZipFile,
)


@dataclass(frozen=True)
class Symbol:
    """A taught symbol. examples: its pictures, in the order they were drawn."""

    name: str
    folder: Path
    examples: tuple[Path, ...]
    created: str

    @property
    def last(self) -> int:
        """The highest number that an example has; 0 without any."""
        return max((int(path.stem) for path in self.examples), default=0)


def symbols_zip(symbols: Sequence[Symbol]) -> bytes:
    """A zip that `read_symbols` reads."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as file:
        for symbol in symbols:
            for path in (symbol.folder / "symbol.json", *symbol.examples):
                with suppress(FileNotFoundError):  # somebody forgets it at this moment
                    content = path.read_bytes()
                    file.writestr(f"taught/{symbol.folder.name}/{path.name}", content)
    return out.getvalue()


def read_symbols(archive: bytes | Path) -> list[tuple[str, bytes]]:
    """(name, picture) of every example in an exported zip. Raises DataError if it is no such zip."""
    source = io.BytesIO(archive) if isinstance(archive, bytes) else archive
    try:
        with zipfile.ZipFile(source) as file:
            if sum(entry.file_size for entry in file.infolist()) > LARGEST_ARCHIVE:
                raise DataError(
                    "the zip is too large",
                    expected=f"at most {LARGEST_ARCHIVE // 10**6} MB unpacked",
                )
            check_overlaps(file.infolist(), "the zip")
            entries = sorted(file.namelist())
            names = {
                _parent(entry): str(parse_json(file.read(entry))["name"])
                for entry in entries
                if entry.endswith("symbol.json")
            }
            pictures = [
                entry for entry in entries if entry.endswith(".png") and _parent(entry) in names
            ]
            found = [(names[_parent(entry)], file.read(entry)) for entry in pictures]
    except NO_ARCHIVE as error:
        raise DataError(
            "these are no exported symbols",
            expected="a zip that was exported from Teach",
            got=str(error)[:80],
        ) from None
    if not found:
        raise DataError("the zip holds no symbols", expected="a zip that was exported from Teach")
    return found


def checked_name(name: str) -> str:
    """A symbol's name, trimmed and in Unicode's composed form. Raises DataError for a bad one."""
    name = unicodedata.normalize("NFC", name).strip()
    if not name:
        raise DataError("the symbol has no name yet", hint="Type a name first.")
    if len(name) > LONGEST_NAME or not name.isprintable():
        raise DataError(
            "this name can't be used",
            expected=f"1 to {LONGEST_NAME} characters",
            got=repr(name[:LONGEST_NAME]),
        )
    return name


def check_room(symbols: Sequence[Symbol], more: Mapping[str, int], most: int) -> None:
    """Raise DataError where examples (their number by symbol's name) have no room beside those there
    are. most: of all symbols.
    """
    held = {symbol.name: len(symbol.examples) for symbol in symbols}
    for name, count in more.items():
        if (total := held.get(name, 0) + count) > MOST_EXAMPLES:
            raise DataError(
                f"'{name}' has all the examples it can use",
                expected=f"at most {MOST_EXAMPLES}",
                got=total,
            )
    if sum(held.values()) + sum(more.values()) > most:
        raise DataError(
            "there is no room for more examples",
            expected=f"at most {most:,} of all symbols",
            hint="Forget a symbol first.",
        )


def _parent(entry: str) -> str:
    return entry.rpartition("/")[0]
