"""The label journal: nothing is lost, two people at once merge, and replaying it gives the same labels."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from factories import shapes

from engine.errors import DataError
from engine.labels.journal import Journal, journal_of, set_aside
from engine.labels.mending import mended
from engine.labels.replay import Current

ROOT = Path(__file__).parents[3]
WRITER = """
import sys
from pathlib import Path
from engine.labels.journal import Journal
journal = Journal(Path(sys.argv[1]), "shapes")
print("ready", flush=True)
sys.stdin.readline()
for number in range(int(sys.argv[3])):
    journal.write("relabel", [f"{sys.argv[2]}-{number}"], who=sys.argv[2], to=["bar"])
    print(number, flush=True)
"""


def writer(home: Path, who: str, count: int) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(home), who, str(count)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def journal(tmp_path) -> Journal:
    return Journal(tmp_path, "shapes")


def test_the_latest_decision_holds_and_undo_brings_the_one_before_back(journal):
    journal.write("relabel", ["a", "b"], who="ann", before=["dot", None], to=["bar", "ring"])
    journal.write("relabel", ["a"], who="bob", before=["bar"], to=["dot"])
    journal.write("tag", ["a"], who="bob", tag="smudged")
    journal.write("exclude", ["b"], who="bob")
    assert journal.current() == {
        "a": Current("dot", tags=frozenset({"smudged"})),
        "b": Current("ring", excluded=True),
    }
    assert journal.undo(who="ann", of="bob").action == "exclude"
    assert journal.undo(who="ann", samples=["b"]).to == ["bar", "ring"]
    assert "b" not in journal.current() and journal.current()["a"].label == "dot"
    assert journal.undo(who="ann", of="nobody") is None


def test_a_history_tells_who_when_from_what_to_what_and_what_was_taken_back(journal):
    journal.write("relabel", ["a"], who="ann", why="map", before=["dot"], to=["bar"], own=False)
    journal.undo(who="bob")
    (event,) = journal.history("a")
    assert (event.before, event.to, event.entry.who, event.entry.why) == (
        "dot",
        "bar",
        "ann",
        "map",
    )
    assert event.undone_by[0] == "bob" and event.undone_by[1] >= event.entry.at
    assert not event.entry.own and journal.history("b") == []


def test_an_earlier_position_replays_to_the_labels_of_then(journal):
    for label in ("bar", "dot", "ring"):
        journal.write("relabel", ["a"], who="ann", to=[label])
    assert journal.position == 3
    assert [journal.current(at).get("a") for at in range(4)] == [
        None,
        Current("bar"),
        Current("dot"),
        Current("ring"),
    ]


def test_what_two_processes_write_at_once_is_all_there_once(tmp_path, journal):
    writers = [writer(tmp_path, who, 20) for who in ("ann", "bob")]
    for one in writers:
        assert one.stdout.readline() == "ready\n"
    for one in writers:
        print("go", file=one.stdin, flush=True)
    for one in writers:
        one.communicate(timeout=900)
        assert one.returncode == 0
    entries = journal.entries()
    assert [entry.entry for entry in entries] == list(range(1, 41))
    assert {entry.samples[0] for entry in entries} == {
        f"{who}-{number}" for who in ("ann", "bob") for number in range(20)
    }


def test_what_was_answered_for_outlasts_a_kill_and_a_torn_line_costs_itself_only(tmp_path, journal):
    one = writer(tmp_path, "ann", 10_000)
    one.stdout.readline()
    print("go", file=one.stdin, flush=True)
    answered = [one.stdout.readline() for _ in range(5)]
    os.kill(one.pid, signal.SIGKILL)
    one.communicate(timeout=900)
    before = journal.current()
    assert {f"ann-{line.strip()}" for line in answered} <= before.keys()
    with open(journal.path, "ab") as file:
        file.write(b'{"entry": 9999, "sam')
    assert journal.current() == before
    journal.write("relabel", ["b"], who="bob", to=["dot"])
    assert journal.current() == {**before, "b": Current("dot")}


def test_a_damaged_line_costs_itself_only_and_the_others_keep_their_numbers(journal):
    for name in "abc":
        journal.write("relabel", [name], who="ann", to=["bar"])
    lines = journal.path.read_bytes().splitlines(keepends=True)
    journal.path.write_bytes(lines[0] + b'{"entry": 2, "to": 7}\n' + lines[2])
    assert [entry.entry for entry in journal.entries()] == [1, 3]
    assert journal.current(2) == {"a": Current("bar")}


def test_a_pool_has_the_journals_of_its_parts(tmp_path):
    pool = journal_of(tmp_path, "one+two")
    pool.write("relabel", ["one/a", "two/b"], who="ann", before=[None, "x"], to=["dot", "bar"])
    assert Journal(tmp_path, "one").current() == {"a": Current("dot")}
    assert pool.current() == {"one/a": Current("dot"), "two/b": Current("bar")}
    pool.undo(who="ann", samples=["two/b"])
    assert pool.current() == {"one/a": Current("dot")}


def test_a_data_set_that_is_deleted_takes_its_decisions_with_it(tmp_path, journal):
    journal.write("exclude", ["a"], who="ann")
    set_aside(tmp_path, "shapes")
    assert Journal(tmp_path, "shapes").entries() == ()
    assert len(list((tmp_path / "trash").glob("*/shapes/journal.jsonl"))) == 1


def test_an_entry_that_makes_no_sense_is_refused(journal):
    with pytest.raises(DataError, match="not as long as samples"):
        journal.write("relabel", ["a", "b"], who="ann", to=["bar"])
    with pytest.raises(DataError, match="tag: it is missing"):
        journal.write("tag", ["a"], who="ann")
    assert journal.entries() == ()


def test_mended_labels_keep_the_split_and_leave_excluded_images_out():
    data = shapes(30)
    labels = np.array(data.labels)
    labels[data.splits["train"][0]] = -1
    splits = {**data.splits, "train": data.splits["train"][1:]}
    data = data.with_labels(labels, "1" * 16).with_splits(splits)
    data = type(data)(**{**vars(data), "source_names": ("shapes",)})
    fresh, wrong, bad = int(np.flatnonzero(labels < 0)[0]), *data.splits["val"][:2].tolist()
    found = mended(
        data,
        {
            "shapes": {
                f"{fresh}.png": Current("star"),
                f"{wrong}.png": Current("dot" if labels[wrong] != 1 else "bar"),
                f"{bad}.png": Current("bar", excluded=True),
                "gone.png": Current("bar"),
            }
        },
    )
    assert found.classes == (*data.classes, "star") and found.labels[fresh] == 3
    assert found.labels[wrong] != labels[wrong] and found.labels[bad] == -1
    assert set(found.splits["val"]) == set(data.splits["val"]) - {bad}
    assert set(found.splits["train"]) == {*data.splits["train"].tolist(), fresh}
    assert (
        found.fingerprint != data.fingerprint
        and found.notes["labels"] == "2 relabelled, 1 excluded"
    )
    assert mended(data, {"shapes": {"gone.png": Current("bar")}}) is data


def test_an_image_that_is_of_another_class_now_leaves_a_data_set_of_some_classes():
    data = shapes(30)
    data = type(data)(**{**vars(data), "source_names": ("shapes",)})
    at = int(data.splits["train"][0])
    found = mended(data, {"shapes": {f"{at}.png": Current("star")}}, only=data.classes)
    assert at not in found.splits["train"] and found.classes == data.classes
