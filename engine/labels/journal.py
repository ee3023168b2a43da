"""The label journal of a data set: what people decided about its images, one line a gesture, only
ever appended to.

home/labels/<data set>/journal.jsonl   entries, see engine.labels.entries
                       journal.lock    held while lines are appended

A line is on the disk before whoever decided is answered. Any number of processes append at the same
time; undoing appends a line, too. The labels that hold are what replaying the lines comes to, of all
of them or of those up to a position.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

from pydantic import ValidationError

from engine.data.listing import digest
from engine.data.sources import names_in
from engine.errors import DataError
from engine.files.atomic import is_name, make_folder
from engine.files.checked import wrong_field
from engine.files.locks import Lock
from engine.files.trash import Trash
from engine.labels.entries import Entry, new_id
from engine.labels.replay import Current, Event, history, live, replayed
from engine.runs.jsonl import append_row, rows_of

FILE = "journal.jsonl"
BUSY_SECONDS = 10  # how long another's appending is waited for; it takes milliseconds

Made = Callable[[int, str], Entry]  # an entry, of its number and the time


class Decisions(ABC):
    """What was decided about a data set's images, and a way to decide more."""

    @abstractmethod
    def entries(self) -> tuple[Entry, ...]:
        """All entries, in the order in which they were written."""

    @abstractmethod
    def write(
        self,
        action: str,
        samples: Sequence[str],
        *,
        who: str,
        why: str = "",
        before: Sequence[str | None] = (),
        to: Sequence[str] = (),
        own: bool = True,
        tag: str = "",
        undoes: str = "",
    ) -> list[Entry]:
        """Append an entry; its fields are those of engine.labels.entries.Entry. It is on the disk
        when this returns. Raises DataError if it can't be one.
        """

    def current(self) -> dict[str, Current]:
        """What holds of each image that somebody decided about."""
        return replayed(self.entries())

    def history(self, sample: str) -> list[Event]:
        """What was decided about an image, oldest first."""
        return history(self.entries(), sample)

    def latest(
        self,
        who: str | None = None,
        id: str | None = None,
        samples: Iterable[str] | None = None,
    ) -> tuple[Entry, list[str]] | None:
        """The latest entry that still holds, with the images that it holds for; that of a person, of
        an `id`, of some of `samples`.
        """
        wanted = None if samples is None else set(samples)
        for entry, held in reversed(live(self.entries())):
            there = [sample for sample in held if wanted is None or sample in wanted]
            if there and who in (None, entry.who) and id in (None, entry.id):
                return entry, there
        return None

    def undo(
        self,
        *,
        who: str,
        why: str = "",
        of: str | None = None,
        id: str | None = None,
        samples: Iterable[str] | None = None,
    ) -> Entry | None:
        """Take back the entry that `latest` finds for (of, id, samples); returns it, or None if there
        is nothing to take back.
        """
        found = self.latest(of, id, samples)
        if found is None:
            return None
        entry, held = found
        self.write("undo", held, who=who, why=why, undoes=entry.id)
        return entry


