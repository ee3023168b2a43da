"""The Data page, without a browser."""

from __future__ import annotations

import re

import numpy as np
import pytest
from pictures import files, png, small_page, write_folder, write_zip
from PIL import Image
from waiting import wait_until
from weblab import charts, open_page, texts, thumbnails

from app.charts.data import class_counts
from app.sections.data.reading import CHECKED_AT_ONCE
from app.sections.data.upload import added_words
from engine.data.choices import Choices
from engine.errors import DataError
from engine.lab import Lab
from engine.settings import read_settings


@pytest.fixture
def lab(tmp_path, monkeypatch):
    environ = {
        "GLYPHLAB_HOME": str(tmp_path / "home"),
        "GLYPHLAB_DATA": str(tmp_path / "data"),
        "GLYPHLAB_OFFLINE": "1",
    }
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    return Lab(tmp_path / "home", read_settings(environ))


@pytest.fixture
def own(tmp_path):
    content = files("2", "4", count=6, below="train/") | files("2", "4", count=2, below="val/")
    content |= {"train/4/1.png": b"broken", "loose.png": png(small_page("R"))}
    write_zip(tmp_path / "data" / "own.zip", content)
    return "own"


def captions(page):
    """What stands under the images of the page's grids."""
    under = [item["caption"] for item in thumbnails(page)]
    return under + [
        text.split("<")[0] for grid in grids(page) for text in grid.split("<figcaption>")[1:]
    ]


def reported(page):
    """The report's table, without the signs that keep its texts from being Markdown."""
    return {what: text.replace("\\", "") for what, text in page.table[0].value["Found"].items()}


def grids(page):
    return [element.proto.body for element in page.get("html") if "glyphs" in element.proto.body]


def test_the_bundled_digits_show_classes_counts_and_samples(lab):
    page = open_page("data")
    assert page.selectbox(key="data").value == "digits"
    figures = {metric.label: metric.value for metric in page.metric}
    assert figures == {"Images": "1,797", "Classes": "10", "Image type": "Single characters"}
    assert len(charts(page)) == 1
    assert captions(page)[:12] == [*"0123456789", "0", "1"] and len(captions(page)) == 60
    assert all(item["src"].startswith("data:image/png") for item in thumbnails(page))
    assert "Download a zip" in [button.proto.label for button in page.get("download_button")]


def test_one_class_is_paged_through(lab):
    page = open_page("data", data="digits")
    page.selectbox(key="class-digits").select("7").run()
    assert not page.exception
    first = captions(page)
    assert len(first) == 60 and "179 images of class 7" in texts(page)
    page.number_input(key="page-digits-7-all").set_value(3).run()
    assert len(captions(page)) == 59 and not set(first) & set(captions(page))


def test_a_data_set_in_the_address_that_is_not_there_is_said(lab):
    page = open_page("data", data="nothing-like-this")
    assert "There is no data set `nothing-like-this` here" in texts(page)


def test_splits_say_where_they_come_from(lab):
    page = open_page("data", data="digits")
    page.segmented_control(key="data-view").select("Splits").run()
    assert not page.exception
    table = page.dataframe[0].value
    assert dict(zip(table["Split"], table["Images"], strict=True)) == {
        "Training": "1,298",
        "Validation": "144",
        "Test": "355",
    }
    origins = dict(zip(table["Split"], table["Where it comes from"], strict=True))
    assert "fifth" in origins["Test"] and "stratified" in origins["Validation"]
    words = texts(page)
    assert "In a recipe, `data.validation` sets the share and" in words
    assert "The test split comes with the data set: no share can be set for it." in words
    with pytest.raises(DataError, match="has a test split of 355 images already"):
        lab.launcher.check_data(lab.recipe("quick", {"data.test": 0.2}))


