"""Where people of this process are: each person's last page and when, for the teacher's wall. Kept in
memory only.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from typing import NamedTuple

from engine.people.person import Person

MOST = 2_000  # people
AWAY_SECONDS = 7_200  # after which a visitor of a public lab who does nothing has left


class Seen(NamedTuple):
    """page: its title; at: seconds since 1970."""

    page: str
    at: float


_seen: OrderedDict[str, Seen] = OrderedDict()
_noting = threading.Lock()
_forgotten_at = 0.0  # when the last of those was seen who are remembered no more


def note(person: Person, page: str) -> None:
    """The person does something on a page."""
    global _forgotten_at
    if not person.id:
        return
    with _noting:
        _seen.pop(person.id, None)
        _seen[person.id] = Seen(page, time.time())
        while len(_seen) > MOST:
            _, oldest = _seen.popitem(last=False)
            _forgotten_at = max(_forgotten_at, oldest.at)


def may_be_here(id: str, seconds: float) -> bool:
    """Whether a person may have done anything in the last so many seconds: `was_here`, and for somebody who
    is not remembered, whether somebody was forgotten who did. Many new visitors push others out of what
    is remembered; they are no reason to delete what those have.
    """
    if seen(id) is not None:
        return was_here(id, seconds)
    with _noting:
        return time.time() - _forgotten_at < seconds


def was_here(id: str, seconds: float) -> bool:
    """Whether a person did anything in the last so many seconds."""
    found = seen(id)
    return found is not None and time.time() - found.at < seconds


def seen(id: str) -> Seen | None:
    """Where a person was last; None since the lab was started."""
    with _noting:
        return _seen.get(id)
