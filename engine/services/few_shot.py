"""Symbols taught by a few drawings: recognised at once by their likeness to them, without any
training.

    taught/k3f9a2/symbol.json  0001.png  0002.png …

A drawing is a taught symbol if it is more like that symbol's examples than like anything else the
model knows, and as much as the examples are like one another. Likeness is the model's embedding and
the form (engine.recognition.shape_similarity); vectors are computed when first asked for, for
whichever model is asked.
"""

from __future__ import annotations

import secrets
import shutil
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from pydantic import Field

from engine.errors import DamagedError, DataError, GlyphlabError
from engine.files.atomic import json_bytes, make_folder, write_bytes, write_json
from engine.files.checked import Damaged, Document, read_document
from engine.files.locks import Lock
from engine.files.together import finish_together, write_together
from engine.recognition.few_shot import WITHOUT_GALLERY, Bank, Match, Measured, decide
from engine.recognition.shape_similarity import likeness_vectors
from engine.services.drawings import ink_png
from engine.services.symbol_files import (
    LONGEST_NAME,
    Symbol,
    check_room,
    checked_name,
    read_symbols,
    symbols_zip,
)

if TYPE_CHECKING:
    from engine.store.store import Store

EMBEDDER = "glyph-embedding"  # the model made for telling characters of any script apart
ENOUGH = 3  # examples from which on a symbol is recognised well
MOST_OF_ALL = 20_000  # examples of all symbols


class Example(NamedTuple):
    """A taught example beside a drawing: the symbol's name, likeness (-1..1), the example's picture."""

    name: str
    likeness: float
    path: Path


class _Meta(Document):
    name: str = Field(min_length=1, max_length=LONGEST_NAME)
    created: str = ""


def _read(folder: Path) -> _Meta:
    return read_document(
        folder / "symbol.json", _Meta, f"Write the file again or delete taught/{folder.name}."
    )


