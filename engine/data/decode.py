"""Decoding in parallel: chunks of raw files go out to processes, squares come back in order, and
never all are in memory at once.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.context import SpawnContext, SpawnProcess
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from engine.bounds import confine
from engine.data.listing import Listing
from engine.device import usable_cores
from engine.errors import GlyphlabError
from engine.imaging.convention import EACH_ITS_OWN, Convention
from engine.imaging.images import STYLES, TOO_MUCH, Page, open_picture, square, square_of_glyph
from engine.priority import raised, step_back
from engine.progress import Progress

FIRST = 16  # images of the first chunk, which is timed
CHUNK_IMAGES = 500
CHUNK_SECONDS = 1.0  # of one process's work
CHUNK_BYTES = 4_000_000  # of raw files
CHUNK_PIXELS = 20_000_000  # of squares
ALIVE_SECONDS = 1.0  # between signs of life while a chunk takes long beside other work
# Main memory of a process that decodes. A picture of MOST_PIXELS takes 0.6 GB on its way, a chunk's
# files and squares 0.1; what takes four times as much is no picture.
WORKER_GB = 3.0
WORTH_PROCESSES = 3.0  # seconds of work from which starting processes (0.5 s on two cores) pays

Raw = tuple[
    str, bytes | np.ndarray | str
]  # a name with its file, its glyph, or the reason why it can't be read


class Chunk(NamedTuple):
    """images (m, C, H, W) uint8; kept (m,) int64 positions in the listing; skipped (name, reason);
    paged (name, pages) of files of which the first page was read; seconds that decoding it took.
    """

    images: np.ndarray
    kept: np.ndarray
    skipped: list[tuple[str, str]]
    paged: list[tuple[str, int]]
    seconds: float = 0.0


class Target(NamedTuple):
    """What pictures become: squares of a style and side (pixels), read by the set's convention."""

    style: str
    size: int
    convention: Convention = EACH_ITS_OWN


def decoded(
    listing: Listing,
    style: str,
    size: int,
    progress: Progress,
    cores: int | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Chunk]:
    """The whole listing as squares, chunk by chunk in order. `progress` may raise to stop.

    The first chunk is decoded here and timed; processes help if what is left would take long, and
    chunks are about CHUNK_SECONDS of work, so that the progress moves.
    Threads would not help: on 28x28 JPEGs nine tenths of the time is Python's own. `cores`: if not
    all of the machine's; `clock` tells seconds.
    """
    total, cores = len(listing), cores or usable_cores()
    done = 0
    progress(done, total, "decoding images")
    target = Target(style, size, listing.convention)
    chunks = _Chunks(listing, target)
    while done < total:
        began = clock()
        chunk = decode(*next(chunks), target)
        count = len(chunk.kept) + len(chunk.skipped)
        done += count
        yield chunk
        progress(done, total, "decoding images")
        taken = clock() - began
        chunks.fit(count, taken)
        seconds = taken / max(count, 1)
        if seconds * (total - done) > WORTH_PROCESSES and cores > 1:
            break
    if done == total:
        return

    def alive() -> None:
        progress(done, total, "decoding images")

    for chunk in _in_processes(chunks, target, cores, alive):
        done += len(chunk.kept) + len(chunk.skipped)
        yield chunk
        progress(done, total, "decoding images")


def decode(raws: list[Raw], start: int, target: Target) -> Chunk:
    """One chunk, whose first image has position `start` in the listing. What can't be read is
    skipped with its reason.
    """
    began = time.perf_counter()
    style, size, convention = target
    out = np.empty((len(raws), STYLES[style].channels, size, size), np.uint8)
    kept: list[int] = []
    skipped: list[tuple[str, str]] = []
    paged: list[tuple[str, int]] = []
    for offset, (name, raw) in enumerate(raws):
        if isinstance(raw, str):
            skipped.append((name, raw))
            continue
        try:
            if isinstance(raw, np.ndarray):
                out[len(kept)] = square_of_glyph(raw, style, size)
            else:
                picture = open_picture(raw, name)
                out[len(kept)] = square(Page(picture, convention), style, size)
                if (pages := getattr(picture, "n_frames", 1)) > 1:
                    paged.append((name, pages))
        except GlyphlabError as error:
            skipped.append((name, str(error).replace(name, "it", 1)))
            continue
        except MemoryError:
            skipped.append((name, TOO_MUCH.format("it")))
            continue
        kept.append(start + offset)
    seconds = time.perf_counter() - began
    return Chunk(out[: len(kept)], np.array(kept, np.int64), skipped, paged, seconds)


