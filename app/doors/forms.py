"""Forms that carry files. The libraries behind the doors write files to the disk as they come, but
keep the text of all other fields in memory, several times over: 60 MB of text took 340 MB.
"""

from __future__ import annotations

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

MOST_TEXT = 100_000  # bytes in the fields of a form that are no files; the canvas sends none


class Unreadable(Exception):
    """A form is not built as forms are."""


class TooLarge(Exception):
    """More was sent than is taken: `most` bytes."""

    def __init__(self, most: int) -> None:
        super().__init__(most)
        self.most = most


class FormText:
    """Follows a multipart body as it comes, by the parser that reads it behind the door."""

    def __init__(self, content_type: str, most: int = MOST_TEXT) -> None:
        """Raises Unreadable for a content type without a boundary."""
        boundary = parse_options_header(content_type)[1].get(b"boundary", b"")
        try:
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._begin,
                    "on_header_field": self._field,
                    "on_header_value": self._value,
                    "on_header_end": self._header,
                    "on_part_data": self._data,
                },
            )
        except FormParserError:
            raise Unreadable from None
        if not boundary:
            raise Unreadable
        self._most = self._left = most
        self._begin()

    def take(self, body: bytes) -> None:
        """The next bytes of the body. Raises TooLarge, Unreadable."""
        try:
            self._parser.write(body)
        except FormParserError:
            raise Unreadable from None

    def _begin(self) -> None:
        self._name = self._words = b""
        self._is_file = False

    def _field(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _value(self, data: bytes, start: int, end: int) -> None:
        self._words += data[start:end]

    def _header(self) -> None:
        if self._name.lower() == b"content-disposition":
            self._is_file = b"filename" in parse_options_header(self._words)[1]
        self._name = self._words = b""

    def _data(self, data: bytes, start: int, end: int) -> None:
        if not self._is_file:
            self._left -= end - start
            if self._left < 0:
                raise TooLarge(self._most)
