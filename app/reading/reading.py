"""`Reading`: drawings and pictures, read in a process of its own.

Python runs one thread at a time, and numpy, Pillow and torch give the turn away at every call: beside
twenty pages that are being drawn, each of a drawing's hundred calls waited for a turn, and an answer
that takes 8 ms took seconds. A process of its own has its own turns. What comes in while it computes
is its next batch (app.reading.answers), so nobody waits for a batch to fill.

It also opens what strangers send: if a picture takes more memory than it may, or hangs, that process
is ended and a new one is started, and the lab goes on. Whatever waited behind that picture is asked
again of the new one, once; the picture is not.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from app.reading.frames import ANSWER, BEGUN, HEAD, LONGEST, MISTAKE, QUESTION, framed
from engine.errors import ImageError
from engine.jobs.processes import environment_of
from engine.priority import as_before

if TYPE_CHECKING:
    from engine.people.person import Person
    from engine.settings import Settings

MOST_WAITING = 200  # questions; each pad asks one at a time
# A question's, from asking to its answer: the first loads torch and a model, ten seconds where four
# trainings run beside it.
MOST_SECONDS = 120.0
OTHERS_SECONDS = 40.0  # of whoever does not lead: what takes longer is no drawing
# Of torch and numpy's OpenBLAS, whose threads spin while they wait for each other: a drawing took 43 ms of
# the processor with two of them, 11 with one (two cores, 20 clients at once).
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
COMMAND = (sys.executable, "-P", "-m", "app.reading")


class Failed(Exception):
    """The question can't be answered, and it is not known to be the asker's mistake."""


class _Waited(Exception):
    """The process has ended before it came to the question: another's was being read. instead: what is
    raised where it is not asked again.
    """

    def __init__(self, instead: Exception) -> None:
        super().__init__(str(instead))
        self.instead = instead


class Reading:
    """Asks a process that is started with the first question, and again when it has ended. For one
    event loop. most_seconds: of a question, from asking to its answer, each time that it is asked.
    """

    def __init__(
        self,
        settings: Settings,
        command: Sequence[str] = COMMAND,
        most_seconds: float = MOST_SECONDS,
    ) -> None:
        self._settings, self._command, self.most_seconds = settings, command, most_seconds
        self._starting = asyncio.Lock()
        self._worker: _Worker | None = None
        self._closed = False

    @property
    def pid(self) -> int | None:
        """Of the process, while there is one."""
        return self._worker.process.pid if self._worker and self._worker.is_open else None

    async def ask(self, name: str, data: Any, person: Person) -> bytes:
        """The answer to a question, JSON. name: a row of app.reading.answers.QUESTIONS; person: who
        asks. Raises ImageError for a person's mistake, in words, and Failed.
        """
        question = {"name": name, "data": data, "person": [person.id, person.name, person.role]}
        try:
            return await self._ask(question, person)
        except _Waited as first:
            if self._closed:  # nothing is started any more
                raise first.instead from None
        try:
            return await self._ask(question, person)
        except _Waited as again:
            raise again.instead from None

    async def _ask(self, question: dict[str, Any], person: Person) -> bytes:
        async with self._starting:
            if self._worker is None or not self._worker.is_open:
                self._worker = await _Worker.start(self._command, self._settings)
        worker = self._worker
        if len(worker.waiting) >= MOST_WAITING:
            raise ImageError("too many drawings are waiting", hint="Try again in a moment.")
        seconds = self.most_seconds if person.leads else min(self.most_seconds, OTHERS_SECONDS)
        return await worker.ask(question, seconds)

    async def close(self) -> None:
        """End the process."""
        self._closed = True
        if self._worker is not None:
            self._worker.end()
            await asyncio.wait([self._worker.listening], timeout=5)


class _Worker:
    """One process, the link to it, and the questions that it has not answered yet. computing: the number
    of the one that it began last.
    """

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        incoming: asyncio.StreamReader,
        link: asyncio.StreamWriter,
    ) -> None:
        self.process, self.is_open = process, True
        self.waiting: dict[int, asyncio.Future[bytes]] = {}
        self.computing: int | None = None
        self._late = False  # whether somebody's time was over
        self._incoming, self._link, self._numbers = incoming, link, itertools.count()
        self.listening = asyncio.create_task(self._listen())

    @classmethod
    async def start(cls, command: Sequence[str], settings: Settings) -> _Worker:
        ours, theirs = socket.socketpair()
        with theirs:
            process = subprocess.Popen(
                as_before([*command, str(theirs.fileno())]),
                stdin=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is for the lab, which then ends it
                env=environment_of(settings, os.environ) | ONE_THREAD,
                pass_fds=(theirs.fileno(),),
            )
        incoming, link = await asyncio.open_unix_connection(sock=ours)
        return cls(process, incoming, link)

    async def ask(self, question: dict[str, Any], seconds: float) -> bytes:
        """The answer. Raises ImageError after so many seconds, _Waited, Failed."""
        number = next(self._numbers)
        answer = self.waiting[number] = asyncio.get_running_loop().create_future()
        try:
            self._link.write(framed(number, QUESTION, question))
            return await asyncio.wait_for(answer, seconds)
        except TimeoutError:
            self.end()
            self._late = True
            if number == self.computing:
                raise ImageError(
                    "reading this took too long", expected=f"at most {seconds:g} seconds"
                ) from None
            busy = f"the lab did not come to read this in {seconds:g} seconds"
            raise _Waited(ImageError(busy, hint="Try again in a moment.")) from None
        finally:
            self.waiting.pop(number, None)

    def end(self) -> None:
        """Kill the process; whoever waits for it is told as its stream ends."""
        self.is_open = False
        self.process.kill()

    async def _listen(self) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                length, number, kind = HEAD.unpack(await self._incoming.readexactly(HEAD.size))
                if length > LONGEST:
                    break
                body = await self._incoming.readexactly(length)
                if kind == BEGUN:
                    self.computing = number
                    continue
                answer = self.waiting.get(number)
                if answer is None or answer.done():  # nobody waits for it any more
                    continue
                if kind == ANSWER:
                    answer.set_result(body)
                else:
                    words = json.loads(body)
                    answer.set_exception(ImageError(words) if kind == MISTAKE else Failed(words))
        self.end()
        self._link.close()
        status = await asyncio.to_thread(self.process.wait)
        for number, answer in self.waiting.items():
            if answer.done():
                continue
            ended: Exception = Failed(f"the process that reads drawings has ended ({status})")
            if number != self.computing:
                ended = _Waited(ended)
            elif self._late:
                ended = ImageError("reading this took too long: others waited")
            answer.set_exception(ended)
