"""Who labelled which image as what: from the label journal, where every person's latest label counts."""

from __future__ import annotations

from collections.abc import Iterable

from engine.labels.entries import Entry
from engine.labels.replay import live

CONSENSUS = "consensus"  # why an entry was written that no person chose the label of


def votes_in(entries: Iterable[Entry]) -> dict[str, dict[str, str]]:
    """Sample → person → the label that they gave it last, of entries that were not taken back. Whoever took
    a consensus has given no label of their own.
    """
    out: dict[str, dict[str, str]] = {}
    for entry, samples in live(list(entries)):
        if entry.action == "relabel" and entry.who and entry.why != CONSENSUS:
            to = dict(zip(entry.samples, entry.to, strict=True))
            for sample in samples:
                out.setdefault(sample, {})[entry.who] = to[sample]
    return out
