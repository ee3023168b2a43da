"""What the pad's script may call, and the short way to it: past Gradio's layers to the process that
reads.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import logging
import zlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from app.canvas_tabs.views import in_words
from app.people.asking import asked_by, person_in_canvas, person_of_request
from app.reading.pace import Pace
from app.reading.reading import Failed
from engine.errors import GlyphlabError

if TYPE_CHECKING:
    from app.canvas_tabs.views import Views
    from app.reading.reading import Reading
    from engine.lab import Lab
    from engine.people.person import Person

LONG = ("picture", "probabilities", "batch", "lines", "drawn_lines", "take_in")
PADS_OF_PERSON = 3  # of one who does not lead
ADDRESS = "/gradio_api/component_server"
log = logging.getLogger(__name__)


def pad_functions(lab: Lab, views: Views, reading: Reading) -> list[Callable[..., Any]]:
    """The functions that the script calls by their names. Each takes a list of arguments; what is
    drawn is read by the process that reads.
    """
    _, _, models_here, prepare = views.functions()
    warming: set[asyncio.Task[Any]] = set()

    async def ask(name: str, data: Any) -> Response:
        person = person_in_canvas(lab)
        try:
            return Response(await reading.ask(name, data, person), media_type="application/json")
        except Failed as error:
            log.warning("%s: %s", name, error)
            raise HTTPException(500, "The lab could not answer.") from None

    async def look(data: list[Any]) -> Response:
        try:
            return await ask("look", data)
        except GlyphlabError as error:
            return JSONResponse(in_words(error))

    async def why(data: list[Any]) -> Response:
        try:
            return await ask("why", data)
        except GlyphlabError as error:
            return JSONResponse({"kind": "message", "note": str(error)})

    async def warm() -> None:
        with suppress(Failed, GlyphlabError):  # whoever draws is told
            await reading.ask("warm", None, person_in_canvas(lab))

    async def models(data: list[Any]) -> dict[str, Any]:
        found = await run_in_threadpool(models_here, data)
        if found["best"]:  # the first stroke is not to wait for a model to be loaded
            task = asyncio.create_task(warm())
            warming.add(task)
            task.add_done_callback(warming.discard)
        return found

    return [look, why, models, prepare]


def asking(lab: Lab, pads: Reading, files: Reading) -> Callable[..., Any]:
    """An `ask(name, *arguments)` for whoever asks the canvas; its answers are JSON, read. What takes long
    goes to a process of its own, or a picture of 50 million pixels would hold up the pads. Raises
    GlyphlabError for a person's mistake, Failed.
    """

    async def ask(name: str, *arguments: Any) -> Any:
        reading = files if name in LONG else pads
        return json.loads(await reading.ask(name, arguments, person_in_canvas(lab)))

    return ask


class Shortcut:
    """Gradio's application, but the pad's questions are answered here: sessions, compression and a search
    through all routes are not for what a pen asks ten times a second.
    """

    def __init__(
        self, lab: Lab, app: Any, pad: int, functions: Sequence[Callable[..., Any]]
    ) -> None:
        self.app, self._lab, self._pad, self._pace = app, lab, pad, Pace()
        self._functions = {function.__name__: function for function in functions}

    @property
    def router(self) -> Any:
        return self.app.router

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app: ASGIApp = self.app
        if scope["type"] == "http":
            path = scope["path"].removeprefix(scope.get("root_path", "")).rstrip("/")
            if path == ADDRESS and scope["method"] == "POST":
                app = await self._answer(Request(scope, receive))
        await app(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        try:
            asked = json.loads(await request.body())
            name, data, component = asked["fn_name"], asked["data"], asked["component_id"]
        except (ValueError, TypeError, KeyError, RecursionError):
            return PlainTextResponse("The question can't be read.\n", 400)
        function = self._functions.get(name) if isinstance(name, str) else None
        if function is None or component != self._pad:
            return PlainTextResponse("There is no such question.\n", 404)
        try:
            person = person_of_request(self._lab, request)
            with asked_by(person):
                if name == "look":
                    pad = pad_of(person, str(asked.get("session_hash")))
                    return await self._look(function, data, pad)
                if inspect.iscoroutinefunction(function):
                    found = await function(data)
                else:
                    found = await run_in_threadpool(function, data)
        except GlyphlabError as error:  # whoever asks was sent away a moment ago
            return PlainTextResponse(f"{error}\n", 403)
        except HTTPException as error:
            return PlainTextResponse(f"{error.detail}\n", error.status_code)
        return found if isinstance(found, Response) else JSONResponse(found)

    async def _look(self, function: Callable[..., Any], data: Any, pad: str) -> Response:
        """The answer to a drawing, which tells its pad when to ask again."""
        with self._pace.asked(pad):
            found: Response = await function(data)
        gap = f'{{"gap_ms": {self._pace.gap_ms()}, '.encode()
        return Response(gap + bytes(found.body)[1:], media_type="application/json")


def pad_of(person: Person, session: str) -> str:
    """By what a pad is counted. session: its browser's name for it, of which who does not lead may
    invent as many as they like: they count as at most PADS_OF_PERSON.
    """
    if person.leads:
        return session
    return f"{person.id} {zlib.crc32(session.encode(errors='replace')) % PADS_OF_PERSON}"
