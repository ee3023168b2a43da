"""The dashboard: what Streamlit runs for every visitor. Sets the frame and hands over to a page of
`PAGES`.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import streamlit as st

from app.people.presence import note
from app.shared_lab import open_lab_here
from app.turns import turn
from app.widgets.explain import detail_switch
from app.widgets.links import PAGES, page_file, pages_in
from app.widgets.menu import close_when_chosen
from app.widgets.person import asking, sign_in_or_out
from engine.errors import GlyphlabError
from engine.runs.index import one_look

ASSETS = Path(__file__).parent.parent / "assets"


def main() -> None:
    st.set_page_config(page_title="Glyphlab", page_icon=str(ASSETS / "icon.svg"), layout="wide")
    st.html(ASSETS / "style.css")
    st.logo(str(ASSETS / "logo.svg"), size="large", icon_image=str(ASSETS / "icon.svg"))
    sections: dict[str, list] = {}
    for name, line in pages_in(_mode()).items():
        if page_file(name).exists():
            entry = st.Page(
                page_file(name),
                title=line.title,
                icon=line.symbol,
                url_path=name,
                default=name == "home",
            )
            sections.setdefault(line.section, []).append(entry)
    with turn(), one_look():
        chosen = st.navigation(sections, expanded=True)
        st.session_state["page"] = chosen.url_path or "home"
        with st.sidebar:
            detail_switch()
            close_when_chosen()
            with suppress(GlyphlabError):  # the page says what is wrong
                sign_in_or_out()
        _note(st.session_state["page"])
        chosen.run()


def _mode() -> str:
    try:
        return open_lab_here().settings.mode
    except GlyphlabError:  # the page says what is wrong
        return "own"


def _note(name: str) -> None:
    with suppress(GlyphlabError):
        if _mode() != "own":
            note(asking(), PAGES[name].title)


main()
