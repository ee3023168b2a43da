"""Names of files and folders whose encoding nobody recorded: in zips without the UTF-8 flag, and on
disks written by other systems.
"""

from __future__ import annotations

import math
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from engine.data.encodings import ALPHABETS, ENCODINGS, RARE, Model

MOST_LOOKED_AT = 2_000  # different parts of paths
ASCII = math.log(64)


class Decoded(NamedTuple):
    """names in Unicode's composed form (NFC); the encoding they were in, and whether it was guessed;
    parts of paths that were there in two forms, which are one now.
    """

    names: list[str]
    encoding: str
    guessed: bool
    joined: tuple[str, ...] = ()


def decode_names(raw: Sequence[bytes], sure: Sequence[bool] = ()) -> Decoded:
    """Paths as text. Bytes that are valid UTF-8 are UTF-8; otherwise the encoding under which all
    of the names are likeliest is taken for all of them, and '�' stands for what it can't explain.

    sure  of each name, whether something says that it is UTF-8; empty: nothing says so
    """
    try:
        names = [name.decode("utf-8") for name in raw]
        return Decoded(list(map(composed, names)), "utf-8", False, two_forms(names))
    except UnicodeDecodeError:
        known = list(sure) or [False] * len(raw)
        encoding = guess_encoding(
            [name for name, is_sure in zip(raw, known, strict=True) if not is_sure]
        )
    names = [
        composed(name.decode("utf-8" if is_sure else encoding, "replace"))
        for name, is_sure in zip(raw, known, strict=True)
    ]
    return Decoded(names, encoding, True)


def two_forms(names: Iterable[str]) -> tuple[str, ...]:
    """The folders and files, composed, whose names are there in two forms of Unicode."""
    apart = {part for name in names if not name.isascii() for part in name.split("/")}
    counts = Counter(map(composed, apart))
    return tuple(sorted(part for part, count in counts.items() if count > 1))


def composed(name: str) -> str:
    """The name with each letter and its accents as one character (NFC), as most systems write it;
    macOS writes them apart.
    """
    return name if name.isascii() else unicodedata.normalize("NFC", name)


def guess_encoding(raw: Sequence[bytes]) -> str:
    """The likeliest of ENCODINGS for names of which not all are UTF-8.

    Each encoding has a model a language (engine.data.encodings). Lists of one to four words hold no
    more evidence than that: of 81 such lists in thirteen languages, whose letters' order was not
    chosen on them, 74 are decoded rightly; the others are a word with one or two accents.
    An encoding in which a name does not decode is none of those, unless at most one of ten is
    broken: some programs cut names within a character.
    """
    parts = {part for name in raw for part in name.split(b"/") if not part.isascii()}
    looked_at = sorted(parts)[:MOST_LOOKED_AT]
    costs: dict[str, tuple[bool, float]] = {}
    for encoding, models in ENCODINGS.items():
        texts = [text for part in looked_at if (text := _text(part, encoding)) is not None]
        lost = len(looked_at) - len(texts)
        cost = min(_cost(texts, encoding, model) for model in models)
        costs[encoding] = (10 * lost > len(looked_at), cost + 4 * RARE * lost)
    return min(costs, key=costs.__getitem__)


def _text(part: bytes, encoding: str) -> str | None:
    try:
        return part.decode(encoding)
    except UnicodeDecodeError:
        return None


def _cost(texts: Sequence[str], encoding: str, model: Model) -> float:
    """What names cost in an encoding and a language (nats)."""
    alone = {_small(text) for text in texts if len(text) == 1}
    known = _is_alphabet(alone) and all(model.surprise(one, b"", True) < RARE for one in alone)
    rest = [text for text in texts if not known or len(text) > 1]
    return model.prior + 5.0 * known + sum(_cost_of(text, encoding, model) for text in rest)


def _is_alphabet(letters: set[str]) -> bool:
    """Whether single letters are the first ones of an alphabet, or the last."""
    count = len(letters)
    return count > 2 and any(
        letters in (set(one[:count]), set(one[-count:])) for one in ALPHABETS if count <= len(one)
    )


def _small(text: str) -> str:
    """In small letters, as many as there are: 'İ', which becomes two signs, stays."""
    return "".join(small if len(small := letter.lower()) == 1 else letter for letter in text)


def _cost_of(text: str, encoding: str, model: Model) -> float:
    total = 1.5 if text.isupper() else 0.0
    text = _small(text) if text.isupper() else text
    for before, letter, after in zip(" " + text, text, text[1:] + " ", strict=False):
        if letter.isascii():
            total += ASCII
            continue
        total += model.surprise(letter, letter.encode(encoding, "replace"), len(text) == 1)
        beside = [other for other in (before, after) if other.isascii() and other.isalpha()]
        script = unicodedata.name(letter, "").split(" ")[0]
        if script == "LATIN" and not beside and len(text) > 1:
            total += 2.5
        elif script != "LATIN":
            total += 3.0 * len(beside)  # words are of one script
        if script in ("LATIN", "CYRILLIC", "GREEK") and letter.isupper() and before.islower():
            total += 3.0
    return total
