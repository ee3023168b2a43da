"""Streamlit's application, with a bound on what its visitors' uploads hold of the memory.

Streamlit keeps an uploaded file in memory until its session ends; each may be as large as the
settings allow, and nothing counts them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from starlette.exceptions import HTTPException
from streamlit import config
from streamlit.starlette import App

if TYPE_CHECKING:
    from streamlit.runtime import Runtime
    from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
    from streamlit.runtime.uploaded_file_manager import UploadedFileRec

ROOM = 2  # files of the largest size, of all sessions together


class LabApp(App):
    """A dashboard that refuses an upload while others fill the memory."""

    def _create_runtime(self) -> Runtime:
        runtime = super()._create_runtime()
        bound(
            cast("MemoryUploadedFileManager", runtime.uploaded_file_mgr),
            ROOM * config.get_option("server.maxUploadSize") * 2**20,
        )
        return runtime


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
