"""An ASGI application that is built on the first request: its imports, and its lifespan, cost
nothing until then.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection
from html import escape
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark"><title>TITLE</title>REFRESH<style>
body {font: 16px/1.5 system-ui, sans-serif; display: grid; place-items: center;
  min-height: 90vh; margin: 0; padding: 0 1rem;}
div {text-align: center;}
.dot {display: inline-block; width: .6em; height: .6em; margin: 0 .15em; border-radius: 50%; background: #3b7dd8;}
.dot {animation: beat 1s infinite alternate;}
.dot:nth-child(2) {animation-delay: .3s} .dot:nth-child(3) {animation-delay: .6s}
@keyframes beat {from {opacity: .2} to {opacity: 1}}
</style></head><body><div>BODY</div></body></html>"""
DOTS = '<p><span class="dot"></span><span class="dot"></span><span class="dot"></span></p>'
PATIENCE_SECONDS = 1.0  # gradio_client gives up when it has read nothing for five
WAITING = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]
log = logging.getLogger(__name__)


class LazyApp:
    """Builds with `build()`, in a thread, when the first request arrives, then enters the
    application's lifespan and serves it.

    While it starts, a browser that asks for a page gets a light one that reloads itself; every
    other client waits. Programs give up on an answer that sends nothing for some seconds: what is
    JSON (`documents`, paths below the application) begins with a space a second until it is there,
    which JSON allows. If building fails the error is shown, and the next request tries again.
    `name` begins a sentence: "The canvas".
    """

    def __init__(
        self,
        build: Callable[[], Any],
        name: str,
        documents: Collection[str] = (),
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        self._build = build
        self._name = name
        self._documents = documents
        self._patience_seconds = patience_seconds
        self._app: ASGIApp | None = None
        self._life: asyncio.Task | None = None
        self._ready: asyncio.Future[None] | None = None
        self._over: asyncio.Event | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._app is None:
            path = scope["path"].removeprefix(scope.get("root_path", ""))
            if scope["type"] == "http" and scope["method"] == "GET" and path in self._documents:
                await self._document(scope, receive, send)
                return
            answer = await self._start(scope)
            if answer is not None:
                await answer(scope, receive, send)
                return
        if self._app is not None:  # nobody stopped it meanwhile
            await self._app(scope, receive, send)

    async def warm(self) -> None:
        """Build now, if no request came first: a client that gives up after a few seconds then
        finds it ready.
        """
        if self._app is None:
            await self._start({"type": "warm"})

    async def stop(self) -> None:
        """Leave the application's lifespan, if it was ever entered."""
        if self._life is None or self._over is None:
            return
        self._over.set()
        await asyncio.wait([self._life], timeout=5)
        self._app = self._life = None

    async def _document(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with a JSON document, after a space a second for as long as it takes."""
        starting = asyncio.ensure_future(self._start(scope))
        begun = False
        while not (await asyncio.wait([starting], timeout=self._patience_seconds))[0]:
            if not begun:
                await send({"type": "http.response.start", "status": 200, "headers": WAITING})
            begun = True
            await send({"type": "http.response.body", "body": b" ", "more_body": True})
        answer = starting.result() or self._app
        assert answer is not None  # a start without an answer of its own has made the app
        if not begun:
            await answer(scope, receive, send)
            return

        async def rest(message: Message) -> None:
            if message["type"] == "http.response.body":
                await send(message)

        # Its head is sent already: it can't be packed any more.
        kept = [pair for pair in scope["headers"] if pair[0] != b"accept-encoding"]
        await answer({**scope, "headers": kept}, receive, rest)

    async def _start(self, scope: Scope) -> Response | None:
        if self._life is None or self._ready is None or self._life.done():
            self._ready, self._over = asyncio.get_running_loop().create_future(), asyncio.Event()
            self._life = asyncio.create_task(self._live(self._ready, self._over))
        ready = self._ready
        page = (
            scope["type"] == "http"
            and scope["method"] == "GET"
            and "text/html" in Request(scope).headers.get("accept", "")
        )
        if page:
            await asyncio.wait([ready], timeout=0.2)
            if not ready.done():
                return self._page(f"{self._name} is starting…", DOTS, refresh=True)
        try:
            await asyncio.shield(ready)
        except Exception as error:  # said to whoever asked; its traceback is in the log
            if page:
                return self._page(
                    f"{self._name} could not start", f"<p>{escape(str(error))}</p>", status=500
                )
            return PlainTextResponse(f"{self._name} could not start: {error}", 500)
        return None

    async def _live(self, ready: asyncio.Future[None], over: asyncio.Event) -> None:
        # One task enters and leaves the lifespan: it may hold task groups, which can't be left from
        # another task.
        try:
            app = await asyncio.to_thread(self._build)
            async with app.router.lifespan_context(app):
                self._app = app
                ready.set_result(None)
                await over.wait()
        except Exception as error:
            if ready.done():
                raise
            log.exception("%s could not start", self._name)
            ready.set_exception(error)
            ready.exception()  # looked at, so that nobody complains if no request waits any more

    def _page(self, title: str, body: str, *, refresh: bool = False, status: int = 200) -> Response:
        again = '<meta http-equiv="refresh" content="1">' if refresh else ""
        page = (
            PAGE.replace("TITLE", title)
            .replace("REFRESH", again)
            .replace("BODY", f"<p>{title}</p>{body}")
        )
        return HTMLResponse(page, status, {"Cache-Control": "no-store"})
