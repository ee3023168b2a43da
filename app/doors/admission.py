"""Who comes in: each request is of a person, by the pass in its cookie, the key in its address, or the
key in its header. What the person may do there is decided elsewhere (engine.people.rights); here, only
whether they may come to this address at all.

own     beyond this machine: whoever shows the key (as `?token=`, once; then by the pass)
class   the teacher by the key, students who have joined; others are sent to /join
public  everybody, as a visitor who is forgotten after a day; the owner by the key
"""

from __future__ import annotations

import ipaddress
import logging
import math
import re
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from app.doors.limits import Attempts, Rate, Turns, whose
from app.doors.table import ANYONE, Door
from engine.errors import GlyphlabError, RightsError, SettingsError
from engine.people.classroom import Classroom
from engine.people.passes import LASTS_SECONDS
from engine.people.person import NOBODY, Person
from engine.settings import Settings

TOKEN = "token"
# Visitors from one address, a second and at once: in the two hours that what they make is kept, fewer than
# the lab has places for (engine.lab.MOST_VISITS).
NEWCOMERS = (1 / 30, 30)
# Who joins a class from one address, the same way: a large class behind one router can.
JOINS = (1 / 10, 100)
TOO_MANY = "Too many wrong keys. Try again later."
_BEARER = re.compile(r"bearer +(\S{1,200})", re.I)
log = logging.getLogger(__name__)
Scope = MutableMapping[str, Any]


@dataclass
class Verdict:
    """person: who asks, None for a stranger at a door that is open to strangers; answer: what they get
    instead of what they asked for; cookie: what their browser is to keep.
    """

    person: Person | None = None
    answer: Response | None = None
    cookie: str = ""


