"""The lab as one process: what it answers, what it loads, how it starts and stops. Real processes
on free ports.
"""

from __future__ import annotations

import signal
import socket
import subprocess

import pytest
from own_loop import run
from ports import free_port
from waiting import wait_until
from weblab import ROOT, Server, add_run, command

from app.lazy_app import LazyApp
from app.serving import bind, check_home
from engine.errors import SettingsError
from engine.lab import Lab


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    home = tmp_path_factory.mktemp("lab")
    add_run(Lab(home), name="mine")
    running = Server(home)
    yield running
    running.close()


def test_it_says_where_it_is_and_how_it_is(server):
    health = server.health()
    assert health["running"] == health["queued"] == 0 and health["version"] and health["device"]
    assert wait_until(lambda: server.address in server.output())


def test_a_process_that_has_shown_home_holds_nothing_heavy(server):
    assert "<title>" in server.get("/")[2]
    script = f"""
import sys
from streamlit.testing.v1 import AppTest
import app.server
page = AppTest.from_file({str(ROOT / "app" / "dashboard.py")!r}, default_timeout=900).run()
assert not page.exception and page.title[0].value == "Glyphlab"
heavy = ("torch", "torchvision", "gradio", "umap", "numba", "sklearn", "scipy", "cleanlab")
print([name for name in heavy if name in sys.modules])
"""
    arguments, environ = command(server.home, server.port)
    done = subprocess.run(
        [*arguments[:1], "-c", script],
        cwd=ROOT,
        env=environ,
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"
    assert server.health()["torch_loaded"] is False


def test_a_browser_that_asks_for_the_canvas_first_gets_a_page_that_reloads_itself_and_the_api_works(
    server,
):
    from gradio_client import Client, handle_file
    from PIL import Image, ImageDraw

    status, _, body = server.get("/canvas/", accept="text/html")
    assert status == 200 and (
        "The canvas is starting" in body and 'http-equiv="refresh"' in body or "gradio" in body
    )
    status, address, body = server.get(
        "/canvas?model=x"
    )  # without the slash, and by a client that just waits
    assert status == 200 and address.endswith("/canvas/?model=x") and "gradio" in body
    picture = Image.new("L", (120, 120), 255)
    ImageDraw.Draw(picture).line([(30, 30), (90, 30), (50, 100)], fill=0, width=12)
    file = server.home / "seven.png"
    picture.save(file)
    client = Client(server.address + "/canvas/", verbose=False, httpx_kwargs={"timeout": 900})
    answer = client.predict(
        handle_file(str(file)), Lab(server.home).runs()[0].id, api_name="/predict"
    )
    client.close()
    assert answer["label"] in "0123456789" and len(answer["confidences"]) == 10
    assert sum(row["confidence"] for row in answer["confidences"]) == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_cleanly_while_a_request_is_still_being_sent(tmp_path, number):
    running = Server(tmp_path)
    head = f"Host: 127.0.0.1:{running.port}\r\nContent-Type: application/json"
    with socket.create_connection(("127.0.0.1", running.port)) as slow:
        path = "/canvas/gradio_api/queue/join"
        slow.sendall(f"POST {path} HTTP/1.1\r\n{head}\r\nContent-Length: 900\r\n\r\n{{".encode())
        wait_until(lambda: running.health())  # which comes after the request
        assert running.stop(number) == 0
    assert "Traceback" not in running.output()
    running.close()


def test_a_second_lab_on_the_same_port_says_so_in_one_line(server, tmp_path):
    arguments, environ = command(tmp_path, server.port)
    done = subprocess.run(
        arguments, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=900
    )
    assert done.returncode == 2 and not done.stdout
    assert (
        len(done.stderr.splitlines()) == 1
        and f"127.0.0.1:{server.port}" in done.stderr
        and "GLYPHLAB_PORT" in done.stderr
    )


def test_a_setting_that_can_not_be_used_is_one_line(tmp_path):
    arguments, environ = command(tmp_path, 1, GLYPHLAB_PORT="many")
    done = subprocess.run(
        arguments, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=900
    )
    assert (
        done.returncode == 2
        and len(done.stderr.splitlines()) == 1
        and "GLYPHLAB_PORT" in done.stderr
    )


def test_help_lists_every_setting(tmp_path):
    from engine.settings import SETTINGS

    arguments, environ = command(tmp_path, 1)
    done = subprocess.run(
        [*arguments, "--help"], cwd=ROOT, env=environ, capture_output=True, text=True, timeout=900
    )
    assert done.returncode == 0 and all(setting.name in done.stdout for setting in SETTINGS)


def test_a_home_that_can_not_be_written_to_is_refused(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(SettingsError, match="can't be written to.*GLYPHLAB_HOME"):
        check_home(tmp_path / "file" / "lab")
    check_home(tmp_path / "new" / "lab")
    assert list((tmp_path / "new" / "lab").iterdir()) == []


def test_an_address_of_another_machine_is_refused():
    with pytest.raises(SettingsError, match="can't listen on 192.0.2.1"):
        bind("192.0.2.1", free_port())


def answer_of(app: LazyApp, accept: str = "*/*", kind: str = "http") -> tuple[int, str]:
    """What a LazyApp answers to one GET, in a loop of its own."""

    async def ask() -> tuple[int, str]:
        sent: list[dict] = []

        async def receive() -> dict:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: dict) -> None:
            sent.append(message)

        scope = {
            "type": kind,
            "method": "GET",
            "path": "/",
            "headers": [(b"accept", accept.encode())],
            "query_string": b"",
        }
        await app(scope, receive, send)
        await app.stop()
        return (
            sent[0]["status"],
            b"".join(message.get("body", b"") for message in sent[1:]).decode(),
        )

    return run(ask())


def starlette_app(events: list[str]):
    from contextlib import asynccontextmanager

    from starlette.applications import Starlette
    from starlette.responses import PlainTextResponse
    from starlette.routing import Route

    @asynccontextmanager
    async def lifespan(app):
        events.append("entered")
        yield
        events.append("left")

    return Starlette(
        routes=[Route("/", lambda request: PlainTextResponse("hello"))], lifespan=lifespan
    )


def test_a_lazy_app_is_built_on_the_first_request_and_its_lifespan_is_entered_and_left():
    events: list[str] = []
    app = LazyApp(lambda: starlette_app(events), "The trial")
    assert events == []
    assert answer_of(app) == (200, "hello")
    assert events == ["entered", "left"]


def test_a_lazy_app_that_can_not_be_built_says_why_and_is_tried_again(caplog):
    attempts: list[str] = []

    def build():
        attempts.append("try")
        raise OSError("disk on fire")

    app = LazyApp(build, "The trial")
    status, body = answer_of(app)
    assert status == 500 and body == "The trial could not start: disk on fire"
    status, body = answer_of(app, accept="text/html")
    assert status == 500 and "disk on fire" in body and len(attempts) == 2


def test_a_browser_sees_that_a_lazy_app_is_starting():
    import threading

    gate = threading.Event()

    def build():
        gate.wait(900)
        return starlette_app([])

    async def first_look() -> tuple[int, str]:
        app, sent = LazyApp(build, "The trial"), []

        async def send(message: dict) -> None:
            sent.append(message)

        scope = {
            "type": "http",
            "method": "GET",
            "path": "/",
            "headers": [(b"accept", b"text/html")],
            "query_string": b"",
        }
        await app(scope, None, send)
        gate.set()
        await app.stop()
        return sent[0]["status"], sent[1]["body"].decode()

    status, body = run(first_look())
    assert status == 200 and "The trial is starting" in body and 'http-equiv="refresh"' in body


def test_a_program_that_knocks_while_a_lazy_app_is_built_is_kept_until_it_has_its_answer():
    import json
    import threading

    from starlette.applications import Starlette
    from starlette.responses import JSONResponse
    from starlette.routing import Route

    gate, spaces = threading.Event(), []

    def build():
        assert gate.wait(900)
        return Starlette(routes=[Route("/config", lambda request: JSONResponse({"a": 1}))])

    async def knock() -> list[dict]:
        lazy, sent = LazyApp(build, "The trial", ("/config",), patience_seconds=0.01), []

        async def send(message: dict) -> None:
            sent.append(message)
            if message.get("body") == b" ":
                spaces.append(message)
                if len(spaces) == 3:
                    gate.set()

        scope = {"type": "http", "method": "GET", "path": "/config", "query_string": b""}
        await lazy({**scope, "headers": [(b"accept-encoding", b"br")]}, None, send)
        await lazy.stop()
        return sent

    sent = run(knock())
    assert [message["type"] for message in sent].count("http.response.start") == 1
    assert len(spaces) >= 3
    assert json.loads(b"".join(message.get("body", b"") for message in sent)) == {"a": 1}


def test_small_answers_are_sent_at_once():
    # asyncio switches Nagle's algorithm off on the connections of such a listener only.
    with bind("127.0.0.1", 0) as listener:
        assert listener.proto == socket.IPPROTO_TCP
