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
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.forward_msg_queue import ForwardMsgQueue
from waiting import wait_until
from weblab import free_port
from websockets.sync.client import connect
from websockets.typing import Subprotocol

ROOT = Path(__file__).parent.parent.parent
PAGE = """
import streamlit as st
from app.widgets.fragments import fragment

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
    question, answers = BackMsg(), []
    question.rerun_script.query_string = f"how={how}"

    def opened() -> Any:
        try:
            return connect(
                f"ws://127.0.0.1:{port}/_stcore/stream",
                subprotocols=[Subprotocol("streamlit")],
            )
        except OSError:
            return None

    with wait_until(opened, timeout=60) as socket:
        socket.send(question.SerializeToString())
        while not answers or answers[-1].WhichOneof("type") != "script_finished":
            answers.append(ForwardMsg.FromString(bytes(socket.recv(timeout=60, decode=False))))
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
