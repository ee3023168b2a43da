"""The canvas' Gradio page with doors of its own: what a question may hold, how many may wait, and
what is said when one fails.
"""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import gradio as gr
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.canvas_files import FILE, UPLOAD, asker, handed_over, served, take
from app.canvas_tabs.drawing import LONGEST_PICTURE
from app.canvas_tabs.files import shown
from app.doors.guard import in_one_line
from app.doors.table import QUESTIONS
from app.people.asking import person_of_request
from app.reading.questions import Shortcut
from app.reading.reading import Reading
from app.received import Received
from engine.errors import GlyphlabError
from engine.people.rights import check

if TYPE_CHECKING:
    from engine.lab import Lab
    from engine.people.person import Person

MOST_WAITING = 100  # questions in the queue
MOST_OF_PERSON = 8  # of them of one person who does not lead; the page asks a few at once
CALLING = "/gradio_api/call/"
ASKING = ("/gradio_api/queue/join", CALLING)
LISTENING = "/gradio_api/queue/data"
STOPPING = ("/gradio_api/cancel", "/gradio_api/reset")
ABOUT = (*ASKING, *STOPPING)
MOST_NAMED = 5_000  # sessions of which it is known whose they are, and as many events
MOST_SESSIONS = 200  # whose fields are remembered; each is under a megabyte
LONGEST_TEXT = 4_096  # characters in any field but the pad
DEEPEST = 4  # lists in lists in a question
IDLE_SECONDS = 0.05  # between two looks for work; Gradio's 0.001 and 0.01 took 7% of a core, idle
log = logging.getLogger(__name__)
_asking: ContextVar[str] = ContextVar("asking")  # whose question is being answered


class CanvasPage(gr.Blocks):
    """A page whose every endpoint opens only files that were sent to it."""

    def __init__(
        self, lab: Lab, received: Received, readings: Sequence[Reading], **options: Any
    ) -> None:
        super().__init__(**options)
        self.lab, self.received, self.readings = lab, received, readings
        self.pad: gr.HTML | None = None
        self.state_session_capacity = MOST_SESSIONS
        self.queue(max_size=MOST_WAITING)

    def waiting_of(self, who: str) -> int:
        """How many questions of one person (`asker`) wait or are being answered."""
        queue = self._queue
        waiting = [
            event for own in queue.event_queue_per_concurrency_id.values() for event in own.queue
        ]
        working = [event for job in queue.active_jobs for event in job or ()]
        return sum(asker(event.request.scope) == who for event in (*waiting, *working))

    def ready(self) -> None:
        """Set what Gradio lets nobody set; when the page is complete."""
        self._queue.sleep_when_free = IDLE_SECONDS
        self._queue.progress_update_sleep_when_free = 10 * IDLE_SECONDS  # no question reports any
        self.has_launched = True  # or its own check of paths stays off in a mounted page

    async def preprocess_data(
        self, block_fn: Any, inputs: Any, state: Any, explicit_call: bool = False
    ) -> Any:
        checked = [
            self._checked(value, 0, self._longest(block))
            for value, block in zip(inputs, block_fn.inputs, strict=False)
        ]
        return await super().preprocess_data(block_fn, checked, state, explicit_call)

    async def process_api(self, block_fn: Any, inputs: Any, *args: Any, **named: Any) -> Any:
        person = _asker_of(named.get("request"))
        token = _asking.set(person)
        try:
            self._check_right(block_fn, named.get("request"))
            answer = await super().process_api(block_fn, inputs, *args, **named)
            answer["data"] = await run_in_threadpool(
                handed_over, self.received, answer["data"], person
            )
            return answer
        except gr.Error as error:
            if error.print_exception:  # Gradio's own, of a value that a field does not have
                log.warning("a question was refused: %s", in_one_line(error))
                error.print_exception = False
            raise
        except GlyphlabError as error:
            raise shown(error) from None
        except Exception as error:
            log.warning("a question failed: %s", in_one_line(error))
            sentence = "The request can't be answered. Compare it with the API's documentation."
            raise gr.Error(sentence, print_exception=False) from None
        finally:
            _asking.reset(token)

    def _check_right(self, block_fn: Any, request: Any) -> None:
        """Raise RightsError unless whoever asks may ask this. A function that no row names is for the
        owner alone.
        """
        person = person_of_request(self.lab, request)
        deed = QUESTIONS.get(block_fn.fn.__name__, "lead")
        check(person, deed, locked=self.lab.classroom.is_locked_for(person))

    def _longest(self, block: Any) -> int:
        return LONGEST_PICTURE + 1000 if isinstance(block, gr.HTML) else LONGEST_TEXT

    def _checked(self, value: Any, depth: int, longest: int) -> Any:
        """A value that was sent, with its files looked up. Raises gr.Error."""
        if depth > DEEPEST or (isinstance(value, str) and len(value) > longest):
            raise gr.Error("The request is too large.", print_exception=False)
        if isinstance(value, list):
            return [self._checked(item, depth + 1, longest) for item in value]
        if isinstance(value, dict):  # no field of the page holds one but files
            try:
                path = self.received.file(value.get("path"), _asking.get())
            except GlyphlabError as error:
                raise gr.Error(str(error), print_exception=False) from None
            return {
                "path": str(path),
                "orig_name": path.name,
                "meta": {"_type": "gradio.FileData"},
            }
        return value


class OwnFiles:
    """Gradio's application, which serves as files only what lies in the canvas' folder."""

    def __init__(self, app: ASGIApp, page: CanvasPage) -> None:
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
                said.extend(message.get("body", b"")[:LONGEST_TEXT])
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


def _named(body: bytes) -> tuple[str, str]:
    """The session and the event that a question, or what is answered to it, names; '' for none."""
    try:
        said = json.loads(body)
        return str(said.get("session_hash") or ""), str(said.get("event_id") or "")
    except (ValueError, AttributeError, RecursionError):
        return "", ""


def _asker_of(request: Any) -> str:
    """Who sent a question. request: Gradio's; None of a call from within."""
    inner = getattr(request, "request", None) or request
    return asker(getattr(inner, "scope", {}))


def _again(body: bytes, receive: Receive) -> Receive:
    """`receive` of a request whose body was read."""
    left = [{"type": "http.request", "body": body, "more_body": False}]

    async def receiving() -> Message:
        return left.pop() if left else await receive()

    return receiving


def mounted(page: CanvasPage, **look: Any) -> OwnFiles:
    """The page as an ASGI application, whose lifespan must be entered; what was sent to it is
    deleted when that is left.
    """
    from fastapi import FastAPI

    page.ready()
    app = gr.mount_gradio_app(
        FastAPI(docs_url=None, redoc_url=None, openapi_url=None),
        page,
        path="/",
        run_history=False,
        show_error=True,
        **look,
    )
    inner = app.router.lifespan_context

    @asynccontextmanager
    async def lifespan(application: Any) -> AsyncIterator[Any]:
        try:
            async with inner(application) as state:
                yield state
        finally:
            for reading in page.readings:
                await reading.close()
            page.received.remove()

    app.router.lifespan_context = lifespan
    pad = page.pad
    assert pad is not None  # the page is complete
    return OwnFiles(Shortcut(page.lab, app, pad._id, pad.server_fns), page)