class Admission:
    """Decides for one lab. framed: whether other sites may show it in a frame, where browsers send
    only cookies that say so.
    """

    def __init__(self, classroom: Classroom, port: int, framed: bool = False) -> None:
        self.classroom, self.attempts, self.turns = classroom, Attempts(), Turns()
        self.newcomers, self.joining = Rate(*NEWCOMERS), Rate(*JOINS)
        self.mode = classroom.mode
        self.cookie_name, self._framed = cookie_name(port), framed

    def judge(self, scope: Scope, door: Door) -> Verdict:
        """Who asks, and whether this door is theirs."""
        found = HTTPConnection(scope)
        if scope["type"] == "http" and scope["method"] == "GET" and TOKEN in found.query_params:
            return self._with_key(scope, found)
        person, cookie = self._known(found, scope), ""
        if person is None and self.mode == "public":
            person = NOBODY
            address = whose((scope.get("client") or ("", 0))[0])
            # Who comes when many have just come from there looks on, and has nothing of their own.
            if _is_page(scope, found.headers) and not self.newcomers.wait_seconds(address):
                person = self.classroom.visitor()
                cookie = self.cookie(scope, self.classroom.pass_of(person), person.role)
        who = door.who.split()
        if person is None and ANYONE not in who:
            return Verdict(answer=self._stranger(scope, found.headers))
        if person is not None and ANYONE not in who and person.role not in who:
            return Verdict(person, _line("You may not open this page.", 403))
        return Verdict(person, cookie=cookie)

    async def turn(self, scope: Scope) -> Response | None:
        """Where a request shows a key after many wrong ones from its address: wait until this one may be
        looked at, or the answer where too many wait.
        """
        found = HTTPConnection(scope)
        if TOKEN in found.query_params or _BEARER.fullmatch(found.headers.get("authorization", "")):
            return await self.turn_of((scope.get("client") or ("", 0))[0])
        return None

    async def turn_of(self, client: str) -> Response | None:
        """As `turn`, of a key or code that a form holds."""
        if not self.attempts.wait_seconds(client) or await self.turns.come(client):
            return None
        return _line(TOO_MANY, 429, {"retry-after": str(math.ceil(self.turns.longest_seconds))})

    def cookie(self, scope: Scope, text: str, role: str) -> str:
        """A Set-Cookie header; an empty `text` has the browser forget its pass."""
        secure = scope.get("scheme") in ("https", "wss")
        site = "None" if self._framed and secure else "Lax"
        parts = [f"{self.cookie_name}={text}", "Path=/", "HttpOnly", f"SameSite={site}"]
        parts += ["Secure"] * secure + ["Partitioned"] * (site == "None")
        return "; ".join([*parts, f"Max-Age={LASTS_SECONDS[role] if text else 0}"])

    def _known(self, found: HTTPConnection, scope: Scope) -> Person | None:
        bearer = _BEARER.fullmatch(found.headers.get("authorization", ""))
        if bearer:
            client = (scope.get("client") or ("", 0))[0]
            try:  # a right one is let in whatever others behind that address have tried
                return self.classroom.enter(bearer[1])
            except RightsError:
                self.attempts.failed(client)
        try:
            return self.classroom.person_of(found.cookies.get(self.cookie_name))
        except GlyphlabError as error:  # the list of the class is damaged: its teacher is told
            log.warning("nobody but the teacher can come in: %s", error)
            return None

    def _with_key(self, scope: Scope, found: HTTPConnection) -> Verdict:
        """Take the key out of the address, for the pass."""
        client = (scope.get("client") or ("", 0))[0]
        try:
            person = self.classroom.enter(found.query_params[TOKEN])
        except RightsError as error:
            self.attempts.failed(client)
            return Verdict(answer=self.refused(client, str(error)))
        kept = [pair for pair in parse_qsl(scope["query_string"].decode()) if pair[0] != TOKEN]
        here = scope["path"].rpartition("/")[2] or "./"  # relative, as a proxy may add a prefix
        there = here + (f"?{urlencode(kept)}" if kept else "")
        cookie = self.cookie(scope, self.classroom.pass_of(person), person.role)
        return Verdict(person, RedirectResponse(there, 303), cookie)

    def refused(self, client: str, words: str) -> Response:
        """The answer to a wrong key or code."""
        if wait := self.attempts.wait_seconds(client):
            return _line(TOO_MANY, 429, {"retry-after": str(wait)})
        return _line(f"{words[0].upper()}{words[1:]}", 403)

    def _stranger(self, scope: Scope, headers: Headers) -> Response:
        if _is_page(scope, headers):
            up = "../" * (scope["path"].count("/") - 1)
            return RedirectResponse(f"{up}join", 303, {"cache-control": "no-store"})
        who = "its class" if self.mode == "class" else "its owner"
        return _line(f"This lab is open to {who} only.", 401)


def cookie_name(port: int) -> str:
    """The cookie of the lab at this port: browsers send cookies to every port of a host."""
    return f"glyphlab-pass-{port}"


def admission_of(
    classroom: Classroom, settings: Settings, environ: Mapping[str, str]
) -> Admission | None:
    """Who asks is found out unless the lab is its owner's and on this machine only; see
    `check_reach`.
    """
    if settings.mode == "own" and not classroom.key:
        return None
    return Admission(classroom, settings.port, bool(settings.framed_by or environ.get("SPACE_ID")))


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches a server that listens at this address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def check_reach(settings: Settings) -> None:
    """Raise SettingsError if the settings would serve the owner's lab to whoever finds its port."""
    if settings.mode != "own" or settings.key:
        return
    # A proxy that is believed, or a name of the lab's own, is there for others to come.
    reached = settings.trusted_proxies or settings.allowed_hosts
    if reached or not is_loopback(settings.host):
        where = f"the lab at {reached}" if reached else f"{settings.host}:{settings.port}"
        raise SettingsError(
            f"the lab would be open to all who reach {where}",
            hint="Set GLYPHLAB_KEY=auto to let in whoever has the printed address, or GLYPHLAB_MODE to"
            " class or public.",
        )


def _is_page(scope: Scope, headers: Headers) -> bool:
    return (
        scope["type"] == "http"
        and scope["method"] == "GET"
        and "text/html" in headers.get("accept", "")
    )


def _line(text: str, status: int, headers: dict[str, str] | None = None) -> Response:
    return PlainTextResponse(text + "\n", status, headers)
