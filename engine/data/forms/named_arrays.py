"""Arrays with the names that they have in their files, and what these say."""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np

from engine.data.roles import role_of

IMAGE_WORDS = re.compile(
    r"(^|[^a-z])(x|images?|imgs?|data|pixels|samples|inputs?|features)([^a-z]|$)"
)
LABEL_WORDS = re.compile(
    r"(^|[^a-z])(y|labels?|targets?|classes|class|outputs?|answers?)([^a-z]|$)"
)


class Named(NamedTuple):
    """An array with the name that it has in its file, the file's name before it."""

    name: str
    array: np.ndarray

    @property
    def file(self) -> str:
        """The file that it is in; of an array that is a file itself, the folder."""
        return self.name.rpartition("/")[0]

    @property
    def place(self) -> str:
        """The .npz file that it is in, or the .npy file that it is."""
        return self.name if self.name.lower().endswith(".npy") else self.file

    @property
    def role(self) -> int | None:
        """The split that its own name says, or that of what it is in."""
        parts = [re.sub(r"[^\w]|_", " ", part) for part in self.name.split("/")[::-1]]
        return next((role.code for part in parts if (role := role_of(part))), None)


def last_of(name: str) -> str:
    """The part of a name that says what an array is: its key, and the file's own name where the key
    says nothing.
    """
    stem, _, key = name.lower().rpartition("/")
    return stem.rpartition("/")[2] if re.fullmatch(r"arr_\d+", key) else key.removesuffix(".npy")
