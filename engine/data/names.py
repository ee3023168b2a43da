"""Names of files and folders whose encoding nobody recorded: in zips without the UTF-8 flag, and on
disks written by other systems.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Callable, Sequence
from typing import NamedTuple

MOST_LOOKED_AT = 2_000  # different parts of paths
RARE = 14.0  # nats: a character that names hardly ever hold
ASCII = math.log(64)
# Letters that the languages of Western Europe write often; the others are as rare as four in one.
ACCENTED = frozenset("éèêëàâäáçñöóôüúíïøåæßœãõ")
ALONE = frozenset("éèàßäöü")  # those that are taught as characters of their own


class Decoded(NamedTuple):
    """names in Unicode's composed form (NFC); the encoding they were in, and whether it was
    guessed.
    """

    names: list[str]
    encoding: str
    guessed: bool


def decode_names(raw: Sequence[bytes], sure: Sequence[bool] = ()) -> Decoded:
    """Paths as text. Bytes that are valid UTF-8 are UTF-8; otherwise the encoding under which all
    of the names are likeliest is taken for all of them, and '�' stands for what it can't explain.

    sure  of each name, whether something says that it is UTF-8; empty: nothing says so
    """
    try:
        return Decoded([composed(name.decode("utf-8")) for name in raw], "utf-8", False)
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


def composed(name: str) -> str:
    """The name with each letter and its accents as one character (NFC), as most systems write it;
    macOS writes them apart.
    """
    return name if name.isascii() else unicodedata.normalize("NFC", name)


def guess_encoding(raw: Sequence[bytes]) -> str:
    """The likeliest of ENCODINGS for names of which not all are UTF-8.

    Each encoding is a model: a character of its everyday set is drawn evenly from that set, any
    other costs RARE nats. Lists of one to four words hold no more evidence than that: of 51 such
    lists in eight encodings that the costs were not chosen on, 49 were decoded rightly.
    """
    parts = {part for name in raw for part in name.split(b"/") if not part.isascii()}
    looked_at = sorted(parts)[:MOST_LOOKED_AT]
    costs = {
        encoding: prior + sum(_cost(part, encoding, surprise) for part in looked_at)
        for encoding, (prior, surprise) in ENCODINGS.items()
    }
    return min(costs, key=costs.__getitem__)


def _cost(part: bytes, encoding: str, surprise: Callable[[str, bytes], float]) -> float:
    try:
        text = part.decode(encoding)
    except UnicodeDecodeError:
        return 4 * RARE
    total = 1.5 if text.isupper() else 0.0
    text = text.lower() if text.isupper() else text
    for before, letter, after in zip(" " + text, text, text[1:] + " ", strict=False):
        if letter.isascii():
            total += ASCII
            continue
        total += surprise(letter, letter.encode(encoding, "replace"))
        beside = [other for other in (before, after) if other.isascii() and other.isalpha()]
        script = unicodedata.name(letter, "").split(" ")[0]
        if script == "LATIN" and not beside and letter not in ALONE:
            total += 2.5
        elif script != "LATIN":
            total += 3.0 * len(beside)  # words are of one script
        if script in ("LATIN", "CYRILLIC") and letter.isupper() and before.islower():
            total += 3.0
    return total


def _double_byte(
    first: int, last: int, size: int, second_from: int = 0xA1
) -> Callable[[str, bytes], float]:
    """Surprise of a set whose everyday characters have lead bytes first..last: `size` of them."""

    def surprise(letter: str, raw: bytes) -> float:
        if len(raw) == 2 and first <= raw[0] <= last and raw[1] >= second_from:
            return math.log(size)
        return RARE

    return surprise


def _japanese(letter: str, raw: bytes) -> float:
    if "\u3040" <= letter <= "\u30ff":
        return math.log(2 * 170)
    if len(raw) == 2 and 0x88 <= raw[0] <= 0x97:
        return math.log(2 * 2965)
    return 6.0 if "\uff66" <= letter <= "\uff9d" else RARE  # narrow katakana are a nuisance


def _cyrillic(letter: str, raw: bytes) -> float:
    if not "\u0401" <= letter <= "\u0451":
        return RARE
    return math.log(33 * 1.25) if letter.islower() else math.log(33 * 5)


def _latin(letter: str, raw: bytes) -> float:
    if not letter.isalpha():
        return RARE
    usual = letter.lower() in ACCENTED
    return math.log(len(ACCENTED) * (1.25 if letter.islower() else 5) * (1 if usual else 8))


# encoding → what is against it from the start (nats), and the surprise of each character. Windows
# packs zips in its region's DOS encoding, so those of Western Europe and Russia are cp850, cp866.
ENCODINGS: dict[str, tuple[float, Callable[[str, bytes], float]]] = {
    "cp932": (0.0, _japanese),
    "gbk": (0.0, _double_byte(0xB0, 0xD7, 3755)),
    "big5": (0.5, _double_byte(0xA4, 0xC6, 5401, second_from=0x40)),
    "euc_kr": (1.2, _double_byte(0xB0, 0xC8, 2350)),
    "cp1251": (0.5, _cyrillic),
    "cp866": (0.5, _cyrillic),
    "koi8_r": (6.0, _cyrillic),
    "cp1252": (0.5, _latin),
    "cp850": (1.0, _latin),
    "cp437": (1.5, _latin),
}