@pytest.mark.parametrize(
    ("held", "said"),
    [
        ((), "`data.validation` and `data.test` set the shares"),
        (("test",), "The test split comes with the data set: no share can be set for it."),
        (("val", "test"), "The validation and test splits come with the data set: no share"),
    ],
)
def test_only_shares_that_a_recipe_may_set_are_offered(lab, tmp_path, held, said):
    below = ("train", *held) if held else ("",)
    content = [files("2", "4", count=6, below=f"{part}/" if part else "") for part in below]
    whole = {name: data for one in content for name, data in one.items()}
    lab.data.upload("shapes.zip", write_zip(tmp_path / "shapes.zip", whole).read_bytes())
    page = open_page("data", data="shapes")
    page.segmented_control(key="data-view").select("Splits").run()
    assert said in texts(page)
    assert ("stratified: each class" in texts(page)) == ("val" not in held)
    table = page.dataframe[0].value
    whole = "the training images" if "val" in held else "the remaining training images"
    assert table["Where it comes from"][0] == whole
    page.segmented_control(key="data-view").select("Report").run()
    counted = re.findall(r"(\w+) (\d+)", re.sub(r"\(.*?\)", "", reported(page)["Splits"]))
    assert counted == list(zip(table["Split"], table["Images"], strict=True))


def test_augmentation_shows_the_same_samples_changed(lab):
    page = open_page("data", data="digits")
    page.segmented_control(key="data-view").select("Augmentation").run()
    assert not page.exception
    assert page.selectbox(key="augment").value in {
        recipe.name for recipe in lab.recipes() if recipe.data == "digits"
    }
    assert captions(page) == ["original"] * 6 and grids(page)[0].count("<img") == 48
    assert {"Augmentation", "Strength", "Meaning"} == set(page.dataframe[0].value.columns)
    before = grids(page)
    page.number_input(key="augment-seed").set_value(2).run()
    assert not page.exception and grids(page) != before


def test_of_many_images_the_broken_ones_are_named_when_one_asks(lab, tmp_path):
    one = png(small_page("2"))
    pictures = {f"a/{n}.png": one for n in range(CHECKED_AT_ONCE)} | {"a/x.png": b"broken"}
    data = write_zip(tmp_path / "letters.zip", pictures).read_bytes()
    page = open_page("data")
    page.get("file_uploader")[0].upload("letters.zip", data, "application/zip").run()
    page.button(key="import-look").click().run()
    assert "Not every image has been opened yet" in texts(page) and not page.dataframe
    page.button(key="import-check").click().run()
    assert list(page.dataframe[0].value["Left out"]) == ["a/x.png"]


def test_an_upload_is_seen_as_it_would_be_read_then_taken_in(lab, tmp_path):
    data = write_zip(
        tmp_path / "My letters.zip",
        files("a", "b", below="train/")
        | files("a", count=2, below="test/")
        | {"train/x.png": png(small_page("2")), "train/a/0.png": b"broken"},
    ).read_bytes()
    page = open_page("data")
    page.get("file_uploader")[0].upload("My letters.zip", data, "application/zip").run()
    page.button(key="import-look").click().run()
    assert not page.exception
    figures = [(metric.label, metric.value) for metric in page.metric[:3]]
    assert figures == [("Images", "7"), ("Classes", "2"), ("Left out", "2")]
    assert {"a · 4", "b · 3"} <= set(captions(page))
    found = reported(page)
    assert found["Splits"] == "Training 5, Test 2" and found["Layout"].startswith("<test|train>/")
    assert found["Range of pixels"] == "0 to 255" and found["Polarity"].startswith("dark on light:")
    assert "import-label" not in {box.key for box in page.selectbox}  # there is no table
    assert lab.data.list()[0].name == "digits"  # nothing is kept
    assert "import-check" not in {button.key for button in page.button}  # so few are opened at once
    assert list(page.dataframe[0].value["Left out"]) == ["train/x.png", "train/a/0.png"]
    page.button(key="import-keep").click().run()
    assert not page.exception
    assert "`My-letters` was added: 7 images of 2 classes." in texts(page)
    assert "/train?data=My-letters" in texts(page)
    assert page.selectbox(key="data").value == "My-letters"
    assert dict(page.dataframe[0].value.itertuples(index=False)) == {
        "train/x.png": "it is not in a class folder",
        "train/a/0.png": "it is not a picture that can be read: a format that is not known",
    }
    page.button(key="delete-My-letters").click().run()
    assert (
        not page.exception
        and page.selectbox(key="data").value == "digits"
        and lab.data.list()[0].name == "digits"
    )


