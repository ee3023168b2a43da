"""How an application of the lab is served: its home is checked, its port is taken, and it runs until
it is told to stop.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Mapping
from pathlib import Path

from starlette.types import ASGIApp

from app import log_lines
from engine.errors import SettingsError
from engine.jobs.processes import THREADS_SLEEP
from engine.settings import Settings, read_settings

MOST_MESSAGE = 16 * 2**20  # bytes in a WebSocket's message; a lasso of 60,000 points is under one


def settings_of(environ: Mapping[str, str]) -> Settings:
    """The settings in `environ`, with a home that can be written to. Raises SettingsError."""
    settings = read_settings(environ)
    check_home(settings.home)
    return settings


def private() -> None:
    """See to it that no numbers about the person's use leave the machine, that threads sleep while they
    wait, and that what is logged is bounded; before the libraries that read it are loaded.
    """
    log_lines.bound()
    os.environ.update(
        {"GRADIO_ANALYTICS_ENABLED": "False", "HF_HUB_DISABLE_TELEMETRY": "1", "DO_NOT_TRACK": "1"}
    )
    os.environ.setdefault(*THREADS_SLEEP)  # models predict in this process, beside training runs


def run(
    app: ASGIApp,
    settings: Settings,
    name: str,
    listener: socket.socket | None = None,
    doors: str = "",
    protocol: type[asyncio.Protocol] | None = None,
) -> int:
    """Serve `app` and print its address once it answers. Returns the exit status: 0, or 2 after one
    line if the port is taken. listener: if it was bound already; doors: what to print below the
    address; protocol: for HTTP, if not uvicorn's own (app.connections).
    """
    import uvicorn

    class Announcing(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if self.started:
                line = f"{name} is running at {address(settings)} (stop it with Ctrl+C)"
                print(f"{line}\n{doors}".rstrip(), flush=True)

    try:
        listener = listener or bind(settings.host, settings.port)
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 2
    config = uvicorn.Config(
        app,
        loop="asyncio",  # what is tested, also where uvloop and httptools happen to be installed
        http=protocol or "h11",
        log_level="warning",
        access_log=False,
        proxy_headers=False,  # the doors read what a trusted proxy says
        server_header=False,
        timeout_graceful_shutdown=3,
        ws="websockets-sansio",
        ws_max_size=MOST_MESSAGE,
        ws_per_message_deflate=False,  # packing each message holds up all visitors; Streamlit's default
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
