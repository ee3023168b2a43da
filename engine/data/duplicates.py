"""Identical and near-identical images: the one place that finds them, for the report on a data set
and for the folds of a cross-validation. numpy only.

Identical: every pixel is. Near-identical: saved again, at another brightness or another quality. Such
pairs are looked for among images whose perceptual hashes are close (the signs of 8 × 8 low
frequencies; Zauner 2010) and accepted by the correlation of 16 × 16 frequencies. All of these are of
the grey picture; of two pictures in colour the colours have to be alike, too.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from engine.progress import Progress, no_progress

AT_ONCE = 1024  # images in memory
HASHED, COMPARED = 8, 16  # frequencies a side
COLOURED = 4  # the same, of the differences between colours
BANDS = 4  # of the hash's bits; hashes that differ in fewer bits than that share a band
MOST_IN_BUCKET = 400  # images with one band in common that are compared; more say nothing by it
# Correlation from which two images are the same one. Measured on 6,000 images each of MNIST and EMNIST
# and on the 1,797 digits: of copies saved as JPEG of quality 60 one in a hundred is below 0.998, those
# at 0.7 of the brightness are at 1; of different drawings none is above 0.995, of digits, which were
# enlarged from 8 × 8, one in a thousand above 0.9965.
SAME_FROM = 0.997
# Distance, 0 to 2, up to which the colours (see `_colours`) are those of one image. Measured on the 398
# photographs of ants and bees at 28, 48 and 96 pixels: saved as JPEG of quality 60 none is above 0.155,
# at 0.7 of the brightness none above 0.01; with red, green and blue exchanged for one another 99 of 100
# are above 0.195, and of two different photographs 99 of 100 pairs above 0.255.
SAME_COLOURS = 0.2


class Duplicates(NamedTuple):
    """Groups of N images.

    blank      (N,) bool: nothing is drawn, or the picture is of one colour
    identical  (N,) int64, position of the first image that is identical; its own, if none is
    same       (N,) int64, position of the first image that is identical or nearly so
    """

    blank: np.ndarray
    identical: np.ndarray
    same: np.ndarray


def find_duplicates(images: np.ndarray, progress: Progress = no_progress) -> Duplicates:
    """The identical and near-identical among images (N, C, H, W) uint8, which may be memory-mapped.

    Images of one colour are compared with none: blank ones are a finding of their own.
    """
    total = len(images)
    flat, hashes = np.zeros(total, bool), np.empty(total, "S24")
    side = min(COMPARED, *images.shape[2:]) if total else COMPARED
    spectra = np.empty((total, side * side - 1), np.float32)
    colours = np.empty((total, _width(images)), np.float32)
    for start in range(0, total, AT_ONCE):
        block = np.asarray(images[start : start + AT_ONCE])
        end = start + len(block)
        rows = block.reshape(len(block), block.shape[1], -1)
        flat[start:end] = (rows.max(2) == rows.min(2)).all(1)
        for offset, image in enumerate(block):
            hashes[start + offset] = hashlib.blake2b(
                np.ascontiguousarray(image).data, digest_size=12
            ).hexdigest()
        spectra[start:end], colours[start:end] = _spectra(block, side), _colours(block)
        progress(end, total, "comparing images")
    identical = np.arange(total)
    drawn = np.flatnonzero(~flat)
    _, first, group = np.unique(hashes[drawn], return_index=True, return_inverse=True)
    identical[drawn] = drawn[first[group]]
    return Duplicates(flat, identical, _near(spectra, colours, side, identical, drawn))


def copies_of(images: np.ndarray, at: int) -> list[tuple[int, bool]]:
    """Positions of the other images among (N, C, H, W) uint8 that are identical to the one at a
    position (True), or nearly so (False), ascending. Of an image of one colour there are none.
    """
    own = np.asarray(images[at : at + 1])
    side = min(COMPARED, *images.shape[2:])
    wanted, coloured = _spectra(own, side)[0], _colours(own)
    if own.min() == own.max():
        return []
    out: list[tuple[int, bool]] = []
    for start in range(0, len(images), AT_ONCE):
        block = np.asarray(images[start : start + AT_ONCE])
        near = np.flatnonzero(_spectra(block, side) @ wanted >= SAME_FROM)
        for place in near[_same_colours(_colours(block[near]), coloured)]:
            if start + place != at:
                out.append((start + int(place), bool((block[place] == own[0]).all())))
    return out


def _spectra(images: np.ndarray, side: int) -> np.ndarray:
    """Low frequencies (n, side² − 1) float32 of images (n, C, H, W), by the discrete cosine
    transform: the mean is left out, length 1.
    """
    grey = images.astype(np.float32).mean(1)  # (n, H, W)
    low = _cosines(side, grey.shape[1]) @ grey @ _cosines(side, grey.shape[2]).T
    vectors = low.reshape(len(low), -1)[:, 1:]
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-6)


def _width(images: np.ndarray) -> int:
    """Of `_colours`: 0 where there are none."""
    return 2 * COLOURED**2 if images.shape[1] == 3 else 0


def _colours(images: np.ndarray) -> np.ndarray:
    """Low frequencies (n, 2 · COLOURED²) float32 of how far red differs from green, and both from
    blue, of images (n, 3, H, W), by the discrete cosine transform; of images in grey (n, 1, H, W) none,
    (n, 0). Of length 1 with the grey picture's own, so that a darker copy has the same.
    """
    if not _width(images):
        return np.zeros((len(images), 0), np.float32)
    red, green, blue = images.astype(np.float32).transpose(1, 0, 2, 3)  # each (n, H, W)
    height, width = images.shape[2:]
    grey, *differences = (
        _cosines(side, height) @ one @ _cosines(side, width).T
        for one, side in (
            ((red + green + blue) / 3, min(COMPARED, height, width)),
            (red - green, COLOURED),
            ((red + green) / 2 - blue, COLOURED),
        )
    )
    found = np.stack(differences, 1).reshape(len(images), -1)
    contrast = np.linalg.norm(grey.reshape(len(images), -1)[:, 1:], axis=1, keepdims=True)
    return found / np.maximum(
        np.hypot(contrast, np.linalg.norm(found, axis=1, keepdims=True)), 1e-6
    )


def _same_colours(some: np.ndarray, others: np.ndarray) -> np.ndarray:
    """(n,) bool, of the pairs of rows of two arrays (n, 2 · COLOURED²), which are of one image."""
    return np.linalg.norm(some - others, axis=1) <= SAME_COLOURS


def _cosines(count: int, size: int) -> np.ndarray:
    places = (np.arange(size) + 0.5) / size
    basis = np.cos(np.pi * np.arange(count)[:, None] * places).astype(np.float32)
    basis[0] /= np.sqrt(2)
    return basis


def _near(
    spectra: np.ndarray, colours: np.ndarray, side: int, identical: np.ndarray, drawn: np.ndarray
) -> np.ndarray:
    """Position of the first image that each is nearly identical to. A copy is compared with first
    images only, so that a chain of ever less similar images is no group.
    """
    same = identical.copy()
    firsts = drawn[identical[drawn] == drawn]
    low = np.arange(side * side).reshape(side, side)[:HASHED, :HASHED].ravel()[1:] - 1
    bits = spectra[np.ix_(firsts, low)]
    bits = bits > np.median(bits, axis=1, keepdims=True)  # (m, 63)
    close = [
        pair
        for band in np.array_split(bits, BANDS, axis=1)
        for rows in _buckets(band)
        for pair in _alike(spectra[firsts[rows]], colours[firsts[rows]], firsts[rows])
    ]
    for one, other in sorted(set(close)):  # one < other
        if same[one] == one and same[other] == other:
            same[other] = one
    return same[same]


def _buckets(band: np.ndarray) -> Iterator[np.ndarray]:
    """The rows, ascending, of `band` (m, B) bool that are equal to one another."""
    keys: np.ndarray = band.astype(np.int64) @ (2 ** np.arange(band.shape[1], dtype=np.int64))
    order = np.argsort(keys, kind="stable")
    starts = np.flatnonzero(np.diff(keys[order], prepend=-1))
    return (rows for rows in np.split(order, starts[1:]) if 1 < len(rows) <= MOST_IN_BUCKET)


def _alike(
    spectra: np.ndarray, colours: np.ndarray, positions: np.ndarray
) -> Iterator[tuple[int, int]]:
    """The pairs of `positions` (n,), ascending, whose spectra (n, D) and colours are those of one
    image.
    """
    one, other = np.nonzero(np.triu(spectra @ spectra.T >= SAME_FROM, 1))
    same = _same_colours(colours[one], colours[other])
    return zip(positions[one[same]].tolist(), positions[other[same]].tolist(), strict=True)
