"""What the Data page says after the import settings of a data set were changed."""

from __future__ import annotations

import pytest
from pictures import files, write_zip
from weblab import open_page, texts

from engine.data.choices import Choices
from engine.errors import DataError
from engine.lab import Lab
from engine.settings import read_settings


@pytest.fixture
def lab(tmp_path, monkeypatch):
    environ = {"GLYPHLAB_HOME": str(tmp_path / "home"), "GLYPHLAB_OFFLINE": "1"}
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    return Lab(tmp_path / "home", read_settings(environ))


@pytest.fixture
def own(lab, tmp_path):
    """24 pictures, one broken file beside them; 15% of them are the test split."""
    content = files("2", "4", "plus", count=8) | {"plus/bad.png": b"broken"}
    path = write_zip(tmp_path / "own.zip", content)
    lab.data.imports.keep_as(str(path), Choices(test=0.15))
    lab.data.check("own")
    return "own"


def view(page, name):
    page.segmented_control(key="data-view").select(name).run()
    assert not page.exception


def applied(page, key, value):
    widget = page.selectbox if key == "paper" else page.number_input
    widget(key=f"read-own-{key}").set_value(value).run()
    page.button(key="read-own-apply").click().run()
    assert not page.exception


@pytest.mark.parametrize(
    ("key", "value"), [("test", 30), ("test", 0), ("paper", "Light ink on dark paper")]
)
def test_broken_files_stay_left_out_whatever_the_settings(lab, own, key, value):
    page = open_page("data", data=own)
    applied(page, key, value)
    figures = {metric.label: metric.value for metric in page.metric}
    assert figures["Images"] == "24" and "24 images" in texts(page)
    warning = next(one.value for one in page.warning if "Check before training" in one.value)
    assert "1 of 25 pictures can't be read: plus/bad.png" in warning
    view(page, "Report")
    found = page.table[0].value["Found"]
    assert found["Images"] == "24" and found["Files left out"] == "1"
    assert next(one for one in lab.datasets() if one.name == own).images == 24


def test_another_test_split_needs_no_file_opened_again(lab, own):
    lab.data.imports.change(own, Choices(test=0.3))
    found = lab.data.contents(own)
    assert found.checked and found.images == 24 and found.notes["test"].startswith("30%")
    assert lab.dataset(own).splits["test"].size == 7, "of 8, one of which can't be read"


def test_what_nobody_has_opened_is_not_opened_for_a_setting(lab, tmp_path):
    path = write_zip(tmp_path / "own.zip", files("2", "4") | {"4/bad.png": b"broken"})
    lab.data.imports.keep_as(str(path))
    page = open_page("data", data="own")
    applied(page, "test", 20)
    assert not lab.data.contents("own").checked


def test_the_share_of_a_chosen_test_split_is_set_in_the_import_settings(lab, own):
    page = open_page("data", data=own)
    applied(page, "test", 30)
    view(page, "Splits")
    table = page.dataframe[0].value
    origin = dict(zip(table["Split"], table["Where it comes from"], strict=True))
    assert origin["Test"] == "30% of the images, stratified, as chosen in the import settings"
    words = texts(page)
    assert "set in the data set's import settings: in a recipe none can be set for it" in words
    assert "In a recipe, `data.validation` sets the share and" in words
    assert "no share can be set" not in words and "at the import" not in words
    with pytest.raises(DataError, match="has a test split of 8 images already"):
        lab.launcher.check_data(lab.recipe("quick", {"data.name": own, "data.test": 0.2}))
