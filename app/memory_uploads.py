"""Streamlit's application, with a bound on what its visitors' uploads hold of the memory, and without
the server's paths in what it tells them.

Streamlit keeps an uploaded file in memory until its session ends; each may be as large as the
settings allow, and nothing counts them. The first message of every page names the script's path.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast

from starlette.exceptions import HTTPException
from starlette.types import Message, Receive, Scope, Send
from streamlit import config
from streamlit.starlette import App

if TYPE_CHECKING:
    from streamlit.runtime import Runtime
    from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
    from streamlit.runtime.uploaded_file_manager import UploadedFileRec

ROOM = 2  # files of the largest size, of all sessions together


class LabApp(App):
    """A dashboard that refuses an upload while others fill the memory, and keeps its place to itself."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            send = without_path(send, str(self.script_path))
        await super().__call__(scope, receive, send)

    def _create_runtime(self) -> Runtime:
        runtime = super()._create_runtime()
        bound(
            cast("MemoryUploadedFileManager", runtime.uploaded_file_mgr),
            ROOM * config.get_option("server.maxUploadSize") * 2**20,
        )
        return runtime


def without_path(send: Send, script: str) -> Send:
    """`send` of a WebSocket to a page, which names the script without its folders."""
    from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

    sought, name = script.encode(), Path(script).name

    async def sending(message: Message) -> None:
        said = message.get("bytes")
        if said and sought in said:
            told = ForwardMsg.FromString(said)
            if told.new_session.main_script_path == script:
                told.new_session.main_script_path = name
                message = {**message, "bytes": told.SerializeToString()}
        await send(message)

    return sending


def bound(files: MemoryUploadedFileManager, most: int) -> None:
    """Let `files` hold `most` bytes; a file that would be more is answered with 413."""
    add = files.add_file

    def add_file(session_id: str, file: UploadedFileRec) -> None:
        held = sum(
            len(one.data)
            for session in list(files.file_storage.values())
            for one in session.values()
        )
        if held + len(file.data) > most:
            raise HTTPException(413, "Other visitors' uploads are in the way. Try again later.")
        add(session_id, file)

    files.add_file = add_file
