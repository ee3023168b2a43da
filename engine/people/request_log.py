"""Which requests a class or a public lab remembers of each person, and how that is forgotten.

logs/requests.jsonl    a line a request: id, who, door, status, milliseconds (app.doors.tally)
"""

from __future__ import annotations

import re
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from engine.errors import GlyphlabError
from engine.files.line_log import LineLog
from engine.people.classroom import Classroom
from engine.people.person import ID

LARGEST_LOG = 5_000_000  # bytes of each of the two files
_WHO = re.compile(rb'"who": ?"([0-9a-f]{16})"')


def request_log(home: Path) -> LineLog:
    """The log of the lab at `home`."""
    return LineLog(Path(home) / "logs" / "requests.jsonl", LARGEST_LOG)


def forget_requests(home: Path, ids: Collection[str]) -> int:
    """Take the requests of these people out of the log; returns how many. Raises GlyphlabError."""
    log, unwanted = request_log(home), {id.encode() for id in ids}
    try:
        return log.drop(lambda line: not unwanted.isdisjoint(_WHO.findall(line)))
    finally:
        log.close()


def may_be_logged(classroom: Classroom, who: str) -> bool:
    """Whether a request's line may say who asked. A socket that ends after its student was forgotten
    would write the id down anew.
    """
    if classroom.mode != "class" or not ID.fullmatch(who):
        return True
    with suppress(GlyphlabError):  # the class's file is damaged: then nobody is named
        return classroom.knows(who)
    return False
