"""The canvas and strangers: every endpoint, public or not, with questions that it must not answer."""

from __future__ import annotations

import base64
import io

import httpx
import pytest
from canvas_server import CanvasServer
from costly import jpeg_of_scans
from gradio_client import Client
from hands import drawn
from PIL import Image


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    running = CanvasServer(tmp_path_factory.mktemp("doors"))
    Image.fromarray(255 - drawn("7")).save(running.home / "seven.png")
    yield running
    running.close()


@pytest.fixture(scope="module")
def client(server):
    opened = Client(server.address, verbose=False, httpx_kwargs={"timeout": 900})
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def views(server):
    from app.canvas_tabs.reader import Reader
    from app.canvas_tabs.views import Views
    from engine.lab import Lab

    return Views(Reader(Lab(server.home))).functions()


def answer_of(server, index: int, data: list) -> str:
    """What a question to any endpoint is answered with, public or not, word by word."""
    session = f"s{index}"
    question = {"data": data, "fn_index": index, "session_hash": session}
    with httpx.Client(base_url=server.address, timeout=900) as web:
        joined = web.post("/gradio_api/queue/join", json=question)
        if joined.status_code != 200:
            return joined.text
        return web.get("/gradio_api/queue/data", params={"session_hash": session}).text


def test_no_endpoint_opens_a_file_that_was_not_sent(server, client):
    outside = str(server.home / "seven.png")
    forms = (
        {"path": outside, "meta": {"_type": "gradio.FileData"}},
        {"path": outside},
        {"path": outside, "url": outside, "is_stream": True, "meta": {"_type": "gradio.FileData"}},
        {"path": None, "url": f"file://{outside}", "meta": {"_type": "gradio.FileData"}},
        {"url": f"{server.address}/config", "path": "", "meta": {"_type": "other"}},
        {"path": "/dev/zero", "meta": {"_type": "gradio.FileData"}},
        {"video": {"path": outside}},
        [{"path": outside, "meta": {"_type": "gradio.FileData"}}],
        [[[[[[{"path": outside}]]]]]],
        {"data": 5},
        "x" * 100_000,
    )
    before = len(server.output().splitlines())
    endpoints, questions = client.config["dependencies"], 0
    assert len(endpoints) > 10
    for endpoint in endpoints:
        if not endpoint["inputs"]:
            continue
        for form in forms[:: 1 if endpoint["api_visibility"] == "public" else 4]:
            answer = answer_of(server, endpoint["id"], [form] * len(endpoint["inputs"]))
            assert '"success":false' in answer, (endpoint["api_name"], form, answer)
            assert outside not in answer and str(server.home) not in answer
            questions += 1
    assert len(server.output().splitlines()) - before <= questions
    assert "Traceback" not in server.output()


def test_files_have_names_that_tell_no_place_and_odd_questions_are_one_line(server, client):
    seven = (server.home / "seven.png").read_bytes()
    ids = {one["api_name"]: one["id"] for one in client.config["dependencies"]}
    with httpx.Client(base_url=f"{server.address}/gradio_api/", timeout=900) as web:
        said = web.post("upload", files={"files": ("seven.png", seven)})
        (name,) = said.json()
        assert str(server.home) not in said.text and not name.startswith("/")
        assert web.get(f"file={name}").content == web.get(f"file=/{name}").content == seven
        (path,) = (server.home / "received").rglob("seven.png")
        assert web.get(f"file={path}").status_code == 403
        file = {"path": name, "meta": {"_type": "gradio.FileData"}}
        assert '"success":true' in answer_of(server, ids["predict"], [file, ""])
        assert '"success":false' in answer_of(
            server, ids["predict"], [{**file, "path": str(path)}, ""]
        )
        for number in (99, -1, None, "x"):
            question = {"data": [], "fn_index": number, "session_hash": "s"}
            assert web.post("queue/join", json=question).status_code == 404
        for session in ('"\\ud800"', '"a b"', f'"{"a" * 65}"', "NaN", "[]", "7"):
            body = f'{{"data": ["", ""], "fn_index": {ids["predict"]}, "session_hash": {session}}}'
            for door in ("queue/join", "call/predict"):
                kind = {"Content-Type": "application/json"}
                refused = web.post(door, content=body, headers=kind)
                assert refused.status_code == 400, session
                assert "letters, digits and hyphens" in refused.text
        for named in ({"event_id": "e" * 65}, {"event_id": 7}, {"trigger_id": "t" * 1000}):
            question = {"data": ["", ""], "fn_index": ids["predict"], **named}
            assert web.post("queue/join", json=question).status_code == 400, named
        assert web.post("call/nothing", json={"data": []}).status_code == 404
        event = web.post("call/predict", json={"data": [file, ""]}).json()["event_id"]
        assert "event: complete" in web.get(f"call/predict/{event}").text
        assert web.get(f"call/predict/{'f' * 32}").status_code == 403, "or it would wait for ever"
        before = len(server.output().splitlines())
        forget = next(
            one["id"]
            for one in client.config["dependencies"]
            if any(
                part["id"] in one["inputs"] and part["type"] == "dropdown"
                for part in client.config["components"]
            )
        )
        assert '"success":false' in answer_of(server, forget, ["no choice", ""])
    assert len(server.output().splitlines()) - before <= 1
    assert "Traceback" not in server.output()


