"""Data sets on their way out: every column is right, and what comes in again is equal to the bit."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import zipfile
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image, ImageDraw
from trained import model_run

from engine.errors import DataError, GlyphlabError
from engine.exports.forms import EXPORT_FORMS, write_dataset
from engine.exports.rows import COLUMNS
from engine.lab import Lab
from engine.noise.storage import document_of, key_of, save_diagnosis

CLASSES = ("a", "b+c", "ß")
SAVED = Path(__file__).parents[1] / "noise" / "saved_format_1"


def picture(seed: int, form: str) -> bytes:
    rng, out = np.random.default_rng(seed), io.BytesIO()
    page = Image.new("RGB", (90 + seed, 70), (250, 250, 245))
    points = [(int(x), int(y)) for x, y in rng.uniform(15, 55, (3, 2))]
    ImageDraw.Draw(page).line(points, fill=(20, 20, 60), width=4)
    page.save(out, form)
    return out.getvalue()


@dataclass(frozen=True)
class Made:
    """A lab with the data set 'letters' of 26 pictures, which was diagnosed, reviewed and embedded."""

    lab: Lab
    pictures: dict[str, bytes]
    model: str


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Made:
    lab, files = Lab(tmp_path_factory.mktemp("lab")), {}
    for number in range(26):
        split = "test" if number % 4 == 3 else "train"
        form = "JPEG" if number % 5 == 0 else "PNG"
        name = f"{split}/{CLASSES[number % 3]}/{number:02d}.{form.lower()}"
        files[name] = picture(number, form)
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    lab.data.upload("letters.zip", zipped.getvalue())
    data = lab.noise.data("letters")
    index = np.arange(len(data))
    suspects = SimpleNamespace(
        likely=(data.labels + (index == 4)) % 3,
        confidence=np.full(26, 0.9),
        score=index / 26,
        log_odds=index / 26,
        order=index[::-1],
    )
    zeros = np.zeros((26, 3))
    result = SimpleNamespace(
        index=index,
        given=data.labels,
        suspects=suspects,
        embeddings=np.zeros((2, 26, 4), np.float16),
        log_p=zeros,
        fold=index % 2,
        neighbours=zeros,
    )
    document = document_of(SAVED) | {"name": "letters", "n": 26, "classes": list(data.classes)}
    save_diagnosis(lab.noise.home / key_of(data, "all", "quick"), document, result)
    diagnosis = lab.noise.find("letters")
    lab.noise.review(diagnosis).decide(7, int((data.labels[7] + 2) % 3))
    model = model_run(lab).id
    lab.spaces.embed(model, "letters", "test")
    return Made(lab, files, model)


def table_in(file: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(file.read_text(encoding="utf-8"))))


def parquet_rows(folder: Path) -> list[dict]:
    return [
        row
        for file in sorted(folder.glob("data/*.parquet"))
        for row in pq.read_table(file).to_pylist()
    ]


def test_parquet_has_pictures_as_they_came_and_what_is_known_of_their_labels(made, tmp_path):
    folder = made.lab.exports.dataset("letters", "parquet", tmp_path / "letters")
    schema = pq.read_schema(folder / "data" / "train.parquet")
    features = json.loads(schema.metadata[b"huggingface"])["info"]["features"]
    assert set(features) == set(schema.names) == {"image", "embedding", *COLUMNS}
    assert features["image"] == {"_type": "Image"}
    assert features["label"] == {"names": list(CLASSES), "_type": "ClassLabel"}
    assert (
        (folder / "README.md").read_text(encoding="utf-8").startswith("---\npretty_name: letters\n")
    )
    rows = parquet_rows(folder)
    assert {row["file"]: row["image"]["bytes"] for row in rows} == made.pictures
    data = made.lab.noise.data("letters")
    space = made.lab.spaces.find(made.model, "letters", "test")
    for row in rows:
        at = list(data.files).index(row["file"])
        given = int(data.labels[at])
        assert row["image"]["path"] == Path(row["file"]).name
        assert row["split"] == row["file"].partition("/")[0]
        assert row["given_label"] == given == CLASSES.index(row["file"].split("/")[1])
        assert row["label"] == ((given + 2) % 3 if at == 7 else given)
        assert row["annotator"] == ("review" if at == 7 else None)
        assert row["suggested_label"] == (given + (at == 4)) % 3
        assert row["suspicion"] == pytest.approx(1 - at / 26)
        if row["split"] == "test":
            place = space.places[at]
            np.testing.assert_array_equal(np.float32(row["embedding"]), space.embeddings[place])
        else:
            assert row["embedding"] is None


@pytest.mark.parametrize("form", ["imagefolder", "parquet"])
def test_what_went_out_comes_in_again_equal_to_the_bit(made, tmp_path, form):
    zipped = made.lab.exports.dataset("letters", form, tmp_path / "again.zip")
    first = zipped.read_bytes()
    assert made.lab.exports.dataset("letters", form, zipped).read_bytes() == first
    other = Lab(tmp_path / "other")
    before, after = made.lab.dataset("letters", size=64), other.dataset(str(zipped), size=64)
    assert after.classes == before.classes and len(after) == len(before) == 26
    places = {Path(str(file)).name: i for i, file in enumerate(before.files)}
    for at, file in enumerate(after.files):
        own = places.pop(Path(str(file)).name)
        np.testing.assert_array_equal(after.images[at], before.images[own])
        changed = (before.labels[own] + 2) % 3 if own == 7 else before.labels[own]
        assert after.labels[at] == changed
        assert (at in after.split("test")) == (own in before.split("test"))
    assert not places


@pytest.mark.parametrize("form", ["imagefolder", "parquet"])
def test_glyphs_come_in_again_equal_to_the_bit(made, tmp_path, form):
    zipped = made.lab.exports.dataset("digits", form, tmp_path / "again.zip")
    other = Lab(tmp_path / "other")
    for style in ("digit", "page"):
        before = made.lab.dataset("digits", style=style, size=28)
        after = other.dataset(str(zipped), style=style, size=28)
        assert after.classes == before.classes and len(after) == len(before)
        assert Counter(
            zip(before.labels.tolist(), map(bytes, before.images), strict=True)
        ) == Counter(zip(after.labels.tolist(), map(bytes, after.images), strict=True))


def test_classes_whose_names_are_no_names_of_folders_come_in_again(tmp_path):
    names = (".b", "a/b", "水" * 200, "x" * 300, "nul", "cat")
    pictures = {f"{n}.png": picture(n, "PNG") for n in range(12)}
    table = "file,label\n" + "".join(f"{n}.png,{names[n % 6]}\n" for n in range(12))
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as archive:
        for name, content in (pictures | {"labels.csv": table.encode()}).items():
            archive.writestr(name, content)
    lab = Lab(tmp_path / "lab")
    lab.data.upload("odd.zip", zipped.getvalue())
    out = lab.exports.dataset("odd", "imagefolder", tmp_path / "odd")
    again = lab.data.listing(str(out))
    assert again.classes == tuple(sorted(names)) and again.counts().tolist() == [2] * 6


def test_a_table_and_metadata_describe_the_files(made, tmp_path):
    for form in EXPORT_FORMS:
        folder = made.lab.exports.dataset("letters", form, tmp_path / form)
        document = json.loads((folder / "croissant.json").read_text(encoding="utf-8"))
        assert document["@type"] == "sc:Dataset" and document["name"] == "letters"
        for file in document["distribution"]:
            content = (folder / file["contentUrl"]).read_bytes()
            assert hashlib.sha256(content).hexdigest() == file["sha256"]
        for records in document["recordSet"]:
            for field in records["field"]:
                name = field["source"]["fileObject"]["@id"]
                if name.endswith(".parquet"):
                    there = pq.read_schema(folder / name).names
                else:
                    there = list(table_in(folder / name)[0])
                column = field["source"]["extract"]["column"]
                assert column in there
                # without it, loaders take the struct of bytes and path for the picture
                assert ("transform" in field["source"]) == (column == "image")
    rows = table_in(tmp_path / "csv" / "labels.csv")
    assert tuple(rows[0]) == tuple(COLUMNS) and len(rows) == 26
    assert {row["file"] for row in rows} == set(made.pictures)
    assert sum(row["label"] != row["given_label"] for row in rows) == 1
    folders = table_in(tmp_path / "imagefolder" / "labels.csv")
    assert all((tmp_path / "imagefolder" / row["file"]).is_file() for row in folders)


def test_the_digits_of_an_idx_file_or_library_go_out_as_their_pixels(made, tmp_path):
    folder = made.lab.exports.dataset("digits", "parquet", tmp_path / "digits")
    rows = made.lab.exports.rows("digits")
    (row,) = [row for row in parquet_rows(folder) if row["file"] == rows.files[5]]
    with Image.open(io.BytesIO(row["image"]["bytes"])) as image:
        glyph = np.asarray(image)
    np.testing.assert_array_equal(glyph, rows.reader.read(5))
    assert row["suspicion"] is None and row["suggested_label"] is None


def test_a_picture_that_can_not_be_read_is_named_and_stops_nothing(made, tmp_path):
    rows = made.lab.exports.rows("letters")

    class Broken:
        def read(self, index: int) -> bytes:
            if index == 3:
                raise DataError("its checksum is wrong")
            return rows.reader.read(index)

    broken = replace(rows, reader=Broken())
    for form in ("parquet", "imagefolder"):
        folder = write_dataset(broken, form, tmp_path / form)
        readme = (folder / "README.md").read_text(encoding="utf-8")
        assert f"can't be read: {rows.files[3]}: its checksum is wrong" in readme
    without = [row["file"] for row in parquet_rows(tmp_path / "parquet") if row["image"] is None]
    assert without == [rows.files[3]]
    assert len(list((tmp_path / "imagefolder").rglob("*.*g"))) == 25


def test_what_can_not_be_written_is_refused_and_leaves_nothing(made, tmp_path):
    other = tmp_path / "thesis"
    other.mkdir()
    for target, form, why in (
        (other, "csv", "is there already"),
        (tmp_path / "nowhere" / "x", "csv", "no folder"),
        (tmp_path / "x", "parket", "did you mean 'parquet'"),
    ):
        with pytest.raises(GlyphlabError, match=why):
            made.lab.exports.dataset("letters", form, target)
    with pytest.raises(DataError, match="one by one"):
        made.lab.exports.dataset("letters+digits", "csv", tmp_path / "x")
    assert list(tmp_path.iterdir()) == [other]
