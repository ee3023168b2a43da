"""The lab's one process: the dashboard at /, the canvas and its API at /canvas/, health at
/healthz.

Only what a visitor asks for is loaded. A process that has shown the home page holds no torch, and
it answers before it holds Gradio: the canvas is built on the first request below /canvas, or by
itself a moment after the start.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import sys
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Match, Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from app.connections import Patience, more_files
from app.doors.admission import admission_of, check_reach
from app.doors.guard import Guard, guarded
from app.doors.proxies import proxies_of
from app.doors.table import lab_table
from app.doors.tally import Tally
from app.lazy_app import LazyApp
from app.metrics import metrics_route
from app.people.presence import AWAY_SECONDS, may_be_here
from app.people.routes import routes as people_routes
from app.people.signin import check_sign_in
from app.people.welcome import welcome
from app.pulse import Pulse
from app.samples.routes import routes as sample_routes
from app.scatter.routes import routes as space_routes
from app.serving import bind, private, run, settings_of
from app.shell import routes as shell_routes
from app.turns import SWITCH_SECONDS
from app.widgets.live import BUNDLE, LIBRARY
from engine.errors import GlyphlabError
from engine.people.request_log import may_be_logged, request_log
from engine.priority import go_ahead, go_first

if TYPE_CHECKING:
    from streamlit.starlette import App

    from app.memory_uploads import LabApp
    from engine.lab import Lab

DASHBOARD = Path(__file__).with_name("dashboard.py")
# after the start: the first page comes first, but API clients give up after five seconds of waiting
PREPARE_SECONDS = 20  # after the start: the first page and the canvas come before
WARM_SECONDS = 4
CLEAR_SECONDS = 2  # between two looks at the runs that are cleared when they have stopped
SWEEP_SECONDS = 3600
YIELD_SECONDS = 6  # at most, to a run that starts
log = logging.getLogger(__name__)
ICON = Path(__file__).parent.parent / "assets" / "icon.svg"


def build(lab: Lab, environ: Mapping[str, str]) -> Guard:
    """The ASGI application for `lab`, behind its doors. Its lifespan must be entered, as every ASGI
    server does.
    """
    from app.memory_uploads import LabApp
    from app.widgets.links import pages_in

    canvas = LazyApp(lambda: _canvas(lab), "The canvas", ("/config", "/gradio_api/info"))

    pulse = Pulse(lab.health)
    admission = admission_of(lab.classroom, lab.settings, environ)
    tally = Tally(
        request_log(lab.home) if admission else None, lambda who: may_be_logged(lab.classroom, who)
    )

    async def health(request: Request) -> Response:
        return JSONResponse(await pulse.read())

    async def add_slash(request: Request) -> Response:
        # Relative, so that it also holds behind a proxy that adds a prefix; Gradio's own files are
        # found only with the slash.
        return RedirectResponse("canvas/" + (f"?{request.url.query}" if request.url.query else ""))

    @asynccontextmanager
    async def lifespan(app: App) -> AsyncIterator[None]:
        await pulse.begin()
        warming = asyncio.create_task(_warm(canvas, pulse))
        threading.Thread(target=_probe, args=(lab,), name="probe", daemon=True).start()
        leaving = asyncio.create_task(_see_off(lab))
        preparing = asyncio.create_task(_prepare(lab))
        clearing = asyncio.create_task(_clear_up(lab))
        yield
        for task in (warming, leaving, preparing, clearing):
            task.cancel()
        tally.close()
        await canvas.stop()

    pages = list(pages_in(lab.settings.mode))
    routes = [
        *shell_routes(pages),
        Route("/healthz", health),
        metrics_route(tally, lambda: Counter(run.state for run in lab.runs())),
        Route(f"/{LIBRARY}", _plotly),
        Route("/favicon.ico", _icon),
        Route("/canvas", add_slash),
        Mount("/space", routes=[*space_routes(lab), *sample_routes(lab)]),
        *(people_routes(admission, lab.settings) if admission else ()),
    ]
    app = Side(LabApp(DASHBOARD, lifespan=lifespan, routes=routes), "/canvas", canvas)
    return guarded(app, lab_table(pages), lab.settings, environ, admission, tally)


class Side:
    """The dashboard, and beside it an application below `path`: the dashboard's own layers (sessions,
    compression, a search through its routes) are not for each drawing.
    """

    def __init__(self, dashboard: LabApp, path: str, app: ASGIApp) -> None:
        self.dashboard, self._mount = dashboard, Mount(path, app=app)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            match, child = self._mount.matches(scope)
            if match is Match.FULL:
                scope.update(child)
                await self._mount.handle(scope, receive, send)
                return
        await self.dashboard(scope, receive, send)


async def _see_off(lab: Lab) -> None:
    """Forget those visitors of a public lab who have left; at the start, all there were before."""
    while lab.settings.mode == "public":
        await asyncio.to_thread(lab.visits.forget, lambda id: may_be_here(id, AWAY_SECONDS))
        await asyncio.sleep(AWAY_SECONDS / 12)


async def _prepare(lab: Lab) -> None:
    """Have a public lab a map and a search for wrong labels that visitors can look at: they may begin
    none.
    """
    if lab.settings.mode == "public":
        await asyncio.sleep(PREPARE_SECONDS)
        await asyncio.to_thread(lab.tour.prepare)


async def _clear_up(lab: Lab) -> None:
    """In a class: clear the runs that were to be cleared and have stopped since, and throw away what has
    been in the trash for a week, as students are told.
    """
    swept, failed = time.monotonic(), ""  # swept as the lab was opened
    while lab.settings.mode == "class":
        try:
            await asyncio.to_thread(lab.lessons.go_on_clearing)
            if time.monotonic() - swept > SWEEP_SECONDS:
                await asyncio.to_thread(lab.trash.sweep)
                swept = time.monotonic()
            failed = ""
        except GlyphlabError as error:  # tried again, and said once
            if failed != (failed := str(error)):
                log.warning("what was cleared is not all in the trash yet: %s", error)
        await asyncio.sleep(CLEAR_SECONDS)


async def _warm(canvas: LazyApp, pulse: Pulse) -> None:
    """Build the canvas before anybody asks for it. A run that was started meanwhile has the cores
    until its first point is seen.
    """
    await asyncio.sleep(WARM_SECONDS)
    for _ in range(2 * YIELD_SECONDS):
        if not (await pulse.read())["running"]:
            break
        await asyncio.sleep(0.5)
    await canvas.warm()
    gc.freeze()  # also what its start has made


def serve(environ: Mapping[str, str]) -> int:
    """Run the lab until it is told to stop. Returns the exit status: 0, or 2 after one line about
    what is wrong.
    """
    try:
        settings = settings_of(environ)
        check_reach(settings)
        check_sign_in(settings, environ)
        listener = bind(settings.host, settings.port)
    except GlyphlabError as error:
        print(error, file=sys.stderr)
        return 2
    private()
    sys.setswitchinterval(SWITCH_SECONDS)
    go_first()
    from app.shared_lab import open_lab
    from app.theme import configure

    configure(settings, environ)
    lab = open_lab(environ)
    try:
        doors = welcome(lab.classroom, settings)
    except GlyphlabError as error:
        print(error, file=sys.stderr)
        return 2
    more_files()
    patience = Patience(proxies_of(settings, environ).trusts)
    go_ahead()  # the event loop, which is this thread's, before the pages' scripts
    return run(build(lab, environ), settings, "Glyphlab", listener, doors, patience.protocol())


def _probe(lab: Lab) -> None:
    """Find out whether the cluster's jobs see the home, if there is a cluster; Home shows it."""
    with suppress(GlyphlabError):  # shown by the next look at the cluster
        lab.launcher.probe()


def _canvas(lab: Lab) -> Any:
    with _all_kept():
        from app import canvas
        from app.canvas_page import mounted

        with suppress(ImportError):
            # Gradio does so at the first question, on the event loop: half a second for all who wait.
            import_module("matplotlib")
        return mounted(
            canvas.build(lab, ".."), favicon_path=str(ICON), **canvas.look("../static/media")
        )


@contextmanager
def _all_kept() -> Iterator[None]:
    """Nothing is collected within the block, whose objects stay for good: while the canvas is built, five
    collections each went through all of them, with no turn for another thread in 0.1 s or more.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()  # later collections need not look through it again
        gc.enable()


async def _icon(request: Request) -> Response:
    return FileResponse(str(ICON), media_type="image/svg+xml")


async def _plotly(request: Request) -> Response:
    # What charts are drawn with, see app.widgets.live. They name its version, so that a browser may
    # keep it for good.
    return FileResponse(
        str(BUNDLE),
        media_type="text/javascript",
        headers={"Cache-Control": "public, max-age=31536000, immutable"},
    )
