"""The front door of a lab, and browsers before it that sign in with a provider of this process."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import httpx
from openid_stand_in import CLIENT, SECRET
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.testclient import TestClient

from app.doors.admission import admission_of
from app.doors.guard import guarded
from app.doors.table import lab_table
from app.people.routes import routes
from engine.people.classroom import Classroom
from engine.people.person import Person
from engine.settings import read_settings

OUTER = "_streamlit_session"
ADA = {"sub": "12345", "preferred_username": "Ada", "email": "ada@example.org"}


class House:
    """The front door of a lab, and browsers before it."""

    def __init__(self, home, provider, mode="public", **more: str) -> None:
        environ = {
            "GLYPHLAB_HOME": str(home),
            "GLYPHLAB_MODE": mode,
            "GLYPHLAB_KEY": "a-key-of-twelve-and-more",
            "GLYPHLAB_OIDC_URL": provider.url,
            "GLYPHLAB_OIDC_CLIENT": CLIENT,
            "GLYPHLAB_OIDC_SECRET": SECRET,
            "GLYPHLAB_OWNERS": "ada, Somebody@Example.org",
            **more,
        }
        settings = read_settings(environ)
        self.room = Classroom(home, settings)
        self.admission = admission_of(self.room, settings, environ)
        outer = Middleware(SessionMiddleware, "of Streamlit", OUTER)  # which it puts around all
        inside = Starlette(routes=routes(self.admission, settings), middleware=[outer])
        self.door = guarded(inside, lab_table([]), settings, environ, self.admission)

    def browser(self, address="http://localhost:7860", **headers: str) -> TestClient:
        return TestClient(self.door, address, follow_redirects=False, headers=headers)

    def sign_in(self, browser: TestClient, **change: str) -> httpx.Response:
        """Both steps, and between them what the provider says. change: parameters of its answer."""
        step = browser.get("/signin")
        assert step.status_code == 302, step.text
        back = urlsplit(httpx.get(step.headers["location"], timeout=900).headers["location"])
        return browser.get("/signed-in", params={**dict(parse_qsl(back.query)), **change})

    def person(self, browser: TestClient) -> Person | None:
        return self.room.person_of(browser.cookies.get(self.admission.cookie_name))
