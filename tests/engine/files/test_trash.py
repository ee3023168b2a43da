"""What is deleted can be put back for a while."""

from __future__ import annotations

import time

import pytest
from hands import drawn, png
from weblab import add_run

from engine.errors import RunError
from engine.files.trash import KEPT_SECONDS, MOST, SHORT_BYTES, Trash
from engine.lab import Lab
from engine.services.symbol_files import symbols_zip


@pytest.fixture
def lab(tmp_path):
    return Lab(tmp_path)


def tree(lab: Lab) -> set[str]:
    found = (path.relative_to(lab.home).as_posix() for path in lab.home.rglob("*.*"))
    return {path for path in found if not path.startswith(("trash", "cache"))}


def test_everything_that_a_page_deletes_comes_back_as_it_was(lab):
    run = add_run(lab)
    lab.taught.add("heart", png(drawn("♥")))
    drawing = lab.drawings.save(png(drawn("7")), "7")
    before = tree(lab)
    for delete in (
        lambda: lab.delete(run.id),
        lambda: lab.taught.remove("heart"),
        lambda: lab.drawings.remove(drawing.path.name),
    ):
        delete()
    assert lab.runs() == [] and lab.taught.symbols() == [] and lab.drawings.all() == []
    kinds = [entry.kind for entry in lab.trash.entries()]
    assert sorted(kinds) == ["drawing", "run", "symbol"]
    for entry in lab.trash.entries():
        lab.trash.restore(entry.id)
    assert tree(lab) == before and lab.trash.entries() == []
    assert lab.run(run.id).info().state == "finished"


def test_a_data_set_comes_back_with_the_labels_that_people_gave(lab):
    picture = png(drawn("7"))
    names = [f"{label}/{number}.png" for label in "ab" for number in range(3)]
    lab.data.upload("mine.zip", zipped({name: picture for name in names}))
    lab.labels.relabel("mine", [names[0]], "b", who="x", why="y")
    lab.data.remove_upload("mine")
    assert "mine" not in {data.name for data in lab.datasets()}
    back = lab.trash.restore(lab.trash.entries()[0].id)
    assert {entry.kind for entry in back} == {"data", "labels"}
    assert lab.labels.labels_now("mine", names[:2]) == ["b", "a"]


def test_what_stands_in_the_place_by_now_is_not_overwritten(lab, tmp_path):
    file = tmp_path / "noise" / "one.txt"
    file.parent.mkdir()
    file.write_text("old")
    entry = Trash(tmp_path).put(file, "trial", "one")
    file.write_text("new")
    with pytest.raises(RunError, match="there is another of this name"):
        Trash(tmp_path).restore(entry.id)
    file.unlink()
    Trash(tmp_path).restore(entry.id)
    assert file.read_text() == "old"
    with pytest.raises(RunError, match="not in the trash"):
        Trash(tmp_path).restore(entry.id)


def test_what_can_be_made_and_deleted_without_end_does_not_fill_the_disk(tmp_path):
    trash = Trash(tmp_path)
    (tmp_path / "in").mkdir()
    for number, whose in enumerate(["drawings", "students/ada/drawings"] * 2):
        file = tmp_path / whose / f"{number}.txt"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("x")
        trash.put(file, "drawing", whose)
    for number in range(MOST["drawing"] + 3):
        file = tmp_path / "students" / "ben" / f"{number}.txt"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("x")
        trash.put(file, "drawing", "of Ben")
    names = [entry.name for entry in trash.entries()]
    assert names.count("of Ben") == MOST["drawing"], "Ben's own are as many as may be"
    assert names.count("drawings") == names.count("students/ada/drawings") == 2
    trash.empty()
    for kind, count in (("drawing", 3), ("trial", 3)):
        for number in range(count):
            file = tmp_path / "in" / f"{number}.txt"
            file.write_text("x")
            trash.put(file, kind, "x")
    kinds = [entry.kind for entry in trash.entries()]
    assert (kinds.count("drawing"), kinds.count("trial")) == (3, 3)
    visit = tmp_path / "visits" / "a" / "one.txt"
    visit.parent.mkdir(parents=True)
    visit.write_text("x")
    trash.put(visit, "drawing", "x")
    assert not visit.exists() and len(trash.entries()) == len(kinds)


def test_an_entry_that_was_tampered_with_leads_nowhere_else(tmp_path):
    file = tmp_path / "one.txt"
    file.write_text("x")
    trash = Trash(tmp_path / "home")
    (tmp_path / "home" / "in").mkdir(parents=True)
    inside = tmp_path / "home" / "in" / "one.txt"
    inside.write_text("x")
    entry = trash.put(inside, "trial", "one")
    about = trash.folder / entry.id / "about.json"
    for place in ("../one.txt", "/etc/one.txt", "in/../../one.txt", ""):
        about.write_text(entry.model_copy(update={"place": place}).model_dump_json())
        assert trash.entries() == []
        with pytest.raises(RunError):
            trash.restore(entry.id)


def test_it_is_emptied_after_a_week_and_earlier_while_the_disk_is_short(tmp_path, monkeypatch):
    free = [10 * SHORT_BYTES]
    trash = Trash(tmp_path, lambda path: free[0])

    def put(name: str) -> str:
        file = tmp_path / "in" / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(name)
        return trash.put(file, "trial", name).id

    first = put("first")
    later = time.time() + KEPT_SECONDS - 60
    monkeypatch.setattr(time, "time", lambda: later)
    second = put("second")
    assert {entry.id for entry in trash.entries()} == {first, second}
    monkeypatch.setattr(time, "time", lambda: later + 120)
    trash.sweep()
    assert [entry.id for entry in trash.entries()] == [second]
    free[0] = SHORT_BYTES // 2
    third = put("third")
    assert [entry.id for entry in trash.entries()] == [third], "what is deleted now stays for now"
    assert trash.empty() == 1 and trash.entries() == []


def zipped(files: dict[str, bytes]) -> bytes:
    import io
    import zipfile

    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def test_of_two_who_delete_or_put_back_at_once_the_second_is_told(lab):
    drawing = lab.drawings.save(png(drawn("7")), "7")
    lab.drawings.remove(drawing.path.name)
    with pytest.raises(RunError, match="^drawing '7' is not there any more$"):
        lab.trash.put(drawing.path, "drawing", "7")
    (entry,) = lab.trash.entries()

    class Late(Trash):
        def entries(self):
            return [entry]

    lab.trash.restore(entry.id)
    drawing.path.rename(drawing.path.with_suffix(".elsewhere"))
    with pytest.raises(RunError, match="is not in the trash any more"):
        Late(lab.home).restore(entry.id)


def test_a_symbol_that_was_taught_anew_is_not_there_twice(lab):
    lab.taught.add("heart", png(drawn("♥")))
    gone = lab.taught.symbol("heart")
    lab.taught.remove("heart")
    assert symbols_zip([gone]), "who exports at that moment gets the rest"
    lab.taught.add("heart", png(drawn("♥", 1)))
    with pytest.raises(RunError, match="there is another of this name"):
        lab.trash.restore(lab.trash.entries()[0].id)
    lab.taught.remove("heart")
    lab.trash.restore(lab.trash.entries()[0].id)
    assert [one.name for one in lab.taught.symbols()] == ["heart"]
