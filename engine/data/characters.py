"""Folders that stand for characters by a number: Chars74K's Sample001, NIST's 4a."""

from __future__ import annotations

import re
from collections.abc import Sequence

from engine.data.listing import Finding

CHARS74K = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
MANY = 10  # chosen: classes from which names that are all codes are no accident
_SAMPLE = re.compile(r"Sample(\d{3})", re.IGNORECASE)
_HEXADECIMAL = re.compile(r"[3-7][0-9a-f]", re.IGNORECASE)
_FORM = re.compile(r"(^|/)hsf_\d")  # the forms of NIST's Special Database 19


def named_characters(
    folders: Sequence[str], names: Sequence[str]
) -> tuple[tuple[str, ...], tuple[Finding, ...]]:
    """Class names of folders, and what to say about them. names: of the pictures, with folders."""
    if codes := _codes(folders):
        return _hexadecimal(folders, names, codes)
    return _samples(folders)


def _samples(folders: Sequence[str]) -> tuple[tuple[str, ...], tuple[Finding, ...]]:
    """Class names, and what to say about them. Chars74K numbers its folders: Sample001 … Sample062
    are 0-9, A-Z, a-z; with more of them they are of another script (its Kannada has 657).
    """
    numbers = [int(match[1]) if (match := _SAMPLE.fullmatch(name)) else 0 for name in folders]
    if not any(numbers):
        return tuple(folders), ()
    if max(numbers) > len(CHARS74K):
        text = (
            f"the folders {folders[0]} … {folders[-1]} keep their names: with more than 62 they are"
            " not Chars74K's 0-9, A-Z, a-z."
        )
        return tuple(folders), (Finding("note", "classes", text),)
    named = tuple(
        CHARS74K[number - 1] if number else name
        for name, number in zip(folders, numbers, strict=True)
    )
    text = "Sample001 … Sample062 are read as 0-9, A-Z, a-z, as Chars74K numbers them."
    return named, (Finding("note", "classes", text),)


def _codes(folders: Sequence[str]) -> tuple[str, ...]:
    """The letters and digits whose codes the folders are, 4a and 7a; none if they are something
    else.
    """
    if len(folders) < 2 or not all(map(_HEXADECIMAL.fullmatch, folders)):
        return ()
    codes = tuple(chr(int(name, 16)) for name in folders)
    alike = len(set(codes)) == len(codes) and all(one in CHARS74K for one in codes)
    digits = all(map(str.isdigit, folders)) and "".join(codes) != CHARS74K[:10]
    return codes if alike and not digits else ()


def _hexadecimal(
    folders: Sequence[str], names: Sequence[str], codes: tuple[str, ...]
) -> tuple[tuple[str, ...], tuple[Finding, ...]]:
    """NIST's Special Database 19 calls its folders by the hexadecimal codes of ASCII characters."""
    shown = f"{folders[0]} is '{codes[0]}', {folders[-1]} is '{codes[-1]}'"
    is_nist = any(map(_FORM.search, names))
    if is_nist or (len(folders) >= MANY and not all(map(str.isdigit, folders))):
        text = (
            f"the folders are read as hexadecimal codes of characters, as NIST has them: {shown}."
        )
        return codes, (Finding("note", "classes", text),)
    text = (
        f"the folders may be hexadecimal codes of characters, as NIST has them ({shown}): classes keep"
        " the folders' names. If that is wrong, rename the folders."
    )
    return tuple(folders), (Finding("warning", "classes", text),)
