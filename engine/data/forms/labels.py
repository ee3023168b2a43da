"""What the labels in a table mean: which of them are none, and which are numbers."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from engine.data.listing import Finding
from engine.data.names import composed

# What programs write for a value that is missing; all are legal names of classes, too.
MISSING = frozenset("nan null none na n/a n.a. <na> #n/a nil nat \\n".split())
SAYS_NONE = frozenset(("unlabelled", "unlabeled", "not labelled", "not labeled", "no label"))


def plain_labels(
    labels: Sequence[str | None], classes: Sequence[str] = ()
) -> tuple[list[str | None], list[Finding]]:
    """Labels as they are meant, None where a picture has none, and what to say about those.

    An empty label is none. One of MISSING is none where all others are numbers or single characters,
    or where `classes` lists the names and not this one; among words it is a class. Where all are
    whole numbers, 3.0 is 3 (programs write it so as soon as one label is missing), and -1 is none.
    """
    given: list[str | None] = [(label and composed(label.strip())) or None for label in labels]
    counts = Counter(label for label in given if label is not None)
    said = [label for label in counts if label.lower() in SAYS_NONE]
    missing = [label for label in counts if label.lower() in MISSING and label not in classes]
    others = [label for label in counts if label not in (*said, *missing, *classes)]
    findings = _joined(labels)
    if words := [label for label in others if len(label) > 1 and not _is_number(label)]:
        if missing and not classes:
            findings.append(_as_class(missing, counts, words[0]))
            missing = []
    why = "numbers" if all(map(_is_number, others)) else "single characters"
    for none, reason in (
        (said, "they say so"),
        (
            missing,
            "it is not among the names that are listed" if classes else f"all others are {why}",
        ),
    ):
        if none:
            findings.append(_as_none(none, counts, reason))
    given = [None if label in said or label in missing else label for label in given]
    if classes or not all(map(_is_whole, others)):
        return given, findings
    if any(label and not label.lstrip("-").isdigit() for label in given):
        whole = next(label for label in counts if not label.lstrip("-").isdigit())
        text = f"labels like '{whole}' are taken for whole numbers: '{_whole(whole)}'."
        findings.append(Finding("note", "classes", text))
    given = [label and _whole(label) for label in given]
    counts = Counter(label for label in given if label is not None)
    if counts["-1"] and len(counts) > 1:
        findings.append(_as_none(["-1"], counts, "all others are numbers from 0"))
        given = [None if label == "-1" else label for label in given]
    return given, findings


def _whole(label: str) -> str:
    return re.split("[.,]", label)[0]


def _joined(labels: Sequence[str | None]) -> list[Finding]:
    """What to say of labels that differ by spaces around them or by the form of Unicode alone."""
    ways: dict[str, set[str]] = defaultdict(set)
    for label in set(labels):
        if label and (plain := composed(label.strip())):
            ways[plain].add(label)
    several = sorted(plain for plain, written in ways.items() if len(written) > 1)
    if not several:
        return []
    shown = "; ".join(" and ".join(map(repr, sorted(ways[plain]))) for plain in several[:4])
    text = f"labels differ in spaces around them or in the form of Unicode alone, and are one: {shown}."
    return [Finding("note", "classes", text)]


def _as_none(labels: Iterable[str], counts: Counter[str], why: str) -> Finding:
    text = f"the labels {_shown(labels, counts)} are taken for no label: {why}."
    return Finding("warning", "classes", text)


def _as_class(labels: Iterable[str], counts: Counter[str], other: str) -> Finding:
    text = (
        f"the labels {_shown(labels, counts)} are taken for classes, like '{other}' and the other"
        " words. If they stand for no label, leave their cells empty."
    )
    return Finding("warning", "classes", text)


def _shown(labels: Iterable[str], counts: Counter[str]) -> str:
    return ", ".join(f"'{label}' ({counts[label]:,})" for label in sorted(labels))


def _is_number(label: str) -> bool:
    return re.fullmatch(r"-?\d+([.,]\d*)?", label) is not None


def _is_whole(label: str) -> bool:
    return re.fullmatch(r"(-1|\d+)(\.0*|,0)?", label) is not None
