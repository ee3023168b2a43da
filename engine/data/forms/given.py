"""What tables give of each picture, and what is doubtful about it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from engine.data.layout import Layout
from engine.data.listing import Finding

MOST_SHOWN = 3  # classes


@dataclass
class Given:
    """What tables give of each picture, by its position: labels by annotator, and splits."""

    labels: dict[int, list[str]] = field(default_factory=lambda: defaultdict(list))
    splits: dict[int, int] = field(default_factory=dict)
    listed: dict[int, bool] = field(default_factory=dict)  # picture → whether its path was whole
    votes: dict[tuple[int, str], str | None] = field(default_factory=dict)  # picture, annotator
    writers: set[str] = field(default_factory=set)
    absent: list[tuple[str, str]] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    split_twice: set[int] = field(default_factory=set)  # pictures that tables put into two splits
    by_last_name: int = 0
    by_number: list[tuple[str, int]] = field(default_factory=list)  # text and picture
    as_files: bool = False  # whether any path ends as a picture's name does

    @property
    def annotators(self) -> set[str]:
        return {who for _, who in self.votes}

    def named_votes(self, names: Sequence[str]) -> tuple[tuple[str, str, str], ...]:
        """(picture, annotator, label); none where there are not two annotators."""
        if len(self.annotators) < 2:
            return ()
        found = self.votes.items()
        return tuple((names[at], who, label) for (at, who), label in found if label is not None)


def agreed(given: Sequence[str]) -> str | None:
    """The label that most annotators gave; None where there is none, or no majority."""
    if not given:
        return None
    (first, count), *others = Counter(given).most_common(2)
    return None if others and others[0][1] == count else first


def numbers_of_folders(given: Given, folders: Layout) -> bool:
    """Whether the tables' labels are numbers, one for each folder of another name, as fastai's
    labels.csv has them: then the folders are the names; and say so.
    """
    classes = dict(zip(folders.positions, folders.classes, strict=True))
    pairs = {
        (label, classes.get(position))
        for position, labels in given.labels.items()
        for label in labels
    }
    numbers, names = {one for one, _ in pairs}, {other for _, other in pairs}
    if not all(one.isascii() and one.isdigit() for one in numbers) or None in names:
        return False
    if numbers == names or not len(pairs) == len(numbers) == len(names) > 1:
        return False
    shown = ", ".join(f"{number} for '{name}'" for number, name in sorted(pairs)[:MOST_SHOWN])
    more = " …" if len(pairs) > MOST_SHOWN else ""
    text = f"the table's labels are numbers that stand for the folders, which are the classes: {shown}{more}."
    given.findings.append(Finding("note", "tables", text))
    return True


def doubt_folders(given: Given, labels: dict[int, str | None], folders: Layout) -> None:
    """Say so where the tables' labels are not those of the folders under other names."""
    pairs = {
        (labels[position], folder)
        for position, folder in zip(folders.positions, folders.classes, strict=True)
        if labels.get(position) is not None and folder is not None
    }
    if len(pairs) > max(len({one for one, _ in pairs}), len({other for _, other in pairs})):
        text = (
            "the pictures lie in folders that look like classes too, and these are other ones than"
            " the table's labels, which count."
        )
        given.findings.append(Finding("warning", "tables", text))


def doubt(given: Given, names: list[str]) -> None:
    """Find labels that contradict each other, annotators, and paths that were found by chance."""
    split = [position for position, labels in given.labels.items() if len(set(labels)) > 1]
    undecided = [position for position in split if agreed(given.labels[position]) is None]
    if split:
        text = (
            f"{len(split):,} pictures are named more than once, with different labels: the one that"
            f" most agree on counts ({names[split[0]]}: {', '.join(given.labels[split[0]][:4])})."
        )
        if undecided:
            text += f" {len(undecided):,} have no majority, and no label."
        given.findings.append(Finding("warning", "tables", text))
    again = [p for p, labels in given.labels.items() if len(labels) > 1 and len(set(labels)) == 1]
    if again and not given.annotators:
        pictures_are = "1 picture is" if len(again) == 1 else f"{len(again):,} pictures are"
        text = f"{pictures_are} named twice or more, with the same label."
        given.findings.append(Finding("note", "tables", text))
    if given.annotators:
        some = ", ".join(sorted(given.annotators)[:5])
        text = f"labels are of {len(given.annotators):,} annotators: {some}."
        given.findings.append(Finding("note", "tables", text))
    if given.writers:
        some = ", ".join(sorted(given.writers)[:5]) + (" …" if len(given.writers) > 5 else "")
        text = (
            f"the pictures are of {len(given.writers):,} writers: {some}. Splits that are drawn here"
            " do not keep a writer's pictures together."
        )
        given.findings.append(Finding("note", "tables", text))
    if given.split_twice:
        text = (
            f"{len(given.split_twice):,} pictures are of one split by one table and of another by the"
            " next, as in folds: the first table that names a picture counts."
        )
        given.findings.append(Finding("warning", "splits", text))
    if given.by_number:
        number, position = given.by_number[0]
        text = (
            f"{len(given.by_number):,} pictures were found by their number alone: '{number}' of the"
            f" table is {names[position]}. A spreadsheet leaves out zeros at the front."
        )
        given.findings.append(Finding("warning", "tables", text))
    if given.by_last_name:
        text = (
            f"{given.by_last_name:,} pictures were found by the last part of their path alone: the"
            " folders before it are other ones here."
        )
        given.findings.append(Finding("warning", "tables", text))
