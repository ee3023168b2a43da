"""Who may ask the canvas what: its files, its questions and their answers are each visitor's own."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.canvas_files import FILE, UPLOAD, asker, served, take

if TYPE_CHECKING:
    from app.received import Received
    from engine.people.person import Person

MOST_OF_PERSON = (
    8  # questions that wait, of one person who does not lead; the page asks a few at once
)
CALLING = "/gradio_api/call/"
ASKING = ("/gradio_api/queue/join", CALLING)
LISTENING = "/gradio_api/queue/data"
STOPPING = ("/gradio_api/cancel", "/gradio_api/reset")
ABOUT = (*ASKING, *STOPPING)
MOST_NAMED = 5_000  # sessions of which it is known whose they are, and as many events
SESSION = re.compile(r"[\w-]{0,64}", re.ASCII)
LOOKED_INTO = 4_096  # bytes of an answer, whose event stands at its beginning


class Page(Protocol):
    """What the doors ask of the canvas' page."""

    received: Received
    upload_file_set: Any  # Gradio's

    @property
    def fns(self) -> Mapping[int, Any]:
        """Its functions by their numbers."""
        ...

    def waiting_of(self, who: str) -> int:
        """How many questions of a visitor wait."""
        ...


class OwnFiles:
    """Gradio's application, which serves as files only what lies in the canvas' folder."""

    def __init__(self, app: ASGIApp, page: Page) -> None:
        self.app, self.page, self.received = app, page, page.received
        self._sessions: dict[str, str] = {}  # a browser's name for its session → whose it is
        self._events: dict[str, str] = {}  # Gradio's name for a question → whose it is

    @property
    def router(self) -> Any:
        return self.app.router

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            path = scope["path"].removeprefix(scope.get("root_path", ""))
            if path.startswith(FILE):
                found = served(self.received, scope, path)
                if isinstance(found, Response):
                    await found(scope, receive, send)
                    return
                scope = found
            person: Person | None = scope.get("glyphlab.person")
            if path.startswith(ASKING) and person is not None and not person.leads:
                if self.page.waiting_of(asker(scope)) >= MOST_OF_PERSON:
                    words = "You have asked much already. Ask again when that is answered.\n"
                    later = {"Retry-After": "2"}
                    await PlainTextResponse(words, 429, later)(scope, receive, send)
                    return
            if path.rstrip("/") == UPLOAD:
                request = Request(scope, receive)
                answer = await take(self.received, request, self.page.upload_file_set)
                await answer(scope, receive, send)
                return
            body = b""
            if path.startswith(ABOUT) and scope["method"] == "POST":
                body = await Request(scope, receive).body()
                receive = _again(body, receive)
            if not self._may_hear(path, body, scope):
                words = "These answers are not yours.\n"
                await PlainTextResponse(words, 403)(scope, receive, send)
                return
            if path.startswith(ASKING) and scope["method"] == "POST":
                if not _names_its_session(body):
                    words = "A session's name is letters, digits and hyphens, of at most 64.\n"
                    await PlainTextResponse(words, 400)(scope, receive, send)
                    return
                if not self._is_asked(path, body) or not self._is_own(_named(body)[0], scope):
                    words = "There is no such question.\n"
                    await PlainTextResponse(words, 404)(scope, receive, send)
                    return
                scope, send = self._noting(scope, send)
        await self.app(scope, receive, send)

    def _may_hear(self, path: str, body: bytes, scope: Scope) -> bool:
        """Whether whoever asks for answers, or to stop or forget a question, is who asked it."""
        if path.rstrip("/") == LISTENING:
            return self._is_own(Request(scope).query_params.get("session_hash", ""), scope)
        if path.startswith(CALLING) and scope["method"] != "POST":
            return self._events.get(path.rpartition("/")[2]) == asker(scope)
        if path.rstrip("/") in STOPPING:
            session, event = _named(body)
            return self._events.get(event) == asker(scope) and self._is_own(session, scope)
        return True

    def _noting(self, scope: Scope, send: Send) -> tuple[Scope, Send]:
        """A question, and its answer, from which it is noted whose the event is that it names."""
        who, said = asker(scope), bytearray()

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.body":
                said.extend(message.get("body", b"")[:LOOKED_INTO])
                if not message.get("more_body") and (event := _named(bytes(said))[1]):
                    self._events[event] = who
                    self._sessions.setdefault(event, who)  # Gradio's, of who named none
                    while len(self._events) > MOST_NAMED:
                        del self._events[next(iter(self._events))]
            await send(message)

        plain = [pair for pair in scope["headers"] if pair[0] != b"accept-encoding"]
        return {**scope, "headers": plain}, sending

    def _is_own(self, session: str, scope: Scope) -> bool:
        """Whether a session belongs to whoever asks: it is that of who named it first."""
        if not session:
            return True
        who = asker(scope)
        owner = self._sessions.pop(session, who)
        self._sessions[session] = owner
        while len(self._sessions) > MOST_NAMED:
            del self._sessions[next(iter(self._sessions))]
        return owner == who

    def _is_asked(self, path: str, body: bytes) -> bool:
        """Whether a question names a function of the page, by its number or by its name in the address:
        Gradio fails on any other.
        """
        functions = self.page.fns
        if path.startswith(CALLING):
            name = path.removeprefix(CALLING).rstrip("/")
            return any(function.api_name == name for function in functions.values())
        try:
            number = json.loads(body)["fn_index"]
        except (ValueError, TypeError, KeyError, RecursionError):
            return False
        return isinstance(number, int) and number in functions


def _names_its_session(body: bytes) -> bool:
    """Whether what a question names, if anything, has a name as browsers and clients give them. Gradio
    keeps thousands of them in a table of text: long ones filled the memory, and one that is no text kept
    that of all later questions, of anybody.
    """
    try:
        said = json.loads(body)
        session, event, trigger = map(said.get, ("session_hash", "event_id", "trigger_id"))
    except (ValueError, AttributeError, RecursionError):
        return True  # there is none
    return isinstance(trigger, int | None) and all(
        name is None or (isinstance(name, str) and SESSION.fullmatch(name) is not None)
        for name in (session, event)
    )


def _named(body: bytes) -> tuple[str, str]:
    """The session and the event that a question, or what is answered to it, names; '' for none."""
    try:
        said = json.loads(body)
        return str(said.get("session_hash") or ""), str(said.get("event_id") or "")
    except (ValueError, AttributeError, RecursionError):
        return "", ""


def _again(body: bytes, receive: Receive) -> Receive:
    """`receive` of a request whose body was read."""
    left = [{"type": "http.request", "body": body, "more_body": False}]

    async def receiving() -> Message:
        return left.pop() if left else await receive()

    return receiving
