"""The canvas' queue: nobody fills it for all others."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from own_loop import run

from app.canvas_doors import MOST_NAMED, MOST_OF_PERSON, OwnFiles
from app.canvas_page import CanvasPage
from engine.people.person import OWNER, Person

ADA, BEN = Person("a" * 16, "Ada", "student"), Person("b" * 16, "Ben", "student")
PROGRAM = Person("", "", "visitor")


def scope(person: Person, path: str = "/gradio_api/queue/join", address: str = "10.0.0.1") -> dict:
    return {
        "type": "http",
        "method": "POST",
        "path": path,
        "headers": [],
        "client": (address, 1),
        "glyphlab.person": person,
    }


def page(waiting: list[dict], working: list[dict]) -> SimpleNamespace:
    def events(scopes):
        return [SimpleNamespace(request=SimpleNamespace(scope=one)) for one in scopes]

    queue = SimpleNamespace(
        event_queue_per_concurrency_id={"a": SimpleNamespace(queue=events(waiting))},
        active_jobs=[None, events(working)],
    )
    fns = {0: SimpleNamespace(api_name="predict_batch")}
    own = SimpleNamespace(_queue=queue, received=None, fns=fns)
    own.waiting_of = lambda who: CanvasPage.waiting_of(own, who)
    return own


def status(found: SimpleNamespace, asked: dict, body: bytes = b'{"fn_index": 0}') -> int:
    said = []

    async def receive():
        return {"type": "http.request", "body": body, "more_body": False}

    async def inside(scope, receive, send):
        assert (await receive())["body"] == body
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def send(message):
        said.append(message)

    run(OwnFiles(inside, found)(asked, receive, send))
    return said[0]["status"]


def test_a_question_is_answered_to_stopped_and_forgotten_by_whoever_asked_it():
    reached, said = [], []

    async def inside(scope, receive, send):
        reached.append(scope["path"])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b'{"event_id": "e1"}'})

    async def send(message):
        said.append(message)

    app = OwnFiles(inside, page([], []))

    def asks(person: Person, path: str, method: str = "POST", **question: object) -> int:
        said.clear()
        body = json.dumps(question).encode()

        async def receive():
            return {"type": "http.request", "body": body, "more_body": False}

        named = f"session_hash={question.get('session', '')}".encode()
        asked = scope(person, f"/gradio_api/{path}") | {"method": method, "query_string": named}
        run(app(asked, receive, send))
        return said[0]["status"]

    call, about = "call/predict_batch", {"event_id": "e1", "fn_index": 0, "session_hash": "e1"}
    assert asks(ADA, f"{call}/e1", "GET") == 403, "nobody has asked it yet"
    assert asks(ADA, call, data=[]) == 200
    before = len(reached)
    for stranger in (BEN, PROGRAM):
        assert asks(stranger, f"{call}/e1", "GET") == asks(stranger, f"{call}/e1", "HEAD") == 403
        assert asks(stranger, "cancel", **about) == asks(stranger, "reset", event_id="e1") == 403
        assert asks(stranger, "reset/", event_id="e1") == 403
        assert asks(stranger, "cancel", **about | {"session_hash": "mine"}) == 403
        assert asks(stranger, "queue/data", "GET", session="e1") == 403, "its session's name"
    assert len(reached) == before
    assert asks(ADA, f"{call}/e1", "GET") == asks(ADA, "cancel", **about) == 200
    assert asks(ADA, "reset", event_id="e1") == 200


def test_answers_go_to_whoever_named_their_session_first():
    said = []

    async def inside(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def send(message):
        said.append(message)

    app = OwnFiles(inside, page([], []))

    def listens(person: Person, session: str) -> int:
        said.clear()
        asked = scope(person, "/gradio_api/queue/data") | {"method": "GET"}
        run(app(asked | {"query_string": f"session_hash={session}".encode()}, None, send))
        return said[0]["status"]

    def asks(person: Person, session: str) -> int:
        said.clear()
        body = json.dumps({"fn_index": 0, "session_hash": session}).encode()

        async def receive():
            return {"type": "http.request", "body": body, "more_body": False}

        run(app(scope(person), receive, send))
        return said[0]["status"]

    assert asks(ADA, "hers") == listens(ADA, "hers") == 200
    assert listens(BEN, "hers") == 403 and asks(BEN, "hers") == 404
    assert asks(BEN, "his") == listens(BEN, "his") == listens(ADA, "hers") == 200
    for number in range(MOST_NAMED):
        asks(BEN, str(number))
    assert listens(BEN, "hers") == 200, "it is forgotten who named it so long ago"


@pytest.mark.parametrize("path", ["/gradio_api/queue/join", "/gradio_api/call/predict_batch"])
def test_one_person_has_so_many_questions_in_the_queue_and_others_theirs(path):
    full = page([scope(ADA)] * (MOST_OF_PERSON - 1), [scope(ADA)])
    assert status(full, scope(ADA, path)) == 429
    assert status(full, scope(BEN, path)) == 200
    less = page([scope(ADA)] * (MOST_OF_PERSON - 1), [scope(BEN)])
    assert status(less, scope(ADA, path)) == 200


def test_programs_are_counted_by_their_address_and_the_owner_not_at_all():
    full = page([scope(PROGRAM)] * MOST_OF_PERSON + [scope(OWNER)] * MOST_OF_PERSON, [])
    assert status(full, scope(PROGRAM)) == 429
    assert status(full, scope(PROGRAM, address="10.0.0.2")) == 200
    assert status(full, scope(OWNER)) == 200


@pytest.mark.parametrize(
    "body", [b'{"fn_index": 99}', b'{"fn_index": -1}', b'{"fn_index": null}', b"{}", b"[", b"7"]
)
def test_a_question_that_the_page_does_not_have_is_not_handed_on(body):
    assert status(page([], []), scope(ADA), body) == 404
    assert status(page([], []), scope(ADA, "/gradio_api/call/other"), b"{}") == 404
    assert status(page([], []), scope(ADA, "/gradio_api/call/predict_batch"), b"{}") == 200
