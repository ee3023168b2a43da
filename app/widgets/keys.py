"""Keys that decide about the image on the screen, each press with the image that it is for.

A button's own shortcut does what the page was last drawn for: of two presses within a tenth of a second
the second then decides about an image that the person has not seen, or once more about the first.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from secrets import token_hex
from typing import Any, NamedTuple

import streamlit as st
from pydantic import TypeAdapter, ValidationError
from streamlit.components.v2 import component

from app.scripts import joined

UNDO, SKIP = "undo", "skip"
STREAMLITS = ("c", "r")  # keys that Streamlit lets no button have; here they are heard all the same


class Press(NamedTuple):
    """A key press. number: grows from press to press; action: what the key does; name: the image that it
    is for, as the person saw it; likely: the class that was shown as predicted for it, or ''; session: the
    mark of the page's session that it was made in.
    """

    number: int
    action: str
    name: str
    likely: str
    session: str = ""


_PRESSES: TypeAdapter[list[Press]] = TypeAdapter(list[Press])


class Heard:
    """Which presses of a page's session were heard. number: of the latest.

    A page that is drawn anew before it was drawn whole is drawn twice at once: Streamlit has the first
    drawing stop, which it does not do before it next touches the page or its state, and what the first
    was told is told to the second again.
    """

    def __init__(self) -> None:
        self.number = -1
        self._lock = threading.Lock()

    def of(self, presses: Sequence[Press], hear: Callable[[Press], None]) -> None:
        """Hear the new ones of `presses`, each once and in order. One that was being heard in a drawing that
        stopped is heard again: of an image, the second decision is none. What takes back is not.
        """
        with self._lock:
            for press in presses:
                if press.number <= self.number:
                    continue
                if press.action == UNDO:
                    self.number = press.number
                try:
                    hear(press)
                except Exception:  # a mistake would be made again; Streamlit's stop is no Exception
                    self.number = press.number
                    raise
                self.number = press.number


def listen(
    key: str,
    keys: Mapping[str, str],
    queue: Sequence[tuple[str, str]],
    hear: Callable[[Press], None],
    *,
    free: bool = False,
    stays: Sequence[str] = (),
    leaves: Sequence[str] = (),
) -> None:
    """Have `hear` called for each press of one of `keys`, once and in order.

    keys   the browser's name of a key, letters in lower case → the action; UNDO takes the decision
           before back, and is for no image; SKIP passes an image over without one
    queue  (name, likely class or '') of the image that is decided about, and of those that are seen
           beside it and come next: a press before the page is drawn anew is for the next of them
    free   whether any other letter or digit is an action too: '=' and itself
    stays  beginnings of actions after which the same image is still decided about
    leaves keys of select boxes that give the focus away after a choice, so that the next key is heard
    """
    # A lab that was started again begins without a session, and Streamlit calls nothing for the key that wakes it:
    # the browser sees by the mark that its presses were not heard. None is heard twice, once in each session.
    session = st.session_state.setdefault(f"{key}-session", token_hex(8))
    heard = st.session_state.setdefault(f"{key}-heard", Heard())

    def changed() -> None:
        pressed = presses_in(st.session_state[key].get("pressed"))
        heard.of([press for press in pressed if press.session == session], hear)

    data = {
        "keys": dict(keys),
        "queue": [{"name": name, "likely": likely} for name, likely in queue],
        "free": free,
        "stays": list(stays),
        "leaves": list(leaves),
        "undo": UNDO,
        "skip": SKIP,
        "answered": heard.number,
        "session": session,
    }
    _component()(key=key, data=data, on_pressed_change=changed)


def presses_in(sent: Any) -> list[Press]:
    """The presses that a browser sent; none where it sent anything else."""
    try:
        return _PRESSES.validate_python(sent or [])
    except ValidationError:
        return []


@cache
def _component() -> Callable[..., Any]:
    return component(
        "glyphlab_keys",
        html='<div class="keys" role="status" hidden></div>',
        css=(Path(__file__).parent / "keys.css").read_text(encoding="utf-8"),
        js=joined(Path(__file__).parent / "keys.js"),
    )
