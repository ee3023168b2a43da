"""Every error a person can cause and mend.

GlyphlabError            a mistake with a way out; one line: what, got, expected, hint
├── SettingsError        an environment variable that can't be used
├── RecipeError          an unknown key, a wrong value, a choice that does not exist
├── DataError            a data set that is missing, empty, broken or dangerous
├── ModelError           a model or option that does not exist, or does not fit its input
├── CheckpointError      a checkpoint that is missing, incomplete or another model's
├── RunError             a run that is missing or not in the state for what was asked
├── RightsError          a deed that whoever asks may not do, or not now
│   └── OutsideError     whoever asks is not in the class, or no longer
├── DamagedError         a file of the lab that is not what it should be
└── ImageError           a picture that can't be read

The command line prints `str(error)` on one line and exits with 2; pages show it in a box. Anything
else that escapes is a bug of ours.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher

# what is expected is a bound or a choice, not a thing that is missing
# Unicode's controls, and its marks and overrides of direction, with which a name shows as another: a
# right-to-left override in a class name turns the rest of its line around.
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)
_LIMIT = re.compile(r"(at most|less than|above|one of|letters|[\d.]+ (to|or)) ?\b")

_LONG_LIST = 300  # characters of names: what is longer is looked up, not read in a sentence
_NEAREST = 6


class GlyphlabError(Exception):
    """`what` went wrong; optionally what was `expected`, what we `got`, and a `hint` that says what
    to do next. It is read on pages as well as in a terminal:

    >>> print(GlyphlabError("a.zip is too large", expected="at most 10 MB", got="12 MB"))
    a.zip is too large: 12 MB. Allowed: at most 10 MB
    """

    def __init__(
        self, what: str, *, expected: object = None, got: object = None, hint: str | None = None
    ) -> None:
        text = what
        if got is not None:
            text += f": {str(got).rstrip('. ')}"  # libraries' messages end in one
        if expected is not None:
            text += f". {'Allowed' if _LIMIT.match(str(expected)) else 'Needed'}: {expected}"
        words = " ".join(f"{text}. {hint}".split()) if hint else " ".join(text.split())
        super().__init__(readable(words))


class SettingsError(GlyphlabError):
    pass


class RecipeError(GlyphlabError):
    pass


class DataError(GlyphlabError):
    pass


class ModelError(GlyphlabError):
    pass


class CheckpointError(GlyphlabError):
    pass


class RunError(GlyphlabError):
    pass


class RightsError(GlyphlabError):
    pass


class OutsideError(RightsError):
    pass


class DamagedError(GlyphlabError):
    pass


class ImageError(GlyphlabError):
    pass


def sentence(error: object) -> str:
    """An error's words as a page shows them: with a capital, unless they begin with a name.

    >>> sentence("the class is locked"), sentence("a.zip is too large")
    ('The class is locked', 'a.zip is too large')
    """
    words = str(error)
    return words[:1].upper() + words[1:] if words.partition(" ")[0].isalpha() else words


def readable(text: str) -> str:
    """A text as it may be shown to a person, in a terminal too: what would move or turn what stands beside
    it is written as its code. Line breaks and tabs stay.

    >>> print(readable("0\u202eevil\x1b[2J"))
    0\\u202eevil\\x1b[2J
    """
    return _HIDDEN.sub(lambda found: ascii(found[0])[1:-1], text)


def one_line(text: object, longest: int = 200) -> str:
    """Words of somebody else as part of a line in a log or a terminal: in one line, of at most so many
    characters, and nothing in them moves the cursor, turns the line around or begins another.

    >>> print(one_line("x\x1b[2J\\n  the teacher:\u2028\u00ad!"))
    x\\x1b[2J the teacher: \\xad!
    """
    # Each character may become ten: what is longer is not even looked at.
    words = " ".join(str(text)[: 2 * longest].split())
    signs = "".join(one if one.isprintable() else ascii(one)[1:-1] for one in words)
    return signs if len(signs) <= longest else signs[: longest - 1] + "…"


def first_of(names: Sequence[str], most: int = 20) -> str:
    """Names in a line, of many the first ones; commas stand between them, as a name may hold spaces.

    >>> first_of(["eins", "zwei drei"]), first_of("abcd", 2)
    ('eins, zwei drei', 'a, b … (4 in all)')
    """
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} … ({len(names)} in all)"


def unknown(kind: str, name: object, known: Iterable[str], meant: str | None = None) -> str:
    """The sentence for a name that is not in a table, with the nearest known one, or with the one
    that is `meant` where that is known. Of a long list only the nearest names are shown.

    >>> unknown("loss", "tripplet", ["triplet", "focal"])
    "loss 'tripplet' is not known; did you mean 'triplet'? Known: focal, triplet"
    """
    names = sorted(known)
    near = sorted(names, key=lambda one: -_alike(str(name), one))
    close = meant or next((one for one in near[:1] if _alike(str(name), one) >= 0.5), None)
    guess = f"; did you mean '{close}'?" if close else "."
    shown = ", ".join(names)
    if len(shown) > _LONG_LIST:
        shown = f"{', '.join(near[:_NEAREST])} … ({len(names)} in all)"
    return f"{kind} '{name}' is not known{guess} Known: {shown or 'none'}"


def _alike(name: str, other: str) -> float:
    """How alike two names are, 0..1, whether or not they are in capitals or have lines between words."""
    first, second = (one.casefold().replace("_", "").replace("-", "") for one in (name, other))
    return SequenceMatcher(None, first, second).ratio()
