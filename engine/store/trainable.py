"""Whether a data set has the labels and splits that a training needs, told before there is a run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from engine.data.listing import TEST
from engine.data.sources import DATASETS, names_in
from engine.errors import DataError
from engine.labels.journal import Journal
from engine.labels.replay import Current
from engine.settings import COMMAND

if TYPE_CHECKING:
    from engine.data.listing import Listing
    from engine.recipes.fields import DataSpec

NOTHING = Current()


def check_data(spec: DataSpec, home: Path, listing: Callable[[str], Listing]) -> None:
    """Raise DataError if nothing can be trained on these images, as far as labels go, or a share is held
    out for nothing. listing: of a data set by name. One that can't be listed is passed over: loading it
    says why.
    """
    check_labels(spec, home, listing)
    _check_test_share(spec, listing)


def _check_test_share(spec: DataSpec, listing: Callable[[str], Listing]) -> None:
    """Raise DataError where `test` would hold out nothing, as all of the data has a test split."""
    if not spec.test:
        return
    try:
        listings = [listing(name) for name in names_in(spec.name)]
    except DataError:
        return
    sizes = [int((one.official == TEST).sum()) for one in listings]
    if all(sizes):
        raise DataError(
            f"a share of {spec.test:g} (data.test) would hold out nothing: {spec.name} has a test split of"
            f" {sum(sizes):,} images already",
            hint="Set data.test=0, or give a data set without a test split.",
        )


def check_labels(spec: DataSpec, home: Path, listing: Callable[[str], Listing]) -> None:
    """Raise DataError if no image of the person's own data sets has a label, or all are of one class.
    listing: as of `check_data`.
    """
    names = names_in(spec.name)
    if any(name in DATASETS for name in names):
        return  # known to have labels
    try:
        listings = {name: listing(name) for name in names}
    except DataError:
        return
    mended = spec.labels == "mended"
    positions = spec.journal or (None,) * len(names)
    there: set[str] = set()
    for name, position in zip(names, positions, strict=False):
        journal = Journal(home, name).current(position) if mended else {}
        there |= _classes(listings[name], journal)
    if spec.classes:
        there &= set(spec.classes)
    if len(there) > 1:
        return
    if there:
        raise DataError(
            f"all images of {spec.name} that have a label are of one class, '{there.pop()}'",
            expected="at least 2 classes",
            hint=f"What was read, and why: {COMMAND} datasets {spec.name}",
        )
    since = any(now.label for name in names for now in Journal(home, name).current().values())
    raise DataError(
        f"no image of {spec.name} has a label",
        hint="To train on the labels that were given here, set data.labels=mended."
        if since and not mended
        else "Give labels on the page Label.",
    )


def _classes(listing: Listing, journal: Mapping[str, Current]) -> set[str]:
    """The classes of which there is an image, with the labels that the journal gives."""
    labels = np.asarray(listing.labels, np.int64)
    if not journal:
        return {listing.classes[int(label)] for label in np.unique(labels[labels >= 0])}
    there: set[str] = set()
    for file, label in zip(listing.files, labels, strict=True):
        now = journal.get(str(file), NOTHING)
        given = listing.classes[int(label)] if label >= 0 else ""
        if not now.excluded and (name := now.label or given):
            there.add(name)
    return there
