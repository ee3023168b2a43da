"""Small pictures that would take long to decode, each in a harmless size."""

from __future__ import annotations

import struct


def jpeg_of_scans(scans: int, side: int = 64) -> bytes:
    """A progressive JPEG (side, side) of so many scans, each of which holds next to nothing."""
    table = b"\1" + bytes(15)  # of one code, of one bit
    return (
        b"\xff\xd8\xff\xdb" + struct.pack(">HB", 67, 0) + b"\1" * 64
        + b"\xff\xc2" + struct.pack(">HBHHB", 11, 8, side, side, 1) + b"\1\x11\0"
        + b"\xff\xc4" + struct.pack(">HB", 20, 0x10) + table + b"\xe0"
        + b"\xff\xc4" + struct.pack(">HB", 20, 0x00) + table + b"\0"
        + b"\xff\xda\0\x08\1\1\0\1\x3f\0" * scans
        + b"\xff\xd9"
    )  # fmt: skip


def tiff_of_strips(strips: int, held: bytes, compression: int) -> bytes:
    """A grey TIFF, 8 pixels wide, of so many strips of 8 rows, which are all the same."""
    start = 8 + len(held) + len(held) % 2
    tags = [
        (256, 4, 1, 8), (257, 4, 1, 8 * strips), (258, 3, 1, 8), (259, 3, 1, compression),
        (262, 3, 1, 1), (273, 4, strips, start), (277, 3, 1, 1), (278, 4, 1, 8),
        (279, 4, strips, start + 4 * strips),
    ]  # fmt: skip
    if strips == 1:
        tags[5], tags[8] = (273, 4, 1, 8), (279, 4, 1, len(held))
    out = b"II*\0" + struct.pack("<I", start + 8 * strips) + held.ljust(start - 8, b"\0")
    out += struct.pack("<I", 8) * strips + struct.pack("<I", len(held)) * strips
    out += struct.pack("<H", len(tags))
    return out + b"".join(struct.pack("<HHII", *tag) for tag in tags) + bytes(4)
