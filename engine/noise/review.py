"""A person's decisions about suspect labels, as the review shows them: a view of the data set's label
journal, so that nothing is lost, everything can be undone, and every other page sees the same.

A decision is about one image: its label stays, becomes another class, or the image is left out. Up to
version 0.1.0 decisions stood in a file beside the diagnosis; they still count, behind later ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pydantic import Field

from engine.errors import DataError, unknown
from engine.files.atomic import failure
from engine.files.checked import Document, parse_json
from engine.labels.entries import Entry
from engine.labels.journal import Decisions
from engine.labels.replay import live, replayed
from engine.runs.jsonl import append_row

EARLIER = "review.jsonl"  # of version 0.1.0
PAGE = "review"  # what entries say of where they were made
DECIDING = ("relabel", "exclude", "include")


@dataclass(frozen=True)
class Decision:
    """position: of the image among those of the diagnosis; label: the class it is to have, -1 where
    it is left out; changed: whether that is not the given one.
    """

    position: int
    label: int
    changed: bool


class Decided(Document):
    """A line of the earlier file."""

    position: int = Field(0, ge=0)
    label: str = ""
    undo: bool = False


class Review:
    """The decisions on the n images of one diagnosis. Any number of pages may hold one at the same
    time.
    """

    def __init__(
        self,
        folder: Path,
        given: Sequence[int],
        classes: tuple[str, ...],
        files: Sequence[str],
        journal: Decisions,
        who: str = "",
    ) -> None:
        """given: labels of the diagnosis's images, files: their names; who: the person who decides."""
        self.earlier = folder / EARLIER
        self.given, self.classes, self.files = given, classes, files
        self.journal, self.who = journal, who

    @cached_property
    def _places(self) -> dict[str, int]:
        return {str(file): position for position, file in enumerate(self.files)}

    def decide(self, position: int, label: int, own: bool = True) -> Decision:
        """Decide an image's label; deciding again replaces the earlier decision. own: False where the
        likely class was accepted. Raises DataError for an image or class there is not.
        """
        if not 0 <= position < len(self.given):
            raise DataError(
                "there is no such image to decide about",
                expected=f"0 to {len(self.given) - 1}",
                got=position,
            )
        if not 0 <= label < len(self.classes):
            raise DataError(unknown("class", label, map(str, range(len(self.classes)))))
        file, before = str(self.files[position]), self.decisions().get(position)
        was = before.label if before else self.given[position]
        self.journal.write(
            "relabel",
            [file],
            who=self.who,
            why=PAGE,
            before=[self.classes[was] if was >= 0 else None],
            to=[self.classes[label]],
            own=own,
        )
        return Decision(int(position), int(label), label != self.given[position])

    def undo(self) -> Decision | None:
        """Take back this person's latest decision of the review, or else the latest of the earlier
        file; returns it, or None if there is none.
        """
        last, entry = self.last(), self._own_last()
        if last is None:
            return None
        if entry is not None:
            self.journal.undo(who=self.who, why=PAGE, id=entry.id)
        else:
            append_row(self.earlier, {"undo": True}, lasting=True)
        return last

    def decisions(self) -> dict[int, Decision]:
        """What is decided, by position, in the order in which it was."""
        out: dict[int, Decision] = {}
        for decision in self._earlier():
            out.pop(decision.position, None)
            out[decision.position] = decision
        entries = self.journal.entries()  # read once: others decide in the meantime
        current = replayed(entries)
        for entry, samples in live(entries):
            for sample in samples if entry.action in DECIDING else ():
                place, now = self._places.get(sample), current[sample]
                if place is None:
                    continue
                found = out.pop(place, None)
                if now.excluded or now.label is not None:
                    out[place] = self._decision(place, None if now.excluded else now.label)
                elif found is not None:
                    out[place] = found
        return out

    def last(self) -> Decision | None:
        """What `undo` would take back."""
        entry = self._own_last()
        if entry is not None:
            return self._decision(self._places[entry.samples[0]], entry.to[0])
        earlier = self._earlier()
        return earlier[-1] if earlier else None

    def _own_last(self) -> Entry | None:
        for entry, samples in reversed(live(self.journal.entries())):
            mine = (entry.who, entry.why, entry.action) == (self.who, PAGE, "relabel")
            if mine and samples[0] in self._places:
                return entry
        return None

    def _decision(self, position: int, name: str | None) -> Decision:
        # A class that the diagnosis does not know has no number in it.
        label = self.classes.index(name) if name in self.classes else -1
        return Decision(position, label, label != self.given[position])

    def _earlier(self) -> list[Decision]:
        history: list[Decision] = []
        for row in self._rows():
            if row.undo:
                history = history[:-1]
            elif row.label in self.classes and row.position < len(self.given):
                history.append(self._decision(row.position, row.label))
        return history

    def _rows(self) -> Iterator[Decided]:
        try:
            lines = self.earlier.read_bytes().splitlines()
        except FileNotFoundError:
            return
        except OSError as error:
            raise failure(error, self.earlier) from error
        for line in lines:
            # A line that the machine went down in, or that is damaged, costs itself only.
            with suppress(ValueError):
                yield Decided.model_validate(parse_json(line))
