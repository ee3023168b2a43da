"""`load_dataset`: from a `DataSpec` to an `ImageSet`, found or fetched, decoded once, split."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from engine.data import digits, invented
from engine.data.address import fetch_named
from engine.data.cache import cached_squares, content_hash
from engine.data.check import checked
from engine.data.fetch import DOWNLOADS, Download, fetch
from engine.data.hub import is_address
from engine.data.imageset import ImageSet
from engine.data.listing import Listing, digest
from engine.data.pool import pooled
from engine.data.readers import Opening, list_found
from engine.data.report import report_of
from engine.data.sources import DATASETS, Found, find, is_drawings, names_in
from engine.data.splits import limited, make_splits
from engine.errors import DataError, unknown
from engine.progress import Progress
from engine.recipes.fields import DataSpec

__all__ = ["DATASETS", "list_dataset", "load_dataset"]


def load_dataset(
    spec: DataSpec,
    *,
    folders: Sequence[Path],
    home: Path,
    offline: bool,
    unpacked_mb: int,
    progress: Progress,
    downloads: Mapping[str, Download] = DOWNLOADS,
    names_only: bool = False,
) -> ImageSet:
    """The images that `spec` names, as squares of its style and size, with labels and splits.

    folders      looked through for the data set, before what the lab has fetched and been given in
                 `home`
    offline      never download; otherwise a data set that is missing and has a public source is
                 fetched
    unpacked_mb  largest size a zip may unpack to
    names_only   a path must lie in one of `folders` or among the lab's data sets

    The style 'auto' is what the images are: 'digit', 'page' or 'photo'; of a pool of several kinds,
    'digit', or 'photo' if one is. Raises DataError if the data set is not known, not there, empty,
    broken or dangerous.
    """
    names = names_in(spec.name)
    listings = [
        list_dataset(
            name,
            folders=folders,
            home=home,
            offline=offline,
            unpacked_mb=unpacked_mb,
            progress=progress,
            downloads=downloads,
            names_only=names_only,
        )
        for name in names
    ]
    kinds = sorted({listing.kind for listing in listings})
    common = kinds[0] if len(kinds) == 1 else "photo" if "photo" in kinds else "digit"
    style = common if spec.style == "auto" else spec.style
    if spec.classes is not None:
        listings = _only(spec.classes, listings)
    if spec.without:
        listings = _without(spec.without, listings)
    parts = [
        _image_set(name, listing, style, spec, home, progress)
        for name, listing in zip(names, listings, strict=True)
        if len(listing)
    ]
    whole = parts[0] if len(parts) == 1 else pooled(spec.name, parts, home, progress)
    splits = limited(
        whole.splits, whole.labels, train=spec.limit, evaluation=spec.limit_eval, seed=spec.seed
    )
    return whole.with_splits(splits)


def list_dataset(
    name: str,
    *,
    folders: Sequence[Path],
    home: Path,
    offline: bool,
    unpacked_mb: int,
    progress: Progress,
    downloads: Mapping[str, Download] = DOWNLOADS,
    names_only: bool = False,
) -> Listing:
    """What one data set holds, without decoding it; arguments and errors as of `load_dataset`."""
    found = find(name, folders, home, names_only)
    if found is None and is_address(name):
        fetch_named(home, name, offline or names_only, unpacked_mb, progress)
        found = find(name, folders, home, names_only)
    if found is None:
        if is_drawings(name):
            raise DataError(
                "no drawing has been saved yet",
                hint="Draw a character, give its label and save it.",
            )
        source = DATASETS[name]
        places = f"Put {' or '.join(source.places[:2])} into a folder that GLYPHLAB_DATA names"
        if source.fetch is None:
            raise DataError(
                f"data set '{name}' is not here and has no public source", hint=f"{places}."
            )
        if offline:
            raise DataError(
                f"data set '{name}' is not here and the lab is offline",
                hint=f"{places}, or set GLYPHLAB_OFFLINE=0.",
            )
        fetch(source.fetch, home, progress, downloads)
        found = find(name, folders, home)
        if found is None:
            raise DataError(f"what was fetched for data set '{name}' does not hold it")
    return _listing_of(found, unpacked_mb, home, progress)


def _listing_of(found: Found, unpacked_mb: int, home: Path, progress: Progress) -> Listing:
    if found.path is None:
        return invented.list_invented() if found.name == "invented" else digits.list_digits()

    def content_of(paths: Sequence[Path]) -> str:
        return content_hash(paths, home, progress)

    return list_found(
        Opening(found, unpacked_mb, content_of, home / "cache", progress, found.choices)
    )


def _only(classes: Sequence[str], listings: Sequence[Listing]) -> list[Listing]:
    known = dict.fromkeys(name for listing in listings for name in listing.classes)
    for name in classes:
        if name not in known:
            raise DataError(unknown("class", name, known))
    return [
        listing.only([name for name in classes if name in listing.classes]) for listing in listings
    ]


def _without(left_out: Sequence[str], listings: Sequence[Listing]) -> list[Listing]:
    """All classes but those named, or beginning with what stands before a '*'."""
    known = dict.fromkeys(name for listing in listings for name in listing.classes)
    dropped: set[str] = set()
    for one in left_out:
        start = one.removesuffix("*")
        found = {name for name in known if name == one or (start != one and name.startswith(start))}
        if not found:
            raise DataError(unknown("class", one, known))
        dropped |= found
    return [
        listing.only([name for name in listing.classes if name not in dropped])
        if dropped & set(listing.classes)
        else listing
        for listing in listings
    ]


def _image_set(
    name: str, listing: Listing, style: str, spec: DataSpec, home: Path, progress: Progress
) -> ImageSet:
    stored = cached_squares(listing, style, spec.size, home, progress)
    files, labels, official = listing.files, listing.labels, listing.official
    if len(stored.kept) < len(listing):
        files = [files[int(i)] for i in stored.kept]
        labels, official = labels[stored.kept], official[stored.kept]
    splits = make_splits(
        labels, official, validation=spec.validation, test=spec.test, seed=spec.seed
    )
    fingerprint = digest([listing.content, *listing.classes, len(stored.kept), style, spec.size])[
        :16
    ]
    title = DATASETS[name].title if name in DATASETS else Path(name).name
    return ImageSet(
        name,
        style,
        stored.images,
        labels,
        listing.classes,
        splits,
        files,
        fingerprint,
        listing.skipped + listing.as_stored(stored.skipped),
        np.zeros(len(labels), np.int64),
        (name,),
        {"title": title, "kind": listing.kind, **listing.notes},
        report_of(
            listing, stored.skipped, checked(listing, stored, style, spec.size, home, progress)
        ).findings,
    )
