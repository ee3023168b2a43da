"""The link to the process that reads: an answer goes to its question, and a process that hangs, dies or
takes too much costs only those who wait for it.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from own_loop import run
from PIL import Image

from app.reading.reading import Failed, Reading
from engine.errors import GlyphlabError
from engine.people.person import OWNER, Person
from engine.settings import Settings, read_settings

# Answers in reverse order, two at a time; dies, hangs or answers a mistake when it is told to.
STAND_IN = """
import json, os, socket, sys, time
from app.reading.frames import ANSWER, FAILURE, HEAD, MISTAKE, framed
stream = socket.socket(fileno=int(sys.argv[1])).makefile("rwb")
kept = []
while head := stream.read(HEAD.size):
    length, number, _ = HEAD.unpack(head)
    asked = json.loads(stream.read(length))
    name = asked["name"]
    if name == "die":
        os.kill(os.getpid(), 11)
    if name == "hang":
        time.sleep(600)
    kind = {"mistake": MISTAKE, "failure": FAILURE}.get(name, ANSWER)
    kept.insert(0, framed(number, kind, [os.getpid(), asked["data"], asked["person"]]
                          if kind == ANSWER else name))
    if name != "first":
        stream.write(b"".join(kept)); stream.flush(); kept.clear()
"""
SETTINGS = read_settings({})
ADA = Person("a" * 16, "Ada", "student")


@asynccontextmanager
async def reading(command: str = STAND_IN, settings: Settings = SETTINGS) -> AsyncIterator[Reading]:
    """Asks a stand-in, or a program of its own; closed in the end."""
    found = Reading(settings, (sys.executable, "-c", command))
    try:
        yield found
    finally:
        await found.close()


async def answer(found: Reading, name: str, data=None, person: Person = OWNER):
    return json.loads(await found.ask(name, data, person))


def test_each_question_gets_its_own_answer_whatever_the_order():
    async def both():
        async with reading() as found:
            early = asyncio.create_task(answer(found, "first", "early"))
            await asyncio.sleep(0)
            late = await answer(found, "last", "late", ADA)
            return await early, late

    (pid, data, person), (other, later, asker) = run(both())
    assert pid == other and (data, later) == ("early", "late")
    assert (person[2], asker) == ("owner", [*ADA.__dict__.values()])


def test_a_mistake_is_said_in_its_words_and_a_failure_is_none_of_the_askers():
    async def asked():
        async with reading() as found:
            with pytest.raises(GlyphlabError, match="^mistake$"):
                await answer(found, "mistake")
            with pytest.raises(Failed, match="^failure$"):
                await answer(found, "failure")

    run(asked())


@pytest.mark.parametrize(
    ("name", "seconds", "error"),
    [
        ("die", 60.0, pytest.raises(Failed, match="has ended")),
        ("hang", 0.3, pytest.raises(GlyphlabError, match="took too long")),
    ],
)
def test_a_process_that_dies_or_hangs_is_followed_by_another(name, seconds, error):
    async def asked():
        async with reading() as found:
            before, *_ = await answer(found, "last")
            found.most_seconds = seconds
            with error:
                await answer(found, name)
            found.most_seconds = 60.0
            after, *_ = await answer(found, "last")
            return before, after

    before, after = run(asked())
    assert before != after
    for pid in (before, after):
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems know no such limit")
def test_a_picture_that_takes_too_much_memory_is_refused_and_the_next_is_read(tmp_path):
    """Forty-nine million pixels are let in by their number; packed, they are 1 MB, read 0.6 GB."""
    bomb = Image.new("F", (7000, 7000))
    bomb.save(tmp_path / "bomb.tif", compression="tiff_deflate")
    seven = Image.new("L", (60, 60), 255)
    seven.paste(0, (15, 10, 45, 16))
    seven.paste(0, (38, 10, 45, 50))
    seven.save(tmp_path / "seven.png")
    settings = replace(SETTINGS, home=tmp_path / "home", mode="public", device="cpu")
    confined = "from app.reading import __main__ as it; it.MOST_GB = 1.0; it.main(int(sys.argv[1]))"

    async def asked():
        async with reading(f"import sys; {confined}", settings) as found:
            visitor = Person("b" * 16, "A visitor", "visitor")
            of = lambda file: [str(tmp_path / file), "canvas-digits"]  # noqa: E731
            shares = await answer(found, "probabilities", of("seven.png"), visitor)
            pid = found.pid
            with pytest.raises(GlyphlabError, match="takes more memory"):
                await answer(found, "probabilities", of("bomb.tif"), visitor)
            again = await answer(found, "probabilities", of("seven.png"), visitor)
            return shares, again, pid == found.pid

    shares, again, same = run(asked())
    assert max(shares.values()) > 0.5 and again == shares and same
