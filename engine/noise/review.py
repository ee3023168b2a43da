"""A person's decisions about suspect labels: kept as they are made, one line each, so that nothing
is lost and everything can be undone.

A decision is about one image: its label stays (`keep`), or becomes another class (`change`). The
journal is only ever appended to; undoing appends a line, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pydantic import Field

from engine.errors import DataError, unknown
from engine.files.atomic import failure
from engine.files.checked import Document, parse_json
from engine.files.locks import Lock
from engine.runs.jsonl import append_row

JOURNAL = "review.jsonl"


@dataclass(frozen=True)
class Decision:
    """position: of the image among those of the diagnosis; label: the class it is to have; changed:
    whether that is not the given one.
    """

    position: int
    label: int
    changed: bool


class Decided(Document):
    """A line of the journal."""

    position: int = Field(0, ge=0)
    label: str = ""
    undo: bool = False


class Review:
    """The decisions on one diagnosis. Any number of pages may hold one at the same time."""

    def __init__(self, folder: Path, given: list[int], classes: tuple[str, ...]) -> None:
        """given: labels of the diagnosis's images."""
        self.path = folder / JOURNAL
        self.given, self.classes = given, classes

    def decide(self, position: int, label: int) -> Decision:
        """Settle an image's label; deciding again replaces the earlier decision. Raises DataError
        for an image or class there is not.
        """
        if not 0 <= position < len(self.given):
            raise DataError(
                "there is no such image to decide about",
                expected=f"0 to {len(self.given) - 1}",
                got=position,
            )
        if not 0 <= label < len(self.classes):
            raise DataError(unknown("class", label, map(str, range(len(self.classes)))))
        self._append({"position": int(position), "label": self.classes[label]})
        return Decision(int(position), int(label), label != self.given[position])

    def undo(self) -> Decision | None:
        """Take back the latest decision; returns it, or None if there is none."""
        history = self._history()
        if not history:
            return None
        self._append({"undo": True})
        return history[-1]

    def decisions(self) -> dict[int, Decision]:
        """What is decided, by position, in the order in which it was."""
        out: dict[int, Decision] = {}
        for decision in self._history():
            out.pop(decision.position, None)
            out[decision.position] = decision
        return out

    def last(self) -> Decision | None:
        """The latest decision that has not been undone."""
        history = self._history()
        return history[-1] if history else None

    def _history(self) -> list[Decision]:
        number = {name: i for i, name in enumerate(self.classes)}
        history: list[Decision] = []
        for row in self._rows():
            if row.undo:
                history = history[:-1]
            elif row.label in number and row.position < len(self.given):
                label = number[row.label]
                history.append(Decision(row.position, label, label != self.given[row.position]))
        return history

    def _rows(self) -> Iterator[Decided]:
        try:
            lines = self.path.read_bytes().splitlines()
        except FileNotFoundError:
            return
        except OSError as error:
            raise failure(error, self.path) from error
        for line in lines:
            # A line that the machine went down in, or that is damaged, costs itself only.
            with suppress(ValueError):
                yield Decided.model_validate(parse_json(line))

    def _append(self, row: dict) -> None:
        row["at"] = datetime.now(UTC).isoformat(timespec="seconds")
        lock = Lock.take(self.path.with_suffix(".lock"), seconds=10)
        with lock or nullcontext():
            append_row(self.path, row, lasting=True)
