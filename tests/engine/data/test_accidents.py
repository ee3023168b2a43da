"""Accidents that happened to a data set before it came here: they are repaired where nothing is
guessed, and said.
"""

from __future__ import annotations

import csv
import io
import json

import numpy as np
import pytest
from listed import accounted, counts
from pictures import files, glyphs, page, png, small_page, write_folder, write_idx
from PIL import ExifTags, Image, ImageOps, TiffImagePlugin

from engine.data.decode import Target, decode, read_raw
from engine.errors import DataError, ImageError
from engine.imaging.images import open_picture, square


def said(listing) -> str:
    report = accounted(listing)
    rows = [f"{name}: {why}" for name, why in (*report.skipped, *report.absent)]
    return "\n".join([*(f"{one.level} {one.text}" for one in report.findings), *rows])


def table(rows, separator: str = ",") -> bytes:
    out = io.StringIO()
    csv.writer(out, delimiter=separator).writerows(rows)
    return out.getvalue().encode()


def pixel_names(form: str) -> list[str]:
    return [form.format(n, n // 28 + 1, n % 28 + 1) for n in range(784)]


@pytest.mark.parametrize("form", ["pixel{0}", "{0}", "{1}x{2}", "px_{1}_{2}", "r{1}c{2}"])
@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_columns_of_pixels_sorted_as_text_are_put_into_order(opened, tmp_path, form, ending):
    drawn, names = glyphs(12), pixel_names(form)
    order = sorted(range(784), key=lambda n: names[n])
    head = ["label", *(names[n] for n in order)]
    rows = [[f"c{n % 3}", *glyph.ravel()[order]] for n, glyph in enumerate(drawn)]
    if ending == ".csv":
        (tmp_path / "set.csv").write_bytes(table([head, *rows]))
    else:
        pandas = pytest.importorskip("pandas")
        pandas.DataFrame(rows, columns=head).to_parquet(tmp_path / "set.parquet")
    listing = opened(tmp_path / f"set{ending}")
    read = np.stack([listing.reader.read(n) for n in range(12)])
    np.testing.assert_array_equal(read, drawn)
    assert "columns are not in the order of their numbers" in said(listing)


@pytest.mark.parametrize("form", ["{0}", "pixel{0}", "{1}x{2}", "{2}x{1}"])
def test_columns_of_pixels_in_order_stay_where_they_are(opened, tmp_path, form):
    drawn = glyphs(12)
    rows = [[f"c{n % 3}", *glyph.ravel()] for n, glyph in enumerate(drawn)]
    (tmp_path / "set.csv").write_bytes(table([["label", *pixel_names(form)], *rows]))
    listing = opened(tmp_path / "set.csv")
    np.testing.assert_array_equal(np.stack([listing.reader.read(n) for n in range(12)]), drawn)
    assert "order of their numbers" not in said(listing)


def test_numbers_as_names_of_columns_without_a_label_are_a_header(opened, tmp_path):
    """In another order than 0, 1, 2 …, they are no row of pixels either."""
    drawn = glyphs(12)
    order = sorted(range(784), key=str)
    rows = [[*glyph.ravel()[order], n % 3] for n, glyph in enumerate(drawn)]
    (tmp_path / "set.csv").write_bytes(table([[*order, 784], *rows]))
    listing = opened(tmp_path / "set.csv")
    assert len(listing) == 12


@pytest.mark.parametrize("bits", [10, 12, 14, 16])
@pytest.mark.parametrize("paper", ["light", "dark"])
@pytest.mark.parametrize("faint", [False, True])
@pytest.mark.parametrize("ending", [".png", ".tif"])
def test_pictures_of_more_bits_are_read_by_the_range_of_their_set(
    opened, tmp_path, bits, paper, faint, ending
):
    """The faint ones take a sixteenth of the range: a careless conversion leaves no mark of them."""
    wanted = []
    for number in range(12):
        picture = page("24R"[number % 3], 28, 28, (8 + number % 4, 4, 20, 24), pen=2)
        grey = np.asarray(picture) / 255
        grey = grey if paper == "light" else 1 - grey
        levels = (15 + grey) / 16 if faint else grey
        path = tmp_path / "set" / "24R"[number % 3] / f"{number}{ending}"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray((levels * (2**bits - 1)).round().astype(np.uint16)).save(path)
        wanted.append((path.parent.name, number, square(picture, "digit", 28)))
    listing = opened(tmp_path / "set")
    raws = [read_raw(listing, position) for position in range(12)]
    squares = decode(raws, 0, Target("digit", 28, listing.convention)).images
    by_name = dict(zip(listing.files, squares, strict=True))
    for folder, number, one in wanted:
        read = by_name[f"{folder}/{number}{ending}"].astype(int)
        # 10 bits of which a sixteenth is used hold 64 levels: ink at the edge is a step lighter.
        assert np.abs(read - one).max() <= 24, number
    assert "pictures have more than 8 bits" in said(listing)


def pictures_of(count: int, below: str = "images/") -> dict[str, bytes]:
    return {f"{below}{n:04}.png": png(small_page("24R"[n % 3], n)) for n in range(count)}


@pytest.mark.parametrize(
    "head, separator, encoding",
    [
        (("Datei", "Schwärzung", "Klasse", "Aufteilung"), ";", "cp1252"),
        (("Datei", "Wert", "Zeichen", "Teilmenge"), ";", "utf-8"),
        (("fichier", "valeur", "étiquette", "ensemble"), ",", "utf-8"),
        (("archivo", "valor", "clase", "partición"), ",", "utf-8"),
        (("файл", "размер", "метка", "выборка"), ";", "utf-8"),
        (("文件", "大小", "标签", "划分"), ",", "utf-8"),
        (("ファイル", "値", "ラベル", "分割"), ",", "utf-8"),
    ],
)
def test_the_label_is_the_column_that_is_called_so_in_other_languages(
    opened, tmp_path, head, separator, encoding
):
    """Beside a column whose values come again, too, and comes first."""
    splits = ["Training", "Prüfung" if encoding != "utf-8" else "test"]
    rows = [(f"{n:04}.png", f"{n % 4}", "ÄÖÜß"[n % 4], splits[n % 3 == 0]) for n in range(24)]
    lines = [separator.join(row) for row in (head, *rows)]
    content = pictures_of(24) | {"images/t.csv": "\r\n".join(lines).encode(encoding)}
    listing = opened(write_folder(tmp_path / "set", content))
    assert counts(listing) == {
        (one, split): n for one in "ÄÖÜß" for split, n in (("train", 4), ("test", 2))
    }
    guess = "nothing says in which encoding: cp1252 was guessed, which gives Ä, Ö, Ü, ß"
    assert (guess in said(listing)) == (encoding == "cp1252")


def test_english_names_of_columns_go_first(opened, tmp_path):
    rows = [(f"{n:04}.png", "ab"[n % 2], "xyz"[n % 3]) for n in range(12)]
    content = pictures_of(12) | {"images/t.csv": table([("file", "Zeichen", "label"), *rows])}
    assert opened(write_folder(tmp_path / "set", content)).classes == ("x", "y", "z")


def two_arrays(path, train: list[int], test: list[int], seed: int = 0):
    rng = np.random.default_rng(seed)
    parts = {"train": np.array(train), "test": np.array(test)}
    arrays = {f"y_{name}": labels for name, labels in parts.items()}
    for name, labels in parts.items():
        arrays[f"x_{name}"] = rng.integers(0, 255, (len(labels), 12, 12), np.uint8)
    np.savez(path, **arrays)
    return path


def test_labels_of_two_splits_that_are_counted_from_different_numbers(opened, tmp_path):
    text = said(opened(two_arrays(tmp_path / "a.npz", [*range(10)] * 4, [*range(1, 11)] * 2)))
    assert "warning labels of train are 0 to 9 and those of test 1 to 10" in text
    assert "class 0 is only in train, class 10 only in test" in text
    text = said(opened(two_arrays(tmp_path / "b.npz", [*range(1, 11)] * 4, [*range(10)] * 2)))
    assert "class 0 is only in test, class 10 only in train" in text


def test_classes_of_one_split_that_the_other_lacks_are_said(opened, tmp_path):
    text = said(opened(two_arrays(tmp_path / "a.npz", [0, 1, 2, 3, 4] * 4, [1, 2, 3, 7, 9])))
    assert "warning 2 of 5 classes of test are not in train: 7, 9." in text
    assert "note 2 of 5 classes of train have none of the 5 images of test: 0, 4." in text
    text = said(opened(two_arrays(tmp_path / "b.npz", [*range(5)] * 4, [*range(5)])))
    assert "of test" not in text and "of train" not in text


def test_a_split_of_some_of_the_classes_is_no_doubt(opened, tmp_path):
    text = said(opened(two_arrays(tmp_path / "a.npz", [*range(10)] * 4, [1, 2, 3])))
    assert (
        "note 7 of 10 classes of train have none of the 3 images of test: 0, 4, 5, 6, 7 …" in text
    )
    assert "warning" not in text.replace("warning 43 of 43 pictures", "")  # which are noise


def test_several_columns_that_are_called_like_labels_are_said(opened, tmp_path):
    def of(head: tuple[str, ...], *cells) -> str:
        rows = [(f"{n:04}.png", *(cell(n) for cell in cells)) for n in range(24)]
        name = "".join(head)
        content = pictures_of(24) | {"images/t.csv": table([("file", *head), *rows])}
        return said(opened(write_folder(tmp_path / name, content)))

    kind, number, letter = (lambda n: "ab"[n % 2]), (lambda n: n % 4), (lambda n: "wxyz"[n % 4])
    text = of(("label", "class", "target"), kind, letter, number)
    assert "'label' (2 values) and 'class' (4 values), 'target' (4 values) are all called" in text
    assert "'label' is taken. If that is wrong, choose the label column when you import it." in text
    assert "called like labels" not in of(("class", "target"), letter, number)  # say the same
    assert "called like labels" not in of(("class", "text"), letter, lambda n: f"text {n}")
    assert "called like labels" not in of(("label", "x", "y"), kind, letter, letter)


def test_rows_of_marks_with_two_or_none_have_words_of_their_own(opened, tmp_path):
    rows = [[f"{n:04}.png", *np.eye(3, dtype=int)[n % 3]] for n in range(40)]
    rows[4][1:], rows[7][1:], rows[9][1:] = [1, 1, 0], [0, 0, 0], [0, 0, 0]
    content = pictures_of(40) | {"images/t.csv": table([("file", "a", "b", "c"), *rows])}
    listing = opened(write_folder(tmp_path / "set", content))
    text = said(listing)
    assert "of the columns a, b, c, 1 row has more than one 1 (row 5)" in text
    assert "and 2 rows have no 1 (row 8, 10): these pictures have no label." in text
    assert "not there" not in text and (listing.labels < 0).sum() == 3


def test_ids_that_lost_their_zeros_are_found_by_number(opened, tmp_path):
    rows = [(n, "ab"[n % 2]) for n in range(1, 24)]
    content = {name: data for name, data in pictures_of(24).items() if "0000" not in name}
    for head in (("id", "label"), ("nr", "zeichen")):
        named = content | {"t.csv": table([head, *rows], ";")}
        listing = opened(write_folder(tmp_path / head[0], named))
        assert counts(listing) == {("a", "train"): 11, ("b", "train"): 12}
        text = "23 pictures were found by their number alone: '1' of the table is images/0001.png."
        assert text in said(listing)


def test_numbers_that_are_not_all_pictures_are_no_ids(opened, tmp_path):
    """Counted from 1 where the files are counted from 0, each would be the next one's label."""
    content = pictures_of(24, "x/") | {f"y/{n}.png": png(small_page("4", n)) for n in range(90, 99)}
    content["t.csv"] = table([("id", "label"), *((n, "ab"[n % 2]) for n in range(1, 25))], ";")
    listing = opened(write_folder(tmp_path / "set", content))
    assert listing.classes == ("x", "y")
    text = "t.csv names no picture that is here: it says '1' in the column 'id', and a picture here"
    assert f"{text} is called x/0000.png." in said(listing)


@pytest.mark.parametrize(
    "dates", [("01. Feb", "03. Apr"), ("3-Apr", "Jan-22"), ("2021-02-01 00:00:00", "01/02/2021")]
)
def test_classes_that_a_spreadsheet_made_dates_of_are_said(opened, tmp_path, dates):
    labels = [*dates, "A", "May"]
    rows = [(f"{n:04}.png", labels[n % 4]) for n in range(24)]
    content = pictures_of(24) | {"images/t.csv": table([("file", "label"), *rows])}
    text = said(opened(write_folder(tmp_path / "set", content)))
    assert all(f"'{one}'" in text for one in dates) and "look like dates" in text


def test_classes_that_are_all_dates_are_no_doubt(opened, tmp_path):
    rows = [(f"{n:04}.png", ("2021-02-01", "2021-02-02")[n % 2]) for n in range(24)]
    content = pictures_of(24) | {"images/t.csv": table([("file", "label"), *rows])}
    assert "like dates" not in said(opened(write_folder(tmp_path / "set", content)))


def tiff(*pages: Image.Image, reduced: int) -> bytes:
    """A TIFF of pages, the last ones of which say that they are small copies."""
    out = io.BytesIO()
    with TiffImagePlugin.AppendingTiffWriter(out, True) as file:
        for number, one in enumerate(pages):
            small = number >= len(pages) - reduced
            one.save(file, "TIFF", tiffinfo={254: 1} if small else {})
            file.newFrame()
    return out.getvalue()


def test_pages_that_are_small_copies_are_left_out(opened, tmp_path):
    whole = [small_page("24R"[n % 3], n) for n in range(3)]
    thumbnail = whole[0].resize((15, 11))
    content = {
        "a/one.tif": tiff(whole[0], thumbnail, reduced=1),
        "a/three.tif": tiff(*whole, thumbnail, reduced=1),
        "b/two.tif": tiff(*whole[:2], reduced=0),
        "b/odd.tif": tiff(thumbnail, thumbnail, reduced=2),
    }
    listing = opened(write_folder(tmp_path / "set", content))
    assert counts(listing) == {("a", "train"): 4, ("b", "train"): 4}
    sizes = {
        name: open_picture(listing.reader.read(n)).size for n, name in enumerate(listing.files)
    }
    assert sizes["a/one.tif"] == sizes["a/three.tif#3"] == (60, 45)
    text = said(listing)
    assert "note 2 pages are marked as small copies of other pages, and left out (page 2 of" in text
    assert "3 files hold several pages" in text


@pytest.mark.parametrize("end", ["_mask", "-mask", "_seg", "_label", "_GT"])
def test_masks_beside_pictures_are_left_out(opened, tmp_path, end):
    picture = png(small_page("2"))
    content = {f"{c}/img {n}.jpg": picture for c in "ab" for n in range(4)}
    content |= {f"{c}/img {n}{end}.png": picture for c in "ab" for n in range(3)}
    listing = opened(write_folder(tmp_path / "set", content))
    assert counts(listing) == {("a", "train"): 4, ("b", "train"): 4}
    text = said(listing)
    assert "6 pictures are called like masks of those beside them (a/img 0" in text
    assert f"a/img 0{end}.png: taken for a mask: img 0.jpg lies beside it" in text


def test_a_few_names_like_masks_are_pictures(opened, tmp_path):
    """One in ten; and pictures called like masks that lie beside no other."""
    picture = png(small_page("2"))
    content = {f"{c}/{n}.png": picture for c in "ab" for n in range(20)}
    content |= {f"a/{n}_label.png": picture for n in range(3)}
    content |= {f"c/{n}_mask.png": picture for n in range(3)}
    listing = opened(write_folder(tmp_path / "set", content))
    assert len(listing) == 46 and "masks" not in said(listing)


LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"


@pytest.mark.parametrize(
    "raw, reason",
    [
        (LFS, "a pointer of Git LFS, not the picture: run `git lfs pull`"),
        (
            b"/annex/objects/SHA256E-s12--4d7a.png\n",
            "a pointer of git-annex, not the picture: run `git annex get`",
        ),
        (b"\n<!DOCTYPE html><html><body>Sign in</body></html>", "a web page, not the picture"),
        (b"<?xml version='1.0'?>\n<html></html>", "a web page, not the picture"),
        (b'<?xml version="1.0"?><svg/>', "a drawing of lines (SVG)"),
        (b'{"error": "quota"}', "a JSON text"),
        (b"", "an empty file (0 bytes)"),
        (bytes(4096), "zeros alone"),
        (b"bplist00\xd3NSURLNameKey", "a placeholder of iCloud"),
        (b"something else", "a format that is not known"),
    ],
)
def test_a_file_that_is_no_picture_says_what_it_is(raw, reason):
    with pytest.raises(ImageError) as told:
        open_picture(raw, "a/1.png")
    assert f"a/1.png is not a picture that can be read: {reason}" in str(told.value)


def test_placeholders_of_icloud_are_said(opened, tmp_path):
    content = files("a", "b") | {"a/.9.png.icloud": b"bplist00", "b/.8.png.icloud": b"bplist00"}
    text = said(opened(write_folder(tmp_path / "set", content)))
    assert "2 files are in iCloud and not here, only placeholders: a/.9.png.icloud" in text


def test_a_label_too_few_is_said_in_numbers(opened, tmp_path):
    drawn = glyphs(12)
    np.savez(tmp_path / "a.npz", images=drawn, labels=np.arange(11) % 3)
    with pytest.raises(DataError, match="a/images holds 12 images and a/labels 11 labels"):
        opened(tmp_path / "a.npz")
    np.savez(tmp_path / "b.npz", x_test=drawn, y_test=[[n % 3] for n in range(13)])
    with pytest.raises(DataError, match="b/x_test holds 12 images and b/y_test 13 labels"):
        opened(tmp_path / "b.npz")


def test_annotations_that_do_not_fit_the_lists_of_coco_are_counted(opened, tmp_path):
    images = [{"id": n, "file_name": f"{n:04}.png"} for n in range(12)]
    given = [{"image_id": n, "category_id": n % 2} for n in range(11)]
    given += [{"image_id": 90 + n, "category_id": 1} for n in range(3)]
    given[0]["category_id"] = 7
    names = [{"id": 0, "name": "x"}, {"id": 1, "name": "y"}]
    coco = {"images": images, "categories": names, "annotations": given}
    content = pictures_of(12) | {"images/a.json": json.dumps(coco).encode()}
    text = said(opened(write_folder(tmp_path / "set", content)))
    assert "annotations of pictures that it does not list, by image_id: 3 (90, 91, 92)." in text
    assert "without an annotation, which have no label: 1 (0011.png)." in text
    assert "annotations of categories that it does not list, by category_id: 1 (7)." in text


def on_two_papers(is_dark) -> dict[str, bytes]:
    """Pictures of classes a to e in train and test, on dark paper where that says so."""
    content: dict[str, bytes] = {}
    for n in range(80):
        folder = f"{('train', 'test')[n // 5 % 4 == 3]}/{'abcde'[n % 5]}"
        one = small_page("24R"[n % 3], n)
        name = f"{folder}/{n}.png"
        content[name] = png(ImageOps.invert(one) if is_dark(name, n) else one)
    return content


def test_paper_that_goes_with_classes_or_splits_is_said(opened, tmp_path):
    def of(name: str, is_dark) -> str:
        return said(opened(write_folder(tmp_path / name, on_two_papers(is_dark))))

    text = of("classes", lambda name, n: name.split("/")[1] in "ab")
    assert "warning light and dark paper go with the class: light in c, d, e, dark in a, b." in text
    text = of("splits", lambda name, n: name.startswith("test"))
    assert "light and dark paper go with the split: light in train, dark in test." in text
    text = of("neither", lambda name, n: n // 5 % 2)
    assert "each picture's border decides" in text and "paper go with" not in text


def test_paper_that_goes_with_classes_is_said_of_arrays_and_idx_files(opened, tmp_path):
    drawn, labels = glyphs(60), np.arange(60) % 3
    drawn[labels == 1] = 255 - drawn[labels == 1]
    np.savez(tmp_path / "a.npz", images=drawn, labels=labels)
    write_idx(tmp_path / "i" / "train-images-idx3-ubyte", drawn)
    write_idx(tmp_path / "i" / "train-labels-idx1-ubyte", labels)
    for name in ("a.npz", "i"):
        text = said(opened(tmp_path / name))
        assert "light and dark paper go with the class: light in 1, dark in 0, 2." in text


def test_transparent_and_turned_pictures_are_noted(opened, tmp_path):
    for n in range(12):
        path = tmp_path / "set" / "ab"[n % 2] / f"{n}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        ink = ImageOps.invert(small_page("24R"[n % 3], n))
        layer = Image.merge("RGBA", [Image.new("L", ink.size)] * 3 + [ink])
        exif = Image.Exif()
        exif[ExifTags.Base.Orientation] = 6 if n < 5 else 1
        layer.save(path, exif=exif)
    listing = opened(tmp_path / "set")
    text = said(listing)
    assert "note 12 of 12 pictures that were looked at are transparent in parts" in text
    assert "note 5 of 12 pictures that were looked at say by their EXIF tag that they lie" in text
    plain = said(opened(write_folder(tmp_path / "plain", files("a", "b"))))
    assert "transparent" not in plain and "EXIF" not in plain