def test_the_words_about_photographs_are_not_those_about_ink(lab, tmp_path):
    rng = np.random.default_rng(0)
    pictures = {
        f"{name}/{n}.png": png(Image.fromarray(rng.integers(0, 256, (48, 56, 3), dtype=np.uint8)))
        for name in ("ant", "bee")
        for n in range(4)
    } | {"ant/x.png": b"broken"}
    data = write_zip(tmp_path / "insects.zip", pictures).read_bytes()
    page = open_page("data")
    page.get("file_uploader")[0].upload("insects.zip", data, "application/zip").run()
    page.button(key="import-look").click().run()
    assert not page.exception and reported(page)["Polarity"].startswith("as they are: photographs")
    assert "Photographs are shown as they are." in texts(page)
    assert "looks inverted" not in texts(page)
    page.button(key="import-keep").click().run()
    assert "8 images. Shown as models see them." in texts(page)
    assert "dark on white" not in texts(page) and len(captions(page)) == 8
    assert page.number_input(key="page-insects-every class-all").label == "Page (of 1)"
    page.selectbox(key="style-insects").select("digit").run()
    assert "Ink is shown dark on white" in texts(page)


def test_a_bad_upload_is_refused_in_words_and_let_go(lab):
    page = open_page("data")
    page.get("file_uploader")[0].upload("bad.zip", b"no zip", "application/zip").run()
    page.button(key="import-look").click().run()
    assert not page.exception and "bad.zip is not a zip that can be read" in texts(page)
    assert page.button(key="import-keep").disabled
    page.button(key="import-let-go").click().run()
    assert not page.exception and page.button(key="import-look").disabled
    assert page.selectbox(key="data").value == "digits"
    assert not list((lab.home / "uploads").glob(".*/*"))


def test_what_is_left_out_is_named(lab, own, tmp_path):
    (tmp_path / "home" / "uploads").mkdir(parents=True)
    (tmp_path / "data" / "own.zip").rename(tmp_path / "home" / "uploads" / "own.zip")
    page = open_page("data", data="own")
    page.segmented_control(key="data-view").select("Report").run()
    assert list(page.dataframe[0].value["Left out"]) == ["loose.png"]
    found = reported(page)
    assert found["Files and rows seen"] == "17" and found["Layout"].startswith(
        "<train|val>/<class>/*: "
    )
    page.button(key="check-own").click().run()
    task = lab.tasks("load")[0]
    wait_until(lambda: lab.task(task.id).state == "finished")
    page.run()
    assert not page.exception
    assert list(page.dataframe[0].value["Left out"]) == ["loose.png", "train/4/1.png"]
    warning = next(one.value for one in page.warning if "Check before training" in one.value)
    assert "1 of 16 pictures can't be read: train/4/1.png" in warning


def test_a_missing_data_set_says_how_to_get_it(lab):
    page = open_page("data", data="mnist")
    assert "It can be downloaded from its public source (11.6 MB)" in texts(page)
    assert page.button(key="fetch-mnist").disabled  # offline
    page = open_page("data", data="nature")
    assert "has no public source. Put it into a folder" in texts(page)
    page = open_page("data", data="drawings")
    assert "No drawing has been saved yet" in texts(page)


def test_who_may_not_add_data_is_not_told_to(lab, monkeypatch):
    monkeypatch.setenv("GLYPHLAB_MODE", "public")
    words = texts(open_page("data", data="nature"))
    assert "has no public source." in words and "upload it" not in words


def test_where_no_folder_is_named_the_page_says_how_one_is(lab, monkeypatch):
    monkeypatch.delenv("GLYPHLAB_DATA")
    page = open_page("data", add="yes")
    page.segmented_control(key="import-kind").select("A folder on the server").run()
    assert "start the lab with `GLYPHLAB_DATA`" in texts(page)


