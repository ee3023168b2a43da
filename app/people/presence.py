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


class Seen(NamedTuple):
    """page: its title; at: seconds since 1970."""

    page: str
    at: float


_seen: OrderedDict[str, Seen] = OrderedDict()
_noting = threading.Lock()


def note(person: Person, page: str) -> None:
    """The person does something on a page."""
    if not person.id:
        return
    with _noting:
        _seen.pop(person.id, None)
        _seen[person.id] = Seen(page, time.time())
        while len(_seen) > MOST:
            _seen.popitem(last=False)


def was_here(id: str, seconds: float) -> bool:
    """Whether a person did anything in the last so many seconds."""
    found = seen(id)
    return found is not None and time.time() - found.at < seconds


def seen(id: str) -> Seen | None:
    """Where a person was last; None since the lab was started."""
    with _noting:
        return _seen.get(id)