class Journal(Decisions):
    """The decisions about one data set's images. Any number of pages and commands may hold one."""

    def __init__(self, home: Path, data: str) -> None:
        """data: the data set's name or path, of one data set."""
        self.data = data
        name = data if is_name(data) else f"{Path(data).name[:80]}-{digest([data])[:10]}"
        self.path = home / "labels" / name / FILE

    @property
    def position(self) -> int:
        """The number of the latest entry; 0 if there is none."""
        return max((entry.entry for entry in self.entries()), default=0)

    def entries(self, position: int | None = None) -> tuple[Entry, ...]:
        """The entries, or those up to a position, in the order in which they were written."""
        return _entries(*self._state(), position)

    def current(self, position: int | None = None) -> dict[str, Current]:
        """What holds of each image that somebody decided about, now or at a position."""
        return _replayed(*self._state(), position)

    def write(self, action: str, samples: Sequence[str], **fields: object) -> list[Entry]:
        def made(number: int, at: str) -> Entry:
            row = {"entry": number, "id": new_id(), "at": at, "action": action}
            lists = {k: list(v) if isinstance(v, tuple) else v for k, v in fields.items()}
            return Entry.model_validate({**row, "samples": list(samples), **lists})

        return self.append([made])

    def append(self, made: Sequence[Made]) -> list[Entry]:
        """Append what each of `made` returns for its number and the time. Raises DataError."""
        make_folder(self.path.parent)
        lock = Lock.take(self.path.with_suffix(".lock"), BUSY_SECONDS)
        if lock is None:
            raise DataError(
                f"the label journal of {self.data} is being written by another process",
                hint="Try again; nothing was changed.",
            )
        out: list[Entry] = []
        with lock:
            known = self.entries()
            number = max((entry.entry for entry in known), default=0)
            # Never before the entry in front of it, even where the clock was put back: the later
            # decision counts.
            last = max((entry.at for entry in known), default="")
            for done, make in enumerate(made, 1):
                entry = checked(make, number + done, max(last, _now()))
                row = entry.model_dump(exclude_defaults=True)
                append_row(self.path, row, lasting=done == len(made))  # with all before it
                last = max(last, entry.at)
                out.append(entry)
        return out

    def _state(self) -> tuple[Path, int, str]:
        rows = rows_of(self.path)
        return self.path, len(rows), str(rows[-1].get("id")) if rows else ""


class PooledJournals(Decisions):
    """The decisions about a pooled data set: those of its parts, whose images are named
    '<data set>/<image>'.
    """

    def __init__(self, home: Path, names: Sequence[str]) -> None:
        self.parts = {name: Journal(home, name) for name in names}

    def entries(self) -> tuple[Entry, ...]:
        return tuple(
            entry.model_copy(update={"samples": [f"{name}/{sample}" for sample in entry.samples]})
            for name, journal in self.parts.items()
            for entry in journal.entries()
        )

    def write(self, action: str, samples: Sequence[str], **fields: object) -> list[Entry]:
        out = []
        for name, journal in self.parts.items():
            at = [i for i, sample in enumerate(samples) if sample.startswith(f"{name}/")]
            own = {
                key: [value[i] for i in at] if isinstance(value, list | tuple) and value else value
                for key, value in fields.items()
            }
            if at:
                names = [samples[i].removeprefix(f"{name}/") for i in at]
                out += journal.write(action, names, **own)
        return out


def journal_of(home: Path, data: str) -> Decisions:
    """The journal of a data set, or those of a pooled one ('a+b')."""
    names = names_in(data)
    return Journal(home, data) if len(names) == 1 else PooledJournals(home, names)


def set_aside(home: Path, data: str, batch: str = "") -> None:
    """Move the journal of a data set that is deleted to the trash, to be put back with it: one uploaded
    under the same name later has other images. batch: the data set's there.
    """
    folder = Journal(home, data).path.parent
    if folder.exists():
        Trash(home).put(folder, "labels", data, batch)


def checked(made: Made, number: int = 1, at: str | None = None) -> Entry:
    """What `made` returns. Raises DataError if it can't be an entry."""
    try:
        return made(number, at or _now())
    except ValidationError as error:
        raise DataError("this can't be in a label journal", got=wrong_field(error)) from None


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


# A page replays at every click, and checking 10,000 lines takes a fifth of a second.
@lru_cache(maxsize=16)
def _entries(path: Path, count: int, last: str, position: int | None) -> tuple[Entry, ...]:
    if position is not None:
        return tuple(e for e in _entries(path, count, last, None) if e.entry <= position)
    out = []
    for row in rows_of(path)[:count]:
        with suppress(ValidationError):  # a damaged line costs itself only
            out.append(Entry.model_validate(row))
    return tuple(out)


@lru_cache(maxsize=16)
def _replayed(path: Path, count: int, last: str, position: int | None) -> dict[str, Current]:
    return replayed(_entries(path, count, last, position))
