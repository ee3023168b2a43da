"""Published figures stay true: the data sets that shipped models were trained on decode to the same
bits as when those were trained, and what was decoded before is found again.
"""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from engine.data.cache import squares_key
from engine.data.catalog import list_dataset
from engine.data.decode import Target, decode, read_raw
from engine.progress import no_progress

# Recorded before data sets had conventions of their own: name, style, side, hash of the content,
# key of the cache, hash of evenly spread squares (3,000 glyphs, or 40 pages or photographs).
KNOWN = [
    (
        "mnist",
        "digit",
        28,
        "bf9f2af7da683f214218f8d4d06ed7c5",
        "f975090bb91a162303fbe08d5ab6dc33",
        "e2bed224d995f803709595087a7d2b96",
    ),
    (
        "emnist62",
        "digit",
        28,
        "6189aef74d1051c52d4d9730078505c3",
        "df92c61948ef52068a6d97d63304e6d2",
        "ae7bc55ca8d9aa6878b87cd8195f5a74",
    ),
    (
        "task3",
        "digit",
        28,
        "b035eb1488ea4e7ba9b16040e0a17b11",
        "66bfef6dca1a28c623892cce7cd9d67b",
        "6871b431adeae54e16bd89029cbc4215",
    ),
    (
        "digits",
        "digit",
        28,
        "0e2a791d1f9f1f622d24589c82578cd7",
        "b41748921a8a9c576926f242fb5baabc",
        "8d440f2024e209594ca143f7ed9e130a",
    ),
    (
        "characters",
        "page",
        64,
        "d90a7ce5d8b1a57e0cbb34a90d932477",
        "2bebd3246f3593b51b7d9d69a3593752",
        "21a4728421a92476a9b13d25001cf86c",
    ),
    (
        "characters",
        "duo",
        64,
        "d90a7ce5d8b1a57e0cbb34a90d932477",
        "59626618efb09b62b964f9e8b1162ce4",
        "9524f6ebdca05e72c2637809ed4a56d1",
    ),
    (
        "characters",
        "digit",
        28,
        "d90a7ce5d8b1a57e0cbb34a90d932477",
        "796995979d002c577d137856252d4854",
        "6ba65642852771404b66442a9f8a1d8a",
    ),
    (
        "hymenoptera",
        "photo",
        64,
        "3144f7c83fb9c7e6ebd97301b0ed4854",
        "a4cbac25c8b032fa3dc3a19cebd52032",
        "12b79c5bb7aabb5b60251649c0e471ef",
    ),
]


@pytest.mark.parametrize(("name", "style", "size", "content", "key", "squares"), KNOWN)
def test_shipped_data_sets_decode_to_the_same_bits(
    real_data, tmp_path, name, style, size, content, key, squares
):
    listing = list_dataset(
        name,
        folders=(real_data,),
        home=tmp_path,
        offline=True,
        unpacked_mb=20_000,
        progress=no_progress,
    )
    assert (listing.content, squares_key(listing, style, size)) == (content, key)
    count = 3000 if listing.kind == "digit" else 40
    state = hashlib.md5()
    for index in np.unique(np.linspace(0, len(listing) - 1, count).astype(int)).tolist():
        chunk = decode([read_raw(listing, index)], index, Target(style, size, listing.convention))
        state.update(chunk.images.tobytes())
        state.update(str(chunk.skipped).encode())
    assert state.hexdigest() == squares
