"""How many pages are open in browsers at the moment, and whose, whatever is done on them: for the
teacher's wall, and for how often pages are drawn again. Kept in memory only.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

# What is open as long as a page is, beside WebSockets: the canvas' sign that its browser is there.
LASTING = ("/canvas/gradio_api/heartbeat/{}",)
_open: Counter[str] = Counter()
_counting = threading.Lock()


@contextmanager
def page_open(who: str, kind: str, door: str) -> Iterator[None]:
    """While this request is answered, a page of that person may be open. who: '' for nobody in
    particular; kind: of the request, 'http' or 'websocket'; door: the path of its row.
    """
    if kind != "websocket" and not (who and door in LASTING):
        yield
        return
    with _counting:
        _open[who] += 1
    try:
        yield
    finally:
        with _counting:
            _open[who] -= 1
            if not _open[who]:
                del _open[who]


def has_page_open(who: str) -> bool:
    """Whether a page of the person is open, on which they may do nothing for long but watch."""
    with _counting:
        return who in _open


def pages_open() -> int:
    """How many pages are open, whoever's they are."""
    with _counting:
        return _open.total()
