"""What comes over WebSockets: each message makes a page run, so they are taken at a pace that a person
keeps, and none holds more than a page has.

Nothing is lost of what comes too fast: it waits in its own connection, which is not read meanwhile.
"""

from __future__ import annotations

import asyncio
import json
import logging
from asyncio import to_thread
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from starlette.types import Message, Receive

from app.doors.limits import Rate

if TYPE_CHECKING:
    from streamlit.proto.WidgetStates_pb2 import WidgetState

# A second, and at once: of one socket (a page: some clicks, or a part that is drawn again every half
# second), of one person's, and of all behind one address (a class in a room).
OF_SOCKET, OF_PERSON, OF_ADDRESS = (5.0, 40), (10.0, 80), (100.0, 1_000)
COUNTED_AS_ONE = 256 * 1024  # bytes; a longer message counts as so many more
LOOKED_INTO = 64 * 1024  # bytes from which a message is read beside the event loop
MOST_WIDGETS = 5_000  # a page has some hundreds
# Bytes of a widget's value, which a page works on each time that it is drawn. The longest text is YAML of
# 100,000 characters; the longest JSON is the numbers of the points in a lasso: room for 500,000 of them.
LONGEST_TEXT, LONGEST_JSON = 1_000_000, 4_000_000
JSON_VALUES = ("json_value", "json_trigger_value")
LONGEST_REST = 256 * 1024  # bytes beside the widgets: an address, and the hashes of what it holds
MOST_FILES = 5_000  # that are asked to be uploaded at once
FILES_AS_ONE = 100  # files that count as a message: Streamlit makes an address for each
LONGEST_NAME = 200  # characters of the names of a page and of a part of it; of the latter, 32
POLICY_VIOLATION = 1008
# What a page of the lab says. Streamlit's own pages may also empty the server's caches and write files of
# its makers' into the folder that it serves.
KINDS = {
    "rerun_script", "stop_script", "file_urls_request", "app_heartbeat", "load_git_info",
    "backend_operation_request",
}  # fmt: skip
OPERATIONS = {"deferred_file", "dataframe_chunk"}  # to prepare a download, and rows of a long table
log = logging.getLogger(__name__)


class Messages:
    """The pace of all sockets of a lab. For one event loop."""

    def __init__(
        self,
        socket: tuple[float, int] = OF_SOCKET,
        person: tuple[float, int] = OF_PERSON,
        address: tuple[float, int] = OF_ADDRESS,
    ) -> None:
        self._socket = socket
        self._rates = Rate(*person), Rate(*address)

    def paced(self, receive: Receive, person: str, address: str) -> Receive:
        """`receive` of a new socket. person: an id, '' where all are the owner's, who may have as many
        pages open as they like; what says more than a page has ends the socket.
        """
        own = Rate(*self._socket)
        of = [(own, "")]
        if person:
            of += zip(self._rates, (person, address), strict=True)

        async def receiving() -> Message:
            message = await receive()
            if message["type"] != "websocket.receive":
                return message
            said = message.get("bytes") or (message.get("text") or "").encode()
            await _turns(of, 1 + len(said) // COUNTED_AS_ONE)
            held = await _held(said) if message.get("bytes") else None
            if wrong := _wrong(held) if message.get("bytes") else "it sent text":
                log.warning("a page's connection was closed: %s", wrong)
                return {"type": "websocket.disconnect", "code": POLICY_VIOLATION}
            await _turns(of, held.files // FILES_AS_ONE if held else 0)
            return message

        return receiving


class _Held(NamedTuple):
    """What a message holds: widgets' states and files that it asks to upload, by their number; bytes of
    the longest value that is text (or anything else), of the longest in JSON, and beside the widgets.
    """

    widgets: int
    files: int
    text: int
    json: int
    rest: int


async def _turns(of: Sequence[tuple[Rate, str]], count: int) -> None:
    for _ in range(count):
        for rate, who in of:
            while wait := rate.wait_seconds(who):
                await asyncio.sleep(wait)


def _wrong(held: _Held | None) -> str:
    """What is wrong with a message, in words; '' if a browser may have sent it. Streamlit logs each with
    its traceback.
    """
    if held is None:
        return "it said what no browser says"
    if held.widgets > MOST_WIDGETS:
        return f"it sent {held.widgets:,} widgets, of at most {MOST_WIDGETS:,}"
    if held.files > MOST_FILES:
        return f"it asked for {held.files:,} uploads, of at most {MOST_FILES:,} at once"
    for size, most, what in (
        (held.text, LONGEST_TEXT, "in one field"),
        (held.json, LONGEST_JSON, "of JSON"),
        (held.rest, LONGEST_REST, "beside its fields"),
    ):
        if size > most:
            return f"it sent {size:,} bytes {what}, of at most {most:,}"
    return ""


async def _held(said: bytes) -> _Held | None:
    return _parsed(said) if len(said) <= LOOKED_INTO else await to_thread(_parsed, said)


def _parsed(said: bytes) -> _Held | None:
    """What a browser's message holds; None if it is not one."""
    from streamlit.proto.BackMsg_pb2 import BackMsg

    try:
        message = BackMsg.FromString(said)
        operation = message.backend_operation_request.WhichOneof("payload")
        if message.WhichOneof("type") not in KINDS or (operation and operation not in OPERATIONS):
            return None
        asked, wanted = message.rerun_script, message.file_urls_request
        # Streamlit quotes them in its log, however long.
        if any(
            len(name) > LONGEST_NAME or not name.isprintable()
            for name in (asked.fragment_id, asked.page_script_hash, asked.page_name)
        ):
            return None
        widgets = asked.widget_states.widgets
        held = _Held(
            len(widgets),
            len(wanted.file_names),
            _longest(one for one in widgets if one.WhichOneof("value") not in JSON_VALUES),
            _longest(one for one in widgets if one.WhichOneof("value") in JSON_VALUES),
            len(said) - asked.widget_states.ByteSize() - wanted.ByteSize(),
        )
        if not _wrong(held):
            for widget in widgets:
                if (kind := widget.WhichOneof("value")) in JSON_VALUES:
                    json.loads(getattr(widget, kind))
        return held
    except Exception:  # noqa: BLE001 - protobuf's own, which is loaded here only, and any of JSON's
        return None


def _longest(widgets: Iterable[WidgetState]) -> int:
    """Bytes of the largest of them."""
    return max((one.ByteSize() for one in widgets), default=0)
