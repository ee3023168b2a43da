"""`load_dataset`: from a `DataSpec` to an `ImageSet`, decoded once and split."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from engine.data.cache import cached_squares
from engine.data.imageset import ImageSet
from engine.data.listing import Listing, digest
from engine.data.pool import pooled
from engine.data.sources import DATASETS, find, listing_of
from engine.data.splits import limited, make_splits
from engine.errors import DataError, unknown
from engine.progress import Progress
from engine.recipe import DataSpec


def load_dataset(spec: DataSpec, *, folders: Sequence[Path], home: Path, offline: bool, unpacked_mb: int, progress: Progress) -> ImageSet:
    """The images that `spec` names, as squares of its style and size, with labels and splits.

    folders      looked through for the data set, before the lab's own downloads and uploads in `home`
    offline      never download; otherwise a data set that is missing and has a public source is fetched
    unpacked_mb  largest size a zip may unpack to

    Raises DataError if the data set is not known, not there, empty, broken or dangerous.
    """
    names = [name.strip() for name in spec.name.split("+")]
    parts = [(name, _listing(name, folders=folders, home=home, offline=offline, unpacked_mb=unpacked_mb, progress=progress)) for name in names]
    style = spec.style if spec.style != "auto" else _common_kind([listing for _, listing in parts])
    if spec.classes is not None:
        parts = [(name, _only(listing, spec.classes, [other for _, other in parts])) for name, listing in parts]
        parts = [(name, listing) for name, listing in parts if len(listing)]
    sets = [_image_set(name, listing, style, spec, home, progress) for name, listing in parts]
    whole = sets[0] if len(sets) == 1 else pooled(spec.name, sets, home, progress)
    splits = limited(whole.splits, whole.labels, train=spec.limit, evaluation=spec.limit_eval, seed=spec.seed)
    return whole.with_splits(splits)


def _listing(name: str, *, folders: Sequence[Path], home: Path, offline: bool, unpacked_mb: int, progress: Progress) -> Listing:
    found = find(name, folders, home)
    if found is None:
        raise DataError(f"data set '{name}' is not there", hint="Put it into a folder that GLYPHLAB_DATA names.")
    return listing_of(found, unpacked_mb, home, progress)


def _common_kind(listings: Sequence[Listing]) -> str:
    kinds = {listing.kind for listing in listings}
    return kinds.pop() if len(kinds) == 1 else "photo" if "photo" in kinds else "digit"


def _only(listing: Listing, classes: Sequence[str], pool: Sequence[Listing]) -> Listing:
    known = list(dict.fromkeys(name for other in pool for name in other.classes))
    for name in classes:
        if name not in known:
            raise DataError(unknown("class", name, known))
    return listing.only([name for name in classes if name in listing.classes])


def _image_set(name: str, listing: Listing, style: str, spec: DataSpec, home: Path, progress: Progress) -> ImageSet:
    stored = cached_squares(listing, style, spec.size, home, progress)
    if len(stored.kept) == len(listing):
        files, labels, official = listing.files, listing.labels, listing.official
    else:
        files = [listing.files[i] for i in stored.kept]
        labels, official = listing.labels[stored.kept], listing.official[stored.kept]
    splits = make_splits(labels, official, validation=spec.validation, test=spec.test, seed=spec.seed)
    fingerprint = digest([listing.content, *listing.classes, len(stored.kept), style, spec.size])[:16]
    source = DATASETS.get(name)
    return ImageSet(
        name, style, stored.images, labels, listing.classes, splits, files, fingerprint, listing.skipped + stored.skipped,
        np.zeros(len(labels), np.int64), (name,), {"title": source.title if source else name, **listing.notes},
    )
