"""The page that a browser loads first."""

from __future__ import annotations

import re

from app.shell import ABOUT, page, routes


def test_the_first_page_speaks_of_the_lab_and_of_nothing_that_the_doors_refuse():
    html = page()
    assert "<title>Glyphlab</title>" in html and html.count(ABOUT) == 2
    said = re.sub(r"<!--.*?-->", "", html, flags=re.DOTALL)  # a licence's words stay
    words = re.sub(r'href="[^"]*"', "", said)
    assert "Streamlit" not in words and "agent" not in words and "service-desc" not in said
    assert said.count("<noscript>") == said.count("</noscript>") == 1
    assert "Copyright" in html, "whose page it is"


def test_the_server_is_looked_for_where_the_page_lies():
    """Before the scripts that look for it are loaded."""
    html = page()
    assert html.index("BACKEND_BASE_URL") < html.index('<script type="module"')
    assert [route.path for route in routes(["runs", "data"])] == ["/", "/runs", "/data"]
