"""The IAM Handwriting Database (Marti, Bunke 2002): words.txt says what is written in each picture."""

from __future__ import annotations

import re

_WORD = re.compile(
    r"(?P<id>[a-z]\d\d-\d{3}[a-z]?-\d\d-\d\d) (?P<state>ok|err) (-?\d+ )+(?P<tag>[^\d\s]\S*) (?P<text>.+)"
)


def iam_words(name: str, text: str) -> list[dict[str, str]]:
    """A record for each word of IAM's words.txt; none if it is another file.

    >>> iam_words("words.txt", "# a01\\na01-000u-00-02 ok 154 507 766 213 48 NN MOVE\\n")
    [{'path': 'a01-000u-00-02', 'transcription': 'MOVE', 'segmentation': 'ok'}]
    """
    if name.rpartition("/")[2].lower() != "words.txt":
        return []
    lines = [line.strip() for line in text.splitlines() if line.strip() and line[0] != "#"]
    found = [match for line in lines if (match := _WORD.fullmatch(line))]
    if not found or len(found) < len(lines):
        return []
    return [
        {"path": one["id"], "transcription": one["text"], "segmentation": one["state"]}
        for one in found
    ]
