"""The lab's door: what passes it, what is answered by it, and what every answer carries."""

from __future__ import annotations

import logging

import pytest
from at_the_door import BEGUN, DOORS, TABLE, Inside, ask, example, filled, typed
from own_loop import run

from app.doors.guard import FORM_MARGIN, Guard
from app.doors.limits import QUESTIONS_BYTES, Limits, whose
from app.doors.table import LONGEST_PART, LONGEST_PATH, UPLOAD
from engine.settings import read_settings

UPLOADED = 1000


def guard(inside: Inside, limits: Limits | None = None, **environ: str) -> Guard:
    from app.doors.addresses import addresses_of
    from app.doors.proxies import proxies_of

    settings = read_settings(environ)
    return Guard(
        inside,
        TABLE,
        addresses_of(settings, environ),
        proxies_of(settings, environ),
        UPLOADED,
        limits,
    )


@pytest.mark.parametrize(("method", "pattern", "door"), DOORS, ids=lambda value: str(value)[:60])
def test_every_door_is_open_to_the_lab_and_shut_to_other_sites(method, pattern, door):
    inside = Inside()
    own = typed(door, ("host", "localhost:7860"))
    for headers in (
        own,
        (*own, ("origin", "http://localhost:7860")),
        (*own, ("sec-fetch-site", "same-origin")),
        typed(door, ("host", "[::1]:7860"), ("origin", "http://[::1]:7860")),
    ):
        assert ask(guard(inside), example(pattern), method, headers=headers)[0] == 200
    assert inside.reached == 4
    for headers in (
        typed(door, ("host", "evil.example"), ("origin", "http://evil.example")),
        typed(door, ("host", "evil.example:7860")),
        typed(door),
        (*own, ("host", "localhost:7860")),
        (*own, ("origin", "http://evil.example")),
        (*own, ("origin", "http://localhost:3000")),
        (*own, ("origin", "null")),
        (*own, ("origin", "http://localhost:7860"), ("origin", "http://evil.example")),
        (*own, ("x-forwarded-host", "evil.example"), ("origin", "http://evil.example")),
    ):
        assert ask(guard(inside), example(pattern), method, headers=headers)[0] in (400, 403)
    for site in ("cross-site", "same-site"):
        sent = (*own, ("sec-fetch-site", site), ("sec-fetch-mode", "no-cors"))
        assert ask(guard(inside), example(pattern), method, headers=sent)[0] == 403
        followed = (*own, ("sec-fetch-site", site), ("sec-fetch-mode", "navigate"))
        links = method in ("GET", "HEAD")
        assert (ask(guard(inside), example(pattern), method, headers=followed)[0] == 200) == links
    assert inside.reached == (6 if links else 4)


@pytest.mark.parametrize(("method", "pattern", "door"), DOORS, ids=lambda value: str(value)[:60])
def test_every_door_takes_so_many_bytes_of_one_type_and_no_more(method, pattern, door):
    if method == "WEBSOCKET":
        return
    inside, own = Inside(), typed(door, ("host", "localhost"))
    most = UPLOADED + FORM_MARGIN if door.body == UPLOAD else door.body
    path = example(pattern)
    assert ask(guard(inside), path, method, (filled(door, most),), own)[0] == 200
    assert ask(guard(inside), path, method, (filled(door, most), b"y"), own)[0] == 413
    announced = (*own, ("content-length", str(most + 1)))
    inside.reached = 0
    assert ask(guard(inside), path, method, headers=announced)[0] == 413
    assert ask(guard(inside), path, method, headers=(*own, ("content-length", "-1")))[0] == 400
    if door.takes:
        plain = (("host", "localhost"), ("content-type", "text/plain"))
        assert ask(guard(inside), path, method, headers=plain)[0] == 415
        assert ask(guard(inside), path, method, headers=plain[:1])[0] == 415
    assert inside.reached == 0


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/canvas/monitoring", 404),
        ("GET", "/canvas/monitoring/", 404),
        ("GET", "/canvas//monitoring", 404),
        ("GET", "/canvas/gradio_api/proxy=http://evil.example", 404),
        ("GET", "/_stcore/metrics", 404),
        ("GET", "/canvas/gradio_api/../monitoring", 404),
        ("POST", "/canvas/gradio_api/run/predict", 404),
        ("POST", "/canvas/gradio_api/stream/1", 404),
        ("POST", "/", 405),
        ("TRACE", "/", 405),
        ("OPTIONS", "/canvas/gradio_api/queue/join", 405),
        ("GET", "/canvas/gradio_api/queue/join", 405),
        ("WEBSOCKET", "/healthz", 403),
    ],
)
def test_what_is_not_listed_is_not_served(method, path, status):
    inside = Inside()
    assert ask(guard(inside), path, method)[0] == status and inside.reached == 0


