"""Which picture a path in a table means: paths of other machines are found by how they end."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

from engine.data.names import composed
from engine.data.roles import role_of

_HASHED = re.compile(r"[0-9a-f]{8}-(?=.)")  # Label Studio puts it before an uploaded file's name
_DRIVE = re.compile(r"[A-Za-z]:(?=[\\/])")

LONGEST = 20  # digits of a number


class Hit(NamedTuple):
    """position  of the picture; -1 if there is none
    whole     whether one of the two paths is the end of the other
    reason    why there is none
    """

    position: int
    whole: bool = True
    reason: str = ""


class Paths:
    """The pictures of a data set, to be found by paths that a table gives."""

    def __init__(self, names: Sequence[str]) -> None:
        self._parts = [name.split("/") for name in names]
        self._exact: dict[str, int] = {}
        self._by_last: dict[str, list[int]] = {}
        self._by_stem: dict[str, list[int]] = {}
        self._by_number: dict[int, list[int]] = {}
        for position, (name, parts) in enumerate(zip(names, self._parts, strict=True)):
            self._exact.setdefault(name, position)
            self._by_last.setdefault(parts[-1].casefold(), []).append(position)
            stem = parts[-1].casefold().rpartition(".")[0]
            self._by_stem.setdefault(stem, []).append(position)
            if stem.isascii() and stem.isdigit() and len(stem) < LONGEST:
                self._by_number.setdefault(int(stem), []).append(position)

    def find(self, text: str, folder: str = "", split: int | None = None) -> Hit:
        """The picture that a path means, in a table that lies in `folder` and is of a `split`."""
        wanted = _cleaned(text)
        if not wanted:
            return Hit(-1, reason="it is empty")
        beside = "/".join([*([folder] if folder else []), *wanted])
        for exact in (beside, "/".join(wanted)):
            if exact in self._exact:
                return Hit(self._exact[exact])
        last = wanted[-1].casefold()
        there = self._by_last.get(last) or self._by_stem.get(last)
        if there:
            return self._nearest(wanted, there, folder, split)
        if there := self._by_last.get(_HASHED.sub("", last, count=1)):
            return self._nearest([_HASHED.sub("", last, count=1)], there, folder, split)
        if (plain := unquote(text)) != text:  # Label Studio: /data/upload/1/a%20b.png
            return self.find(plain, folder, split)
        return Hit(-1, reason="no picture is called so")

    def find_number(self, text: str, folder: str = "", split: int | None = None) -> Hit:
        """The picture whose name is the same number, with other zeros before it."""
        text = text.strip()
        if not (text.isascii() and text.isdigit() and len(text) < LONGEST):
            return Hit(-1, reason="it is no number")
        there = self._by_number.get(int(text))
        if not there:
            return Hit(-1, reason="no picture is called so")
        return self._nearest([text], there, folder, split)

    def _nearest(self, wanted: list[str], there: list[int], folder: str, split: int | None) -> Hit:
        """The one of several pictures of a name that shares most of the folders before it."""
        shared = [_common(wanted, self._parts[position]) for position in there]
        most = max(shared)
        best = [position for position, count in zip(there, shared, strict=True) if count == most]
        if len(best) > 1 and folder:  # of several, the one below the table's own folder
            below = [p for p in best if "/".join(self._parts[p]).startswith(f"{folder}/")]
            best = below or best
        if len(best) > 1 and split is not None:  # of several, the one in a folder of the split
            of_split = [p for p in best if split in map(_split_of, self._parts[p][:-1])]
            best = of_split or best
        if len(best) > 1:
            some = ", ".join("/".join(self._parts[position]) for position in best[:2])
            return Hit(-1, reason=f"{len(best)} pictures end so: {some}")
        whole = most + 1 >= min(len(wanted), len(self._parts[best[0]]))
        return Hit(best[0], whole)


def _split_of(folder: str) -> int | None:
    role = role_of(folder)
    return role and role.code


def _common(wanted: list[str], parts: list[str]) -> int:
    """How many folders before the last name two paths share, from the end."""
    count = 0
    for one, other in zip(reversed(wanted[:-1]), reversed(parts[:-1]), strict=False):
        if one.casefold() != other.casefold():
            break
        count += 1
    return count


def _cleaned(text: str) -> list[str]:
    """The parts of a path or address, without drive, '.' and '..'."""
    text = composed(text.strip().strip("'\""))
    if "://" in text or "?" in text:
        try:
            address = urlsplit(text)
        except ValueError:
            return []
        local = parse_qs(address.query).get("d")  # Label Studio: /data/local-files/?d=set/1.png
        if "://" in text or local:
            text = local[0] if local else address.path
            text = composed(unquote(text))
    text = _DRIVE.sub("", text).replace("\\", "/")
    return [part for part in text.split("/") if part not in ("", ".", "..")]
