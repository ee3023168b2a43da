"""What visitors send: a folder of one process, and nothing outside it."""

from __future__ import annotations

import os

import pytest

from app.received import MOST_OWN_FILES, Received
from engine.errors import ImageError

SIZE = 1000


@pytest.fixture
def received(tmp_path):
    made = Received(tmp_path, SIZE)
    yield made
    made.remove()


def sent(received, person: str, name: str = "a.png", size: int = 7, at: float = 0) -> str:
    """A file that a person has sent; the name that they know it by."""
    path = received.place(person, size) / name
    path.write_bytes(b"x" * size)
    os.utime(path, (at, at))
    return received.name(path)


def test_a_file_that_was_sent_is_opened_by_who_sent_it_under_a_name_that_tells_no_place(
    received, tmp_path
):
    name = sent(received, "ada", "seven.png")
    assert received.file(name, "ada").read_bytes() == b"x" * 7
    assert not name.startswith("/") and str(os.getpid()) not in name.split("-")
    for other in ("ben", "", "at 10.0.0.1"):
        with pytest.raises(ImageError, match="not a file that was sent"):
            received.file(name, other)


def test_nothing_else_is(received, tmp_path):
    own = received.folder / sent(received, "ada", "seven.png")
    place, other = own.parent, sent(received, "ben")
    (tmp_path / "secret.png").write_bytes(b"secret")
    os.symlink(tmp_path / "secret.png", place / "link.png")
    os.symlink(tmp_path, place / "folder")
    os.mkfifo(place / "pipe")
    named = place.relative_to(received.folder)
    for name in (
        "/etc/passwd",
        "/dev/zero",
        str(tmp_path / "secret.png"),
        str(own),
        f"/{received.name(own)}",
        f"{named}/../../../../secret.png",
        f"{named}/../../{other}",
        f"{named}/link.png",
        f"{named}/folder/secret.png",
        f"{named}/pipe",
        f"{named}",
        f"{named.parent}",
        f"{named.parent}x/a",
        f"{named}/missing.png",
        "../lock",
        ".",
        os.path.relpath(own),
        f"file://{own}",
        "http://127.0.0.1/seven.png",
        f"{received.name(own)}\0.png",
        "x" * 100_000,
        "",
        None,
        7,
        ["/etc/passwd"],
    ):
        with pytest.raises(ImageError) as caught:
            received.file(name, "ada")
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


def there(received, names: list[str]) -> list[int]:
    return [n for n, name in enumerate(names) if (received.folder / name).exists()]


def test_a_persons_oldest_files_make_room_for_their_new_ones_and_nobody_elses(received):
    old = sent(received, "ben", size=900)
    names = [sent(received, "ada", size=900, at=number) for number in range(1, 8)]
    assert there(received, names) == [5, 6] and (received.folder / old).exists()
    assert len(list(received.folder.rglob("*/*"))) == 6  # no empty folders


def test_where_all_are_too_much_it_is_who_holds_most_that_makes_room(received):
    small = sent(received, "ben", size=100)
    large = {who: [sent(received, who, size=900, at=n) for n in range(2)] for who in ("ada", "eve")}
    sent(received, "zoe", size=1000, at=5)
    assert (received.folder / small).exists()
    assert sorted(len(there(received, names)) for names in large.values()) == [1, 2]


def test_what_is_handed_out_is_a_persons_too(received):
    made = received.folder / ("f" * 64) / "symbols.zip"  # where Gradio puts an export
    made.parent.mkdir()
    made.write_bytes(b"zip")
    name = received.given(str(made), "ada")
    assert received.file(name, "ada").read_bytes() == b"zip" and not made.exists()
    assert received.given(str(received.folder / name), "ada") == name
    with pytest.raises(ImageError):
        received.file(name, "ben")


def test_files_are_counted_too(received):
    theirs = sent(received, "ben", size=0)
    place = received.place("ada", 0)
    for number in range(MOST_OWN_FILES + 5):
        path = place / f"{number}.png"
        path.touch()
        os.utime(path, (number, number))
    received.make_room("ada", 0)
    left = {int(path.stem) for path in place.iterdir()}
    assert len(left) == MOST_OWN_FILES - 1 and min(left) == 6
    assert (received.folder / theirs).exists()


def test_a_page_is_told_the_scripts_name_and_not_its_place():
    from own_loop import run
    from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

    from app.memory_uploads import without_path

    told, script = [], "/home/somebody/app/dashboard.py"
    new, other = ForwardMsg(), ForwardMsg()
    new.new_session.main_script_path = script
    new.new_session.page_script_hash = "abc"
    other.delta.new_element.markdown.body = f"A text about {script}"

    async def send(message: dict) -> None:
        told.append(message)

    async def tell() -> None:
        sending = without_path(send, script)
        await sending({"type": "websocket.accept"})
        for one in (new, other):
            await sending({"type": "websocket.send", "bytes": one.SerializeToString()})

    run(tell())
    said = ForwardMsg.FromString(told[1]["bytes"]).new_session
    assert (said.main_script_path, said.page_script_hash) == ("dashboard.py", "abc")
    assert told[0] == {"type": "websocket.accept"}
    assert told[2]["bytes"] == other.SerializeToString()


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
