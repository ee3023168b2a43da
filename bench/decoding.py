"""Pages a minute that the lab decodes and finds the ink on: the tablet's PNG pages, and JPEG scans of
paper with grain and a shadow, both 1,200 × 900. From the files to squares of 64 pixels, nothing in a
cache, by all cores.
"""

from __future__ import annotations

import io
import os
import tempfile
import time
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from bench.records import append
from engine.data.catalog import list_dataset
from engine.data.decode import decoded
from engine.data.listing import Listing
from engine.progress import no_progress
from engine.settings import read_settings

PAGES = 600
SIZE = 64  # pixels of the squares
WIDE, HIGH = 1200, 900


def main() -> dict[str, float]:
    """Decode both, and append the figures."""
    figures: dict[str, float] = {}
    settings = read_settings(os.environ)
    with tempfile.TemporaryDirectory() as folder:
        scans = _scans(Path(folder) / "scans.zip")
        for what, name in (("tablet pages, PNG", "characters"), ("grainy scans, JPEG", str(scans))):
            whole = list_dataset(
                name,
                folders=settings.data,
                home=Path(folder),
                offline=True,
                unpacked_mb=settings.unpacked_mb,
                progress=no_progress,
            )
            pages = _some(whole, np.linspace(0, len(whole) - 1, PAGES).astype(int))
            began = time.perf_counter()
            read = sum(len(chunk.kept) for chunk in decoded(pages, "page", SIZE, no_progress))
            seconds = time.perf_counter() - began
            if read != PAGES:
                raise RuntimeError(f"{PAGES - read} pages were not read")
            figures[f"{what}: pages a minute"] = round(60 * read / seconds)
    rows = [{"metric": key, "value": value} for key, value in figures.items()]
    append({"bench_or_recipe": "decoding", **row} for row in rows)
    return figures


def _some(listing: Listing, positions: np.ndarray) -> Listing:
    return replace(
        listing,
        files=[listing.files[int(i)] for i in positions],
        labels=listing.labels[positions],
        official=listing.official[positions],
        reader=listing.reader.select(positions),
    )


def _scans(path: Path) -> Path:
    """Dark strokes on paper whose light falls off to one side, with the grain of a scanner."""
    rng = np.random.default_rng(0)
    light = np.linspace(235, 190, WIDE)[None, :] + np.linspace(0, 12, HIGH)[:, None]
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(PAGES):
            page = light + rng.normal(0, 4, (HIGH, WIDE))
            left, top = rng.integers(200, 800), rng.integers(200, 500)
            page[top : top + 220, left : left + 26] = 40
            page[top : top + 26, left - 120 : left + 120] = 50
            out = io.BytesIO()
            Image.fromarray(page.clip(0, 255).astype(np.uint8)).save(out, "JPEG", quality=88)
            archive.writestr(f"{'ab'[number % 2]}/{number:03d}.jpg", out.getvalue())
    return path
