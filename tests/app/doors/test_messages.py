"""The pace of what browsers say over WebSockets, and how much one message may hold."""

from __future__ import annotations

import asyncio
import time

import pytest
from own_loop import run
from streamlit.proto.BackMsg_pb2 import BackMsg

from app.doors.messages import (
    COUNTED_AS_ONE,
    FILES_AS_ONE,
    LONGEST_JSON,
    LONGEST_REST,
    LONGEST_TEXT,
    MOST_FILES,
    MOST_WIDGETS,
    Messages,
)
from engine.files.checked import LONGEST_YAML


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


def field(size: int, kind: str) -> bytes:
    """A message of a page with one field that holds about so many bytes."""
    message = BackMsg()
    state = message.rerun_script.widget_states.widgets.add(id="w")
    if kind.startswith("json"):
        setattr(state, kind, "[" + "1," * (size // 2 - 2) + "1]")
    elif kind == "string_array_value":
        state.string_array_value.data.extend([""] * (size // 2))
    elif kind in ("string_trigger_value", "chat_input_value"):
        getattr(state, kind).data = "1," * (size // 2)
    else:
        setattr(state, kind, (b"1," if kind == "bytes_value" else "1,") * (size // 2))
    return message.SerializeToString()


@pytest.mark.parametrize(
    ("kind", "most"),
    [
        ("string_value", LONGEST_TEXT),
        ("string_array_value", LONGEST_TEXT),
        ("string_trigger_value", LONGEST_TEXT),
        ("chat_input_value", LONGEST_TEXT),
        ("bytes_value", LONGEST_TEXT),
        ("json_value", LONGEST_JSON),
        ("json_trigger_value", LONGEST_JSON),
    ],
)
def test_a_field_holds_all_that_a_page_takes_and_more_ends_the_socket(kind, most):
    """So a lasso around half a million points passes, and seven million numbers as a learning rate do
    not.
    """
    assert most >= 4 * LONGEST_YAML  # in bytes, of whatever alphabet
    for size, taken in ((most - 100, True), (most + 100, False)):
        heard = told(Messages().paced(sending(field(size, kind)), "", "here"), 2)
        assert (heard[-1]["type"] == "websocket.receive") == taken, size


@pytest.mark.parametrize("part", ["query_string", "cached_message_hashes"])
def test_a_message_is_long_only_by_its_fields(part):
    for size, taken in ((LONGEST_REST // 2, True), (2 * LONGEST_REST, False)):
        message = BackMsg()
        if part == "query_string":
            message.rerun_script.query_string = "a" * size
        else:
            message.rerun_script.cached_message_hashes.extend(["a" * 30] * (size // 32))
        heard = told(Messages().paced(sending(message.SerializeToString()), "", "here"), 2)
        assert (heard[-1]["type"] == "websocket.receive") == taken, size


def uploads(files: int) -> bytes:
    message = BackMsg()
    message.file_urls_request.file_names.extend(f"{number}.png" for number in range(files))
    return message.SerializeToString()


def test_more_uploads_at_once_than_a_person_chooses_end_the_socket_and_many_count_for_more():
    messages = Messages(socket=(2.0, 3))
    begun = time.monotonic()
    whole = told(messages.paced(sending(uploads(4 * FILES_AS_ONE)), "", "here"))
    assert [one["type"] for one in whole[1:]] == ["websocket.receive", "websocket.disconnect"]
    assert time.monotonic() - begun >= 0.9
    ended = told(Messages().paced(sending(uploads(MOST_FILES + 1)), "", "here"))
    assert ended[-1]["code"] == 1008 and len(ended) == 2
    assert told(Messages().paced(sending(uploads(MOST_FILES)), "", "here"))[-1]["code"] == 1001


@pytest.mark.parametrize(
    "kind",
    ["clear_cache", "set_run_on_save", "debug_shutdown_runtime", "debug_disconnect_websocket"],
)
def test_what_no_page_of_the_lab_says_ends_the_socket(kind):
    message = BackMsg()
    setattr(message, kind, True)
    heard = told(Messages().paced(sending(message.SerializeToString()), "", "here"), 2)
    assert heard[-1]["code"] == 1008


def test_a_page_may_prepare_a_download_and_has_no_files_of_its_makers_written():
    for payload, taken in (
        ("deferred_file", True), ("dataframe_chunk", True),
        ("install_skills", False), ("dismiss_skills_nudge", False),
    ):  # fmt: skip
        message = BackMsg()
        getattr(message.backend_operation_request, payload).SetInParent()
        heard = told(Messages().paced(sending(message.SerializeToString()), "", "here"), 2)
        assert (heard[-1]["type"] == "websocket.receive") == taken, payload


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
