"""A fragment that is drawn again before the page has left the server."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ports import free_port
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.forward_msg_queue import ForwardMsgQueue
from waiting import wait_until
from weblab import run_part
from websockets.exceptions import InvalidHandshake
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from app.widgets.fragments import REDRAWS

ROOT = Path(__file__).parent.parent.parent
PAGE = """
import streamlit as st
from app.doors.open_pages import page_open, pages_open
from app.widgets.fragments import fragment

@st.cache_resource
def kept():
    return []

while pages_open() < int(st.query_params.get("pages", 0)):  # they stay open with the server
    kept().append(page_open("", "websocket", "/"))
    kept()[-1].__enter__()

def draw():
    st.write("first")
    st.write("second")

st.title("page")
own = st.query_params["how"] == "own"
(fragment if own else st.fragment)(draw, run_every=2)()
st.write("after it")
"""


@pytest.fixture(scope="module")
def port(tmp_path_factory) -> Iterator[int]:
    """Streamlit as it is, with that page."""
    script, port = tmp_path_factory.mktemp("page") / "page.py", free_port()
    script.write_text(PAGE, encoding="utf-8")
    options = ("--server.headless=true", f"--server.port={port}", "--server.address=127.0.0.1")
    process = subprocess.Popen(
        [sys.executable, "-m", "streamlit", "run", str(script), *options],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    yield port
    process.terminate()
    process.wait()


def sent(port: int, how: str) -> list[ForwardMsg]:
    """What a browser is sent of the page when it is first drawn."""
    with opened(port) as socket:
        return drawn(socket, f"how={how}")


def opened(port: int) -> ClientConnection:
    def tried() -> Any:
        try:
            return connect(
                f"ws://127.0.0.1:{port}/_stcore/stream",
                subprotocols=[Subprotocol("streamlit")],
                max_size=None,
            )
        except (OSError, InvalidHandshake):  # it is still starting
            return None

    return wait_until(tried)  # pyright: ignore[reportReturnType]


def drawn(socket: ClientConnection, query: str, fragment: str = "") -> list[ForwardMsg]:
    """What a browser is sent until the page, or this fragment of it, is complete."""
    question, answers = BackMsg(), []
    question.rerun_script.query_string = query
    question.rerun_script.fragment_id = fragment
    socket.send(question.SerializeToString())
    while not answers or answers[-1].WhichOneof("type") != "script_finished":
        answers.append(ForwardMsg.FromString(bytes(socket.recv(timeout=900, decode=False))))
    return answers


def without_place(messages: Iterable[Any]) -> list[list[int]]:
    """Paths of elements that a browser can't place: it makes no gaps, and knows a block once it came."""
    children: dict[tuple[int, ...], int] = {(0,): 0, (1,): 0, (2,): 0, (3,): 0}
    lost = []
    for message in messages:
        if not message.HasField("delta"):
            continue
        path = list(message.metadata.delta_path)
        parent, place = tuple(path[:-1]), path[-1]
        if place > children.get(parent, -1):
            lost.append(path)
            continue
        children[parent] = max(children[parent], place + 1)
        if message.delta.HasField("add_block"):
            children.setdefault(tuple(path), 0)
    return lost


@pytest.mark.parametrize(("how", "safe"), [("streamlit", False), ("own", True)])
def test_what_follows_a_fragment_has_a_place_in_the_browser(port, how, safe):
    waiting = ForwardMsgQueue()
    for message in sent(port, how):
        waiting.enqueue(message)
    (fragment,) = {message.delta.fragment_id for message in waiting._queue} - {""}
    assert not without_place(waiting._queue)
    # Its time has come before the page was sent: what Streamlit's session does then.
    waiting.clear(retain_lifecycle_msgs=True, fragment_ids_this_run=[fragment])
    assert (not without_place(waiting._queue)) is safe


def test_no_page_makes_a_fragment_in_another_way():
    for folder in ("app", "pages"):
        for file in (ROOT / folder).rglob("*.py"):
            if file.name != "fragments.py":
                assert not re.search(r"st\.fragment\b", file.read_text(encoding="utf-8")), file


def test_pages_are_drawn_again_less_often_where_many_are_open(port):
    def timer(messages: Iterable[ForwardMsg]) -> list[tuple[str, float]]:
        return [
            (one.auto_rerun.fragment_id, one.auto_rerun.interval)
            for one in messages
            if one.WhichOneof("type") == "auto_rerun"
        ]

    with opened(port) as socket:
        ((name, seconds),) = timer(drawn(socket, "how=own"))
        assert seconds == 2
        sent(port, "own&pages=40")
        assert not timer(drawn(socket, "how=own", name)), "the timer goes on, and so do dialogs"
        ((again, slower),) = timer(drawn(socket, "how=own"))
        assert again == name and 0.8 * 40 / REDRAWS <= slower <= 1.2 * 40 / REDRAWS


def a_student_who_is_gone() -> None:
    import streamlit as st

    from app.widgets.fragments import fragment
    from engine.errors import OutsideError

    def draw() -> None:
        if not st.session_state.get("asked"):
            st.session_state["asked"] = True
            raise OutsideError("the lesson has ended")
        st.markdown("the whole page was drawn again")

    fragment(draw)()


def test_who_is_no_longer_in_the_class_gets_the_whole_page_which_says_so():
    page = run_part(a_student_who_is_gone)
    assert [one.value for one in page.markdown] == ["the whole page was drawn again"]
