"""Symbols taught by a few drawings."""

from __future__ import annotations

import errno
import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from costly import jpeg_of_scans
from hands import drawn, png
from PIL import Image, ImageDraw

from engine.errors import DataError, GlyphlabError, ImageError
from engine.files.together import COMING, WHOLE
from engine.lab import Lab
from engine.recognition.few_shot import Bank, decide, least_likeness
from engine.recognition.shape_similarity import likeness_vectors
from engine.services.galleries import Galleries
from engine.services.symbol_files import MOST_EXAMPLES

MODEL = "canvas-digits"
NEW = ("♥", "→", "#", "Ω")


@pytest.fixture
def lab(tmp_path):
    return Lab(tmp_path)


def teach(lab, symbols=NEW, count=3) -> None:
    for symbol in symbols:
        for number in range(count):
            lab.taught.add(symbol, png(drawn(symbol, number)))


def vector(lab, symbol: str, number: int, **changes) -> np.ndarray:
    prediction = lab.predictor(MODEL).predict([png(drawn(symbol, number, **changes))])[0]
    return likeness_vectors(prediction.embedding[None], prediction.square[None])[0]


def test_after_three_drawings_the_fourth_is_recognised(lab):
    teach(lab)
    gallery = Galleries(lab.store).get(MODEL)
    for symbol in NEW:
        found = vector(lab, symbol, 9)
        match = lab.taught.recognise(found, MODEL, gallery.likeness_of(found))
        assert match is not None and match.name == symbol and match.likeness >= match.least


def test_what_the_model_knows_is_not_taken_for_a_symbol(lab):
    teach(lab)
    gallery = Galleries(lab.store).get(MODEL)
    for digit in "701":
        for writer in range(4):
            found = vector(lab, digit, 5, writer=writer)
            assert lab.taught.recognise(found, MODEL, gallery.likeness_of(found)) is None


def test_nothing_taught_recognises_nothing(lab):
    assert lab.taught.symbols() == [] and lab.taught.recognise(vector(lab, "♥", 0), MODEL) is None
    assert lab.taught.leave_one_out(MODEL).accuracy is None


def test_symbols_survive_a_restart_and_can_be_forgotten(lab):
    teach(lab, ("♥", "→"))
    again = Lab(lab.home).taught
    assert [(symbol.name, len(symbol.examples)) for symbol in again.symbols()] == [
        ("→", 3),
        ("♥", 3),
    ]
    again.remove_last("♥")
    assert len(again.symbol("♥").examples) == 2
    again.remove("→")
    assert [symbol.name for symbol in again.symbols()] == ["♥"]
    again.remove_last("♥")
    again.remove_last("♥")
    assert again.symbols() == [] and not list(again.folder.glob("[!.]*"))
    with pytest.raises(DataError, match="no symbol '♥' was taught"):
        again.remove("♥")


def test_leave_one_out_counts_each_example(lab):
    teach(lab)
    lab.taught.add("single", png(drawn("T")))
    measured = lab.taught.leave_one_out(MODEL)
    assert measured.n == 3 * len(NEW) and measured.right >= measured.n - 1
    assert {name: n for name, _, n in measured.rows} == dict.fromkeys(NEW, 3)
    assert measured.accuracy == measured.right / measured.n


def test_leave_one_out_finds_a_wrong_example(lab):
    teach(lab, ("♥", "#"))
    lab.taught.add("♥", png(drawn("#", 7)))
    measured = lab.taught.leave_one_out(MODEL)
    assert dict((name, n - right) for name, right, n in measured.rows)["♥"] >= 1


def test_an_export_is_taken_in_by_another_lab(lab, tmp_path):
    teach(lab, ("♥", "→"))
    other = Lab(tmp_path / "other").taught
    assert other.take_in(lab.taught.export()) == 6
    assert [(symbol.name, len(symbol.examples)) for symbol in other.symbols()] == [
        ("→", 3),
        ("♥", 3),
    ]


