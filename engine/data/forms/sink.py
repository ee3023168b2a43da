"""Where readers of tables and arrays put images: written once into the lab's cache, and read from
there by position.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from engine.data.blobs import BlobReader, BlobWriter
from engine.data.forms.columns import Roles
from engine.data.forms.labels import plain_labels
from engine.data.forms.shapes import is_picture
from engine.data.listing import TRAIN, Finding
from engine.data.names import composed
from engine.data.pixels import NO_NUMBERS, are_numbers, doubt_numbers
from engine.errors import DataError

TABLE, LABELS, OFFICIAL, LEVELS = "table.json", "labels.npy", "official.npy", "levels.npy"


@dataclass(frozen=True)
class Packed:
    """N images that were read: names, labels (-1 where there is none) in `classes`, and official
    splits. Glyphs are `levels` (N, h, w) of any type; other pictures are in `blobs`.
    """

    names: list[str]
    labels: np.ndarray
    official: np.ndarray
    classes: tuple[str, ...]
    listed: bool
    skipped: list[tuple[str, str]]
    findings: tuple[Finding, ...]
    why: str
    levels: np.ndarray | None
    blobs: BlobReader | None
    roles: Roles = Roles()


class Sink:
    """Collects images and writes them into `folder`."""

    def __init__(self, folder: Path, alive: Callable[[int, str], None]) -> None:
        self.folder, self._alive = folder, alive
        self.skipped: list[tuple[str, str]] = []
        self.findings: list[Finding] = []
        self.why: list[str] = []
        self.classes: list[str] = []  # in order, where something lists them
        self.roles = Roles()  # of the last table
        self.hint = ""  # what to do where nothing can be read
        self._names: list[str] = []
        self._labels: list[str | None] = []
        self._official: list[int] = []
        self._levels: list[np.ndarray] = []
        self._blobs: BlobWriter | None = None
        self._no_numbers: list[str] = []

    def picture(self, name: str, content: bytes, label: str | None, official: int = TRAIN) -> None:
        """An encoded picture."""
        self._to_blobs()
        assert self._blobs is not None
        self._blobs.add(content)
        self._add([name], [label], [official])

    def images(
        self,
        levels: np.ndarray,
        labels: Sequence[str | None],
        name: str,
        official: int | Sequence[int] = TRAIN,
        first: int = 0,
    ) -> None:
        """Images (n, h, w) or (n, h, w, 3 or 4) of numbers, called '<name>/<number>'."""
        if len(levels) != len(labels):
            raise DataError(
                f"{name} holds as many images as labels",
                expected=f"{len(levels):,} labels",
                got=f"{len(labels):,}",
            )
        names = [f"{name}/{number}" for number in range(first, first + len(levels))]
        official = [official] * len(names) if isinstance(official, int) else official
        good = self._usable(levels, names)
        if not good.all():
            kept = np.flatnonzero(good).tolist()
            levels, names = levels[good], [names[i] for i in kept]
            labels, official = [labels[i] for i in kept], [official[i] for i in kept]
        same = not self._levels or self._levels[0].shape[1:] == levels.shape[1:]
        if levels.ndim == 3 and same and self._blobs is None:
            self._levels.append(levels)
        elif len(levels):
            self._to_blobs()
            self._encode(levels)
        self._add(names, labels, official)

    def _usable(self, levels: np.ndarray, names: Sequence[str]) -> np.ndarray:
        """Which images (n,) are pictures of numbers; those that are not are skipped by name."""
        good = np.ones(len(levels), bool)
        if levels.dtype == object:
            good = np.array([is_picture(image) for image in levels], bool)
            self.skipped += [
                (names[i], "it holds no picture") for i in np.flatnonzero(~good).tolist()
            ]
        bad = [i for i in np.flatnonzero(good).tolist() if not are_numbers(levels[i])]
        self._no_numbers += [names[i] for i in bad]
        self.skipped += [(names[i], NO_NUMBERS) for i in bad]
        good[bad] = False
        return good

    def note(self, level: Any, about: str, text: str) -> None:
        finding = Finding(level, about, text)
        if finding not in self.findings:
            self.findings.append(finding)

    def __len__(self) -> int:
        return len(self._names)

    def close(self) -> None:
        """Write what was collected. Raises DataError if it is nothing."""
        if self._no_numbers:
            self.findings.append(doubt_numbers(self._no_numbers))
        if not self._names:
            first = f"{self.skipped[0][0]}: {self.skipped[0][1]}" if self.skipped else "nothing"
            raise DataError("it holds no image that can be read", got=first, hint=self.hint or None)
        if self._blobs is not None:
            self._blobs.close()
        else:
            np.save(self.folder / LEVELS, _joined(self._levels))
        self.classes = list(dict.fromkeys(map(composed, self.classes)))
        labels, doubts = plain_labels(self._labels, self.classes)
        self.findings += doubts
        given = {label for label in labels if label is not None}
        classes = [*self.classes, *sorted(given - set(self.classes))]
        place: dict[str | None, int] = {name: number for number, name in enumerate(classes)}
        np.save(
            self.folder / LABELS,
            np.array([place.get(label, -1) for label in labels], np.int64),
        )
        np.save(self.folder / OFFICIAL, np.array(self._official, np.int8))
        kept = {
            "names": self._names,
            "classes": classes,
            "listed": bool(self.classes),
            "skipped": self.skipped,
            "findings": [list(one) for one in self.findings],
            "why": "; ".join(dict.fromkeys(self.why)),
            "columns": self.roles.columns,
            "roles": self.roles.taken,
        }
        (self.folder / TABLE).write_text(json.dumps(kept), encoding="utf-8")

    def let_go(self) -> None:
        """Close what is open, where reading failed."""
        if self._blobs is not None:
            self._blobs.let_go()

    def _add(self, names: list[str], labels: Sequence[str | None], official: Sequence[int]) -> None:
        self._names += names
        self._labels += labels
        self._official += official
        self._alive(len(self._names), "reading images")

    def _to_blobs(self) -> None:
        if self._blobs is None:
            self._blobs = BlobWriter(self.folder)
            for levels in self._levels:
                self._encode(levels)
            self._levels = []

    def _encode(self, levels: np.ndarray) -> None:
        assert self._blobs is not None
        for image in _bytes(levels):
            out = io.BytesIO()
            Image.fromarray(np.ascontiguousarray(image)).save(out, "PNG", compress_level=1)
            self._blobs.add(out.getvalue())


def packed(folder: Path) -> Packed:
    """What a sink wrote. Raises OSError, ValueError if it is not there or damaged."""
    kept = json.loads((folder / TABLE).read_text(encoding="utf-8"))
    has_levels = (folder / LEVELS).exists()
    return Packed(
        kept["names"],
        np.load(folder / LABELS),
        np.load(folder / OFFICIAL),
        tuple(kept["classes"]),
        kept["listed"],
        [(name, reason) for name, reason in kept["skipped"]],
        tuple(Finding(*one) for one in kept["findings"]),
        kept["why"],
        np.load(folder / LEVELS, mmap_mode="r") if has_levels else None,
        None if has_levels else BlobReader(folder),
        # Older ones name no columns.
        Roles(tuple(kept.get("columns", ())), tuple((a, b) for a, b in kept.get("roles", ()))),
    )


def _joined(parts: list[np.ndarray]) -> np.ndarray:
    """Parts (n, h, w) as one array, of bytes if all are bytes."""
    if len({part.dtype for part in parts}) > 1:
        parts = [part.astype(np.float32) for part in parts]
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _bytes(levels: np.ndarray) -> Iterator[np.ndarray]:
    """Numbers as bytes: 0 … 1 and -1 … 1 are stretched, larger ones kept. levels: (n, h, w), (n, h,
    w, C), or objects (n,) of (h, w) or (h, w, C).
    """
    if all(image.dtype == np.uint8 for image in levels):
        yield from levels
        return
    low = min((float(image.min()) for image in levels if image.size), default=0.0)
    high = max((float(image.max()) for image in levels if image.size), default=0.0)
    if low >= -1 and high <= 1:
        low, high = (-1.0 if low < 0 else 0.0), 1.0
    elif low >= 0 and high <= 255:
        low, high = 0.0, 255.0
    for image in levels:
        wide = (image.astype(np.float32) - low) * (255 / max(high - low, 1e-9))
        yield np.clip(wide, 0, 255).round().astype(np.uint8)
