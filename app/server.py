"""The lab's one process: the dashboard at /, the canvas and its API at /canvas/, health at
/healthz.

Only what a visitor asks for is loaded. A process that has shown the home page holds no torch, and
it answers before it holds Gradio: the canvas is built on the first request below /canvas, or by
itself a moment after the start.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Mount, Route

from app.lazy_app import LazyApp
from app.pulse import Pulse
from app.scatter.routes import routes as space_routes
from app.turns import SWITCH_SECONDS
from engine.errors import GlyphlabError, SettingsError
from engine.jobs.processes import THREADS_SLEEP
from engine.settings import Settings, read_settings

if TYPE_CHECKING:
    from streamlit.starlette import App

    from engine.lab import Lab

DASHBOARD = Path(__file__).with_name("dashboard.py")
# after the start: the first page comes first, but API clients give up after five seconds of waiting
WARM_SECONDS = 4
YIELD_SECONDS = 6  # at most, to a run that starts
ICON = Path(__file__).parent.parent / "assets" / "icon.svg"


def build(lab: Lab) -> App:
    """The ASGI application for `lab`. Its lifespan must be entered, as every ASGI server does."""
    from streamlit.starlette import App

    canvas = LazyApp(lambda: _canvas(lab), "The canvas")

    pulse = Pulse(lab.health)

    async def health(request: Request) -> Response:
        return JSONResponse(await pulse.read())

    async def add_slash(request: Request) -> Response:
        # Relative, so that it also holds behind a proxy that adds a prefix; Gradio's own files are
        # found only with the slash.
        return RedirectResponse("canvas/" + (f"?{request.url.query}" if request.url.query else ""))

    @asynccontextmanager
    async def lifespan(app: App) -> AsyncIterator[None]:
        warming = asyncio.create_task(_warm(canvas, pulse))
        yield
        warming.cancel()
        await canvas.stop()

    routes = [
        Route("/healthz", health),
        Route("/plotly.min.js", _plotly),
        Route("/canvas", add_slash),
        Mount("/canvas", app=canvas),
        Mount("/space", routes=space_routes(lab)),
    ]
    return App(DASHBOARD, lifespan=lifespan, routes=routes)


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


def serve(environ: Mapping[str, str]) -> int:
    """Run the lab until it is told to stop. Returns the exit status: 0, or 2 after one line about
    what is wrong.
    """
    try:
        settings = read_settings(environ)
        check_home(settings.home)
        listener = bind(settings.host, settings.port)
    except GlyphlabError as error:
        print(error, file=sys.stderr)
        return 2
    # No numbers about the person's use leave the machine; set before the libraries that read it are
    # loaded.
    os.environ.update(
        {"GRADIO_ANALYTICS_ENABLED": "False", "HF_HUB_DISABLE_TELEMETRY": "1", "DO_NOT_TRACK": "1"}
    )
    os.environ.setdefault(
        *THREADS_SLEEP
    )  # the canvas predicts in this process, beside training runs
    sys.setswitchinterval(SWITCH_SECONDS)
    import uvicorn

    from app.shared_lab import open_lab
    from app.theme import configure

    configure(settings, environ)
    app = build(open_lab(environ))

    class Announcing(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if self.started:
                print(
                    f"Glyphlab is running at {address(settings)} (stop it with Ctrl+C)", flush=True
                )

    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        proxy_headers=True,
        forwarded_allow_ips="*",
        timeout_graceful_shutdown=3,
        ws="websockets-sansio",
        ws_max_size=256 * 2**20,
        use_colors=False,
    )
    # uvicorn stops on these by itself and then raises them again for whoever handled them before:
    # for us, that is a clean end.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    Announcing(config).run(sockets=[listener])
    return 0


def address(settings: Settings) -> str:
    """Where a browser on this machine finds the lab."""
    host = "127.0.0.1" if settings.host in ("0.0.0.0", "::", "") else settings.host
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.port}"


def check_home(home: Path) -> None:
    """Make the lab's home. Raises SettingsError if nothing can be written there."""
    try:
        home.mkdir(parents=True, exist_ok=True)
        probe = home / f".writable-{os.getpid()}"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        hint = "Set GLYPHLAB_HOME to a folder that can be written to."
        raise SettingsError(
            f"the lab's home {home} can't be written to", got=error.strerror, hint=hint
        ) from None


def bind(host: str, port: int) -> socket.socket:
    """A listening socket. Raises SettingsError if the port is taken or the address is not this
    machine's.
    """
    # Named as TCP: asyncio sends small answers at once only on such sockets. Otherwise each waits
    # 40 ms for the client's acknowledgement.
    listener = socket.socket(
        socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP
    )
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(2048)
        listener.setblocking(False)
        return listener
    except OSError as error:
        listener.close()
        hint = "Is the lab running already? Stop it, or set GLYPHLAB_PORT to another port."
        raise SettingsError(
            f"the lab can't listen on {host}:{port}", got=error.strerror, hint=hint
        ) from None


def _canvas(lab: Lab) -> Any:
    import gradio
    from fastapi import FastAPI

    from app import canvas

    blocks = canvas.build(lab)
    return gradio.mount_gradio_app(
        FastAPI(), blocks, path="/", run_history=False, favicon_path=str(ICON), **canvas.look()
    )


async def _plotly(request: Request) -> Response:
    # What live charts draw with, see app.widgets.live. They name its version, so that a browser may
    # keep it for good.
    library = files("plotly") / "package_data" / "plotly.min.js"
    return FileResponse(
        str(library),
        media_type="text/javascript",
        headers={"Cache-Control": "public, max-age=31536000, immutable"},
    )