class Taught:
    """The taught symbols of a lab, in `home/taught`, or of one person in a folder of their own. Safe
    to share by threads. most: examples in all.
    """

    def __init__(self, store: Store, folder: Path | None = None, most: int = MOST_OF_ALL) -> None:
        self.store = store
        self.folder = folder or store.home / "taught"
        self._most = most
        self._vectors: dict[tuple[Path, int, Path], np.ndarray] = {}
        self._lock = threading.RLock()

    def symbols(self) -> list[Symbol]:
        """All symbols, by name."""
        out = []
        for folder in self.folder.iterdir() if self.folder.is_dir() else ():
            if folder.name.startswith(".") or not folder.is_dir():
                continue
            with suppress(DamagedError):
                meta = _read(folder)
                examples = sorted(path for path in folder.glob("*.png") if path.stem.isdecimal())
                out.append(Symbol(meta.name, folder, tuple(examples), meta.created))
        return sorted(out, key=lambda symbol: symbol.name)

    def damaged(self) -> list[Damaged]:
        """The taught symbols that can't be read, and why."""
        out = []
        for folder in sorted(self.folder.iterdir()) if self.folder.is_dir() else ():
            if folder.is_dir() and not folder.name.startswith("."):
                try:
                    _read(folder)
                except DamagedError as error:
                    out.append(Damaged("symbol", folder.name, str(error)))
        return out

    def delete_damaged(self, name: str) -> None:
        """Forget a symbol that can't be read, by its folder. Raises DataError if there is none."""
        with self._changing():
            if name not in {entry.name for entry in self.damaged()}:
                raise DataError(f"there is no damaged symbol '{name}'")
            self._forget(Symbol(name, self.folder / name, (), ""))

    def add(self, name: str, picture: bytes | Path) -> Symbol:
        """Add an example of a symbol, new or known. Raises DataError for a bad name or too many,
        ImageError if nothing is drawn.
        """
        name = checked_name(name)
        content = ink_png(picture)
        with self._changing():
            symbol = self._with_room_for({name: 1}).get(name)
            folder = symbol.folder if symbol else self.folder / secrets.token_hex(6)
            number = symbol.last + 1 if symbol else 1
            try:
                if symbol is None:  # first: pictures without a name would be lost
                    write_json(folder / "symbol.json", _new(name))
                write_bytes(folder / f"{number:04d}.png", content)
            except GlyphlabError:
                if symbol is None:
                    shutil.rmtree(folder, ignore_errors=True)
                raise
        return self.symbol(name)

    def symbol(self, name: str) -> Symbol:
        """A symbol by its name. Raises DataError if it was never taught."""
        symbol = self._find(checked_name(name))
        if symbol is None:
            known = ", ".join(each.name for each in self.symbols()) or "none"
            raise DataError(f"no symbol '{name}' was taught", expected=f"one of {known}")
        return symbol

    def remove(self, name: str) -> None:
        """Forget a symbol with all its examples. Raises DataError if it was never taught."""
        with self._changing():
            self._forget(self.symbol(name))

    def remove_last(self, name: str) -> None:
        """Forget the newest example of a symbol, and the symbol with its last one. Raises DataError
        if it was never taught.
        """
        with self._changing():
            symbol = self.symbol(name)
            if len(symbol.examples) <= 1:
                self._forget(symbol)
            else:
                symbol.examples[-1].unlink(missing_ok=True)

    def embedder(self, reading: str) -> str:
        """The model whose embedding tells taught symbols apart: EMBEDDER, or the model that is
        `reading` where the lab has not got it.
        """
        shipped = self.store.checkpoints / EMBEDDER / "checkpoint.json"
        return EMBEDDER if shipped.exists() else reading

    def recognise(
        self, vector: np.ndarray, model: str, known: float = WITHOUT_GALLERY
    ) -> Match | None:
        """The symbol that a drawing shows, by its likeness vector (D + 196,) through `model`; None
        if it is none.

        known: likeness of the most alike image that the model was trained on; a symbol must beat
        it.
        """
        return decide(self.bank(model), vector, known)

    def most_alike(self, vector: np.ndarray, model: str) -> list[Example]:
        """Every example with its likeness to a likeness vector (D + 196,) through `model`, most alike
        first. Raises CheckpointError.
        """
        paths = [(symbol.name, path) for symbol in self.symbols() for path in symbol.examples]
        bank = self.bank(model)
        if len(bank.names) != len(paths):  # another process taught or forgot one in between
            return []
        found = [
            Example(name, float(value), path)
            for (name, path), value in zip(paths, bank.vectors @ vector, strict=True)
        ]
        return sorted(found, key=lambda one: -one.likeness)

    def bank(self, model: str) -> Bank:
        """All examples through `model`. Raises CheckpointError."""
        symbols = self.symbols()
        names = [symbol.name for symbol in symbols for _ in symbol.examples]
        paths = [path for symbol in symbols for path in symbol.examples]
        if not paths:
            return Bank(np.array([], str), np.zeros((0, 1), np.float32))
        folder = self.store.model_folder(model)
        stamp = (folder / "checkpoint.json").stat().st_mtime_ns
        with self._lock:
            missing = [path for path in paths if (folder, stamp, path) not in self._vectors]
            if missing:
                found = self.store.predictor(model).predict(missing)
                vectors = likeness_vectors(
                    np.stack([each.embedding for each in found]),
                    np.stack([each.square for each in found]),
                )
                self._vectors.update(
                    {
                        (folder, stamp, path): vector
                        for path, vector in zip(missing, vectors, strict=True)
                    }
                )
            return Bank(
                np.array(names), np.stack([self._vectors[folder, stamp, path] for path in paths])
            )

    def leave_one_out(self, model: str) -> Measured:
        """How well each example is recognised by the others, through `model`. Symbols with one
        example are not judged.
        """
        bank = self.bank(model)
        counts: dict[str, list[int]] = {}
        for place, name in enumerate(bank.names):
            if (bank.names == name).sum() < 2:
                continue
            rest = np.arange(len(bank.names)) != place
            match = decide(Bank(bank.names[rest], bank.vectors[rest]), bank.vectors[place])
            row = counts.setdefault(str(name), [0, 0])
            row[0] += match is not None and match.name == name
            row[1] += 1
        rows = tuple((name, right, n) for name, (right, n) in counts.items())
        return Measured(sum(right for _, right, _ in rows), sum(n for _, _, n in rows), rows)

    def export(self) -> bytes:
        """A zip with a folder a symbol, which `take_in` reads. Raises DataError if nothing was
        taught.
        """
        symbols = self.symbols()
        if not symbols:
            raise DataError("no symbol has been taught yet")
        return symbols_zip(symbols)

    def take_in(self, archive: bytes | Path) -> int:
        """Add the symbols of an exported zip to those there are; returns how many examples came.
        Raises DataError if it is no such zip.
        """
        found = [(checked_name(name), picture) for name, picture in read_symbols(archive)]
        counts = Counter(name for name, _ in found)
        self._with_room_for(counts)
        pictures = [(name, ink_png(picture)) for name, picture in found]  # a second a hundred
        with self._changing():
            known = self._with_room_for(counts)
            numbers = {name: known[name].last if name in known else 0 for name in counts}
            folders = {
                name: known[name].folder.name if name in known else secrets.token_hex(6)
                for name in counts
            }
            files = {
                f"{folders[name]}/symbol.json": json_bytes(_new(name))
                for name in counts
                if name not in known
            }
            for name, content in pictures:
                numbers[name] += 1
                files[f"{folders[name]}/{numbers[name]:04d}.png"] = content
            write_together(self.folder, files)
        return len(found)

    def _with_room_for(self, more: Mapping[str, int]) -> dict[str, Symbol]:
        symbols = self.symbols()
        check_room(symbols, more, self._most)
        return {symbol.name: symbol for symbol in symbols}

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """One change at a time, of all threads and processes of this home: two that teach the same
        name at once would otherwise make two symbols of it. Raises GlyphlabError.
        """
        with self._lock:
            lock = Lock.take(make_folder(self.folder) / ".lock", seconds=30)
            if lock is None:
                raise DataError(
                    "another process is still changing the taught symbols",
                    hint="Try again.",
                )
            with lock:
                finish_together(self.folder)  # what an import that was killed had written whole
                yield

    def _forget(self, symbol: Symbol) -> None:
        self.store.trash.put(symbol.folder, "symbol", symbol.name)

    def _find(self, name: str) -> Symbol | None:
        return next((symbol for symbol in self.symbols() if symbol.name == name), None)


def _new(name: str) -> dict[str, str]:
    return {"name": name, "created": datetime.now(UTC).isoformat(timespec="seconds")}
