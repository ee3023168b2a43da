"""IDX files, the format of MNIST and EMNIST: gzipped or plain, images (N, h, w) and labels (N,)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from engine.data.assemble import hold_out, with_paper
from engine.data.choices import AS_FOUND, Choices
from engine.data.idx_files import Pair
from engine.data.idx_format import read_idx, read_shape
from engine.data.listing import TRAIN, Listing, Survey, digest
from engine.data.pixels import as_glyphs, look_at_glyphs
from engine.errors import DataError
from engine.imaging.convention import EACH_ITS_OWN


class GlyphReader:
    """Glyphs (N, h, w) uint8, read when the first one is asked for."""

    def __init__(self, load: Callable[[], np.ndarray], indices: np.ndarray | None = None) -> None:
        self._load, self._indices, self._glyphs = load, indices, None

    def read(self, index: int) -> np.ndarray:
        if self._glyphs is None:
            glyphs = self._load()
            self._glyphs = glyphs if self._indices is None else glyphs[self._indices]
        return self._glyphs[index]

    def select(self, indices: np.ndarray) -> GlyphReader:
        return GlyphReader(self._load, indices if self._indices is None else self._indices[indices])


def list_pairs(
    pairs: Sequence[Pair],
    classes: Sequence[str] | Mapping[int, str] | None,
    content: str,
    known: bool = True,
    choices: Choices = AS_FOUND,
    skipped: Sequence[tuple[str, str]] = (),
) -> Listing:
    """The images of IDX pairs, whose files' bytes have the hash `content`.

    classes  names of the labels 0..K-1 (or 1..K, as EMNIST numbers its letters), or name by label;
             without them, labels are named by their numbers
    known    whether the images are as usual, bytes from 0 to 255; otherwise they are read to see
    skipped  (name, reason) of files that belong to them and can't be used
    Raises DataError if a file is broken or images, labels and classes don't fit together.
    """
    labels: list[np.ndarray] = []
    official: list[np.ndarray] = []
    files: list[str] = []
    for pair in pairs:
        given = _labels_of(pair)
        labels.append(given)
        official.append(np.full(len(given), pair.official, np.int8))
        split = "train" if pair.official == TRAIN else "test"
        files += [f"{split}/{number}" for number in range(len(given))]
    all_labels = np.concatenate(labels)
    names, all_labels = _named(all_labels, classes, pairs[0])
    counts = [len(part) for part in labels]
    for pair, count in zip(pairs, counts, strict=True):
        _check_images(pair, count)
    content = digest(["idx", content, *([choices.key] if choices.key else [])])
    load = _Once(lambda: _glyphs(pairs))
    convention, findings = (EACH_ITS_OWN, ()) if known else look_at_glyphs(load, content)
    convention = convention.on(choices.paper)
    splits = np.concatenate(official)
    splits[all_labels < 0] = TRAIN  # as everywhere without a label
    notes = hold_out(all_labels, splits, choices)
    reader = GlyphReader(lambda: as_glyphs(load(), convention))
    survey = Survey(
        form="IDX files",
        seen=len(all_labels) + len(skipped),
        layout=(
            "images and labels by position",
            f"{len(pairs)} pair{'s' if len(pairs) > 1 else ''} of files with the names of MNIST's",
        ),
        findings=with_paper(findings, choices),
    )
    return Listing(
        kind="digit",
        files=files,
        labels=all_labels,
        classes=names,
        official=splits,
        content=content,
        reader=reader,
        skipped=tuple(skipped),
        notes=notes,
        survey=survey,
        convention=convention,
    )


class _Once:
    """What a function returns, which is called when it is first needed."""

    def __init__(self, load: Callable[[], np.ndarray]) -> None:
        self._load, self._found = load, None

    def __call__(self) -> np.ndarray:
        if self._found is None:
            self._found = self._load()
        return self._found


def _check_images(pair: Pair, count: int) -> None:
    shape = read_shape(pair.images)
    if len(shape) != 3 or shape[0] != count:
        raise DataError(
            f"{pair.images} does not fit its labels",
            expected=f"{count:,} images",
            got=str(shape),
        )


def _labels_of(pair: Pair) -> np.ndarray:
    """The labels (N,) int64 of a pair; -1 where there are none."""
    if pair.labels is None:
        return np.full(read_shape(pair.images)[0], -1, np.int64)
    given = read_idx(pair.labels)
    if given.ndim != 1 or given.dtype.kind == "f":
        raise DataError(
            f"{pair.labels} holds no labels",
            expected="one axis of whole numbers",
            got=f"{given.ndim} of {given.dtype}",
        )
    return given.astype(np.int64)


def _named(
    labels: np.ndarray, classes: Sequence[str] | Mapping[int, str] | None, pair: Pair
) -> tuple[tuple[str, ...], np.ndarray]:
    if not len(labels):
        raise DataError(f"{pair.images.parent} holds no images")
    if not (labels >= 0).any():
        raise DataError(f"{pair.images.parent} holds no labelled images")
    present = np.unique(labels[labels >= 0])
    if not classes:
        dense = np.where(labels < 0, -1, np.searchsorted(present, labels))
        return tuple(str(value) for value in present), dense
    if not isinstance(classes, Mapping):
        first = 1 if present[0] == 1 and present[-1] == len(classes) else 0
        classes = {first + number: name for number, name in enumerate(classes)}
    if missing := sorted(set(present.tolist()) - set(classes)):
        raise DataError(
            f"{pair.labels} does not fit its classes",
            expected=f"labels {min(classes)} to {max(classes)}",
            got=str(missing[0]),
        )
    order = sorted(classes)
    dense = np.where(labels < 0, -1, np.searchsorted(order, labels))
    return tuple(classes[label] for label in order), dense


def _glyphs(pairs: Sequence[Pair]) -> np.ndarray:
    parts: list[np.ndarray] = []
    for pair in pairs:
        images = read_idx(pair.images)
        parts.append(images.transpose(0, 2, 1) if pair.transposed else images)
    if len({part.shape[1:] for part in parts}) > 1:
        raise DataError(
            f"{pairs[0].images.parent} mixes sizes",
            got=" and ".join(str(part.shape[1:]) for part in parts),
        )
    return parts[0] if len(parts) == 1 else np.concatenate(parts)
