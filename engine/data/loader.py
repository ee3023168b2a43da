"""From an ImageSet to batches on the device: a batch is a slice of a permutation.

A set that fits is held on the device as one uint8 tensor. A larger one stays memory-mapped on disk,
and a thread gathers the next batches while the device works on this one.
"""

# pyright: reportUnknownMemberType=false
# (torch leaves the types of some functions open.)
from __future__ import annotations

import mmap
import os
import queue
import threading
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from engine.data.imageset import ImageSet
from engine.errors import DataError

FITS_BYTES = {"cpu": 1_500_000_000, "cuda": 16_000_000_000, "mps": 4_000_000_000}
FEW_BATCHES = 10  # of fewer, a last batch that is not full is a tenth of an epoch or more
AHEAD = 3  # batches gathered in advance when streaming


class Batch(NamedTuple):
    images: Tensor  # (B, C, H, W) uint8, on the device
    labels: Tensor  # (B,) int64, on the device
    index: Tensor  # pyright: ignore[reportIncompatibleMethodOverride]
    # (B,) int64, on the CPU: positions in the ImageSet


class Images:
    """The images of one ImageSet, ready to be gathered by index onto `device`."""

    def __init__(
        self,
        data: ImageSet,
        device: torch.device,
        indices: np.ndarray | None = None,
        fits_bytes: int | None = None,
    ) -> None:
        """`indices` (n,): only these will be gathered, so only these need fit on the device, of
        which they may take `fits_bytes` (FITS_BYTES of its kind).
        """
        self.data, self.device = data, device
        self.position: np.ndarray | None = None
        self.held: Tensor | None = None
        self.labels = torch.from_numpy(np.asarray(data.labels, dtype=np.int64))
        wanted = np.arange(len(data)) if indices is None else indices
        most = FITS_BYTES[device.type] if fits_bytes is None else fits_bytes
        if len(wanted) * int(np.prod(data.images.shape[1:])) <= most:
            whole = indices is None or len(wanted) == len(data)
            self.held = torch.from_numpy(
                np.array(data.images if whole else data.images[wanted])
            ).to(device)
            if not whole:
                self.position = np.full(len(data), -1, np.int64)
                self.position[wanted] = np.arange(len(wanted))

    def gather(self, index: np.ndarray) -> Batch:
        at = torch.from_numpy(index)
        labels = self.labels[at].to(self.device, non_blocking=True)
        if self.held is None:
            return Batch(
                torch.from_numpy(self._read(index)).to(self.device, non_blocking=True), labels, at
            )
        place = at if self.position is None else torch.from_numpy(self.position[index])
        return Batch(self.held.index_select(0, place.to(self.device)), labels, at)

    def _read(self, index: np.ndarray) -> np.ndarray:
        """Images (B, C, H, W) from disk. By reading the file and not through its memory map: numpy
        holds Python's lock while the system fetches a mapped page, and the training loop would
        stand still with it."""
        images = self.data.images
        whole = (
            isinstance(images, np.memmap)
            and isinstance(images.base, mmap.mmap)
            and images.flags.c_contiguous
        )
        if not (whole and hasattr(os, "preadv")):  # Windows has none
            return images[index]
        out = np.empty((len(index), *images.shape[1:]), images.dtype)
        each = images.nbytes // len(images)
        assert isinstance(images, np.memmap) and images.filename is not None  # `whole` says so
        with open(images.filename, "rb", buffering=0) as file:
            for row, at in zip(out, index.tolist(), strict=True):
                if os.preadv(file.fileno(), [row], images.offset + at * each) != each:
                    return images[
                        index
                    ]  # cut short by a signal, or the file has changed: the map knows
        return out

    def batches(self, order: list[np.ndarray]) -> Iterator[Batch]:
        """One Batch for each array of indices in `order`; streamed ahead by a thread when the set
        is not held.
        """
        if self.held is not None:
            yield from map(self.gather, order)
            return
        ready: queue.Queue[Batch | BaseException | None] = queue.Queue(AHEAD)
        stopped = threading.Event()

        def offer(item: Batch | BaseException | None) -> None:
            while not stopped.is_set():
                try:
                    return ready.put(item, timeout=0.2)
                except queue.Full:
                    continue

        def read_ahead() -> None:
            try:
                for index in order:
                    if stopped.is_set():
                        return
                    offer(self.gather(index))
                offer(None)
            except BaseException as error:  # raised by the consumer, where it can be seen
                offer(error)

        reader = threading.Thread(target=read_ahead, daemon=True, name="batches")
        reader.start()
        try:
            while (item := ready.get()) is not None:
                if isinstance(item, BaseException):
                    raise item
                yield item
        finally:  # also when the consumer leaves early: neither thread nor batches stay behind
            stopped.set()
            reader.join()


