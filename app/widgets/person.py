"""Who decides: the name that the label journal keeps with every decision made in this browser."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import streamlit as st
from streamlit.components.v2 import component

from app.people.asking import person_in_dashboard
from app.people.signin import BEGIN, offered_by
from app.shared_lab import open_lab_here
from engine.services.labels import account

if TYPE_CHECKING:
    from engine.people.person import Person

KEY, BOX = "person", "person-box"
LONGEST = 60  # characters
# A page that is loaded anew, as after the server was started again, begins without a session: the name would
# be gone, and what follows written down as somebody else's.
_KEEP = """export default function ({ data }) {
  const kept = `${data.cookie}=${encodeURIComponent(data.name)}; path=/; max-age=31536000; samesite=lax`;
  document.cookie = data.name ? kept : `${data.cookie}=; path=/; max-age=0`;
}"""


def asking() -> Person:
    """The person whose browser shows this page."""
    return person_in_dashboard(open_lab_here())


def sign_in_or_out() -> None:
    """How the owner of a public lab comes in and goes, in the sidebar."""
    settings = open_lab_here().settings
    if settings.mode != "public":
        return
    if asking().leads:
        st.html(
            '<form method="post" action="leave"><button class="gl-plain">Leave as its owner</button></form>'
        )
    elif offered_by(settings):
        st.caption(f"Is this lab yours? [Sign in]({BEGIN[1:]})")


def person() -> str:
    """The name that was given in this browser, or else that of whoever asks. Where a page has a box for it, what
    the box holds now: a key may come with the same request as the name, before the page is drawn with it.
    """
    return st.session_state.get(BOX, _named()).strip() or _usual()


def pick_person() -> None:
    """A box for one's name."""
    name = st.text_input(
        "Your name",
        _named(),
        key=BOX,
        placeholder=_usual(),
        max_chars=LONGEST,
        help="Kept with every decision about a label. Several people may decide at the same time.",
    )
    st.session_state[KEY] = name
    _keep()(key=f"{KEY}-kept", data={"cookie": _cookie(), "name": name.strip()})


def _named() -> str:
    """The name that was given on this page, or else in this browser before; '' if none was."""
    if KEY not in st.session_state:
        kept = st.context.cookies.get(_cookie(), "")
        # a page that is drawn without a browser has something else than texts for cookies
        st.session_state[KEY] = unquote(kept)[:LONGEST] if isinstance(kept, str) else ""
    return st.session_state[KEY]


def _cookie() -> str:
    """Of the lab at this port: browsers send cookies to every port of a host."""
    return f"glyphlab-name-{open_lab_here().settings.port}"


@cache
def _keep() -> Callable[..., Any]:
    return component("glyphlab_name", js=_KEEP)


def _usual() -> str:
    """The account that the lab runs under, where its owner is the one who asks on a machine of their
    own; to others it is not told.
    """
    return account() if open_lab_here().settings.mode == "own" else asking().name or "The owner"
