"""What the pad sends: a picture as a data URI, and the name of the chosen model."""

from __future__ import annotations

import base64
import binascii
from typing import NamedTuple

from engine.errors import ImageError
from engine.files.checked import parse_json

LONGEST_PICTURE = 600_000  # characters of a data URI; a full pad is under 100,000


class Drawing(NamedTuple):
    """What is on the pad: a PNG (black ink on a transparent page) and the name of the chosen model."""

    picture: bytes
    model: str


def drawing_of(value: str | None) -> Drawing:
    """The drawing in the pad's value. Raises ImageError if nothing is drawn."""
    try:
        fields = parse_json(value) if value else {}
    except ValueError as error:
        raise ImageError("the drawing can't be read", got=str(error)) from None
    if not isinstance(fields, dict):
        raise ImageError("the drawing can't be read", expected="a picture and a model")
    if not fields.get("picture"):
        raise ImageError("nothing is drawn", hint="Draw first.")
    return Drawing(decode_picture(fields["picture"]), str(fields.get("model", "")))


def decode_picture(uri: object) -> bytes:
    """The bytes of a 'data:image/…;base64,…' address. Raises ImageError for anything else."""
    text = uri if isinstance(uri, str) else ""
    head, comma, body = text.partition(",")
    if (
        not comma
        or not head.startswith("data:image/")
        or not head.endswith(";base64")
        or len(text) > LONGEST_PICTURE
    ):
        raise ImageError(
            "the drawing can't be read", expected="a data URI of a picture", got=repr(text[:40])
        )
    try:
        return base64.b64decode(body, validate=True)
    except binascii.Error:
        raise ImageError(
            "the drawing can't be read", expected="base64", got=repr(body[:40])
        ) from None
