"""Sign-in of the owner, or of a class' teacher, by a provider that speaks OpenID Connect (Core 1.0, 2014),
such as Hugging Face: for those who would rather not keep a key. Authlib, by which Streamlit's login works
too, speaks with the provider; what comes of it is the lab's own pass, as after the key, so that dashboard
and canvas know the same person.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Mapping
from html import escape
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from app.doors.admission import Admission
from engine.errors import SettingsError, one_line
from engine.setting_values import small
from engine.settings import Settings

if TYPE_CHECKING:
    from app.people.openid import Provider

BEGIN, END = "/signin", "/signed-in"
MINUTES = 10  # from the first step of a sign-in to its last
log = logging.getLogger(__name__)


def offered_by(settings: Settings) -> str:
    """The name of the provider that people sign in with; '' where there is none to reach."""
    if settings.offline or _missing(settings):
        return ""
    return urlsplit(settings.oidc_url).hostname or ""


def _missing(settings: Settings) -> list[str]:
    needed = ("oidc_client", "oidc_secret", "owners")
    return [f"GLYPHLAB_{field.upper()}" for field in needed if not getattr(settings, field)]


def check_sign_in(settings: Settings, environ: Mapping[str, str]) -> None:
    """Raise SettingsError for a provider without what is needed to use it. A Space names its site's
    provider whether or not the lab is its client.
    """
    missing = _missing(settings)
    if settings.oidc_url and missing and not environ.get("SPACE_ID"):
        raise SettingsError(
            f"signing in with {settings.oidc_url} needs {' and '.join(missing)}",
            hint="Set what is missing, or leave GLYPHLAB_OIDC_URL out.",
        )


def names_of(claims: Mapping[str, Any]) -> set[str]:
    """By which entries of GLYPHLAB_OWNERS somebody is known who signed in: 'sub:' and the provider's id of
    them, their account's name, and their email address if the provider has verified it. Names are
    chosen: an account that is called like an id or an address does not prove that these are theirs.
    claims: of an ID token.
    """
    id, name, email = (claims.get(one) for one in ("sub", "preferred_username", "email"))
    known = {f"sub:{id}"} if isinstance(id, str) and id else set()
    if isinstance(name, str) and not set(name) & set("@:,"):
        known.add(small(name))
    if claims.get("email_verified") is True and isinstance(email, str):
        known |= {small(email)} if "@" in email and not set(email) & set(":,") else set()
    return known - {""}


def routes(
    admission: Admission, settings: Settings, page: Callable[[str, int], Response]
) -> list[Route]:
    """The two steps of a sign-in. page: makes the front door's page of a body and a status."""
    provider = offered_by(settings)
    client: Provider | None = None
    if not provider:
        return []

    def known() -> Provider:
        nonlocal client
        if client is None:
            from app.people.openid import Provider

            client = Provider(settings)
        return client

    def failed(words: str, status: int) -> Response:
        again = f'<p><a href="{BEGIN[1:]}">Try again</a> or <a href="./">go to the lab</a>.</p>'
        return page(f'<p class="wrong" role="alert">{escape(words)}</p>{again}', status)

    async def begin(request: Request) -> Response:
        request.session.clear()  # of a sign-in that was not ended
        try:
            return await known().authorize_redirect(request, str(request.base_url) + END[1:])
        except Exception as error:  # noqa: BLE001 - whatever a provider or the way to it may do
            log.warning("%s can't be asked to sign somebody in: %s", provider, one_line(error))
            return failed(f"{provider} does not answer. Enter the key instead, or try later.", 502)

    async def end(request: Request) -> Response:
        try:
            claims = (await known().authorize_access_token(request)).get("userinfo") or {}
        except Exception as error:  # noqa: BLE001 - as above; and a state or token that is not ours
            log.warning("a sign-in with %s failed: %s", provider, one_line(error))
            return failed(f"The sign-in with {provider} was not finished.", 403)
        finally:
            request.session.clear()  # whatever came of it: it was used
        known_as = names_of(claims) & set(settings.owners.split(","))
        if not known_as:
            name = str(claims.get("preferred_username") or claims.get("email") or claims.get("sub"))
            return failed(
                f"You signed in as {one_line(name, 60)}, who does not lead this lab.", 403
            )
        person = admission.classroom.leader
        answer = RedirectResponse("classroom" if admission.mode == "class" else "./", 303)
        passed = admission.classroom.pass_of(person, min(known_as))
        answer.headers.append("set-cookie", admission.cookie(request.scope, passed, person.role))
        return answer

    kept = [Middleware(_Kept, f"{admission.cookie_name}-signin")]
    return [
        Route(path, endpoint, methods=["GET"], middleware=kept)
        for path, endpoint in ((BEGIN, begin), (END, end))
    ]


class _Kept:
    """What the browser keeps between the two steps, signed for as long as this process lives: Lax,
    because the provider's site sends it back here.
    """

    SECRET = secrets.token_hex(32)

    def __init__(self, app: ASGIApp, name: str) -> None:
        self._by_scheme = {
            scheme: SessionMiddleware(
                app, self.SECRET, name, 60 * MINUTES, same_site="lax", https_only=scheme == "https"
            )
            for scheme in ("http", "https")
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # In a scope of its own: Streamlit's middleware around it would copy what it finds in the session
        # into a cookie of its own, for two weeks.
        await self._by_scheme[scope["scheme"]](dict(scope), receive, send)
