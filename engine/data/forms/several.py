"""Files that are read together: whether they are called like several data sets."""

from __future__ import annotations

from collections.abc import Sequence

from engine.data.forms.sink import Sink
from engine.data.roles import role_of, words_of

# Words that say what a file of a data set holds, not which data set it is of.
_PARTS = frozenset(
    "image images img imgs picture pictures pixels x label labels y target targets class classes"
    " data dataset set csv npy npz arr array of part parts shard batch fold chunk default unsupervised".split()
)
MOST_SHOWN = 6


def doubt_several(names: Sequence[str], sink: Sink) -> None:
    """Say so where the names of files (with folders) differ by more than split and part."""
    if len({_called(name) for name in names}) < 2:
        return
    named = sorted(set(names))
    shown = ", ".join(named[:MOST_SHOWN]) + (" …" if len(named) > MOST_SHOWN else "")
    text = f"{shown} are read together, as one data set. If they are several, give one alone."
    sink.note("warning", "tables", text)


def _called(name: str) -> frozenset[str]:
    stem = name.rpartition(".")[0] if "." in name.rpartition("/")[2] else name
    return frozenset(word for word in words_of(stem) - _PARTS if not role_of(word))
