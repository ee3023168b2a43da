"""The dashboard: what Streamlit runs for every visitor. Sets the frame and hands over to a page of
`PAGES`.
"""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from app.turns import turn
from app.widgets.explain import detail_switch
from app.widgets.links import PAGES, page_file

ASSETS = Path(__file__).parent.parent / "assets"


def main() -> None:
    st.set_page_config(page_title="Glyphlab", page_icon=str(ASSETS / "icon.svg"), layout="wide")
    st.html(ASSETS / "style.css")
    st.logo(str(ASSETS / "logo.svg"), size="large", icon_image=str(ASSETS / "icon.svg"))
    sections: dict[str, list] = {}
    for name, line in PAGES.items():
        if page_file(name).exists():
            entry = st.Page(
                page_file(name),
                title=line.title,
                icon=line.symbol,
                url_path=name,
                default=name == "home",
            )
            sections.setdefault(line.section, []).append(entry)
    with turn():
        chosen = st.navigation(sections, expanded=True)
        st.session_state["page"] = chosen.url_path or "home"
        with st.sidebar:
            detail_switch()
        chosen.run()


main()
