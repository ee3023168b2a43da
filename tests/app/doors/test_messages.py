"""The pace of what browsers say over WebSockets, and how much one message may hold."""

from __future__ import annotations

import asyncio
import time

import pytest
from own_loop import run
from streamlit.proto.BackMsg_pb2 import BackMsg

from app.doors.messages import COUNTED_AS_ONE, MOST_WIDGETS, Messages


def told(paced, count: int = 0) -> list[dict]:
    """The first `count` messages that come through, or all until the socket is closed."""

    async def listen() -> list[dict]:
        out: list[dict] = []
        while not count or len(out) < count:
            out.append(await paced())
            if out[-1]["type"] == "websocket.disconnect":
                break
        return out

    return run(listen())


def sending(*messages: bytes):
    """A browser that says so and leaves."""
    left = [{"type": "websocket.connect"}]
    left += [{"type": "websocket.receive", "bytes": one} for one in messages]
    left.append({"type": "websocket.disconnect", "code": 1001})

    async def receive() -> dict:
        return left.pop(0)

    return receive


def page(widgets: int) -> bytes:
    message = BackMsg()
    for number in range(widgets):
        message.rerun_script.widget_states.widgets.add(id=f"w{number}", string_value="x" * 20)
    return message.SerializeToString()


def said(number: int) -> bytes:
    message = BackMsg()
    message.rerun_script.query_string = f"n={number}"
    return message.SerializeToString()


def test_what_comes_too_fast_waits_and_nothing_is_lost():
    few = Messages(socket=(2.0, 3))
    begun = time.monotonic()
    heard = told(few.paced(sending(*map(said, range(5))), "", "here"))
    assert [one.get("bytes") for one in heard[1:-1]] == list(map(said, range(5)))
    assert time.monotonic() - begun >= 0.9  # two more than at once, at two a second


def test_a_person_has_one_pace_on_all_pages_and_others_have_their_own():
    messages = Messages(person=(0.001, 2))  # the third may come after a quarter of an hour
    told(messages.paced(sending(said(1), said(2)), "ada", "here"))
    told(messages.paced(sending(said(1), said(2)), "ben", "here"), 3)

    async def one_more() -> None:
        paced = messages.paced(sending(said(3)), "ada", "here")
        await paced()
        await asyncio.wait_for(paced(), 0.5)

    with pytest.raises(TimeoutError):
        run(one_more())


@pytest.mark.parametrize(
    "large", [{"bytes": bytes(4 * COUNTED_AS_ONE)}, {"text": "x" * 4 * COUNTED_AS_ONE}]
)
def test_a_large_message_counts_for_more(large):
    async def receive() -> dict:
        return {"type": "websocket.receive", **large}

    begun = time.monotonic()
    told(Messages(socket=(2.0, 3)).paced(receive, "", "here"), 1)
    assert time.monotonic() - begun >= 0.9


@pytest.mark.parametrize("field", ["fragment_id", "page_script_hash", "page_name"])
def test_names_that_streamlit_would_write_into_its_log_end_the_socket(field):
    for name, taken in (("a" * 32, True), ("a" * 10_000, False), ("a\x1b[2J\nb", False)):
        message = BackMsg()
        setattr(message.rerun_script, field, name)
        heard = told(Messages().paced(sending(message.SerializeToString()), "", "here"), 2)
        assert (heard[-1]["type"] == "websocket.receive") == taken, name


def test_a_page_with_more_widgets_than_there_are_ends_its_socket():
    whole = told(Messages().paced(sending(page(MOST_WIDGETS)), "", "here"))
    assert [one["type"] for one in whole[1:]] == ["websocket.receive", "websocket.disconnect"]
    assert whole[-1]["code"] == 1001
    ended = told(Messages().paced(sending(page(MOST_WIDGETS + 1)), "", "here"))
    assert [one["type"] for one in ended] == ["websocket.connect", "websocket.disconnect"]
    assert ended[-1]["code"] == 1008


def widget(json_value: str) -> bytes:
    message = BackMsg()
    message.rerun_script.widget_states.widgets.add(id="w", json_value=json_value)
    return message.SerializeToString()


def test_a_widget_that_says_json_is_let_through():
    (heard,) = told(Messages().paced(sending(widget('{"a": [1]}')), "", "here"))[1:2]
    assert heard["bytes"] == widget('{"a": [1]}')


@pytest.mark.parametrize(
    "noise",
    [b"\xff" * 100_000, b"\xff", {"text": "hello"}, widget("{"), widget("[" * 100_000)],
    ids=["long", "short", "text", "json", "deep"],
)
def test_what_no_browser_says_ends_its_socket_in_one_line(noise, caplog):
    message = {"bytes": noise} if isinstance(noise, bytes) else noise
    left = [{"type": "websocket.receive", **message}, {"type": "websocket.disconnect", "code": 1}]

    async def receive() -> dict:
        return left.pop(0)

    assert told(Messages().paced(receive, "", "here")) == [
        {"type": "websocket.disconnect", "code": 1008}
    ]
    (line,) = caplog.records
    assert "a page's connection was closed" in line.getMessage() and line.exc_info is None
