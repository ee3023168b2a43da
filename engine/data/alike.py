"""Class names that people take for one and programs for several: what to say about them."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence

from engine.data.listing import Finding

LONGEST = 100  # characters of a class's name that are no sign of a wrong column
MOST_SHOWN = 4


def doubt_alike(classes: Sequence[str]) -> list[Finding]:
    """Say so where classes differ by capitals, spaces, zeros before a number, or what can't be seen.

    Single characters may well differ by capitals alone: these are what is recognised.
    """
    found: list[Finding] = []
    said: set[frozenset[str]] = set()
    for how, key_of in KEYS.items():
        groups: dict[str, list[str]] = {}
        for name in classes:
            if key := key_of(name):
                groups.setdefault(key, []).append(name)
        alike = [names for names in groups.values() if len(names) > 1]
        alike = [names for names in alike if frozenset(names) not in said]
        said |= {frozenset(names) for names in alike}
        if alike:
            shown = "; ".join(" and ".join(map(repr, names)) for names in alike[:MOST_SHOWN])
            more = " …" if len(alike) > MOST_SHOWN else ""
            text = f"classes differ in {how} alone: {shown}{more}. Each counts as its own."
            found.append(Finding("warning", "classes", text))
    if long := [name for name in classes if len(name) > LONGEST]:
        text = (
            f"{len(long):,} of {len(classes):,} class names are longer than {LONGEST} characters:"
            f" '{long[0][:40]} …'. Is that the column of the labels?"
        )
        found.append(Finding("warning", "classes", text))
    return found


def _plain(name: str) -> str:
    """Without what can't be seen or is another form of the same character: widths, ligatures, marks
    of direction and joining, variants of emoji.
    """
    wide = unicodedata.normalize("NFKC", name)
    return "".join(
        sign
        for sign in wide
        if unicodedata.category(sign) != "Cf" and not "\ufe00" <= sign <= "\ufe0f"
    )


def _folded(name: str) -> str:
    key = "".join(name.casefold().split())
    return key if len(key) > 1 else ""


def _number(name: str) -> str:
    return str(int(name)) if name.isascii() and name.isdigit() and len(name) < 20 else ""


# How names differ → what those that differ so have in common; '' of names that it says nothing of.
KEYS: dict[str, Callable[[str], str]] = {
    "capitals or spaces": _folded,
    "the zeros before a number": _number,
    "forms of the same characters, or signs that can't be seen,": _plain,
}
