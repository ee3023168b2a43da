"""The frame around the pages: navigation, look, configuration."""

from __future__ import annotations

import logging
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from streamlit import config
from streamlit.error_util import handle_uncaught_app_exception
from streamlit.testing.v1 import AppTest

from app import theme
from app.dashboard import ASSETS
from app.widgets.links import pages_in
from engine.settings import read_settings

DASHBOARD = Path(__file__).parents[2] / "app" / "dashboard.py"
OPTIONS = theme.options(read_settings({"GLYPHLAB_UPLOAD_MB": "12"}), {})


def test_the_dashboard_opens_at_home(tmp_path, monkeypatch):
    monkeypatch.setenv("GLYPHLAB_HOME", str(tmp_path))
    page = AppTest.from_file(str(DASHBOARD), default_timeout=900).run()
    assert not page.exception
    assert page.title[0].value == "Glyphlab"


def test_links_between_pages_lead_inside_the_dashboard(tmp_path, monkeypatch):
    monkeypatch.setenv("GLYPHLAB_HOME", str(tmp_path))
    page = AppTest.from_file(str(DASHBOARD), default_timeout=900).run()
    links = {link.proto.label: link.proto.query_string for link in page.get("page_link")}
    assert links["Open the recipe quick"] == "recipe=quick"
    assert {line.title for line in pages_in("own").values()} <= set(links)


def test_streamlit_knows_every_option_that_is_set():
    config.get_config_options()
    assert not [name for name in OPTIONS if name not in config._config_options_template]


def test_no_use_is_reported_and_uploads_are_limited():
    assert OPTIONS["browser.gatherUsageStats"] is False
    assert OPTIONS["server.maxUploadSize"] == 12


def test_the_cookie_passes_inside_the_frame_of_a_space_only():
    assert OPTIONS["server.xsrfCookieSameSite"] == "lax"
    assert (
        theme.options(read_settings({}), {"SPACE_ID": "somebody/glyphlab"})[
            "server.xsrfCookieSameSite"
        ]
        == "none"
    )


@pytest.mark.parametrize("ground", ["light", "dark"])
def test_text_and_links_can_be_read_on_their_ground(ground):
    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        red, green, blue = (
            part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
        )
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    def contrast(a: str, b: str) -> float:
        low, high = sorted(
            (luminance(OPTIONS[f"theme.{ground}.{a}"]), luminance(OPTIONS[f"theme.{ground}.{b}"]))
        )
        return (high + 0.05) / (low + 0.05)

    for surface in ("backgroundColor", "secondaryBackgroundColor"):
        assert contrast("textColor", surface) > 7 and contrast("linkColor", surface) > 4.5


@pytest.mark.parametrize("name", ["logo.svg", "icon.svg"])
def test_the_drawings_are_sound_and_fetch_nothing(name):
    text = (ASSETS / name).read_text(encoding="utf-8")
    assert ElementTree.fromstring(text).get("aria-label") == "Glyphlab"
    assert not re.search(r"href|url\(|@import", text)


def test_the_style_fetches_nothing():
    assert not re.search(r"url\(|@import", (ASSETS / "style.css").read_text(encoding="utf-8"))


def test_a_page_that_fails_costs_one_line_of_the_log(caplog):
    theme.configure(read_settings({}), {})
    assert OPTIONS["logger.enableRich"] is False
    try:
        raise TypeError("a widget said\nnonsense")
    except TypeError as error:
        handle_uncaught_app_exception(error)
    (line,) = [one for one in caplog.records if one.name == "streamlit.error_util"]
    assert line.exc_info is None and "TypeError: a widget said nonsense" in line.getMessage()
    assert "\n" not in logging.Formatter().format(line)
