"""What comes over WebSockets: each message makes a page run, so they are taken at a pace that a person
keeps, and none holds more than a page has.

Nothing is lost of what comes too fast: it waits in its own connection, which is not read meanwhile.
"""

from __future__ import annotations

import asyncio
import json
import logging
from asyncio import to_thread

from starlette.types import Message, Receive

from app.doors.limits import Rate

# A second, and at once: of one socket (a page: some clicks, or a part that is drawn again every half
# second), of one person's, and of all behind one address (a class in a room).
OF_SOCKET, OF_PERSON, OF_ADDRESS = (5.0, 40), (10.0, 80), (100.0, 1_000)
COUNTED_AS_ONE = 256 * 1024  # bytes; a longer message counts as so many more
LOOKED_INTO = 64 * 1024  # bytes from which a message is read beside the event loop
MOST_WIDGETS = 5_000  # a page has some hundreds
LONGEST_NAME = 200  # characters of the names of a page and of a part of it; of the latter, 32
POLICY_VIOLATION = 1008
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
            for _ in range(1 + len(said) // COUNTED_AS_ONE):
                for rate, who in of:
                    while wait := rate.wait_seconds(who):
                        await asyncio.sleep(wait)
            if wrong := await _wrong(said) if message.get("bytes") else "it sent text":
                log.warning("a page's connection was closed: %s", wrong)
                return {"type": "websocket.disconnect", "code": POLICY_VIOLATION}
            return message

        return receiving


async def _wrong(said: bytes) -> str:
    """What is wrong with a message, in words; '' if a browser may have sent it. Streamlit logs each with
    its traceback.
    """
    parsed = _parsed(said) if len(said) <= LOOKED_INTO else await to_thread(_parsed, said)
    if parsed is None:
        return "it said what no browser says"
    if parsed > MOST_WIDGETS:
        return f"it sent {parsed:,} widgets, of at most {MOST_WIDGETS:,}"
    return ""


def _parsed(said: bytes) -> int | None:
    """How many widgets' states a browser's message holds; None if it is not one."""
    from streamlit.proto.BackMsg_pb2 import BackMsg

    try:
        asked = BackMsg.FromString(said).rerun_script
        # Streamlit quotes them in its log, however long.
        if any(
            len(name) > LONGEST_NAME or not name.isprintable()
            for name in (asked.fragment_id, asked.page_script_hash, asked.page_name)
        ):
            return None
        widgets = asked.widget_states.widgets
        for widget in widgets:
            if widget.WhichOneof("value") == "json_value":
                json.loads(widget.json_value)
        return len(widgets)
    except Exception:  # noqa: BLE001 - protobuf's own, which is loaded here only, and any of JSON's
        return None