def in_order(indices: np.ndarray, batch_size: int) -> list[np.ndarray]:
    """Consecutive chunks of `indices`, the last one possibly short: for evaluation."""
    return [indices[i : i + batch_size] for i in range(0, len(indices), batch_size)]


def shuffled(
    indices: np.ndarray, batch_size: int, rng: np.random.Generator, least: int | None = None
) -> list[np.ndarray]:
    """One epoch: every index at most once, in random order. A short last batch is dropped, unless it
    is the only one. least: see `_chunks`.
    """
    return _chunks(rng.permutation(indices), batch_size, least)


def balanced(
    indices: np.ndarray,
    groups: np.ndarray,
    batch_size: int,
    rng: np.random.Generator,
    power: float = 0,
    least: int | None = None,
) -> list[np.ndarray]:
    """One epoch of as many draws as there are indices, each group (class or source, `groups` (n,))
    as likely as its size to the `power`: equally at 0.

    Within a group images come in rounds of random order, so none is drawn twice before all were
    drawn once. least: see `_chunks`.
    """
    names, member, size = np.unique(groups, return_inverse=True, return_counts=True)
    chance = size**power / (size**power).sum()
    share = np.bincount(rng.choice(len(names), len(indices), p=chance), minlength=len(names))
    drawn: list[np.ndarray] = []
    for group, wanted in enumerate(share):
        own = indices[member == group]
        rounds = [rng.permutation(own) for _ in range(-(-int(wanted) // len(own)))]
        drawn.append(np.concatenate(rounds)[:wanted] if rounds else own[:0])
    return _chunks(rng.permutation(np.concatenate(drawn)), batch_size, least)


def per_class(
    indices: np.ndarray, labels: np.ndarray, batch_size: int, samples: int, rng: np.random.Generator
) -> list[np.ndarray]:
    """One epoch of batches that hold exactly `samples` images of each class in them, for losses on
    pairs and triplets.

    labels: (n,) of `indices`. Raises DataError if the batch can't hold two classes.
    """
    names = np.unique(labels)
    width = min(batch_size // samples, len(names))
    if width < 2:
        raise DataError(
            f"batches of {batch_size} with {samples} images a class hold fewer than two classes",
            hint="Raise batch_size or lower samples_per_class.",
        )
    own = {name: indices[labels == name] for name in names}
    batches: list[np.ndarray] = []
    for _ in range(max(1, len(indices) // (width * samples))):
        chosen = rng.choice(names, width, replace=False)
        batches.append(
            np.concatenate(
                [
                    rng.choice(own[name], samples, replace=len(own[name]) < samples)
                    for name in chosen
                ]
            )
        )
    return batches


def _chunks(order: np.ndarray, batch_size: int, least: int | None = None) -> list[np.ndarray]:
    """Full batches; what is left over is dropped, or is the only batch.

    least: what is left over may be a third of a small data set. Of fewer than FEW_BATCHES batches none
    is dropped then: all images are shared out evenly over one batch more, if each gets so many.
    """
    whole, left = divmod(len(order), batch_size)
    if least is not None and left and 0 < whole < FEW_BATCHES:
        if len(order) // (whole + 1) >= least:
            return np.array_split(order, whole + 1)
    return [order[i * batch_size : (i + 1) * batch_size] for i in range(whole)] or [order]