def packed_symbols(*symbols: tuple[str, list[bytes]]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        for number, (name, pictures) in enumerate(symbols):
            file.writestr(f"taught/{number}/symbol.json", json.dumps({"name": name}))
            for each, picture in enumerate(pictures, 1):
                file.writestr(f"taught/{number}/{each:04d}.png", picture)
    return out.getvalue()


def test_an_import_that_is_refused_or_fails_leaves_nothing_of_itself(tmp_path, monkeypatch):
    taught, heart = Lab(tmp_path).taught, png(drawn("♥"))
    taught.add("♥", heart)
    before = sorted(path.name for path in taught.folder.rglob("*"))
    refused = (
        ((("→", [heart]), ("♥", [heart] * MOST_EXAMPLES)), "'♥' has all the examples.*: 51"),
        ((("→", [heart]), ("x" * 41, [heart])), "this name can't be used"),
        ((("→", [heart]), ("#", [b"no picture"])), "not a picture"),
        ((("→", [heart]), ("#", [jpeg_of_scans(6_000)])), "a JPEG of too many scans"),
        ((("→", [heart]), ("#", [png(np.zeros((90, 120), np.uint8))])), "nothing is drawn"),
    )
    for symbols, words in refused:
        with pytest.raises((DataError, ImageError), match=words):
            taught.take_in(packed_symbols(*symbols))
        assert sorted(path.name for path in taught.folder.rglob("*")) == before
    monkeypatch.setattr(Path, "write_bytes", full_after(Path.write_bytes, 3))
    with pytest.raises(GlyphlabError, match="no room left"):
        taught.take_in(packed_symbols(("→", [heart, heart]), ("#", [heart])))
    assert sorted(path.name for path in taught.folder.rglob("*")) == before


def full_after(write, count: int):
    """`write` for so many times; from then on the disk is full."""
    done = []

    def writing(path: Path, content: bytes) -> int:
        done.append(path)
        if len(done) > count:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(path, content)

    return writing


def test_an_import_that_was_killed_is_there_whole_or_not_at_all(tmp_path):
    taught, heart = Lab(tmp_path).taught, png(drawn("♥"))
    taught.take_in(packed_symbols(("♥", [heart, heart]), ("→", [heart])))
    symbol = taught.symbol("♥").folder.name
    for place, left in ((COMING, b"not all of it"), (WHOLE, heart)):
        (taught.folder / place / symbol).mkdir(parents=True)
        (taught.folder / place / symbol / "0003.png").write_bytes(left)
    (taught.folder / WHOLE / "new").mkdir()
    (taught.folder / WHOLE / "new" / "symbol.json").write_text('{"name": "#"}')
    (taught.folder / WHOLE / "new" / "0001.png").write_bytes(heart)
    taught.add("♥", heart)
    assert [(one.name, len(one.examples)) for one in taught.symbols()] == [
        ("#", 1),
        ("→", 1),
        ("♥", 4),
    ]
    assert not list(taught.folder.glob(".[cw]*"))


def test_a_symbol_that_could_not_be_written_leaves_no_folder(tmp_path, monkeypatch):
    taught = Lab(tmp_path).taught
    monkeypatch.setattr(Path, "write_bytes", full_after(Path.write_bytes, 1))
    with pytest.raises(GlyphlabError, match="no room left"):
        taught.add("♥", png(drawn("♥")))
    assert [path.name for path in taught.folder.iterdir()] == [".lock"]


@pytest.mark.parametrize("content", [b"no zip", pytest.param(None, id="another zip")])
def test_another_file_is_no_export(lab, content):
    if content is None:
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as file:
            file.writestr("readme.txt", "hello")
        content = out.getvalue()
    with pytest.raises(DataError, match="symbols"):
        lab.taught.take_in(content)


@pytest.mark.parametrize("name", ["x" * 41, "a\nb"])
def test_a_name_must_be_one(lab, name):
    with pytest.raises(DataError, match="this name can't be used"):
        lab.taught.add(name, png(drawn("♥")))


def test_any_printable_name_will_do_and_a_blank_drawing_will_not(lab):
    for name in ("/", "..", "my 7", "β", "CON"):
        assert lab.taught.add(name, png(drawn("♥"))).name == name
    with pytest.raises(ImageError, match="nothing is drawn"):
        lab.taught.add("β", png(np.zeros((90, 120), np.uint8)))
    with pytest.raises(DataError, match="no symbol has been taught yet"):
        Lab(lab.home / "empty").taught.export()


def test_a_symbol_has_a_limit(lab):
    folder = lab.taught.add("♥", png(drawn("♥"))).folder
    for number in range(2, MOST_EXAMPLES + 1):
        (folder / f"{number:04d}.png").write_bytes((folder / "0001.png").read_bytes())
    with pytest.raises(DataError, match="all the examples it can use"):
        lab.taught.add("♥", png(drawn("♥")))


def test_the_nearest_symbol_wins_if_it_is_near_enough():
    vectors = np.array([[1, 0, 0], [0.96, 0.28, 0], [0, 1, 0], [0, 0.96, 0.28]], np.float32)
    bank = Bank(np.array(["a", "a", "b", "b"]), vectors)
    assert decide(bank, np.array([0.98, 0.199, 0], np.float32)).name == "a"
    assert decide(bank, np.array([0, 0.98, 0.199], np.float32)).name == "b"
    assert decide(bank, np.array([0, 0, 1], np.float32)) is None
    assert (
        decide(bank, np.array([0.98, 0.199, 0], np.float32), known=0.999) is None
    )  # something known is nearer
    assert (
        least_likeness(vectors[:2]) == pytest.approx(0.96 - 0.15)
        and least_likeness(vectors[:1]) == 0.8
    )


def test_two_processes_that_teach_the_same_name_make_one_symbol(tmp_path):
    picture = tmp_path / "drawn.png"
    drawn = Image.new("L", (30, 30), 255)
    ImageDraw.Draw(drawn).line((5, 5, 25, 25), fill=0, width=3)
    drawn.save(picture)
    code = (
        "import sys; from pathlib import Path; from engine.lab import Lab;"
        "lab = Lab(Path(sys.argv[1]));"
        "[lab.taught.add('sign', Path(sys.argv[2])) for _ in range(5)]"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "home"), str(picture)]
    children = [subprocess.Popen(command, cwd=Path(__file__).parents[3]) for _ in range(2)]
    assert [child.wait(900) for child in children] == [0, 0]
    [symbol] = Lab(tmp_path / "home").taught.symbols()
    assert len(symbol.examples) == 10
