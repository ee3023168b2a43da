"""Asking the lab's door without a network: an application behind it, and single requests."""

from __future__ import annotations

import re

from own_loop import run

from app.doors.guard import Guard
from app.doors.table import FORM, Door, lab_table

TABLE = lab_table(["train"])
DOORS = sorted(
    {
        (method, door.pattern().pattern, door)
        for door in TABLE.doors
        for method in door.methods.split()
    },
    key=str,
)


class Inside:
    """An application that reads its whole body and counts the requests that reach it."""

    def __init__(self, error: Exception | None = None) -> None:
        self.reached, self.error = 0, error

    async def __call__(self, scope, receive, send) -> None:
        self.reached += 1
        self.headers = scope["headers"]
        while (await receive()).get("more_body"):
            pass
        if self.error:
            raise self.error
        if scope["type"] == "websocket":
            await send({"type": "websocket.accept"})
            return
        own = [(b"access-control-allow-origin", b"*"), (b"x-content-type-options", b"no")]
        await send({"type": "http.response.start", "status": 200, "headers": own})
        await send({"type": "http.response.body", "body": b"in"})


def ask(
    door: Guard,
    path: str = "/healthz",
    method: str = "GET",
    body: tuple[bytes, ...] = (b"",),
    headers: tuple[tuple[str, str], ...] = (("host", "localhost:7860"),),
) -> tuple[int, dict[str, str]]:
    """The status (0 and the code for a WebSocket that was closed) and headers of one answer."""
    sent: list[dict] = []
    left = list(body)

    async def receive() -> dict:
        part = left.pop(0) if left else b""
        return {"type": "http.request", "body": part, "more_body": bool(left)}

    async def send(message: dict) -> None:
        sent.append(message)

    scope = {
        "type": "websocket" if method == "WEBSOCKET" else "http",
        "path": path,
        "scheme": "http",
        "query_string": b"",
        "client": ("127.0.0.1", 5),
        "headers": [(name.encode(), value.encode()) for name, value in headers],
    }
    if method != "WEBSOCKET":
        scope["method"] = method
    run(door(scope, receive, send))
    first = sent[0]
    if first["type"].startswith("websocket"):
        return (200 if first["type"] == "websocket.accept" else 403), {}
    return first["status"], {k.decode(): v.decode() for k, v in first["headers"]}


def example(pattern: str) -> str:
    """A path that fits a door's pattern."""
    return re.sub(r"\\(.)", r"\1", pattern.replace("[^/]+(?:/[^/]+)*", "a/b").replace("[^/]+", "a"))


BEGUN = b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.png"\r\n\r\n'


def filled(door: Door, size: int) -> bytes:
    """A body of so many bytes as the door takes it; of a form, the beginning of its file."""
    return BEGUN.ljust(size, b"x") if door.takes == FORM else b"x" * size


def typed(door: Door, *headers: tuple[str, str]) -> tuple[tuple[str, str], ...]:
    return (*headers, *([("content-type", f"{door.takes}; boundary=x")] if door.takes else []))