def test_how_many_of_the_images_that_were_added_have_no_label_is_said(lab):
    def said(content):
        name = lab.data.upload("some.zip", content).name
        found = lab.data.contents(name)
        return added_words(found, found.images)

    def packed(content):
        return write_zip(lab.home / "packed.zip", content).read_bytes()

    both = files("2", "4", count=2) | files("unlabelled", count=3)
    words = "7 images, 3 of them without a label: the others of 2 classes."
    assert said(packed(both)).startswith(words)
    assert said(packed(files("2", count=2))).startswith("2 images of 1 class. ")


def test_drawings_are_shown_once_there_are_some(lab, tmp_path):
    write_folder(tmp_path / "home" / "drawings", files("Sample001", "Sample037"))
    page = open_page("data", data="drawings")
    assert set(captions(page)) == {"0", "a"} and len(captions(page)) == 6


def test_counts_are_stacked_by_split_on_named_axes():
    counts = np.array([[3, 4], [0, 0], [1, 2]])
    chart = class_counts(["0", "1"], counts)
    assert [(bar.name, list(bar.x), list(bar.y)) for bar in chart.data] == [
        ("Training", ["0", "1"], [3, 4]),
        ("Test", ["0", "1"], [1, 2]),
    ]
    assert (
        chart.layout.title.text
        and chart.layout.xaxis.title.text == "Class"
        and chart.layout.yaxis.title.text == "Images"
    )
    assert "will be drawn" in chart.layout.title.subtitle.text
    tested = class_counts(["0", "1"], np.array([[0, 0], [0, 0], [1, 2]]))
    assert "will be drawn" not in tested.layout.title.subtitle.text, "no image is trained on"
    assert chart.layout.xaxis.type == "category" and chart.layout.barmode == "stack"


