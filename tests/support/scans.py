"""Scans for page tests: a zip of digits, most or all of them without a label, as a person imports it."""

from __future__ import annotations

import io
import zipfile

import numpy as np
from PIL import Image

from engine.data.choices import AS_FOUND, Choices
from engine.imaging.images import as_picture
from engine.lab import Lab


def add_scans(
    lab: Lab, called: str = "scans", choices: Choices = AS_FOUND, of_class: str = ""
) -> dict[str, str]:
    """60 digits of three classes: two of each in folders, called by their digit after `of_class`, the
    others beside them without a label. Their true classes by name.
    """
    data, out, truth = lab.dataset("digits"), io.BytesIO(), {}
    with zipfile.ZipFile(out, "w") as archive:
        for digit in (0, 1, 4):
            for number, at in enumerate(np.flatnonzero(data.labels == digit)[:20]):
                name = (
                    f"{of_class}{digit}/{number}.png"
                    if number < 2
                    else f"unlabelled/{digit}-{number}.png"
                )
                picture = io.BytesIO()
                Image.fromarray(255 - data.images[at, 0]).save(picture, "PNG")
                archive.writestr(name, picture.getvalue())
                truth[name] = f"{of_class}{digit}"
    staged = lab.data.imports.stage(f"{called}.zip", out.getvalue())
    seen = lab.data.imports.look_at(staged, choices)
    assert len(seen.samples.images) == (24 if choices.unlabelled else 3)
    lab.data.imports.keep(staged, choices)
    return truth


def upload_scans(lab: Lab, count: int) -> None:
    """The first `count` digits in a zip, as the data set 'scans': none of them has a label."""
    digits, packed = lab.dataset("digits", "digit", 28), io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for at in range(count):
            out = io.BytesIO()
            as_picture(np.asarray(digits.images[at])).save(out, "PNG")
            archive.writestr(f"{at}.png", out.getvalue())
    lab.data.upload("scans.zip", packed.getvalue(), choices=Choices(unlabelled=True))
