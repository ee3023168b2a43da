"""Omniglot (Lake, Salakhutdinov, Tenenbaum 2015): `images_background/<alphabet>/character01/*.png`.

A class is an alphabet and a character, 'Greek 01': by its folder alone every alphabet would have the
same. The small background sets share alphabets, of which each is taken once.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from engine.data.file_list import FileReader, Files
from engine.data.folder import folder_files, zip_files
from engine.data.listing import MOST_BYTES, digest
from engine.imaging.formats import is_hidden, is_picture

_PICTURE = re.compile(r"(?:.*/)?([^/]+)/character(\d+)/([^/]+\.png)")


class JoinedReader:
    """Files of several readers by position: `places` says which reader, and where in it."""

    def __init__(self, readers: Sequence[FileReader], places: Sequence[tuple[int, int]]) -> None:
        self._readers, self._places = readers, places

    def read(self, index: int, most: int = MOST_BYTES) -> bytes:
        reader, place = self._places[index]
        return self._readers[reader].read(place, most)

    def head(self, index: int, count: int) -> bytes:
        reader, place = self._places[index]
        return self._readers[reader].head(place, count)

    def select(self, indices: np.ndarray) -> JoinedReader:
        return JoinedReader(self._readers, [self._places[int(i)] for i in indices])


def is_omniglot(path: Path) -> bool:
    """Whether all pictures in a folder or zip lie as Omniglot's do, whatever it is called."""
    try:
        if path.is_dir():
            places = [*path.glob("*/character[0-9]*"), *path.glob("*/*/character[0-9]*")]
            return bool(places) and all(
                _PICTURE.fullmatch(f"{file.parent.parent.name}/{file.parent.name}/{file.name}")
                for file in path.rglob("*.png")
            )
        if not zipfile.is_zipfile(path):
            return False
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if is_picture(name)]
    except (OSError, ValueError, zipfile.BadZipFile):
        return False  # said by whoever opens it next
    names = [name for name in names if not is_hidden(name)]
    return bool(names) and all(_PICTURE.fullmatch(name) for name in names)


def alphabet_of(name: str) -> str:
    """The alphabet of a class: 'Japanese (katakana) 07' → 'Japanese (katakana)'."""
    return name.rpartition(" ")[0]


def count_parts(paths: Sequence[Path]) -> tuple[int, int]:
    """How many images and classes the archives at `paths` hold together, by their tables of contents
    alone. Raises OSError or zipfile.BadZipFile.
    """
    taken_from: dict[str, Path] = {}
    classes: set[tuple[str, str]] = set()
    images = 0
    for path in paths:
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if not is_hidden(name)]
        for match in filter(None, map(_PICTURE.fullmatch, names)):
            if taken_from.setdefault(match[1], path) == path:
                images += 1
                classes.add((match[1], match[2]))
    return images, len(classes)


def joined(
    paths: Sequence[Path], unpacked_mb: int, content_of: Callable[[Sequence[Path]], str]
) -> tuple[Files, Callable[[np.ndarray], str]]:
    """The pictures in Omniglot's archives or folders as files 'Greek 01/0394_01.png', and a hash of
    those at some positions. Raises DataError.
    """
    opened = [
        folder_files(path, content_of) if path.is_dir() else zip_files(path, unpacked_mb)
        for path in paths
    ]
    taken_from: dict[str, int] = {}  # the part that an alphabet is read from
    names: list[str] = []
    places: list[tuple[int, int]] = []
    for part, (files, _) in enumerate(opened):
        for place, name in enumerate(files.names):
            match = _PICTURE.fullmatch(name)
            if match and taken_from.setdefault(match[1], part) == part:
                alphabet = match[1].replace("_", " ")
                names.append(f"{alphabet} {match[2]}/{match[3]}")
                places.append((part, place))
    first = opened[0][0]
    reader = JoinedReader([files.reader for files, _ in opened], places)
    problems = [problem for files, _ in opened for problem in files.problems]

    def content(kept: np.ndarray) -> str:
        parts = [
            [places[int(i)][1] for i in kept if places[int(i)][0] == part]
            for part in range(len(opened))
        ]
        hashes = [
            hashed(np.array(part)) for part, (_, hashed) in zip(parts, opened, strict=True) if part
        ]
        return digest(["omniglot", *hashes])

    return first._replace(names=names, problems=problems, reader=reader), content
