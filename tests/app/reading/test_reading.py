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

# Answers in reverse order, two at a time; dies, hangs or answers a mistake when it is told to. Writes what
# it has begun with into a file, if it is given one.
STAND_IN = """
import json, os, socket, sys, time
from app.reading.frames import ANSWER, BEGUN, FAILURE, HEAD, MISTAKE, framed
stream = socket.socket(fileno=int(sys.argv[1])).makefile("rwb")
kept = []
while head := stream.read(HEAD.size):
    length, number, _ = HEAD.unpack(head)
    asked = json.loads(stream.read(length))
    name = asked["name"]
    stream.write(framed(number, BEGUN, None)); stream.flush()
    if "BEGUN_WITH" in globals():
        with open(BEGUN_WITH, "a") as file:
            print(name, file=file)
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


@pytest.mark.parametrize("name", ["die", "hang", "hang for long"])
def test_what_waited_behind_a_reading_that_was_killed_is_asked_again_once(tmp_path, name):
    """The reading itself is not. What is said of one that hangs tells whose time was over first."""
    begun_with, one_second = tmp_path / "begun", name.split()[0]
    begun_with.touch()

    async def begun(*names: str) -> None:
        async with asyncio.timeout(60):
            while begun_with.read_text().split() != [*names]:
                await asyncio.sleep(0.01)

    async def asked():
        async with reading(f"BEGUN_WITH = {str(begun_with)!r}\n{STAND_IN}") as found:
            before, *_ = await answer(found, "last")
            found.most_seconds = 1.0 if name == "hang" else 60.0
            bad = asyncio.create_task(answer(found, one_second))
            await begun("last", one_second)
            found.most_seconds = 0.1 if name == "hang for long" else 60.0
            behind = [asyncio.create_task(answer(found, "last", n, ADA)) for n in range(3)]
            await asyncio.sleep(0)  # all are asked, with their time
            found.most_seconds = 60.0
            words = {"die": "has ended", "hang": "took too long", "hang for long": "others waited"}
            with pytest.raises((Failed, GlyphlabError), match=words[name]):
                await bad
            return before, [await one for one in behind]

    before, answers = run(asked())
    assert [data for _, data, _ in answers] == [0, 1, 2]
    assert before not in {pid for pid, *_ in answers}
    assert begun_with.read_text().split() == ["last", one_second, "last", "last", "last"]


def test_what_waited_behind_two_of_them_is_asked_no_third_time():
    async def asked():
        async with reading() as found:
            await answer(found, "last")
            all_of_them = [answer(found, name) for name in ("die", "die", "last")]
            failed = await asyncio.gather(*all_of_them, return_exceptions=True)
            return failed, await answer(found, "last", "next")

    failed, (_, data, _) = run(asked())
    assert [type(one) for one in failed] == [Failed, Failed, Failed] and data == "next"


def test_nothing_is_asked_again_when_the_lab_has_closed():
    async def asked():
        async with reading() as found:
            await answer(found, "last")
            kept = asyncio.create_task(answer(found, "hang"))
            behind = asyncio.create_task(answer(found, "last"))
            await asyncio.sleep(0)
            await found.close()
            with pytest.raises(Failed):
                await behind
            kept.cancel()
            return found.pid

    assert run(asked()) is None


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
    assert shares["confidences"][0]["confidence"] > 0.5 and again == shares and same
