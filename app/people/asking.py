"""Whom a page, or a question of the canvas, is for: one place for both libraries. The lab that they get
is that person's (engine.people), so that no page has to know who asks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from app.doors.admission import cookie_name
from app.people.presence import note
from engine.people.person import NOBODY, OWNER, Person

if TYPE_CHECKING:
    from engine.lab import Lab

_asked_by: ContextVar[Person | None] = ContextVar("asked_by", default=None)


@contextmanager
def asked_by(person: Person) -> Iterator[None]:
    """Within the block this person asks the canvas: for the process that reads, which is told who asks
    and sees no request.
    """
    token = _asked_by.set(person)
    try:
        yield
    finally:
        _asked_by.reset(token)


def in_dashboard(lab: Lab) -> Lab:
    """The lab as the visitor of this page has it. Raises OutsideError for somebody who has no longer
    come in.
    """
    return lab if lab.settings.mode == "own" else lab.for_person(person_in_dashboard(lab))


def person_in_dashboard(lab: Lab) -> Person:
    """Whose browser shows this page. Raises OutsideError as `in_dashboard`."""
    if lab.settings.mode == "own":
        return OWNER
    import streamlit as st

    return _person_of(lab, st.context.cookies)


def in_canvas(lab: Lab) -> Lab:
    """The lab as whoever asks the canvas has it. Raises OutsideError as `in_dashboard`."""
    return lab if lab.settings.mode == "own" else lab.for_person(person_in_canvas(lab))


def person_in_canvas(lab: Lab) -> Person:
    """Who asks the canvas; outside a question, as while the page is built, nobody. Raises OutsideError
    as `in_dashboard`.
    """
    if (person := _asked_by.get()) is not None:
        return person
    from gradio.context import LocalContext

    return person_of_request(lab, LocalContext.request.get(None))


def person_of_request(lab: Lab, request: Any) -> Person:
    """Who sent a question to the canvas, as the lab's door saw them; it also reads keys in headers
    (app.doors.admission). request: FastAPI's or Gradio's, or None.
    """
    if lab.settings.mode == "own":
        return OWNER
    if request is None:
        return NOBODY
    person = _seen(lab, getattr(request, "request", None) or request)
    note(person, "Draw")
    return person


def in_route(lab: Lab, request: Any) -> Lab:
    """The lab as whoever asks for a file of a page has it, such as an image. Raises OutsideError as
    `in_dashboard`.
    """
    return lab if lab.settings.mode == "own" else lab.for_person(_seen(lab, request))


def _seen(lab: Lab, request: Any) -> Person:
    scope = getattr(request, "scope", {})
    return scope.get("glyphlab.person") or _person_of(lab, dict(request.cookies))


def _person_of(lab: Lab, cookies: Mapping[str, str]) -> Person:
    shown = cookies.get(cookie_name(lab.settings.port))
    person = lab.classroom.person_of(shown)
    if person is None and lab.settings.mode == "class":
        raise lab.classroom.outside(shown)
    return person or NOBODY
