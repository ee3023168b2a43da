"""The drawings that a benchmark asks about are those that the training it starts can't have seen."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

from PIL import Image

from bench.drawings import hold_back
from engine.data.catalog import list_dataset
from engine.progress import no_progress


def test_what_is_held_back_is_not_in_the_rest(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        for sample in (1, 11, 62):
            for number in range(10):
                stream = io.BytesIO()
                Image.new("L", (8, 6), 20 * number + sample % 9).save(stream, "PNG")
                archive.writestr(
                    f"train/Sample{sample:03}/img{sample:03}-{number:03}.png", stream.getvalue()
                )
    (tmp_path / "data").mkdir()
    held = hold_back(tmp_path / "all.zip", tmp_path / "data" / "trainPart1.zip")
    assert sorted(label for label, _ in held) == ["0", "0", "A", "A", "z", "z"]
    rest = list_dataset(
        "characters",
        folders=(tmp_path / "data",),
        home=tmp_path / "home",
        offline=True,
        unpacked_mb=10,
        progress=no_progress,
    )
    left = {
        Image.open(io.BytesIO(rest.reader.read(i))).getpixel((0, 0))
        for i in range(len(rest.labels))
    }
    assert len(rest.labels) == 24 and left.isdisjoint(page.getpixel((0, 0)) for _, page in held)
