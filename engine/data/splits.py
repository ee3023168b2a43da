"""Stratified, seeded splits."""

from __future__ import annotations

import numpy as np

from engine.data.listing import SPLITS, TEST, TRAIN, VAL


def stratified(labels: np.ndarray, count: int, seed: int, keep_one: bool = False) -> np.ndarray:
    """Positions (count,) int64, ascending, drawn so that each class has its share of them, to
    within one image.

    `keep_one` leaves at least one image of every class undrawn, so that a class of one image is
    never drawn. The draw depends on labels, count and seed only.
    """
    labels = np.asarray(labels)
    present, members = np.unique(labels, return_inverse=True)
    sizes = np.bincount(members, minlength=len(present))
    most = sizes - 1 if keep_one else sizes
    count = min(count, int(most.sum()))
    rng = np.random.default_rng([seed, 62])
    share = sizes * (count / max(int(sizes.sum()), 1))
    take = np.minimum(np.floor(share).astype(np.int64), most)
    # The rest goes to the largest remainders, ties in random order, never above what a class has.
    order = np.lexsort((rng.permutation(len(present)), take - share))
    while take.sum() < count:
        for label in order:
            if take[label] < most[label] and take.sum() < count:
                take[label] += 1
    drawn = [
        rng.permutation(np.flatnonzero(members == label))[: take[label]]
        for label in range(len(present))
    ]
    return np.sort(np.concatenate(drawn)) if drawn else np.zeros(0, np.int64)


def make_splits(
    labels: np.ndarray, official: np.ndarray, *, validation: float, test: float, seed: int
) -> dict[str, np.ndarray]:
    """'train', 'val' and 'test' → indices (n,) int64, ascending and disjoint; an empty split is
    absent.

    labels, official  (N,) label and official split code of each image; one without a label (-1) is
                      in no split
    validation, test  shares: test of the training images where there is no official test, then
                      validation of those that are left, where there is no official validation
    """
    official = np.where(labels >= 0, official, -1)
    train = np.flatnonzero(official == TRAIN)
    splits = {
        SPLITS[VAL]: np.flatnonzero(official == VAL),
        SPLITS[TEST]: np.flatnonzero(official == TEST),
    }
    for code, share in ((TEST, test), (VAL, validation)):
        if share and len(train) and not len(splits[SPLITS[code]]):
            held = stratified(
                labels[train], round(share * len(train)), seed * 2 + (code == TEST), keep_one=True
            )
            splits[SPLITS[code]] = train[held]
            train = np.delete(train, held)
    splits = {"train": train, **splits}
    return {name: indices for name, indices in splits.items() if len(indices)}


def limited(
    splits: dict[str, np.ndarray],
    labels: np.ndarray,
    *,
    train: int | None,
    evaluation: int | None,
    seed: int,
) -> dict[str, np.ndarray]:
    """The same splits with at most `train` training images and `evaluation` in each of the others,
    stratified.
    """
    out: dict[str, np.ndarray] = {}
    for name, indices in splits.items():
        most = train if name == "train" else evaluation
        out[name] = (
            indices
            if most is None or len(indices) <= most
            else indices[stratified(labels[indices], most, seed)]
        )
    return out
