"""What whoever leads the lab notes about runs: words and tags, in one file of the home, so that a list
of a thousand runs reads one file for them.

home/run-notes.jsonl    one change a line, only ever appended: the runs that it concerns with a note,
                        a tag to add or a tag to take off; what replaying them comes to is what holds
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field, ValidationError

from engine.errors import RunError
from engine.files.checked import Document
from engine.files.locks import Lock
from engine.runs.jsonl import append_row, rows_of
from engine.runs.times import now

FILE = "run-notes.jsonl"
LONGEST_NOTE, LONGEST_TAG = 2_000, 40  # characters
BUSY_SECONDS = 10  # how long another's appending is waited for; it takes milliseconds


@dataclass(frozen=True)
class Note:
    """What is noted about a run: words, and tags in alphabetical order."""

    note: str = ""
    tags: tuple[str, ...] = ()


class _Change(Document):
    runs: list[str]
    at: str
    note: str | None = Field(None, max_length=LONGEST_NOTE)
    tag: str | None = Field(None, max_length=LONGEST_TAG)
    untag: str | None = Field(None, max_length=LONGEST_TAG)


def notes_in(home: Path) -> dict[str, Note]:
    """A run's id → what is noted about it. Runs without a note are absent; of those deleted the notes
    stay, as they may be put back.
    """
    notes: dict[str, str] = {}
    tags: dict[str, set[str]] = {}
    for row in rows_of(home / FILE):
        with suppress(ValidationError):  # a damaged line costs itself only
            change = _Change.model_validate(row)
            for run in change.runs:
                if change.note is not None:
                    notes[run] = change.note
                if change.tag is not None:
                    tags.setdefault(run, set()).add(change.tag)
                if change.untag is not None:
                    tags.get(run, set()).discard(change.untag)
    return {
        run: Note(notes.get(run, ""), tuple(sorted(tags.get(run, ()))))
        for run in notes.keys() | tags.keys()
        if notes.get(run) or tags.get(run)
    }


def check_tag(tag: str) -> None:
    """Raise RunError for a text that can't be a tag."""
    if not (0 < len(tag) <= LONGEST_TAG and tag.isprintable()):
        expected = f"1 to {LONGEST_TAG} printable characters"
        raise RunError("this can't be a tag", expected=expected, got=repr(tag[:60]))


def change_notes(
    home: Path,
    runs: Iterable[str],
    *,
    note: str | None = None,
    tag: str | None = None,
    untag: str | None = None,
) -> None:
    """Give runs a note (an empty one takes it away), a tag, or take a tag off them. It is on the disk
    when this returns. Raises RunError for a note or tag that can't be one.
    """
    if note is not None and len(note) > LONGEST_NOTE:
        expected = f"at most {LONGEST_NOTE:,} characters"
        raise RunError("this note is too long", expected=expected, got=f"{len(note):,}")
    if tag is not None:
        check_tag(tag)
    fields = {"note": note, "tag": tag, "untag": untag}
    row = {"runs": list(runs), "at": now(), **{k: v for k, v in fields.items() if v is not None}}
    lock = Lock.take((home / FILE).with_suffix(".lock"), BUSY_SECONDS)
    if lock is None:
        raise RunError("another process is writing notes", hint="Try again; nothing was changed.")
    with lock:
        append_row(home / FILE, row, lasting=True)