def test_what_the_pad_may_call_takes_its_own_questions_only(server, client):
    pad = next(one["id"] for one in client.config["components"] if one["type"] == "html")
    address, before = f"{server.address}/gradio_api/component_server", len(server.output())
    question = {"session_hash": "s", "component_id": pad, "fn_name": "look"}
    for data in ([], [1, 2, 3, 4], ["a"], {"path": "/etc/passwd"}, None, [["a"], "b", "c", "d"]):
        answer = httpx.post(address, json={**question, "data": data}, timeout=900)
        assert answer.status_code == 200 and answer.json()["headline"] == "This can't be read"
    for wrong in ({"fn_name": "__init__"}, {"fn_name": "preprocess"}, {"component_id": 10**6}):
        assert httpx.post(
            address, json={**question, "data": [], **wrong}, timeout=900
        ).status_code in (404, 500)
    for wrong in ([1], "x", {"fn_name": "look"}):
        assert httpx.post(address, json=wrong, timeout=900).status_code == 400
    plain = httpx.post(address, content=b"{}", headers={"content-type": "text/plain"}, timeout=900)
    assert plain.status_code == 415
    assert len(server.output()) - before < 1000 and "Traceback" not in server.output()


def test_half_a_surrogate_pair_is_no_text(views):
    answer = views[0](["a", "\ud800", "", []])
    assert answer["headline"] == "This can't be read"


def test_a_drawing_as_large_as_no_pad_is_refused_before_it_is_decoded(views):
    look = views[0]
    large = io.BytesIO()
    Image.new("1", (6000, 6000)).save(large, "PNG")
    uri = "data:image/png;base64," + base64.b64encode(large.getvalue()).decode()
    assert "too large" in look([uri, "canvas-digits", "", []])["note"]


def test_a_jpeg_that_would_take_minutes_is_refused_in_one_line(views, tmp_path):
    from app.canvas_tabs.pictures import Pictures
    from app.canvas_tabs.reader import Reader
    from engine.lab import Lab

    (tmp_path / "a.jpg").write_bytes(jpeg_of_scans(6_000))
    uri = base64.b64encode(jpeg_of_scans(6_000)).decode()
    shown = views[0](["data:image/jpeg;base64," + uri, "canvas-digits", "", []])
    assert shown["headline"] == "This can't be read"
    assert "JPEG of too many scans" in shown["note"]
    (answer,) = Pictures(Reader(Lab(tmp_path / "home"))).batch([str(tmp_path / "a.jpg")], None)
    assert answer["error"].startswith("a.jpg is a JPEG of too many scans. Allowed: at most 100.")


def test_large_pictures_are_read_one_at_a_time_and_small_ones_beside_them(tmp_path):
    import threading

    from app.canvas_tabs.reader import in_turn

    Image.new("1", (3000, 3000)).save(tmp_path / "large.png")
    Image.new("1", (30, 30)).save(tmp_path / "small.png")
    (tmp_path / "broken.png").write_bytes(b"no picture")
    read = threading.Event()

    def another() -> None:
        with in_turn([tmp_path / "small.png", tmp_path / "large.png"]):
            read.set()

    with in_turn([tmp_path / "large.png"]):
        with in_turn([tmp_path / "small.png"]), in_turn([tmp_path / "broken.png"]):
            waiting = threading.Thread(target=another)
            waiting.start()
        assert not read.wait(0.2)
    waiting.join(900)
    assert read.is_set()


def test_many_large_pictures_in_one_question_are_refused_before_one_is_read(tmp_path):
    from app.canvas_tabs.pictures import Pictures
    from app.canvas_tabs.reader import Reader
    from engine.errors import ImageError
    from engine.lab import Lab

    Image.new("1", (7000, 7000)).save(tmp_path / "large.png")
    with pytest.raises(ImageError, match="too large together: .* Allowed: at most 2,000 million"):
        Pictures(Reader(Lab(tmp_path / "home"))).batch([str(tmp_path / "large.png")] * 50, None)


def test_nothing_is_started_for_a_model_that_does_not_exist(views, server):
    from engine.lab import Lab

    prepare = views[3]
    assert "did you mean 'canvas-digits'" in prepare(["canvas-digit"])["error"]
    assert Lab(server.home).tasks() == []


def test_a_stranger_page_is_refused_by_the_canvas_alone_too(server):
    for headers in ({"host": "evil.example"}, {"origin": "http://evil.example"}):
        assert (
            httpx.get(f"{server.address}/config", headers=headers, timeout=900).status_code == 403
        )
    assert httpx.get(f"{server.address}/monitoring", timeout=900).status_code == 404
    assert (
        "frame-ancestors 'self'"
        in httpx.get(server.address, timeout=900).headers["content-security-policy"]
    )
