"""Columns of pixels that lie in another order than their names say, as tools write them that sort
columns as text: pixel0, pixel1, pixel10, pixel100 …
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_NUMBERS = re.compile(r"(?P<head>\D*)(?P<first>\d+)((?P<sign>\D+)(?P<second>\d+))?")


def ordered(pixels: list[int], names: Sequence[str]) -> tuple[list[int], str]:
    """The columns of pixels in the order of the numbers in their names, and what to say of that;
    as they are, and '', where the names hold no such order or lie in it.

    Names of two numbers (3x4, px_3_4, r3c4) are in order row by row or column by column, whichever the
    file has: nothing says which of the two is the row. In neither order, the first is the row.
    """
    found = [_NUMBERS.fullmatch(names[column].strip().lower()) for column in pixels]
    told = [one for one in found if one is not None]
    if len(told) < len(found) or len({one["head"] for one in told}) != 1:
        return pixels, ""  # names of colours, r0 … g0 …, too: each has numbers of its own
    if len({one["sign"] for one in told}) != 1:  # 3, 3.1: pandas' names for the same one again
        return pixels, ""
    keys = [(int(one["first"]), int(one["second"] or 0)) for one in told]
    if len(set(keys)) < len(keys) or keys == sorted(keys):
        return pixels, ""
    two = told[0]["second"] is not None
    if two and keys == sorted(keys, key=lambda key: key[::-1]):
        return pixels, ""
    right = [column for _, column in sorted(zip(keys, pixels, strict=True))]
    shown = ", ".join(names[column] for column in pixels[:4])
    text = (
        f"the pixels' columns are not in the order of their numbers ({shown} …): they are put into"
        f" it{', the first number as the row' if two else ''}."
    )
    return right, text
