"""IDX files, the format of MNIST and EMNIST: gzipped or plain, images (N, h, w), also (N, h, w, C) and
(N, pixels), and labels (N,).
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from PIL import Image

from engine.data.assemble import hold_out, paper_in_words, with_paper
from engine.data.choices import AS_FOUND, Choices
from engine.data.forms.shapes import as_images
from engine.data.idx_files import Pair
from engine.data.idx_format import read_header, read_idx
from engine.data.listing import TRAIN, Listing, Reader, Survey, digest
from engine.data.paper_sides import doubt_sides
from engine.data.pixels import (
    NO_NUMBERS,
    Look,
    are_numbers,
    as_glyphs,
    doubt_numbers,
    look_at,
    look_at_glyphs,
)
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


class ColourReader:
    """Pictures (N, h, w, 3 or 4) uint8, as encoded ones."""

    def __init__(self, load: Callable[[], np.ndarray], indices: np.ndarray | None = None) -> None:
        self._pictures, self._load, self._indices = GlyphReader(load, indices), load, indices

    def read(self, index: int) -> bytes:
        out = io.BytesIO()
        Image.fromarray(self._pictures.read(index)).save(out, "PNG", compress_level=1)
        return out.getvalue()

    def select(self, indices: np.ndarray) -> ColourReader:
        of_all = indices if self._indices is None else self._indices[indices]
        return ColourReader(self._load, of_all)


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
    kinds = [_check_images(pair, count) for pair, count in zip(pairs, counts, strict=True)]
    is_colour, is_float = any(one for one, _ in kinds), any(one for _, one in kinds)
    content = digest(["idx", content, *([choices.key] if choices.key else [])])
    load = _Once(lambda: _glyphs(pairs))
    look = Look("digit", EACH_ITS_OWN)
    reader: Reader = GlyphReader(lambda: as_glyphs(load(), convention))
    if is_colour:
        reader = ColourReader(load)
        look = look_at(reader, len(all_labels), content, None)
    elif not known:
        look = look_at_glyphs(load, content)
    convention = look.convention.on(choices.paper)
    splits = np.concatenate(official)
    splits[all_labels < 0] = TRAIN  # as everywhere without a label
    notes = hold_out(all_labels, splits, choices)
    survey = Survey(
        form="IDX files",
        seen=len(all_labels) + len(skipped),
        layout=(
            "images and labels by position",
            f"{len(pairs)} pair{'s' if len(pairs) > 1 else ''} of files with the names of MNIST's",
        ),
        polarity=paper_in_words(look, choices),
        findings=with_paper(
            (*look.findings, *doubt_sides(look.sides, all_labels, splits, names)), choices
        ),
    )
    listing = Listing(
        kind=look.kind,
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
    return _of_numbers(listing, load()) if is_float else listing


def _of_numbers(listing: Listing, levels: np.ndarray) -> Listing:
    """The listing without images (N, …) of which a level is no number."""
    good = np.array([are_numbers(image) for image in levels], bool)
    if good.all():
        return listing
    bad = [listing.files[int(i)] for i in np.flatnonzero(~good)]
    findings = (*listing.survey.findings, doubt_numbers(bad))
    return replace(
        listing,
        files=[listing.files[int(i)] for i in np.flatnonzero(good)],
        labels=listing.labels[good],
        official=listing.official[good],
        reader=listing.reader.select(np.flatnonzero(good)),
        skipped=(*listing.skipped, *((name, NO_NUMBERS) for name in bad)),
        survey=replace(listing.survey, findings=findings),
    )


class _Once:
    """What a function returns, which is called when it is first needed."""

    def __init__(self, load: Callable[[], np.ndarray]) -> None:
        self._load, self._found = load, None

    def __call__(self) -> np.ndarray:
        if self._found is None:
            self._found = self._load()
        return self._found


def _check_images(pair: Pair, count: int) -> tuple[bool, bool]:
    """Whether the images are in colour, and whether they are of floats. Raises DataError."""
    kind, shape = read_header(pair.images)
    if shape[0] != count:
        raise DataError(
            f"{pair.images} does not fit its labels",
            expected=f"{count:,} images",
            got=f"{shape[0]:,}",
        )
    shaped = as_images(np.broadcast_to(np.zeros((), kind), shape), count)
    is_colour = shaped is not None and shaped.ndim == 4
    if len(shape) != 3 and (shaped is None or (is_colour and kind != np.uint8)):
        channels = "4 with 1, 3 or 4 channels of bytes last"
        raise DataError(
            f"{pair.images} holds no images that can be read",
            expected=f"3 axes ({count:,}, height, width), or {channels}",
            got=f"{len(shape)} axes {shape} of {kind.name}",
        )
    return is_colour, kind.kind == "f"


def _labels_of(pair: Pair) -> np.ndarray:
    """The labels (N,) int64 of a pair; -1 where there are none."""
    if pair.labels is None:
        return np.full(read_header(pair.images)[1][0], -1, np.int64)
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
        images = images if images.ndim == 3 else as_images(images)
        assert images is not None  # its shape has been checked
        parts.append(images.swapaxes(1, 2) if pair.transposed else images)
    if len({part.shape[1:] for part in parts}) > 1:
        raise DataError(
            f"{pairs[0].images.parent} mixes sizes",
            got=" and ".join(str(part.shape[1:]) for part in parts),
        )
    return parts[0] if len(parts) == 1 else np.concatenate(parts)
