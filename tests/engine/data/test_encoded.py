"""Tables with encoded pictures or lists of pixels in their cells."""

from __future__ import annotations

import base64
import io
import json

import numpy as np
import pytest
from pictures import glyphs, png, small_page, write_zip
from PIL import Image

from engine.data.forms.encoded import is_encoded
from engine.data.listing import SPLITS
from engine.data.report import report_of
from engine.errors import DataError

PAGES = [png(small_page("24R"[number % 3], number)) for number in range(6)]
LABELS = [f"{'24R'[number % 3]}" for number in range(6)]


def text(content, before=""):
    return before + base64.b64encode(content).decode()


def jpeg(content):
    out = io.BytesIO()
    Image.open(io.BytesIO(content)).convert("RGB").save(out, "JPEG")
    return out.getvalue()


def lines(records):
    return "\n".join(json.dumps(record) for record in records).encode()


def address(content):
    return text(content, "data:image/png;base64,")


FORMS = {
    "a.jsonl": lines(
        {"image": address(page), "label": label, "split": ["train", "validation"][n > 3]}
        for n, (page, label) in enumerate(zip(PAGES, LABELS, strict=True))
    ),
    "b.json": json.dumps(
        [
            {"image": {"bytes": text(page), "path": None}, "label": label}
            for page, label in zip(PAGES, LABELS, strict=True)
        ]
    ).encode(),
    "c.csv": "\n".join(
        ["image_base64,character", *(f"{text(p)},{c}" for p, c in zip(PAGES, LABELS, strict=True))]
    ).encode(),
    "d.tsv": "\n".join(
        f"{number}.png\t{label}\t{text(page)}"
        for number, (page, label) in enumerate(zip(PAGES, LABELS, strict=True))
    ).encode(),
    "php.json": json.dumps({"images": [text(page) for page in PAGES], "labels": LABELS})
    .replace("/", "\\/")
    .encode(),
}


@pytest.mark.parametrize("name", FORMS)
def test_pictures_in_base64_are_those_that_were_written(opened, tmp_path, name):
    path = tmp_path / name
    path.write_bytes(FORMS[name])
    found = opened(path)
    assert [found.classes[label] for label in found.labels] == LABELS
    assert [found.reader.read(number) for number in range(6)] == PAGES
    report = report_of(found)
    assert (report.seen, report.images, report.skipped) == (6, 6, ())
    assert dict(report.roles)["path"] in ("image", "bytes", "image_base64", "images", "3")
    if name == "a.jsonl":  # validation alone is the test split, as everywhere
        assert [SPLITS[code] for code in found.official] == ["train"] * 4 + ["test"] * 2


def test_lists_of_pixels_in_json_are_glyphs(opened, tmp_path):
    wanted = glyphs(6)
    rows = [
        {"image": one.tolist() if n % 2 else one.ravel().tolist(), "label": n % 3}
        for n, one in enumerate(wanted)
    ]
    content = {"train.json": json.dumps(rows[:4]).encode(), "test.jsonl": lines(rows[4:])}
    found = opened(write_zip(tmp_path / "pixels.zip", content))
    assert found.classes == ("0", "1", "2") and found.kind == "digit"
    order = [int(name.rpartition("/")[2]) + 4 * name.startswith("test") for name in found.files]
    for place, number in enumerate(order):
        assert np.array_equal(found.reader.read(place), wanted[number])
        assert SPLITS[found.official[place]] == ("train" if number < 4 else "test")


def test_cells_that_hold_no_picture_are_named(opened, tmp_path):
    rows = ["photo,label", *(f"{text(jpeg(page))},{'ab'[n % 2]}" for n, page in enumerate(PAGES))]
    path = tmp_path / "some.csv"
    path.write_text(
        "\n".join([*rows, "oops,a", f"{text(PAGES[0])[:-40]}!!,b", f"{text(PAGES[1])},"])
    )
    report = report_of(opened(path))
    assert report.seen == 9 and report.images == 7 and report.unlabelled == 1
    assert [name for name, _ in report.skipped] == ["some.csv/6", "some.csv/7"]


def test_what_only_looks_like_it_is_no_table_of_pictures(opened, tmp_path):
    assert not is_encoded(b"label,pixel0\n7,0\n" * 500)
    assert not is_encoded(b'{"hash": "d41d8cd98f00b204e9800998ecf8427e", "iVBOR": 1}')
    path = tmp_path / "scores.jsonl"
    path.write_bytes(lines({"scores": [0.5] * 7 + [2] * 9, "label": "a"} for _ in range(4)))
    with pytest.raises(DataError, match="scores.jsonl holds no column of encoded pictures"):
        opened(path)
