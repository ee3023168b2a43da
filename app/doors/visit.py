"""One request that was let in: its body is counted, and what it may still answer."""

from __future__ import annotations

from starlette.types import Message, Receive, Send

from app.doors.forms import FormText, TooLarge, Unreadable
from app.doors.limits import Crowded, Limits


class Visit:
    """One request behind its door: its body is counted, and what is sent after a body that was too
    large is dropped, whatever the application makes of the failure.
    """

    def __init__(
        self,
        send: Send,
        receive: Receive,
        most: int,
        limits: Limits,
        client: str,
        upload: bool = True,
    ) -> None:
        self._send, self._receive = send, receive
        self._most, self._limits, self._client, self._upload = most, limits, client, upload
        self._taken = 0
        self.begun = False
        self.form: FormText | None = None  # where the body is one
        self.refused: Crowded | TooLarge | Unreadable | None = None

    async def receive(self) -> Message:
        message = await self._receive()
        size = len(message.get("body", b""))
        try:
            if self._taken + size > self._most:
                raise TooLarge(self._most)
            self._limits.came(self._client, size, self._upload)
            if self.form is not None:
                self.form.take(message.get("body", b""))
        except (Crowded, TooLarge, Unreadable) as error:
            self.refused = error
            raise
        self._taken += size
        return message

    async def send(self, message: Message) -> None:
        if self.refused and not self.begun:
            return
        self.begun = True
        await self._send(message)

    def end(self) -> None:
        self._limits.went(self._client, self._taken, self._upload)
