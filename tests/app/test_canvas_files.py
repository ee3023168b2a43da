"""Uploads to the canvas and files from it: each is one person's, and what fails leaves nothing."""

from __future__ import annotations

import errno
import json
from pathlib import Path

import pytest
from own_loop import run
from starlette.requests import Request
from starlette.responses import Response

from app.canvas_files import FILE, asker, handed_over, served, take
from app.received import Received
from engine.people.person import NOBODY, OWNER, TEACHER, Person

ADA, BEN = Person("a" * 16, "Ada", "student"), Person("b" * 16, "Ben", "student")
PART = b'--x\r\nContent-Disposition: form-data; name="files"; filename="%s"\r\n\r\n%s\r\n'


@pytest.fixture
def received(tmp_path):
    made = Received(tmp_path, 1000)
    yield made
    made.remove()


def asked(person: Person | None, *parts: bytes | OSError, path: str = "/", **named: str) -> Request:
    """A form that comes in parts; an error is raised where it is to come."""
    left = list(parts)

    async def receive() -> dict:
        part = left.pop(0)
        if isinstance(part, OSError):
            raise part
        return {"type": "http.request", "body": part, "more_body": bool(left)}

    query = "&".join(f"{name}={value}" for name, value in named.items())
    scope = {
        "type": "http",
        "method": "POST",
        "path": path,
        "query_string": query.encode(),
        "headers": [(b"content-type", b"multipart/form-data; boundary=x")],
        "client": ("10.0.0.1", 5),
        "glyphlab.person": person,
    }
    return Request(scope, receive)


def sent(received, person, *parts, **named) -> tuple[int, str]:
    kept: set[str] = set()
    answer = run(take(received, asked(person, *parts, **named), kept))
    assert len(kept) == (len(json.loads(answer.body)) if answer.status_code == 200 else 0)
    return answer.status_code, bytes(answer.body).decode()


def test_who_sent_a_file_reads_it_by_a_name_that_tells_no_place_and_nobody_else_does(
    received, tmp_path
):
    status, said = sent(received, ADA, PART % (b"../7 seven.png", b"picture"), b"--x--\r\n")
    (name,) = json.loads(said)
    assert status == 200 and str(tmp_path) not in said and name.endswith("/7 seven.png")
    for path in (f"{FILE}{name}", f"{FILE}/{name}"):
        found = served(received, asked(ADA).scope, path)
        assert not isinstance(found, Response)
        assert Path(found["path"].removeprefix(FILE)).read_bytes() == b"picture"
        for other in (BEN, NOBODY, TEACHER, OWNER, None):
            refused = served(received, asked(other).scope, path)
            assert isinstance(refused, Response) and refused.status_code == 403


@pytest.mark.parametrize(
    ("parts", "status", "words"),
    [
        ((OSError(errno.ENOSPC, "full"),), 507, "no room left on the lab's disk"),
        ((PART % (b"a.png", b"y"), OSError(errno.EDQUOT, "full")), 507, "no room left"),
        ((PART % (b"a.png", b"y" * 1001), b"--x--\r\n"), 413, "maximum allowed size"),
        (
            (b"--x\r\nContent-Disposition: form-data\r\n\r\ny\r\n--x--\r\n",),
            400,
            "must be provided",
        ),
        ((PART.replace(b'; filename="%s"', b"") % b"text", b"--x--\r\n"), 400, "something else"),
    ],
)
def test_an_upload_that_fails_is_said_in_words_and_leaves_nothing(received, parts, status, words):
    got, said = sent(received, ADA, *parts, upload_id="u1")
    assert got == status and words in said
    assert [path for path in received.folder.rglob("*") if path.is_file()] == []


def test_an_upload_whose_sender_is_gone_leaves_nothing(received):
    with pytest.raises(ConnectionResetError):
        sent(received, ADA, PART % (b"a.png", b"y"), ConnectionResetError())
    assert [path for path in received.folder.rglob("*") if path.is_file()] == []


def test_a_file_in_an_answer_is_theirs_who_asked(received):
    made = received.folder / ("e" * 64) / "symbols.zip"
    made.parent.mkdir()
    made.write_bytes(b"zip")
    url = f"https://lab.example.org/canvas{FILE}{made}"
    file = {"path": str(made), "url": url, "meta": {"_type": "gradio.FileData"}}
    (found, same) = handed_over(received, [{"value": file, "visible": True}, 7], asker_of(ADA))
    name = found["value"]["path"]
    assert same == 7 and found["value"]["url"] == f"https://lab.example.org/canvas{FILE}{name}"
    assert str(received.folder) not in str(found)
    assert received.file(found["value"]["path"], asker_of(ADA)).read_bytes() == b"zip"


def asker_of(person: Person) -> str:
    return asker(asked(person).scope)
