"""An uploaded zip becomes a data set when it is sound, and leaves nothing behind when it is not."""

from __future__ import annotations

import base64
import io
import json
import resource
import zipfile

import pytest
from pictures import files, png, small_page, write_folder, write_zip

from engine.data.archive import safe_entries
from engine.data.catalog import load_dataset
from engine.data.uploads import read_uploads, remove_upload, save_upload
from engine.errors import DataError
from engine.lab import Lab
from engine.progress import Cancelled, no_progress
from engine.recipes.fields import DataSpec


@pytest.fixture
def save(tmp_path):
    def saved(filename, content, upload_mb=10, unpacked_mb=100, progress=no_progress):
        return save_upload(
            tmp_path / "home",
            filename,
            content,
            upload_mb=upload_mb,
            unpacked_mb=unpacked_mb,
            progress=progress,
        )

    return saved


@pytest.fixture
def zipped(tmp_path):
    def data(content):
        return write_zip(tmp_path / "source.zip", content).read_bytes()

    return data


def kept(tmp_path):
    folder = tmp_path / "home" / "uploads"
    return (
        sorted(path.name for path in folder.glob("*") if path.name != ".lock")
        if folder.exists()
        else []
    )


def test_an_upload_loads_by_its_name(save, zipped, tmp_path):
    seen = []
    content = files("a", "b") | {"loose.png": png(small_page("2"))}
    upload = save("My letters (2).zip", zipped(content), progress=lambda *call: seen.append(call))
    assert (upload.name, upload.kind, upload.images, upload.classes) == (
        "My-letters-2",
        "page",
        6,
        ("a", "b"),
    )
    assert (
        upload.skipped == (("loose.png", "it is not in a class folder"),)
        and seen[-1][0] == seen[-1][1]
    )
    data = load_dataset(
        DataSpec(name=upload.name),
        folders=(),
        home=tmp_path / "home",
        offline=True,
        unpacked_mb=100,
        progress=no_progress,
    )
    assert len(data) == 6
    assert read_uploads(tmp_path / "home") == [upload] and kept(tmp_path) == [
        "My-letters-2.json",
        "My-letters-2.zip",
    ]


def test_an_open_file_is_read_to_its_end(save, zipped):
    assert save("a.zip", io.BytesIO(zipped(files("a", "b")))).images == 6


@pytest.mark.parametrize(
    ("filename", "name"),
    [
        ("../../etc/passwd.zip", "passwd"),
        ("C:\\data\\set.ZIP", "set"),
        ("mnist.zip", "mnist-2"),
        (".zip", "upload"),
        ("a+b.zip", "a-b"),
        ("рукопись.zip", "рукопись"),
        ("x" * 300 + ".zip", "x" * 60),
        ("..zip", "upload"),
        (".hidden.zip", "hidden"),
    ],
)
def test_names_are_made_safe_and_free(save, zipped, filename, name):
    assert save(filename, zipped(files("a"))).name == name


def test_a_second_upload_of_a_name_gets_a_number(save, zipped, tmp_path):
    names = [save("set.zip", zipped(files("a", count=count))).name for count in (1, 2, 3)]
    assert names == ["set", "set-2", "set-3"] and [
        upload.images for upload in read_uploads(tmp_path / "home")
    ] == [1, 2, 3]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"no zip", "bad.zip is not a zip that can be read"),
        (b"", "bad.zip is not a zip that can be read"),
        ({"a.png": b"x"}, "bad.zip holds 1 pictures, but none in a class folder"),
        ({"readme.txt": b"x"}, "bad.zip holds no pictures"),
        ({"../a/b.png": b"x"}, "bad.zip holds a file outside itself"),
        (
            b"PK" + bytes(11_000_000),
            "bad.zip is too large. Allowed: at most 10 MB. Raise GLYPHLAB_UPLOAD_MB",
        ),
    ],
)
def test_what_cannot_be_a_data_set_is_refused_by_its_own_name_and_not_kept(
    save, zipped, tmp_path, content, words
):
    with pytest.raises(DataError) as caught:
        save("bad.zip", content if isinstance(content, bytes) else zipped(content))
    assert str(caught.value).startswith(words) and ".part" not in str(caught.value)
    assert kept(tmp_path) == []


def test_a_cancelled_upload_leaves_nothing(save, zipped, tmp_path):
    def stop(done, total, what):
        raise Cancelled

    with pytest.raises(Cancelled):
        save("set.zip", zipped(files("a")), progress=stop)
    assert kept(tmp_path) == []


def test_a_full_disk_is_said_and_leaves_nothing(save, zipped, tmp_path):
    data = zipped({"a/0.png": bytes(300_000)})
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(DataError, match="no room left on the disk for set.zip"):
            save("set.zip", data)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert kept(tmp_path) == []


def test_an_upload_can_be_removed(save, zipped, tmp_path):
    save("set.zip", zipped(files("a")))
    remove_upload(tmp_path / "home", "set")
    assert kept(tmp_path) == [] and read_uploads(tmp_path / "home") == []
    with pytest.raises(DataError, match="no uploaded data set 'set'"):
        remove_upload(tmp_path / "home", "set")


def test_what_was_put_there_by_hand_is_listed_unless_it_is_broken(save, zipped, tmp_path):
    folder = tmp_path / "home" / "uploads"
    write_zip(folder / "own.zip", files("a", "b"))
    write_folder(folder / "signs", files("a", "b"))
    (folder / "broken.zip").write_bytes(b"no zip")
    (folder / "note.txt").write_text("nothing")
    uploads = read_uploads(tmp_path / "home")
    assert [(upload.name, upload.images) for upload in uploads] == [("own", 6), ("signs", 0)]
    assert (
        save("signs.zip", zipped(files("a"))).name == "signs-2"
        and save("broken.zip", zipped(files("a"))).name == "broken-2"
    )
    remove_upload(tmp_path / "home", "signs")
    assert not (folder / "signs").exists() and (folder / "signs-2.zip").exists()


def test_a_zip_whose_files_share_bytes_is_refused(tmp_path):
    """Every entry of such a bomb names the same packed bytes, so that what it unpacks to grows with
    the square of its size (Fifield 2019).
    """
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("a/1.png", "b/2.png"):
            archive.writestr(name, b"x" * 100)
        second = archive.infolist()[1]
        second.header_offset = 10
    with pytest.raises(DataError, match="overlap"):
        safe_entries(path, 1000)


def test_a_data_set_in_one_json_file_does_not_take_the_place_of_what_is_kept_of_it(tmp_path):
    rows = []
    for number in range(8):
        stream = io.BytesIO()
        small_page("24"[number % 2]).save(stream, "PNG")
        image = base64.b64encode(stream.getvalue()).decode()
        rows.append({"image": image, "label": "24"[number % 2]})
    lab = Lab(tmp_path)
    for name in ("more", "more-2"):
        assert lab.data.upload("more.json", json.dumps(rows).encode()).name == name
        assert len(lab.dataset(name)) == 8
    assert {data.name for data in lab.datasets() if data.uploaded} == {"more", "more-2"}
    lab.data.remove_upload("more")
    assert {data.name for data in lab.datasets() if data.uploaded} == {"more-2"}
    assert len(lab.dataset("more-2")) == 8
