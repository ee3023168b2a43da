"""From the entries of a journal to what holds now: the label, the tags and the history of each image."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from engine.labels.entries import Entry


@dataclass(frozen=True)
class Current:
    """What the journal says of one image. label: the class it was given or confirmed in, None where
    nobody decided on one.
    """

    label: str | None = None
    excluded: bool = False
    tags: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Event:
    """One entry as far as it concerns one image; `undone_by` (who, when) if it was taken back."""

    entry: Entry
    before: str | None
    to: str | None
    undone_by: tuple[str, str] | None


def in_order(entries: Iterable[Entry]) -> list[Entry]:
    """Entries in the order in which they count: by time, so that journals of two labs merge."""
    return sorted(entries, key=lambda entry: (entry.at, entry.entry))


def undone(entries: Iterable[Entry]) -> dict[tuple[str, str], Entry]:
    """(id of an entry, image) → the undo that took it back."""
    out: dict[tuple[str, str], Entry] = {}
    for entry in entries:
        if entry.action == "undo":
            for sample in entry.samples:
                out.setdefault((entry.undoes, sample), entry)
    return out


def replayed(entries: Sequence[Entry]) -> dict[str, Current]:
    """What holds of every image that has a decision which was not taken back."""
    gone, out = undone(entries), dict[str, Current]()
    for entry in in_order(entries):
        if entry.action == "undo":
            continue
        for number, sample in enumerate(entry.samples):
            if (entry.id, sample) not in gone:
                out[sample] = _after(out.get(sample, Current()), entry, number)
    return out


def _after(current: Current, entry: Entry, number: int) -> Current:
    label, excluded, tags = current.label, current.excluded, current.tags
    if entry.action == "relabel":
        label = entry.to[number]
    elif entry.action in ("exclude", "include"):
        excluded = entry.action == "exclude"
    elif entry.action == "tag":
        tags = tags | {entry.tag}
    elif entry.action == "untag":
        tags = tags - {entry.tag}
    return Current(label, excluded, tags)


def history(entries: Sequence[Entry], sample: str) -> list[Event]:
    """What was decided about an image, oldest first; undos show at what they took back."""
    gone, out = undone(entries), []
    for entry in in_order(entries):
        if entry.action == "undo" or sample not in entry.samples:
            continue
        place = entry.samples.index(sample)
        by = gone.get((entry.id, sample))
        out.append(
            Event(
                entry,
                entry.before[place] if entry.before else None,
                entry.to[place] if entry.to else None,
                (by.who, by.at) if by else None,
            )
        )
    return out


def live(entries: Sequence[Entry]) -> list[tuple[Entry, list[str]]]:
    """Entries that still hold, in order, each with the images of which it was not taken back."""
    gone = undone(entries)
    found = (
        (entry, [sample for sample in entry.samples if (entry.id, sample) not in gone])
        for entry in in_order(entries)
        if entry.action != "undo"
    )
    return [(entry, samples) for entry, samples in found if samples]
