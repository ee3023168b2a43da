"""Settings are one table, read once, and a value that can't be used is named."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from engine.errors import SettingsError
from engine.settings import SETTINGS, Settings, read_settings


def test_an_empty_environment_gives_the_defaults():
    settings = read_settings({})
    assert settings.port == 7860 and settings.host == "127.0.0.1" and settings.device == "auto"
    assert settings.data == () and settings.offline is False
    assert settings.home == Path(".glyphlab").resolve()


def test_table_and_fields_are_the_same_names():
    assert {setting.field for setting in SETTINGS} == {
        field.name for field in dataclasses.fields(Settings)
    }
    assert all(setting.name.startswith("GLYPHLAB_") and setting.help for setting in SETTINGS)


def test_values_are_parsed(tmp_path):
    settings = read_settings(
        {
            "GLYPHLAB_PORT": " 8000 ",
            "GLYPHLAB_HOME": str(tmp_path),
            "GLYPHLAB_DATA": f"{tmp_path}:~/data:",
            "GLYPHLAB_OFFLINE": "yes",
            "GLYPHLAB_THREADS": "2",
            "UNRELATED": "x",
        }
    )
    assert (
        settings.port == 8000
        and settings.home == tmp_path
        and settings.threads == 2
        and settings.offline is True
    )
    assert settings.data == (tmp_path, Path.home() / "data")


def test_folders_become_absolute():
    settings = read_settings({"GLYPHLAB_DATA": "some/data", "GLYPHLAB_HOME": "here"})
    assert settings.data[0].is_absolute() and settings.home.is_absolute()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GLYPHLAB_PORT", "http"),
        ("GLYPHLAB_PORT", "0"),
        ("GLYPHLAB_PORT", "70000"),
        ("GLYPHLAB_PORT", ""),
        ("GLYPHLAB_THREADS", "-1"),
        ("GLYPHLAB_THREADS", "1.5"),
        ("GLYPHLAB_OFFLINE", "perhaps"),
        ("GLYPHLAB_UPLOAD_MB", "many"),
    ],
)
def test_a_value_that_cannot_be_used_is_named_with_what_was_expected(name, value):
    with pytest.raises(SettingsError) as caught:
        read_settings({name: value})
    given, _, expected = str(caught.value).partition(". ")
    assert given == f"setting {name} can't be used: {value!r}"
    assert expected.partition(": ")[0] in ("Needed", "Allowed") and expected.partition(": ")[2]