class _Chunks:
    """Raw files of a listing in order, some at a time: up to `most`, which follows how long the last
    ones took.
    """

    def __init__(self, listing: Listing, target: Target) -> None:
        pixels = STYLES[target.style].channels * target.size * target.size
        self.most = self._limit = max(1, min(CHUNK_IMAGES, CHUNK_PIXELS // pixels))
        self._listing, self._next = listing, 0

    def fit(self, count: int, seconds: float) -> None:
        """Let the next chunks be about CHUNK_SECONDS of work, now that `count` images took `seconds`.
        The first ones also load what decoding needs: by their measure alone, 96,000 glyphs went to
        the processes in 16,000 chunks.
        """
        if count:
            self.most = min(self._limit, max(1, int(CHUNK_SECONDS * count / max(seconds, 1e-9))))

    def __iter__(self) -> Iterator[tuple[list[Raw], int]]:
        return self

    def __next__(self) -> tuple[list[Raw], int]:
        start, weight = self._next, 0
        raws: list[Raw] = []
        most = self.most if start else min(self.most, FIRST)
        while self._next < len(self._listing) and len(raws) < most and weight < CHUNK_BYTES:
            raw = read_raw(self._listing, self._next)
            weight += len(raw[1]) if isinstance(raw[1], bytes) else 0
            raws.append(raw)
            self._next += 1
        if not raws:
            raise StopIteration
        return raws, start


def read_raw(listing: Listing, index: int) -> Raw:
    """An image of the listing as `decode` takes it."""
    name = listing.files[index]
    try:
        return name, listing.reader.read(index)
    except OSError as error:
        return name, f"it can't be read: {error.strerror or error}"
    except GlyphlabError as error:
        return name, f"it can't be read: {error}"


class _Worker(SpawnProcess):
    """A process that does not run its parent's main module again: in the web server that is
    whatever page Streamlit runs just now.
    """

    @staticmethod
    def _Popen(process_obj: Any) -> Any:
        main = sys.modules["__main__"]
        sys.modules["__main__"] = ModuleType("__main__")
        try:
            return SpawnProcess._Popen(process_obj)
        finally:
            sys.modules["__main__"] = main


class _Spawning(SpawnContext):
    Process = _Worker


def _in_processes(
    chunks: _Chunks,
    target: Target,
    workers: int,
    alive: Callable[[], None] = lambda: None,
    gigabytes: float = WORKER_GB,
) -> Iterator[Chunk]:
    """Chunks in order, decoded by other processes of so much memory; `alive` is called every second of
    waiting.
    """
    # Spawned, not forked: the web server and torch hold threads and locks that a fork would copy in
    # any state.
    pool = ProcessPoolExecutor(
        workers, _Spawning(), initializer=_begin_worker, initargs=(gigabytes, raised())
    )
    waiting: deque[tuple[Future[Chunk], list[Raw], int]] = deque()
    try:
        for raws, start in chunks:
            waiting.append((_submitted(pool, raws, start, target), raws, start))
            if len(waiting) > 2 * workers:
                chunk = _result(*waiting.popleft(), target, alive)
                chunks.fit(len(chunk.kept) + len(chunk.skipped), chunk.seconds)
                yield chunk
        while waiting:
            yield _result(*waiting.popleft(), target, alive)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _submitted(
    pool: ProcessPoolExecutor, raws: list[Raw], start: int, target: Target
) -> Future[Chunk]:
    try:
        return pool.submit(decode, raws, start, target)
    except (
        BrokenProcessPool,
        OSError,
        AssertionError,
    ) as error:  # AssertionError: we are a daemonic process ourselves
        failed: Future[Chunk] = Future()
        failed.set_exception(BrokenProcessPool(str(error)))
        return failed


def _result(
    future: Future[Chunk],
    raws: list[Raw],
    start: int,
    target: Target,
    alive: Callable[[], None],
    seconds: float = ALIVE_SECONDS,
) -> Chunk:
    while not wait([future], timeout=seconds).done:
        alive()
    try:
        return future.result()
    except (
        BrokenProcessPool
    ):  # a worker could not start, or was killed: the work is done here instead
        return decode(raws, start, target)


def _begin_worker(gigabytes: float = WORKER_GB, parent_raised: bool = False) -> None:
    step_back(parent_raised)
    confine(gigabytes)  # a picture that takes more is skipped, with the reason
    signal.signal(
        signal.SIGINT, signal.SIG_IGN
    )  # Ctrl-C is for the parent, which then ends its workers
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()  # returns when the parent has died, by whatever signal
        os._exit(1)