def test_the_real_characters_show_one_sample_of_each_class(lab, real_data, monkeypatch):
    monkeypatch.setenv("GLYPHLAB_DATA", str(real_data))
    page = open_page("data", data="characters")
    assert (
        "".join(captions(page)) == "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    )
    page.selectbox(key="style-characters").select("duo").run()
    assert not page.exception and len(captions(page)) == 62


def test_a_table_of_pixels_is_imported_read_otherwise_and_trained_on(lab, tmp_path):
    rows = [
        [str(n % 3), "ab"[n % 2], *(str((n * k) % 200) if k % 7 else "0" for k in range(64))]
        for n in range(30)
    ]
    header = ["label", "letter", *(f"pixel{k}" for k in range(64))]
    table = "\n".join(",".join(row) for row in [header, *rows]).encode()
    page = open_page("data")
    page.get("file_uploader")[0].upload("rows.csv", table, "text/csv").run()
    page.button(key="import-look").click().run()
    assert page.number_input(key="import-test").value == 15
    assert page.checkbox(key="import-unlabelled").label == "Treat all images as unlabelled"
    assert page.selectbox(key="import-label").options == ["label", "letter"]
    found = reported(page)
    assert found["Columns"] == "label is 'label'; not used: letter"
    assert found["Splits"] == (
        "Training 23, Validation 3 (held out of the training images), Test 4 (15% of the images,"
        " stratified, as chosen below)"
    )
    page.selectbox(key="import-label").set_value("letter").run()
    assert not page.exception and {"a · 15", "b · 15"} <= set(captions(page))
    page.selectbox(key="import-label").set_value(None).run()
    page.button(key="import-keep").click().run()
    assert not page.exception
    assert "`rows` was added: 30 images of 3 classes." in texts(page)
    assert "Its test split: 4 images, 15% of the images, stratified, as chosen" in texts(page)
    found = lab.data.contents("rows")
    assert found.counts.sum(1).tolist() == [26, 0, 4] and "as chosen" in found.notes["test"]
    page.selectbox(key="read-rows-label").set_value("letter").run()
    page.button(key="read-rows-apply").click().run()
    assert not page.exception and lab.data.contents("rows").classes == ("a", "b")
    with pytest.raises(DataError, match="column 'nothing' is not known"):
        lab.data.imports.change("rows", Choices(label="nothing"))
    assert lab.data.contents("rows").classes == ("a", "b")
    assert lab.dataset("rows").splits["test"].size == 4
    exported = lab.exports.dataset("rows", "parquet", tmp_path / "rows.zip").read_bytes()
    page.get("file_uploader")[0].upload("again.zip", exported, "application/zip").run()
    page.button(key="import-look").click().run()
    page.button(key="import-keep").click().run()
    assert not page.exception and "Its test split: 4 images, of its own." in texts(page)
    again, rows = lab.dataset("again"), lab.dataset("rows")
    assert np.array_equal(again.counts(), rows.counts()) and again.classes == rows.classes
    assert again.splits["test"].size == 4


def test_a_folder_of_the_server_is_read_in_place_and_stays_there(lab, tmp_path):
    folder = write_folder(tmp_path / "data" / "mine", files("a", "b", count=4))
    write_folder(tmp_path / "elsewhere", files("a", "b"))
    page = open_page("data")

    def look_into(kind, key, place):
        page.segmented_control(key="import-kind").select(kind).run()
        field = page.selectbox(key=key) if "place" in key else page.text_input(key=key)
        field.set_value(place).run()
        page.button(key="import-look").click().run()
        assert not page.exception

    with pytest.raises(DataError, match="can't be opened from here"):
        lab.data.imports.stage_place(str(tmp_path / "elsewhere"))
    look_into("An address", "upload-address-0", "http://127.0.0.1:1/x.zip")
    assert "the page fetches from the Hub only" in texts(page)
    assert "datasets --fetch http://127.0.0.1:1/x.zip" in texts(page)
    look_into("An address", "upload-address-0", "hf://owner/name")
    assert "hf://owner/name can't be fetched: the lab is offline" in texts(page)
    page.segmented_control(key="import-kind").select("A folder on the server").run()
    assert page.selectbox(key="upload-place-0").options == ["mine"]
    look_into("A folder on the server", "upload-place-0", "mine")
    page.selectbox(key="import-paper").select("Light ink on dark paper").run()
    found = reported(page)
    assert found["Polarity"] == "light on dark, as chosen"
    page.button(key="import-keep").click().run()
    assert not page.exception and page.selectbox(key="data").value == "mine"
    assert "dark paper, as chosen" in "".join(
        f.text for f in lab.data.contents("mine").report.findings
    )
    assert "its files stay where they are" in texts(page)
    page.button(key="delete-mine").click().run()
    assert len(list(folder.rglob("*.png"))) == 8
    assert lab.data.imports.choices("mine") is None
    flat = {f"{n % 2}_{n:03}.png": png(small_page("24"[n % 2])) for n in range(8)}
    write_folder(tmp_path / "data" / "flat", flat)
    look_into("A folder on the server", "upload-place-1", "flat")
    assert "The file names may hold the classes: part 1 (2 values: 0, 1)" in texts(page)
    assert "Lay it out as \\<class\\>/\\*.png" in texts(page)  # no Markdown
    assert page.button(key="import-keep").disabled
    page.selectbox(key="import-part").select("The first part").run()
    page.button(key="import-keep").click().run()
    assert not page.exception and lab.data.contents("flat").classes == ("0", "1")


def test_only_who_leads_is_told_where_a_data_set_lies(lab, own, tmp_path, monkeypatch):
    monkeypatch.setenv("GLYPHLAB_DATA", str(tmp_path / "data"))
    kept = lab.data.imports.keep_as(str(tmp_path / "data" / "own.zip")).name
    assert f"In `{tmp_path / 'data' / 'own.zip'}`." in texts(open_page("data", data=kept))
    monkeypatch.setenv("GLYPHLAB_MODE", "public")
    page = open_page("data", data=kept)
    assert page.selectbox(key="data").value == kept and str(tmp_path) not in texts(page)
    assert "scikit-learn" not in texts(page)
    assert "Comes with scikit-learn." in texts(open_page("data", data="digits"))
    page = open_page("sample", data=str(tmp_path / "data" / "own.zip"), sample="train/2/0.png")
    assert "is not in the list of this lab" in texts(page) and str(tmp_path) not in texts(page)