@pytest.mark.parametrize(
    "path", ["/space/image/x/{}", "/space/run/x/{}", "/canvas/assets/{}", "/canvas/assets/{}/a.js"]
)
def test_what_is_longer_than_a_name_can_be_is_not_served(path):
    """No file system has such names, and Python makes no numbers of so many digits."""
    inside = Inside()
    for name, status in (
        ("9" * LONGEST_PART, 200),
        ("é" * (LONGEST_PART // 2), 200),
        ("9" * (LONGEST_PART + 1), 404),
        ("é" * (LONGEST_PART // 2 + 1), 404),
        ("9" * 5_000, 404),
    ):
        inside.reached = 0
        assert ask(guard(inside), path.format(name))[0] == status, len(name)
        assert inside.reached == (status == 200)
    deep = "/canvas/assets" + "/abcd" * (LONGEST_PATH // 5)
    assert ask(guard(inside), deep)[0] == 404


def test_every_answer_says_what_may_run_and_who_may_frame_it():
    inside = Inside()
    for path in ("/healthz", "/nowhere"):
        headers = ask(guard(inside), path)[1]
        assert headers["x-content-type-options"] == "nosniff"
        assert "frame-ancestors 'self'" in headers["content-security-policy"]
        assert "://" not in headers["content-security-policy"]  # nothing is loaded from elsewhere
        assert headers["x-frame-options"] == "SAMEORIGIN"
        assert not [name for name in headers if name.startswith("access-control")]
    pictures = "img-src 'self' data: blob:;"  # not those that a stranger's recipe links to
    assert pictures in ask(guard(inside), "/train")[1]["content-security-policy"]
    assert "sandbox" in ask(guard(inside), "/media/a.svg")[1]["content-security-policy"]
    space = ask(guard(inside, SPACE_ID="me/lab"), "/healthz")[1]
    assert "frame-ancestors 'self' https://huggingface.co" in space["content-security-policy"]
    assert "x-frame-options" not in space


def test_what_fails_behind_the_door_is_one_line_in_the_log(caplog):
    with caplog.at_level(logging.WARNING):
        inside = Inside(RecursionError("too deep\n" * 1000))
        assert ask(guard(inside))[0] == 500
    assert len(caplog.records) == 1 and len(caplog.text.splitlines()) == 1
    assert "RecursionError" in caplog.text and len(caplog.text) < 1000


@pytest.mark.parametrize(
    ("asked", "comes"),
    [("bytes=0-99", True), ("bytes=5-", True), ("bytes=-5", True), ("bytes=0-,0-,0-", False),
     ("bytes=1-2-3", False), ("bytes=--", False), ("lines=1-2", False)],
)  # fmt: skip
def test_a_range_that_is_not_one_plain_range_is_not_passed_on(asked, comes):
    inside = Inside()
    ask(guard(inside), headers=(("host", "localhost:7860"), ("range", asked)))
    assert inside.reached == 1 and (b"range" in dict(inside.headers)) == comes


def test_one_client_can_not_take_the_lab_from_the_others():
    async def crowd() -> list[bool]:
        limits, out = Limits(1000, {"http": 2, "websocket": 1}, sockets=2), []
        from contextlib import ExitStack

        with ExitStack() as stack:
            for client, kind in (
                ("10.0.0.1", "http"),
                ("10.0.0.1", "http"),
                ("10.0.0.1", "http"),
                ("10.0.0.2", "http"),
                ("10.0.0.1", "websocket"),
                ("10.0.0.1", "websocket"),
                ("10.0.0.2", "websocket"),
                ("10.0.0.3", "websocket"),
            ):
                try:
                    stack.enter_context(limits.entered(client, kind))
                    out.append(True)
                except Exception:
                    out.append(False)
        with limits.entered("10.0.0.1", "http"):
            return out

    assert run(crowd()) == [True, True, False, True, True, False, True, False]
    assert whose("2001:db8::1") == whose("2001:db8::2") and whose("::ffff:1.2.3.4") == "1.2.3.4"
    full = Limits(1000, {"http": 0, "websocket": 0})
    status, headers = ask(guard(Inside(), full))
    assert status == 429 and headers["retry-after"]
    assert ask(guard(Inside(), full), "/_stcore/stream", "WEBSOCKET")[0] == 403


def test_uploads_that_come_at_once_are_counted_together():
    limits, path = Limits(1000), "/canvas/gradio_api/upload"
    headers = (("host", "localhost"), ("content-type", "multipart/form-data; boundary=x"))
    door = guard(Inside(), limits)
    assert ask(door, path, "POST", (BEGUN.ljust(900, b"x"),), headers)[0] == 200
    limits.came("127.0.0.1", 500)  # another upload of this client that is on its way
    assert ask(door, path, "POST", (BEGUN.ljust(900, b"x"),), headers)[0] == 429
    limits.came("10.0.0.2", 900)
    assert ask(door, path, "POST", (BEGUN.ljust(500, b"x"),), headers)[0] == 200
    limits.came("10.0.0.3", 500)
    assert ask(door, path, "POST", (BEGUN.ljust(500, b"x"),), headers)[0] == 429
    limits.went("10.0.0.3", 500)
    assert ask(door, path, "POST", (BEGUN.ljust(500, b"x"),), headers)[0] == 200


def test_uploads_take_no_room_from_questions_and_questions_have_bounds_too():
    limits = Limits(1000)
    limits.came("127.0.0.1", 1000)
    limits.came("10.0.0.2", 1000)  # all that uploads may have
    asked, kind = "/canvas/gradio_api/component_server", ("content-type", "application/json")
    door, headers = guard(Inside(), limits), (("host", "localhost"), kind)
    assert ask(door, asked, "POST", (b"x" * 900,), headers)[0] == 200
    limits.came("127.0.0.1", QUESTIONS_BYTES, upload=False)
    assert ask(door, asked, "POST", (b"x" * 900,), headers)[0] == 429


def test_a_request_with_two_lengths_is_refused_and_its_connection_closed():
    inside = Inside()
    host, parts = ("host", "localhost:7860"), ("transfer-encoding", "chunked")
    for path, method in (("/join", "POST"), ("/healthz", "GET")):
        form = ("content-type", "application/x-www-form-urlencoded")
        both = (host, form, ("content-length", "5"), parts)
        status, headers = ask(guard(inside), path, method, headers=both)
        assert status == 400 and headers["connection"] == "close"
        assert ask(guard(inside), path, method, headers=(host, form, parts))[0] == 200
    assert inside.reached == 2


def test_a_form_may_carry_large_files_but_little_text():
    inside, path = Inside(), "/canvas/gradio_api/upload"
    headers = (("host", "localhost"), ("content-type", "multipart/form-data; boundary=x"))
    text = b'--x\r\nContent-Disposition: form-data; name="t"\r\n\r\n'
    few, many = (text + b"y" * 99_000,), (text, b"y" * 60_000, b"y" * 60_000)
    door = guard(inside, Limits(1_000_000), GLYPHLAB_UPLOAD_MB="1")
    assert ask(door, path, "POST", few, headers)[0] == 200
    assert ask(door, path, "POST", many, headers)[0] == 413
    file = (BEGUN, b"y" * 60_000, b"y" * 60_000, b"\r\n" + text, b"y" * 99_000)
    assert ask(door, path, "POST", file, headers)[0] == 200
    assert ask(door, path, "POST", (*file, b"y" * 2_000), headers)[0] == 413
    assert ask(door, path, "POST", (b"no form",), headers)[0] == 400
    without = (*headers[:1], ("content-type", "multipart/form-data"))
    assert ask(door, path, "POST", (BEGUN,), without)[0] == 400
