"""Names that look the same although they are written otherwise: `alıce` and `alice`, Cyrillic `Мак` and
Latin `Mak`.

Two names look alike if their skeletons are equal, as in Unicode Technical Standard 39 ("Unicode Security
Mechanisms", section 4): each letter is replaced by the one that stands for all of its form. The table
holds the letters of Latin, Greek, Cyrillic, Armenian, Cherokee and Coptic that its confusables.txt
(version 15) gives a basic Latin letter; letters with marks, which are seen, are others.
"""

from __future__ import annotations

import unicodedata

_ALIKE = {
    "A": "АΑᎪ",
    "B": "ВΒᏴ",
    "C": "СϹᏟⲤ",
    "D": "Ꭰ",
    "E": "ЕΕᎬ",
    "F": "Ϝ",
    "G": "ԌᏀ",
    "H": "НΗᎻⲎ",
    "J": "ЈͿᎫ",
    "K": "КΚᏦⲔ",
    "L": "Ꮮ",
    "M": "МΜϺᎷⲘ",
    "N": "ΝⲚ",
    "O": "ОΟՕⲞ0",
    "P": "РΡᏢⲢ",
    "Q": "Ԛ",
    "R": "ᎡᏒ",
    "S": "ЅՏᏚ",
    "T": "ТΤᎢⲦ",
    "U": "ՍႮ",
    "V": "ѴᏙ",
    "W": "ԜᎳ",
    "X": "ХΧⲬ",
    "Y": "УΥҮⲨ",
    "Z": "ΖᏃ",
    "a": "аαɑ",
    "b": "Ьƅ",
    "c": "сϲⲥ",
    "d": "ԁᏧ",
    "e": "еҽ",
    "f": "ƒք",
    "g": "ɡց",
    "h": "һհᏂ",
    "i": "ıіιɩɪꙇ",
    "j": "јϳȷ",
    "k": "кκⲕ",
    "l": "IІΙӀӏ1|ǀⅼⲒ",
    "m": "мⲙ",
    "n": "пոռη",
    "o": "оοօσⲟ",
    "p": "рρⲣ",
    "q": "ԛգզ",
    "r": "гᴦ",
    "s": "ѕꜱ",
    "t": "тτ",
    "u": "υսʋ",
    "v": "νѵᴠ",
    "w": "ԝաɯωѡ",
    "x": "хχ",
    "y": "уүγʏɣ",
    "z": "ᴢ",
}
_FORMS = {ord(one): letter for letter, alike in _ALIKE.items() for one in alike}
_PAIRS = (("rn", "m"), ("vv", "w"))  # letters that stand together like one


def skeleton(name: str) -> str:
    """What is equal of names that look alike, in whichever case; for comparing only."""
    seen = unicodedata.normalize("NFD", name).translate(_FORMS)
    # Spaces and signs between letters are not what a name is known by.
    seen = "".join(one for one in seen if unicodedata.category(one)[0] not in "PZ") or seen
    for pair, letter in _PAIRS:
        seen = seen.replace(pair, letter)
    return seen.casefold()


def look_alike(one: str, other: str) -> bool:
    """Whether two names may be taken for each other, by their letters or by their forms."""
    return one.casefold() == other.casefold() or skeleton(one) == skeleton(other)
