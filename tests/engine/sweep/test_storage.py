"""The journal of a sweep: an entry is there whole or not at all, whoever is killed or has no room."""

from __future__ import annotations

import errno
import os
import threading

import pytest

from engine.errors import GlyphlabError
from engine.sweep.storage import OWN_JOURNAL, open_storage


def study(path):
    import optuna

    return optuna.create_study(storage=open_storage(str(path)), study_name="s", load_if_exists=True)


def test_what_a_killed_worker_left_of_an_entry_is_cut_off_by_who_writes_next(tmp_path):
    path = tmp_path / OWN_JOURNAL
    mine = study(path)  # open while another is killed in the middle of a line
    with open(path, "ab") as journal:
        journal.write(b'{"op_code": 4, "worker_id": "an')
    mine.enqueue_trial({"lr": 0.1})
    assert len(mine.get_trials()) == len(study(path).get_trials()) == 1


def test_a_full_disk_is_said_and_leaves_the_journal_whole(tmp_path, monkeypatch):
    path = tmp_path / OWN_JOURNAL
    mine = study(path)
    before, write = path.read_bytes(), os.write

    def half(descriptor: int, content: bytes) -> int:
        if len(content) < 20:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(descriptor, content[:10])

    monkeypatch.setattr(os, "write", half)
    with pytest.raises(GlyphlabError, match="no room left"):
        mine.enqueue_trial({"lr": 0.1})
    monkeypatch.undo()
    assert path.read_bytes() == before
    mine.enqueue_trial({"lr": 0.1})
    assert len(study(path).get_trials()) == 1


def test_a_shared_journal_is_kept_from_the_processes_of_other_machines_too(tmp_path):
    from optuna.storages.journal import JournalFileOpenLock

    path = tmp_path / "shared.log"
    mine = study(path)
    other = JournalFileOpenLock(
        f"{path}.shared"
    )  # of a machine that does not see our kernel's lock
    other.acquire()
    writing = threading.Thread(target=lambda: mine.enqueue_trial({"lr": 0.1}))
    before = path.read_bytes()
    writing.start()
    writing.join(0.5)
    assert writing.is_alive() and path.read_bytes() == before
    other.release()
    writing.join()
    assert len(study(path).get_trials()) == 1 and sorted(os.listdir(tmp_path)) == [
        "shared.log", "shared.log.lock",
    ]  # fmt: skip
