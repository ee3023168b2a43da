"""What goes between the web process and the process that reads: frames of a number, a kind and JSON.

    0        4        12     13
    | length | number | kind | length bytes of JSON |

A question's number comes back with its answer. JSON both ways: neither side takes objects from the
other, of which one has just opened a stranger's file.
"""

from __future__ import annotations

import json
import struct
from typing import Any, NamedTuple

HEAD = struct.Struct("!IQB")
LONGEST = 64_000_000  # bytes of an answer; the probabilities of 500 pictures are two million
# BEGUN: what is being computed now, empty; MISTAKE: a person's, in words; FAILURE: ours
QUESTION, ANSWER, MISTAKE, FAILURE, BEGUN = range(5)


class Frame(NamedTuple):
    """number: of the question; kind: QUESTION, ANSWER, MISTAKE, FAILURE or BEGUN; body: JSON."""

    number: int
    kind: int
    body: bytes

    @property
    def content(self) -> Any:
        return json.loads(self.body)

    def packed(self) -> bytes:
        return HEAD.pack(len(self.body), self.number, self.kind) + self.body


def framed(number: int, kind: int, content: Any) -> bytes:
    """A frame as it is sent."""
    try:
        body = json.dumps(content, ensure_ascii=False).encode()
    except UnicodeEncodeError:  # half a surrogate pair, which is refused where the text is read
        body = json.dumps(content).encode()
    return Frame(number, kind, body).packed()
