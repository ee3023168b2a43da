"""Every route that the libraries would serve is known: behind a door of the table, which says who may
come, or shut. So is every question of the canvas.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from own_loop import run

from app.doors.admission import cookie_name
from app.doors.table import ALL, ANYONE, LEADERS, QUESTIONS, Door, lab_table
from app.widgets.links import PAGES
from engine.lab import Lab
from engine.people.rights import DEEDS
from engine.settings import read_settings

# What the libraries bring and the lab does not serve. A route that is neither here nor in the table
# came with a new version: decide which it is to be.
SHUT = {
    "/_stcore/metrics",
    "/_stcore/agent/interact",
    "/_stcore/agent/mcp",
    "/_stcore/agent/openapi.json",
    "/auth/login",
    "/auth/logout",
    "/oauth2callback",
    "/canvas/openapi.json",
    "/canvas/login",
    "/canvas/logout",
    "/canvas/robots.txt",
    "/canvas/pwa_icon",
    "/canvas/pwa_icon/{size}",
    "/canvas/monitoring",
    "/canvas/monitoring/summary",
    "/canvas/monitoring/{key}",
    "/canvas/gradio_api/api/{api_name}",
    "/canvas/gradio_api/call/v2/{api_name}",
    "/canvas/gradio_api/call/v2/{api_name}/{event_id}",
    "/canvas/gradio_api/custom_component/{id}/{environment}/{type}/{file_name}",
    "/canvas/gradio_api/deep_link",
    "/canvas/gradio_api/dev/reload",
    "/canvas/gradio_api/file/{path:path}",
    "/canvas/gradio_api/login_check",
    "/canvas/gradio_api/openapi.json",
    "/canvas/gradio_api/process_recording",
    "/canvas/gradio_api/proxy={url_path:path}",
    "/canvas/gradio_api/run/{api_name}",
    "/canvas/gradio_api/runs",
    "/canvas/gradio_api/stream/{event_id}",
    "/canvas/gradio_api/stream/{event_id}/close",
    "/canvas/gradio_api/stream/{session_hash}/{run}/{component_id}/playlist-file",
    "/canvas/gradio_api/stream/{session_hash}/{run}/{component_id}/playlist.m3u8",
    "/canvas/gradio_api/stream/{session_hash}/{run}/{component_id}/{segment_id}.{ext}",
    "/canvas/gradio_api/token",
    "/canvas/gradio_api/undo-vibe-edit",
    "/canvas/gradio_api/user",
    "/canvas/gradio_api/vibe-code",
    "/canvas/gradio_api/vibe-edit",
    "/canvas/gradio_api/vibe-starter-queries",
}
# The ends of a door's path that another spelling of a library's route has.
SPELLINGS = {"/canvas/gradio_api/call/{api_name}/", "/canvas/gradio_api/app_id/"}


def routes_of(routes, prefix: str = "") -> Iterator[tuple[str, set[str]]]:
    for route in routes:
        inner = getattr(route, "routes", None) or getattr(
            getattr(route, "original_router", None), "routes", None
        )
        if inner:
            yield from routes_of(inner, prefix + (getattr(route, "path", "") or "").rstrip("/"))
        elif type(route).__name__ == "Mount":
            yield prefix + route.path + "/{path:path}", {"GET"}
        else:
            yield prefix + route.path, set(getattr(route, "methods", None) or {"WEBSOCKET"})


questions: list = []  # the canvas that `served` built


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """Every path and its methods, of the dashboard and the canvas as they are built."""
    from app.server import _canvas, build

    async def built() -> list[tuple[str, set[str]]]:
        home = tmp_path_factory.mktemp("served")
        lab = Lab(home, read_settings({"GLYPHLAB_MODE": "class", "GLYPHLAB_HOME": str(home)}))
        dashboard = build(lab, {}).app.dashboard._build_starlette_app()
        canvas = _canvas(lab)
        canvas.received.remove()
        questions.append(canvas)
        return [*routes_of(dashboard.routes), *routes_of(canvas.app.app.routes, "/canvas")]

    return run(built())  # Gradio makes a loop of its own where none runs


def functions_of(block) -> list:
    """What a component's script may call."""
    return getattr(block, "server_fns", [])


