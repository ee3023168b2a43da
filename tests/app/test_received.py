"""What visitors send: a folder of one process, and nothing outside it."""

from __future__ import annotations

import os

import pytest

from app.received import MOST_FILES, Received
from engine.errors import ImageError


@pytest.fixture
def received(tmp_path):
    made = Received(tmp_path, 1000)
    (made.folder / "a").mkdir()
    (made.folder / "a" / "seven.png").write_bytes(b"picture")
    yield made
    made.remove()


def test_a_file_that_was_sent_is_opened(received):
    assert received.file(str(received.folder / "a" / "seven.png")).read_bytes() == b"picture"


def test_nothing_else_is(received, tmp_path):
    (tmp_path / "secret.png").write_bytes(b"secret")
    os.symlink(tmp_path / "secret.png", received.folder / "link.png")
    os.symlink(tmp_path, received.folder / "folder")
    os.mkfifo(received.folder / "pipe")
    for path in (
        "/etc/passwd",
        "/dev/zero",
        str(tmp_path / "secret.png"),
        str(received.folder / ".." / ".." / ".." / "secret.png"),
        str(received.folder / "link.png"),
        str(received.folder / "folder" / "secret.png"),
        str(received.folder / "pipe"),
        str(received.folder / "a"),
        str(received.folder),
        str(received.folder) + "x/a",
        str(received.folder / "missing.png"),
        str(received.folder / "lock"),
        str(received.folder.parent / "lock"),
        os.path.relpath(received.folder / "a" / "seven.png"),
        f"file://{received.folder}/a/seven.png",
        "http://127.0.0.1/seven.png",
        str(received.folder / "a" / "seven.png") + "\0.png",
        "x" * 100_000,
        "",
        None,
        7,
        ["/etc/passwd"],
    ):
        with pytest.raises(ImageError) as caught:
            received.file(path)
        assert str(tmp_path) not in str(caught.value) and "not a file that was sent" in str(
            caught.value
        )


def test_the_folder_is_private_and_goes_with_its_process(received, tmp_path):
    assert received.folder.stat().st_mode & 0o77 == 0
    killed = tmp_path / "received" / "1-killed" / "files"
    killed.mkdir(parents=True)
    (killed.parent / "lock").touch()
    (killed / "left.png").write_bytes(b"somebody's")
    another = Received(tmp_path, 1000)
    assert not killed.parent.exists() and received.folder.exists()
    another.remove()
    assert not another.folder.parent.exists()


def test_the_oldest_files_make_room(received):
    for number in range(4):
        path = received.folder / f"{number}"
        path.write_bytes(b"x" * 900)
        os.utime(path, (number, number))
    received.make_room(900)
    assert sorted(path.name for path in received.folder.iterdir()) == ["1", "2", "3", "a"]
    received.make_room(None)
    assert sorted(path.name for path in received.folder.iterdir()) == ["1", "2", "3", "a"]
    received.make_room(4000)
    assert [path for path in received.folder.rglob("*") if path.is_file()] == []


def test_files_are_counted_too_and_their_folders_go_with_them(received):
    most = MOST_FILES
    for number in range(most + 5):
        path = received.folder / f"{number}" / "a.png"
        path.parent.mkdir()
        path.touch()
        os.utime(path, (number, number))
    received.make_room(0)
    assert sum(path.is_file() for path in received.folder.rglob("*")) == most - 1
    left = [int(path.parent.name) for path in received.folder.rglob("a.png")]
    assert min(left) > 5
    assert not (received.folder / "0").exists()


def test_uploads_kept_in_memory_are_bounded_for_all_together():
    from starlette.exceptions import HTTPException
    from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
    from streamlit.runtime.uploaded_file_manager import UploadedFileRec

    from app.memory_uploads import bound

    files = MemoryUploadedFileManager("/upload")
    bound(files, 100)

    def add(session: str, size: int) -> None:
        files.add_file(session, UploadedFileRec(f"{session}{size}", "a.zip", "", b"x" * size))

    add("one", 60)
    with pytest.raises(HTTPException, match="413"):
        add("two", 41)
    add("two", 40)
    files.remove_session_files("one")
    add("two", 41)
