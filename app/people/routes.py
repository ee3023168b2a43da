"""The lab's front door for people: /join for a class, /enter for whoever has the key, /signin for whom a
provider knows, /leave.
"""

from __future__ import annotations

from contextlib import suppress
from html import escape
from pathlib import Path
from urllib.parse import parse_qs

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from app.doors.admission import Admission
from app.doors.limits import whose
from app.font import FONT, WEIGHTS, font_file
from app.people import signin
from engine.errors import GlyphlabError, RightsError
from engine.people.class_file import WrongCodeError
from engine.people.classroom import Classroom
from engine.people.outside import outside_error
from engine.people.person import LONGEST_NAME, Person
from engine.settings import Settings

MANY_JOIN = "many have joined from here: try again in a minute"
PAGE = (Path(__file__).parents[2] / "assets" / "join.html").read_text(encoding="utf-8")
PAGE = PAGE.replace("FONT", FONT).replace("WEIGHTS", WEIGHTS)
FONT_SECONDS = 86_400  # for which a browser keeps the font
JOIN = f"""<h1>Join the class</h1>
<form method="post" action="join">
<label>Code on the board, or on your slip <input name="code" value="CODE" required autocomplete="off"
 autocapitalize="none" spellcheck="false" maxlength="20"></label>
<label>Your name <input name="name" value="NAME" required maxlength="{LONGEST_NAME}"
 autocomplete="nickname"></label>
<button>Join</button></form>
<p>Others of the class see your name beside your runs. Take a first name or a nickname. A cookie keeps
you joined in this browser for a week at most: it is void as soon as the teacher ends the lesson or takes you off
the class, or you leave. You were here before? The teacher can give you a slip with a code of
your own: enter it above with the name you had, and what you made is there again.</p>
<p>The teacher's computer keeps your name, when you joined, which pages you opened and when, and what you draw,
teach and train, also after the lesson, until the teacher clears your work: then the list of pages is deleted at
once, and your work with your name on it after a week, in which the teacher can bring it back. Your name is taken
off the class's list at the end of a lesson only if nothing that you made is there then: because you made nothing,
or the teacher has cleared it. With cleared work your name is in the trash for that week, and is on the list again if
the teacher brings the work back. Drawings that the teacher copies into a data set stay, without your name, until the
teacher deletes that data set.</p>
<details><summary>I am the teacher</summary>ENTER</details>"""
LOCKED = """<p class="held" role="status">The class is locked: nobody new can join until the teacher unlocks
it. With a code of your own, from a slip, you come back in all the same.</p>"""
ENTER = """<form method="post" action="enter"><label>Key <input name="key" type="password" required
 autocomplete="current-password" maxlength="200"></label><button>Enter</button></form>"""
OWN = """<h1>This lab is private</h1>
<p>Open the address that was printed when it was started, or enter the key in it.</p>ENTER"""


def routes(admission: Admission, settings: Settings) -> list[Route]:
    """The routes to serve beside the lab's pages."""
    classroom, provider = admission.classroom, signin.offered_by(settings)
    sign_in = f'<p><a href="{signin.BEGIN[1:]}">Sign in with {escape(provider)}</a></p>'
    enter_by = ENTER + (sign_in if provider else "")

    def framed(body: str, status: int) -> Response:
        html = PAGE.replace("BODY", body)
        return HTMLResponse(html, status, {"cache-control": "no-store"})

    def page(wrong: str = "", status: int = 200, held: str = "", **fields: str) -> Response:
        body = (JOIN if classroom.mode == "class" else OWN).replace("ENTER", enter_by)
        for name in ("code", "name"):
            body = body.replace(name.upper(), escape(fields.get(name, "")))
        box = f'<p class="wrong" role="alert">{escape(wrong)}</p>' if wrong else ""
        return framed(box + held + body, status)

    async def join(request: Request) -> Response:
        if request.method == "GET":
            if request.scope.get("glyphlab.person"):
                return RedirectResponse("./", 303)
            code = request.query_params.get("code", "")[:20]
            why = _why_outside(classroom, request.cookies.get(admission.cookie_name))
            return page(why, held=_locked(classroom), code=code)
        fields = await _fields(request)
        if wait := await admission.turn_of(_client(request)):
            return wait
        address = whose(_client(request))
        if classroom.is_code(fields.get("code", "")) and admission.joining.wait_seconds(address):
            return again(MANY_JOIN, fields, 429)
        try:
            person = classroom.join(fields.get("code", ""), fields.get("name", ""))
        except WrongCodeError as error:
            return refused(request, error, fields)
        except GlyphlabError as error:  # a right code is no guess, whatever else is in the way
            return again(str(error), fields)
        return _come_in(request, admission, person)

    async def enter(request: Request) -> Response:
        fields = await _fields(request)
        if wait := await admission.turn_of(_client(request)):
            return wait
        try:
            person = classroom.enter(fields.get("key", ""))
        except RightsError as error:
            return refused(request, error, {})
        return _come_in(request, admission, person)

    def refused(request: Request, error: GlyphlabError, fields: dict[str, str]) -> Response:
        client = _client(request)
        admission.attempts.failed(client)
        if admission.attempts.wait_seconds(client):
            return admission.refused(client, str(error))
        return again(str(error), fields)

    def again(words: str, fields: dict[str, str], status: int = 403) -> Response:
        shown = {name: fields[name] for name in ("code", "name") if name in fields}
        return page(f"{words[0].upper()}{words[1:]}", status, **shown)

    async def leave(request: Request) -> Response:
        with suppress(GlyphlabError):  # the browser forgets it all the same
            await run_in_threadpool(classroom.leave, request.cookies.get(admission.cookie_name))
        answer = RedirectResponse("join", 303)
        answer.headers["set-cookie"] = admission.cookie(request.scope, "", "visitor")
        return answer

    async def font(request: Request) -> Response:
        file = font_file()
        if file is None:
            return Response(status_code=404)
        kept = {"cache-control": f"public, max-age={FONT_SECONDS}"}
        return FileResponse(file, headers=kept, media_type="font/woff2")

    return [
        Route("/font.woff2", font, methods=["GET"]),
        Route("/join", join, methods=["GET", "POST"]),
        Route("/enter", enter, methods=["POST"]),
        Route("/leave", leave, methods=["POST"]),
        *signin.routes(admission, settings, framed),
    ]


def _why_outside(classroom: Classroom, shown: str | None) -> str:
    """Why a student who was in the class is not any more, by the pass that their browser shows; '' of
    others, and where the list of the class can't be read.
    """
    with suppress(GlyphlabError):
        why = str(classroom.outside(shown))
        if why != str(outside_error("unknown")):
            return f"{why[0].upper()}{why[1:]}"
    return ""


def _locked(classroom: Classroom) -> str:
    """What the page to join by says while the class is locked; '' otherwise, and where that can't be read."""
    with suppress(GlyphlabError):
        return LOCKED if classroom.mode == "class" and classroom.now().locked else ""
    return ""


def _come_in(request: Request, admission: Admission, person: Person) -> Response:
    answer = RedirectResponse("classroom" if admission.mode == "class" else "./", 303)
    text = admission.classroom.pass_of(person)
    answer.headers["set-cookie"] = admission.cookie(request.scope, text, person.role)
    return answer


def _client(request: Request) -> str:
    return request.client.host if request.client else ""


async def _fields(request: Request) -> dict[str, str]:
    text = (await request.body()).decode("utf-8", "replace")
    found = parse_qs(text, max_num_fields=10) if text.count("&") < 10 else {}
    return {name: values[0] for name, values in found.items()}
