"""An entry of the label journal: one gesture of one person, about one image or many."""

from __future__ import annotations

import secrets
from typing import Literal

from pydantic import Field, model_validator

from engine.files.checked import Document

ACTIONS: dict[str, str] = {
    "relabel": "gives images a label; the label that they have, to confirm it",
    "exclude": "leaves images out of every split",
    "include": "includes excluded images again",
    "tag": "puts a tag on images",
    "untag": "takes a tag off images",
    "undo": "takes an earlier entry back, or its part that concerns these images",
}
REVIEW = "review"  # the tag of images that somebody sent to the review, where they come first
LONGEST = 200  # characters of a name: of a person, a class, a tag


class Entry(Document):
    """A line of the journal.

    entry    its number, 1 for the first: the journal's position after it
    id       the same in every copy of the journal
    at       when, ISO 8601 in UTC; never earlier than that of the entry before it
    why      the page or command on which it was decided
    own      False where a suggestion was taken
    samples  the images' names in the data set, each once
    before   the label that each had then, None without one; as long as `samples`
    to       of a relabelling, the new label of each; empty otherwise
    undoes   of an undo, the id of the entry that it takes back
    """

    entry: int = Field(ge=1)
    id: str = Field(min_length=1, max_length=64)
    at: str = Field(min_length=20, max_length=40)
    who: str = Field(max_length=LONGEST)
    action: Literal["relabel", "exclude", "include", "tag", "untag", "undo"]
    why: str = Field("", max_length=LONGEST)
    own: bool = True
    samples: list[str] = Field(min_length=1)
    before: list[str | None] = []
    to: list[str] = []
    tag: str = Field("", max_length=LONGEST)
    undoes: str = ""

    @model_validator(mode="after")
    def _fits(self) -> Entry:
        if self.before and len(self.before) != len(self.samples):
            raise ValueError("before: not as long as samples")
        if self.action == "relabel" and len(self.to) != len(self.samples):
            raise ValueError("to: not as long as samples")
        if self.action in ("tag", "untag") and not self.tag:
            raise ValueError("tag: it is missing")
        if self.action == "undo" and not self.undoes:
            raise ValueError("undoes: it is missing")
        return self


def new_id() -> str:
    """12 hex digits that no other entry has."""
    return secrets.token_hex(6)
