"""A data set with the labels that its journal comes to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from engine.data.assemble import ordered
from engine.data.imageset import ImageSet
from engine.data.listing import digest
from engine.labels.replay import Current

NOTE = "labels"  # the key of ImageSet.notes that says what was mended


def mended(
    images: ImageSet,
    journals: Mapping[str, Mapping[str, Current]],
    only: Sequence[str] | None = None,
) -> ImageSet:
    """The images with the labels that people decided on.

    journals  what holds of each data set that `images` is pooled from, by name
    only      the classes that are wanted; an image that is of another one now is left out

    The splits stay those of the given labels, so that a model trained before and one trained after
    can be compared: an excluded image leaves its split, an image that had no label joins the
    training split. A class that only the journal knows comes after the others.
    """
    decided = _decided(images, journals)
    if not decided:
        return images
    wanted = {
        now.label
        for now in decided.values()
        if now.label is not None and not now.excluded and (only is None or now.label in only)
    }
    classes = [*images.classes, *ordered(wanted - {*images.classes})]
    labels = np.array(images.labels, np.int64)
    excluded = np.zeros(len(labels), bool)
    for at, current in decided.items():
        label = current.label
        excluded[at] = current.excluded or (only is not None and label not in (None, *only))
        if label is not None and not excluded[at]:
            labels[at] = classes.index(label)
    changed = (labels != images.labels) & ~excluded
    if not changed.any() and not excluded.any():
        return images
    fresh = np.flatnonzero(changed & (np.asarray(images.labels) < 0))
    splits = {name: index[~excluded[index]] for name, index in images.splits.items()}
    splits["train"] = np.union1d(splits.get("train", np.empty(0, np.int64)), fresh)
    labels[excluded] = -1
    fingerprint = digest([images.fingerprint, *classes, labels.tobytes(), excluded.tobytes()])[:16]
    return replace(
        images,
        labels=labels,
        classes=tuple(classes),
        splits={name: index for name, index in splits.items() if len(index)},
        fingerprint=fingerprint,
        notes={**images.notes, NOTE: f"{_count(changed)} relabelled, {_count(excluded)} excluded"},
    )


def _decided(images: ImageSet, journals: Mapping[str, Mapping[str, Current]]) -> dict[int, Current]:
    """Position in the data set → what holds of the image. Those that are not there are passed over."""
    pooled = len(images.source_names) > 1  # then its files are named <data set>/<file>
    wanted = {
        f"{name}/{sample}" if pooled else sample: current
        for name in images.source_names
        for sample, current in journals.get(name, {}).items()
    }
    if not wanted:
        return {}
    return {at: wanted[str(file)] for at, file in enumerate(images.files) if str(file) in wanted}


def _count(chosen: np.ndarray) -> str:
    return f"{int(chosen.sum()):,}"
