"""What the listing of a data set says of it, for tests that know what was written."""

from __future__ import annotations

from collections import Counter

from engine.data.listing import SPLITS, Listing
from engine.data.report import ImportReport, report_of


def counts(listing: Listing) -> Counter[tuple[str | None, str]]:
    """Images of each class, None without one, in each split."""
    return Counter(
        (listing.classes[label] if label >= 0 else None, SPLITS[code])
        for label, code in zip(listing.labels, listing.official, strict=True)
    )


def accounted(listing: Listing) -> ImportReport:
    """Its report, in which every file is an image, was read, was skipped or is hidden."""
    report = report_of(listing)
    named = len(report.skipped) + len(report.hidden) + len(report.read)
    assert report.seen == report.images + named
    return report
