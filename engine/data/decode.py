"""Decoding in parallel: chunks of raw files go out, squares come back, in order and never all in memory at once."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple

import numpy as np

from engine.data.listing import Listing
from engine.errors import GlyphlabError
from engine.images import STYLES, open_picture, square, square_of_glyph
from engine.progress import Progress


class Chunk(NamedTuple):
    """images (m, C, H, W) uint8; kept (m,) int64 positions in the listing; skipped (name, reason)."""

    images: np.ndarray
    kept: np.ndarray
    skipped: list[tuple[str, str]]


def decoded(listing: Listing, style: str, size: int, progress: Progress) -> Iterator[Chunk]:
    """The whole listing as squares, chunk by chunk in order. `progress` may raise to stop."""
    length = max(1, min(500, 20_000_000 // (STYLES[style].channels * size * size)))
    workers = os.cpu_count() or 1
    with ThreadPoolExecutor(workers) as pool:
        waiting: deque[Future[Chunk]] = deque()
        done = 0
        progress(0, len(listing), "decoding images")
        try:
            for start in range(0, len(listing), length):
                stop = min(start + length, len(listing))
                waiting.append(pool.submit(_chunk, [_read(listing, i) for i in range(start, stop)], start, style, size))
                if len(waiting) > 2 * workers:
                    yield (chunk := waiting.popleft().result())
                    done += len(chunk.kept) + len(chunk.skipped)
                    progress(done, len(listing), "decoding images")
            while waiting:
                yield (chunk := waiting.popleft().result())
                done += len(chunk.kept) + len(chunk.skipped)
                progress(done, len(listing), "decoding images")
        finally:
            for future in waiting:
                future.cancel()


def _read(listing: Listing, index: int) -> tuple[str, bytes | np.ndarray | str]:
    name = listing.files[index]
    try:
        return name, listing.reader.read(index)
    except (OSError, GlyphlabError) as error:
        return name, f"can't be read: {error}"


def _chunk(raws: list[tuple[str, bytes | np.ndarray | str]], start: int, style: str, size: int) -> Chunk:
    out = np.empty((len(raws), STYLES[style].channels, size, size), np.uint8)
    kept, skipped = [], []
    for offset, (name, raw) in enumerate(raws):
        if isinstance(raw, str):
            skipped.append((name, raw))
            continue
        try:
            if isinstance(raw, np.ndarray):
                out[len(kept)] = square_of_glyph(raw, style, size)
            else:
                out[len(kept)] = square(open_picture(raw, name), style, size)
        except GlyphlabError as error:
            skipped.append((name, str(error)))
            continue
        kept.append(start + offset)
    return Chunk(out[: len(kept)], np.array(kept, np.int64), skipped)
