"""What comes over WebSockets: each message makes a page run, so they are taken at a pace that a person
keeps, and none holds more than a page has.

Nothing is lost of what comes too fast: it waits in its own connection, which is not read meanwhile.
"""

from __future__ import annotations

import asyncio

from starlette.types import Message, Receive

from app.doors.limits import Rate

# A second, and at once: of one socket (a page: some clicks, or a part that is drawn again every half
# second), of one person's, and of all behind one address (a class in a room).
OF_SOCKET, OF_PERSON, OF_ADDRESS = (5.0, 40), (10.0, 80), (100.0, 1_000)
COUNTED_AS_ONE = 256 * 1024  # bytes; a longer message counts as so many more
LOOKED_INTO = 64 * 1024  # bytes from which the widgets in a message are counted
MOST_WIDGETS = 5_000  # a page has some hundreds
POLICY_VIOLATION = 1008


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
            if len(said) > LOOKED_INTO and _widgets(said) > MOST_WIDGETS:
                return {"type": "websocket.disconnect", "code": POLICY_VIOLATION}
            return message

        return receiving


def _widgets(said: bytes) -> int:
    """How many widgets' states a browser's message holds; 0 if it is not one."""
    from streamlit.proto.BackMsg_pb2 import BackMsg

    try:
        return len(BackMsg.FromString(said).rerun_script.widget_states.widgets)
    except Exception:  # noqa: BLE001 - protobuf's own; whoever is behind the door says so
        return 0
