"""A log to which several add, and from which lines are taken out."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from engine.errors import GlyphlabError
from engine.files.line_log import LineLog

ROOT = Path(__file__).parents[3]
WRITER = """
import sys
from pathlib import Path
from engine.files.line_log import LineLog
log = LineLog(Path(sys.argv[1]), 10**9)
for number in range(3000):
    log.add(f"other {number}")
"""


def lines(file: Path) -> list[str]:
    return file.read_text(encoding="utf-8").splitlines()


def test_a_full_file_becomes_the_older_one_and_lines_are_taken_out_of_both(tmp_path):
    log = LineLog(tmp_path / "logs" / "a.jsonl", largest_bytes=40)
    for number in range(10):
        log.add(f"{'ada' if number % 2 else 'ben'} {number}")
    assert max(log.file.stat().st_size, log.older.stat().st_size) <= 40
    both = [*lines(log.older), *lines(log.file)]
    assert both == [f"{'ada' if n % 2 else 'ben'} {n}" for n in range(10 - len(both), 10)]
    other = LineLog(log.file, largest_bytes=40)
    gone = other.drop(lambda line: line.startswith(b"ada"))
    log.add("ben 10")  # by a descriptor of before
    left = [*lines(log.older), *lines(log.file)]
    assert left == [line for line in both if line.startswith("ben")] + ["ben 10"]
    assert gone == len(both) - len(left) + 1
    assert log.file.stat().st_mode & 0o777 == 0o600
    log.close(), other.close()


def test_nothing_is_lost_of_what_others_add_while_lines_are_taken_out(tmp_path):
    file = tmp_path / "a.jsonl"
    log = LineLog(file, 10**9)
    for number in range(2000):
        log.add(f"ada {number}")
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(file)], cwd=ROOT)
    try:
        here = threading.Thread(target=lambda: [log.add(f"here {n}") for n in range(3000)])
        here.start()
        other, taken, rounds = LineLog(file, 10**9), 0, 0
        while here.is_alive() or writer.poll() is None:
            taken += other.drop(lambda line: line.startswith(b"ada"))
            log.add(f"ada again {rounds}")
            rounds += 1
        here.join()
        assert writer.wait() == 0
    finally:
        writer.kill()
    taken += other.drop(lambda line: line.startswith(b"ada"))
    left = lines(file)
    assert taken == 2000 + rounds
    assert [line for line in left if line.startswith("here")] == [f"here {n}" for n in range(3000)]
    assert [line for line in left if line.startswith("other")] == [
        f"other {n}" for n in range(3000)
    ]
    assert len(left) == 6000


def test_whoever_holds_the_log_and_is_killed_is_in_nobodys_way(tmp_path):
    log = LineLog(tmp_path / "a.jsonl", 10**9)
    log.add("ada 1")
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(log.file)], cwd=ROOT, stdout=subprocess.PIPE
    )
    assert holder.stdout and holder.stdout.readline() == b"held\n"
    adding = threading.Thread(target=log.add, args=("ben 2",))
    adding.start()
    holder.kill()
    holder.wait()
    holder.stdout.close()
    adding.join()
    assert lines(log.file) == ["ada 1", "ben 2"]
    log.close()


HOLDER = """
import sys, time
from pathlib import Path
from engine.files.line_log import LineLog
def hold(line):
    print("held", flush=True)
    time.sleep(600)
LineLog(Path(sys.argv[1]), 10**9).drop(hold)
"""


def test_what_can_not_be_written_is_said(tmp_path):
    (tmp_path / "logs").write_text("in the way")
    with pytest.raises(GlyphlabError, match="can't be written"):
        LineLog(tmp_path / "logs" / "a.jsonl", 100).add("ada")
    assert LineLog(tmp_path / "none" / "a.jsonl", 100).drop(lambda line: True) == 0
