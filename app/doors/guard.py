"""The one door of the lab: an ASGI application around all others. A request passes it, or is
answered here in one line.

In this order: its headers are sound, it calls the lab by a name of the lab, no page of another site
sent it, something is served there, its body is of the type and size that is taken there, whoever asks
may come there, and has neither asked too often nor too much open already. What fails behind the door is
one line in the log.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from html import escape
from typing import Any

from starlette.datastructures import Headers
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.doors.addresses import Addresses, addresses_of
from app.doors.admission import Admission, Verdict
from app.doors.forms import FormText, TooLarge, Unreadable
from app.doors.headers import protective, replaced, without_odd_ranges
from app.doors.limits import Crowded, Limits, Rate, whose
from app.doors.messages import Messages
from app.doors.open_pages import page_open
from app.doors.proxies import Proxies, below_prefix, proxies_of
from app.doors.table import FORM, UPLOAD, Door, Table
from app.doors.tally import Seen, Tally
from app.doors.visit import Visit
from engine.errors import one_line
from engine.people.person import Person
from engine.settings import Settings

ONCE = ("host", "origin", "content-length", "content-type", "sec-fetch-site", "transfer-encoding")
FOREIGN = ("cross-site", "same-site")  # Sec-Fetch-Site of a request that another site's page sends
FORM_MARGIN = 1_000_000  # bytes that a form adds to the file in it
# Requests a second, and at once: a page takes 40, the canvas 120, a pen that moves 10 a second. Behind
# one address may be thirty people.
OF_PERSON, OF_ADDRESS = (30.0, 600), (300.0, 6_000)
TOO_OFTEN = "Too many requests. Try again later."
# Between two pages that are opened at once: a session takes milliseconds to make, and what else is asked
# in the meantime has its turn.
SESSION_SECONDS = 0.01
POLICY_VIOLATION = 1008  # a WebSocket's reason to close
log = logging.getLogger(__name__)


class Guard:
    """`app` behind the doors of `table`."""

    def __init__(
        self,
        app: ASGIApp,
        table: Table,
        addresses: Addresses,
        proxies: Proxies,
        upload_bytes: int,
        limits: Limits | None = None,
        admission: Admission | None = None,
        rates: tuple[Rate, Rate] | None = None,
        tally: Tally | None = None,
    ) -> None:
        """admission: who may come in; None where all who reach the lab are its owner, who may also ask
        without end. rates: of one person, and of all behind one address.
        """
        self.app, self.table = app, table
        self.addresses, self.proxies = addresses, proxies
        self._upload_bytes = upload_bytes + FORM_MARGIN
        self._limits = limits or Limits(self._upload_bytes)
        self.admission, self.tally = admission, tally or Tally()
        self._rates = rates or (Rate(*OF_PERSON), Rate(*OF_ADDRESS))
        self._paced, self._sessions = Messages().paced, asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        seen = Seen(scope, send)
        try:
            await self._answer(seen, scope, receive)
        finally:
            self.tally.count(seen)

    async def _answer(self, seen: Seen, scope: Scope, receive: Receive) -> None:
        send: Send = seen.send
        scope = self.proxies.seen(dict(scope))
        scope["headers"] = without_odd_ranges(scope["headers"])
        door = self._unwelcome(scope) or self._door(scope)
        if isinstance(door, Door):
            seen.door = door.path
        if isinstance(door, Door) and self.admission is not None:
            wait = await self.admission.turn(scope)
            verdict = self.admission.judge(scope, door) if not wait else Verdict(answer=wait)
            if verdict.cookie:
                send = _with_cookie(send, verdict.cookie)
            scope["glyphlab.person"] = verdict.person
            if verdict.person is not None:
                seen.who = verdict.person.id or verdict.person.role
            door = self._instead(scope, verdict) or door
        if isinstance(door, Door):
            await self._let_in(door, seen.id, scope, receive, send)
        else:
            await self._refuse(door, scope, receive, send)

    def _instead(self, scope: Scope, verdict: Verdict) -> Response | None:
        """What whoever asks gets instead of what they asked for. Strangers who are sent away have a pace of
        their own: it is not that of those who have come in from the same address.
        """
        if verdict.answer is None or verdict.person is not None:
            return verdict.answer or self._too_often(scope, verdict.person)
        address = whose((scope.get("client") or ("", 0))[0])
        wait = self._rates[0].wait_seconds(f"strangers at {address}")
        return _later(TOO_OFTEN, wait) if wait else verdict.answer

    def _too_often(self, scope: Scope, person: Person | None) -> Response | None:
        address = whose((scope.get("client") or ("", 0))[0])
        who = (person.id if person and person.id else address, f"all of {address}")
        wait = max(rate.wait_seconds(one) for rate, one in zip(self._rates, who, strict=True))
        return _later(TOO_OFTEN, wait) if wait else None

    def _unwelcome(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        for name in ONCE:
            if len(headers.getlist(name)) > 1:
                return _line(f"The header {name} was sent twice.", 400)
        if "content-length" in headers and "transfer-encoding" in headers:
            # A proxy before the lab may go by the other one, and take what follows for a request of
            # somebody else (RFC 9112, 6.1).
            answer = _line("A body has one length: it was told and sent in parts.", 400)
            answer.headers["connection"] = "close"
            return answer
        host, origin = headers.get("host"), headers.get("origin")
        forwarded = headers.get("x-forwarded-host", "").split(",")[0].strip()
        for name in (host, forwarded) if forwarded else (host,):
            if not self.addresses.has(name):
                words = f"This lab is not served under the name {escape(str(name)[:100])}."
                return _line(f"{words} Its owner can add it to GLYPHLAB_ALLOWED_HOSTS.", 403)
        if not any(self.addresses.welcome(origin, name) for name in (host, forwarded) if name):
            return _line("Pages of other sites may not use this lab.", 403)
        # Another site's page may lead here, but not have pictures of the lab made by the hundred.
        leads = scope["type"] == "http" and scope["method"] in ("GET", "HEAD")
        leads = leads and headers.get("sec-fetch-mode") == "navigate"
        if not leads and origin is None and headers.get("sec-fetch-site", "") in FOREIGN:
            return _line("Pages of other sites may not use this lab.", 403)
        return None

    def _door(self, scope: Scope) -> Door | Response:
        method = scope["method"] if scope["type"] == "http" else "WEBSOCKET"
        headers = Headers(scope=scope)
        door = self.table.find(method, scope["path"])
        if door is None:
            page = "text/html" in headers.get("accept", "")
            return _not_found() if page else _line("Nothing is served at this address.", 404)
        if isinstance(door, str):
            answer = _line(f"This address takes {door} only.", 405)
            answer.headers["allow"] = door
            return answer
        sent = headers.get("content-type", "").partition(";")[0].strip().lower()
        if door.takes and sent != door.takes:
            return _line(f"This address takes {door.takes} only.", 415)
        length = headers.get("content-length", "0")
        if not (length.isascii() and length.isdigit() and len(length) < 16):
            return _line("The header content-length is no number.", 400)
        if int(length) > self._most(door):
            return _too_large(self._most(door))
        return door

    def _most(self, door: Door) -> int:
        return self._upload_bytes if door.body == UPLOAD else door.body

    async def _refuse(self, answer: Response, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": POLICY_VIOLATION})
            return
        await answer(scope, receive, self._protected(send, bare=True))

    def _protected(self, send: Send, bare: bool) -> Send:
        own = protective(self.addresses.framers, bare)

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": replaced(message.get("headers", ()), own)}
            await send(message)

        return sending

    async def _let_in(
        self, door: Door, id: str, scope: Scope, receive: Receive, send: Send
    ) -> None:
        client = (scope.get("client") or ("", 0))[0]
        person: Person | None = scope.get("glyphlab.person")
        visit = Visit(
            self._protected(send, door.bare),
            receive,
            self._most(door),
            self._limits,
            (person and (person.id or person.role)) or client,
            upload=door.body == UPLOAD,
        )
        try:
            if door.takes == FORM:
                visit.form = FormText(Headers(scope=scope).get("content-type", ""))
            kind, who = scope["type"], person.id if person else ""
            if person is not None and not (person.id or person.leads):  # a program without a pass
                who = f"at {whose(client)}"
            with self._limits.entered(client, kind, who), page_open(who, kind, door.path):
                socket = kind == "websocket"
                if socket:
                    async with self._sessions:
                        await asyncio.sleep(SESSION_SECONDS)
                counted = self._paced(receive, who, client) if socket else visit.receive
                await self.app(below_prefix(scope), counted, visit.send)
        except (Crowded, TooLarge, Unreadable) as error:
            visit.refused = visit.refused or error
        except asyncio.CancelledError:
            return  # the lab goes down; the server would log where each one stood
        except Exception as error:  # noqa: BLE001 - a stranger's request must not fill the log
            if visit.refused is None:
                failed = scope.get("method", "WEBSOCKET"), door.path, in_one_line(error)
                log.warning("%s %s failed: %s [%s]", *failed, id)
        finally:
            visit.end()
        if visit.begun:
            return
        if isinstance(visit.refused, TooLarge):
            answer = _too_large(visit.refused.most)
        elif isinstance(visit.refused, Unreadable):
            answer = _line("This form can't be read.", 400)
        elif visit.refused:
            answer = _later("Too many connections are open. Try again later.", 2)
        else:
            answer = _line("The lab could not answer this request.", 500)
        if visit.refused or scope["type"] == "http":
            await self._refuse(answer, scope, receive, send)


def guarded(
    app: ASGIApp,
    table: Table,
    settings: Settings,
    environ: Mapping[str, str],
    admission: Admission | None = None,
    tally: Tally | None = None,
) -> Guard:
    """`app` behind `table`, for the addresses, proxies and sizes of the settings. admission: who may
    come in; None where all who reach the lab are its owner.
    """
    return Guard(
        app,
        table,
        addresses_of(settings, environ),
        proxies_of(settings, environ),
        max(1, settings.upload_mb) * 1024 * 1024,
        admission=admission,
        tally=tally,
    )


def _with_cookie(send: Send, cookie: str) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            pair = (b"set-cookie", cookie.encode())
            message = {**message, "headers": [*message.get("headers", ()), pair]}
        await send(message)

    return sending


def _later(text: str, wait_seconds: int) -> Response:
    answer = _line(text, 429)
    answer.headers["retry-after"] = str(wait_seconds)
    return answer


def _line(text: str, status: int) -> Response:
    return PlainTextResponse(text + "\n", status)


def _too_large(most: int) -> Response:
    return _line(f"This is too large: at most {most:,} bytes are taken here.", 413)


def _not_found() -> Response:
    body = '<p>Nothing is served at this address. <a href="/">Open the lab.</a></p>'
    return HTMLResponse(f"<!doctype html><title>Not found</title>{body}", 404)


def in_one_line(error: BaseException) -> str:
    """An error's kind, its first words, and where it arose."""
    trace: Any = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else "?"
    return f"{type(error).__name__}: {one_line(error)} ({where})"
