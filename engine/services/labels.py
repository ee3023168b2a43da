"""`lab.labels`: what people decide about single images, of any data set."""

from __future__ import annotations

import getpass
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from engine.data.assemble import ordered
from engine.data.sources import names_in
from engine.errors import DataError, unknown
from engine.labels.entries import LONGEST, Entry
from engine.labels.journal import Decisions, Journal, checked, journal_of
from engine.labels.replay import Current, Event
from engine.labels.tables import entries_of, read_rows, write_journal
from engine.services.datasets import Data

if TYPE_CHECKING:
    from engine.data.listing import Listing
    from engine.store.store import Store

SHOWN = 3  # unknown names in an error
HELD_SECONDS = 2.0  # a page asks ten times in a row, each time for 25 ms with MNIST
MARKS = ("exclude", "include", "tag", "untag")


def account() -> str:
    """The name of the account that this process runs under: who decides, unless somebody says."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's account may have no name
        return "someone"


class _Names(NamedTuple):
    """The samples of the data set that was asked about last: finding 60,000 takes 40 ms."""

    key: tuple[str, str]
    given: Mapping[str, str | None]
    places: Mapping[str, int]


class Labels:
    """The label journals of a lab's data sets. A pooled data set ('a+b') has those of its parts, its
    samples are named '<data set>/<sample>'.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self.data = Data(store)
        self._names = _Names(("", ""), {}, {})
        self._listing: tuple[str, float, Listing | None] = ("", 0.0, None)

    # reading

    def decisions(self, data: str) -> Decisions:
        """The journal of a data set."""
        return journal_of(self.store.home, data)

    def given(self, data: str) -> Mapping[str, str | None]:
        """The name of every sample, with its given label. Raises DataError."""
        names = names_in(data)
        if len(names) > 1:
            return {
                f"{name}/{sample}": label
                for name in names
                for sample, label in self.given(name).items()
            }
        return self._known_names(data).given

    def places(self, data: str) -> Mapping[str, int]:
        """The place of every sample in the listing of one data set. Raises DataError."""
        return self._known_names(data).places

    def listing(self, data: str) -> Listing:
        """The listing of one data set, at most HELD_SECONDS old. Raises DataError."""
        of, at, held = self._listing
        if held is None or of != data or time.monotonic() - at > HELD_SECONDS:
            held = self.data.listing(data)
            self._listing = (data, time.monotonic(), held)
        return held

    def _known_names(self, data: str) -> _Names:
        listing = self.listing(data)
        key = (data, listing.content)
        if self._names.key != key:
            classes = (*listing.classes, None)  # the last stands for a label of -1
            names = [str(file) for file in listing.files]
            labels = [classes[label] for label in listing.labels.tolist()]
            places = {name: place for place, name in enumerate(names)}
            self._names = _Names(key, dict(zip(names, labels, strict=True)), places)
        return self._names

    def classes(self, data: str) -> tuple[str, ...]:
        """The data set's classes, with those that only its journal knows after them."""
        known = [label for name in names_in(data) for label in self.listing(name).classes]
        fresh = {one.label for one in self.decisions(data).current().values() if one.label}
        return tuple(dict.fromkeys([*known, *ordered(fresh - {*known})]))

    def current(self, data: str) -> dict[str, Current]:
        """What holds of every sample that somebody decided about."""
        return self.decisions(data).current()

    def history(self, data: str, sample: str) -> list[Event]:
        """What was decided about a sample, oldest first."""
        return self.decisions(data).history(sample)

    def labels_now(self, data: str, samples: Sequence[str]) -> list[str | None]:
        """The label that each sample has now; None if it has none or is excluded. Raises DataError
        if there is no such sample.
        """
        given, current = self._known(data, samples), self.current(data)
        out: list[str | None] = []
        for sample in samples:
            now = current.get(sample, Current())
            label = now.label if now.label is not None else given[sample]
            out.append(None if now.excluded else label)
        return out

    # deciding

    def relabel(
        self,
        data: str,
        samples: Sequence[str],
        to: str | Sequence[str],
        *,
        who: str,
        why: str = "",
        own: bool = True,
        new_class: bool = False,
    ) -> list[Entry]:
        """Give samples a label, one for all or one each; returns the new entries.

        who, why   the person, and the page or command
        own        False where a suggestion is taken
        new_class  whether `to` may be a class that the data set does not have yet

        Raises DataError for a sample or class there is not.
        """
        labels = [to] * len(samples) if isinstance(to, str) else list(to)
        if len(labels) != len(samples):
            raise DataError(
                "every image needs one label", expected=f"{len(samples)} labels", got=len(labels)
            )
        wanted = {sample: label.strip() for sample, label in zip(samples, labels, strict=True)}
        self._check_classes(data, wanted.values(), new_class)
        chosen = _some(wanted)
        before = self.labels_now(data, chosen)
        return self.decisions(data).write(
            "relabel", chosen, who=who, why=why, before=before, to=list(wanted.values()), own=own
        )

    def mark(
        self,
        data: str,
        action: str,
        samples: Sequence[str],
        *,
        who: str,
        why: str = "",
        tag: str = "",
    ) -> list[Entry]:
        """Exclude samples or take them back in ('exclude', 'include'), put a tag on them or take it
        off ('tag', 'untag'); returns the new entries. Raises DataError.
        """
        if action not in MARKS:
            raise DataError(unknown("action", action, MARKS))
        tag = tag.strip()
        if action in ("tag", "untag"):
            _check_name(tag, "a tag")
        chosen = _some(samples)
        before = self.labels_now(data, chosen)
        return self.decisions(data).write(
            action, chosen, who=who, why=why, before=before, tag=tag if "tag" in action else ""
        )

    def undo(
        self,
        data: str,
        *,
        who: str,
        why: str = "",
        of: str | None = None,
        id: str | None = None,
        samples: Iterable[str] | None = None,
    ) -> Entry | None:
        """Take back the latest entry that holds: any, that `of` a person, of an `id`, or the part of
        one that concerns `samples`. Returns it, or None if there is none.
        """
        return self.decisions(data).undo(who=who, why=why, of=of, id=id, samples=samples)

    # tables

    def export(self, data: str, file: Path) -> Path:
        """Write the journal as CSV or Parquet, by the file's ending. Raises DataError."""
        return write_journal(self.decisions(data), file)

    def take_in(self, data: str, file: Path, *, who: str, new_class: bool = False) -> int:
        """Take in a table: another lab's journal, whose entries that are here already are passed
        over, or a list of samples and labels. Returns how many entries are new. Raises DataError,
        and changes nothing, if the data set is a pool or a sample or class is not known.
        """
        if len(names_in(data)) > 1:
            raise DataError(f"'{data}' is several data sets", hint="Give one of them.")
        journal = Journal(self.store.home, data)
        known = {entry.id for entry in journal.entries()}
        found = entries_of(
            read_rows(file),
            who,
            f"import of {file.name}",
            lambda samples: self.labels_now(data, samples),
        )
        fresh = [make for id, make in found if id not in known]
        tried = [checked(make) for make in fresh]
        self._known(data, [sample for entry in tried for sample in entry.samples])
        self._check_classes(data, [label for entry in tried for label in entry.to], new_class)
        return len(journal.append(fresh))

    def _known(self, data: str, samples: Iterable[str]) -> Mapping[str, str | None]:
        """The given labels of a data set. Raises DataError unless it has all of `samples`."""
        given = self.given(data)
        missing = [sample for sample in samples if sample not in given]
        if missing:
            raise DataError(
                f"data set {data} has no such image",
                expected=f"a name such as {next(iter(given), '')!r}",
                got=", ".join(map(repr, missing[:SHOWN])),
            )
        return given

    def _check_classes(self, data: str, labels: Iterable[str], new_class: bool) -> None:
        classes = self.classes(data)
        for label in sorted(set(labels) - set(classes)):
            if not new_class:
                hint = "A class that is new is allowed with --new-class (in Python new_class=True)."
                raise DataError(unknown("class", label, classes), hint=hint)
            _check_name(label, "the name of a class")


def _some(samples: Iterable[str]) -> list[str]:
    chosen = list(dict.fromkeys(samples))
    if not chosen:
        raise DataError("no image is chosen", expected="at least one")
    return chosen


def _check_name(text: str, what: str) -> None:
    if not (0 < len(text) <= LONGEST and text.isprintable()):
        expected = f"1 to {LONGEST} printable characters"
        raise DataError(f"this can't be {what}", expected=expected, got=repr(text[:60]))
