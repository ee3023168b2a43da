"""`python -m app.reading DESCRIPTOR`: the process that reads, started by app.reading.reading. It lives
as long as the other end of its socket.
"""

from __future__ import annotations

import os
import socket
import sys
import threading
from contextlib import suppress
from queue import SimpleQueue

from app.reading.answers import Answers
from app.reading.frames import BEGUN, HEAD, Frame, framed
from app.shared_lab import open_lab
from engine.bounds import confine
from engine.jobs.queue import queue_of

# Main memory of its own: 0.4 GB with torch and a model, 0.6 GB more while a picture of 50 million
# pixels is read; the rest is for large models that somebody trained.
MOST_GB = 4.0
MOST_TOGETHER = (
    8  # questions in a batch; more would be answered all at once, and ask again all at once
)


def main(descriptor: int) -> None:
    """Answer until the asking end is closed."""
    lab = open_lab(os.environ)
    if lab.settings.mode != "own" and queue_of(lab.settings.device) == "cpu":
        confine(MOST_GB)
    answers = Answers(lab)
    with socket.socket(fileno=descriptor) as link, suppress(ConnectionError):
        inbox: SimpleQueue[Frame] = SimpleQueue()
        threading.Thread(target=_receive, args=(link, inbox), daemon=True).start()
        begin = lambda number: link.sendall(framed(number, BEGUN, None))  # noqa: E731
        while True:
            batch = [inbox.get()]
            while len(batch) < MOST_TOGETHER and not inbox.empty():
                batch.append(inbox.get())
            for answer in answers.of(batch, begin):
                link.sendall(answer)


def _receive(link: socket.socket, inbox: SimpleQueue[Frame]) -> None:
    """Put what is asked into the inbox; end the process when nobody asks any more."""
    with link.makefile("rb") as stream:
        while len(head := stream.read(HEAD.size)) == HEAD.size:
            length, number, kind = HEAD.unpack(head)
            inbox.put(Frame(number, kind, stream.read(length)))
    os._exit(0)  # whatever is being computed, nobody waits for it


if __name__ == "__main__":
    main(int(sys.argv[1]))
