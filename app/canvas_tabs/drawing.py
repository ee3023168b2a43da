"""What the pad sends: a picture as a data URI, the name of the chosen model and how many strokes were
drawn; and what it is sent: pictures, and that a drawing was kept.
"""

from __future__ import annotations

import base64
import binascii
import io
import json
from typing import TYPE_CHECKING, Any, NamedTuple

from engine.errors import ImageError
from engine.files.checked import parse_json

if TYPE_CHECKING:
    from PIL import Image

LONGEST_PICTURE = 600_000  # characters of a data URI; a full pad is under 100,000


class Drawing(NamedTuple):
    """What is on the pad: a PNG (black ink on a transparent page) and the name of the chosen model."""

    picture: bytes
    model: str


def drawing_of(value: str | None) -> Drawing:
    """The drawing in the pad's value. Raises ImageError if nothing is drawn."""
    fields = _fields(value)
    if not fields.get("picture"):
        raise ImageError("nothing is drawn", hint="Draw first.")
    return Drawing(decode_picture(fields["picture"]), str(fields.get("model", "")))


def model_of(value: str | None) -> str:
    """The model that is chosen on the pad, whether or not something is drawn; '' where its value names
    none. Raises ImageError.
    """
    return str(_fields(value).get("model", ""))


def kept(value: str | None) -> str:
    """The value that takes the drawing `value` from the pad, and leaves what was drawn since. Raises
    ImageError.
    """
    fields = _fields(value)
    left = {"picture": "", "model": model_of(value), "kept": fields.get("strokes", 0)}
    return json.dumps(left)


def _fields(value: str | None) -> dict[str, Any]:
    try:
        fields = parse_json(value) if value else {}
    except ValueError as error:
        raise ImageError("the drawing can't be read", got=str(error)) from None
    if not isinstance(fields, dict):
        raise ImageError("the drawing can't be read", expected="a picture and a model")
    return fields


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


def data_uri(picture: Image.Image) -> str:
    """A small picture as a PNG data URI."""
    out = io.BytesIO()
    picture.save(out, "PNG", compress_level=1)
    return "data:image/png;base64," + base64.b64encode(out.getvalue()).decode()