def example(path: str) -> str:
    return re.sub(r"\{\w+(:\w+)?\}", "x", path)


def test_every_route_is_behind_a_door_or_shut(served):
    table, unknown = lab_table(list(PAGES)), set()
    paths = {path for path, _ in served}
    assert {"/_stcore/stream", "/canvas/gradio_api/queue/join", "/space/run/{key}/sheet"} <= paths
    for path, methods in served:
        opened = [isinstance(table.find(method, example(path)), Door) for method in methods]
        if path.rstrip("/") in SHUT:
            assert not any(opened), f"{path} is shut and open"
        elif not any(opened) and path not in SPELLINGS and methods != {"OPTIONS"}:
            unknown.add(path)
    assert unknown <= {"/{path:path}", "/canvas/{path:path}"}, f"served, but not decided: {unknown}"


@pytest.mark.parametrize("mode", ["own", "class", "public"])
def test_only_a_class_has_the_page_of_a_class(tmp_path, mode):
    from app.server import build

    lab = Lab(tmp_path, read_settings({"GLYPHLAB_MODE": mode, "GLYPHLAB_HOME": str(tmp_path)}))
    table = build(lab, {}).table
    assert isinstance(table.find("GET", "/train"), Door)
    assert isinstance(table.find("GET", "/classroom"), Door) is (mode == "class")


def test_every_door_leads_somewhere_and_nothing_shut_is_history(served):
    from starlette.routing import compile_path

    known = [compile_path(path)[0] for path, _ in served]
    for door in lab_table(list(PAGES)).doors:
        path = door.path.replace("{*}", "a").replace("{}", "7")
        assert any(regex.match(path) for regex in known), path
    assert {path.rstrip("/") for path, _ in served} >= SHUT


def test_every_door_says_who_may_come(served):
    doors = lab_table(list(PAGES)).doors
    assert {door.who for door in doors} <= {ALL, ANYONE, LEADERS}
    open_ = {door.path for door in doors if door.who == ANYONE}
    assert open_ == {
        "/healthz",
        "/favicon.ico",
        "/font.woff2",
        "/join",
        "/enter",
        "/leave",
        "/signin",
        "/signed-in",
    }


def test_a_question_is_answered_to_whom_it_is_for(served):
    import gradio

    page = questions[0].page
    room = page.lab.classroom
    ada = room.join(room.now().code, "Ada")

    def ask(person, name: str = "listed") -> None:
        fn = next(fn for fn in page.fns.values() if fn.fn.__name__ == name)
        cookies = {cookie_name(7860): room.pass_of(person)} if person else {}
        request = SimpleNamespace(cookies=cookies, scope={})
        run(page.process_api(fn, ["", ""], None, request=request))

    ask(ada)
    room.lock(True)
    ask(ada)
    for person, name, words in (
        (None, "listed", "not in the class"),
        (ada, "add", "locked"),
        (ada, "tune", "locked"),
    ):
        with pytest.raises(gradio.Error, match=words):
            ask(person, name)
    room.lock(False)
    room.send_away(ada.id)
    with pytest.raises(gradio.Error, match="not in the class"):
        ask(ada)


def test_every_question_of_the_canvas_is_a_deed(served):
    """What Gradio's configuration offers, with an address in the API or without, and what the pad's
    script may call.
    """
    page = questions[0].page
    config = page.get_config_file()
    asked = {page.fns[row["id"]].fn.__name__ for row in config["dependencies"]}
    asked |= {fn.__name__ for block in page.blocks.values() for fn in functions_of(block)}
    assert {"predict", "look", "tune"} <= asked
    assert asked == QUESTIONS.keys()
    assert set(QUESTIONS.values()) <= DEEDS.keys()
