"""Which files are pictures: one list of extensions for data sets, predictions and uploads.

Pillow reads all of them but HEIC, the format of iPhones, for which pillow-heif (libheif) is asked
when the first such file is opened.
"""

from __future__ import annotations

import io
import re
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from engine.imaging.cost import check_cost
from engine.imaging.tiff import check_directories

if TYPE_CHECKING:
    from PIL import Image

# What Pillow opens without a program beside it; a test compares it with Pillow's own list.
PICTURES = tuple(
    ".png .jpg .jpeg .jfif .jpe .bmp .gif .webp .tif .tiff .heic .heif .heics .heifs .hif .avif"
    " .avifs .pgm .ppm .pbm .pnm .pfm .jp2 .j2k .j2c .jpc .jpf .jpx .tga .icb .vda .vst .apng .bw"
    " .rgb .rgba .sgi .blp .cur .dcx .dds .dib .flc .fli .ftc .ftu .gbr .icns .ico .im .iim .msp"
    " .pcd .pcx .psd .pxr .qoi .ras .xbm .xpm".split()
)
# Pillow's list names these too: they need Ghostscript or Windows, or are only written by Pillow.
NOT_READ = tuple(
    ".bufr .emf .eps .fit .fits .grib .h5 .hdf .mpeg .mpg .palm .pdf .ps .wmf .mpo".split()
)
# The same by Pillow's names: what a file is decides its content, whatever it is called.
FORMATS = tuple(
    "PNG JPEG BMP DIB GIF WEBP TIFF HEIF AVIF PPM JPEG2000 TGA SGI BLP CUR DCX DDS FLI FTEX GBR ICNS"
    " ICO IM IPTC MSP PCD PCX PSD PIXAR QOI SUN XBM XPM".split()
)
_HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
_STARTS = (
    b"\x89PNG\r\n",
    b"\xff\xd8\xff",
    b"GIF8",
    b"BM",
    b"II*\0",
    b"MM\0*",
)
_NO_PICTURES = tuple(
    (re.compile(start, re.DOTALL), what)
    for start, what in (
        (
            rb"version https://git-lfs",
            "a pointer of Git LFS, not the picture: run `git lfs pull` where it was cloned",
        ),
        (
            rb"[./]*(git/)?annex/objects/",
            "a pointer of git-annex, not the picture: run `git annex get` where it was cloned",
        ),
        (
            rb"<!doctype html|<html|<\?xml[^>]*>\s*(<!doctype html|<html)",
            "a web page, not the picture: fetch it again, it may need a login",
        ),
        (
            rb"<svg|<\?xml[^>]*>\s*(<!--.*?-->\s*|<!doctype svg[^>]*>\s*)*<svg",
            "a drawing of lines (SVG)",
        ),
        (rb"bplist00.*nsurl", "a placeholder of iCloud, not the picture: download it first"),
        (rb"\{\s*\"", "a JSON text"),
        (rb"%pdf-", "a PDF document"),
        (rb"pk\x03\x04", "a zip"),
        (rb"rar!", "a RAR archive"),
    )
)
_SYSTEM = {"__macosx", "thumbs.db", "desktop.ini", "@eadir", "$recycle.bin", "ehthumbs.db"}


def is_picture(name: str) -> bool:
    """Whether a file's name ends as a picture's does."""
    return name.lower().endswith(PICTURES)


def begins_as_picture(head: bytes) -> bool:
    """Whether a file's first 12 bytes are those of a picture, whatever it is called."""
    return head.startswith(_STARTS) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP")


def kind_of_no_picture(raw: bytes) -> str:
    """What a file is that is called like a picture and is none, and what to do about it."""
    if not raw:
        return "an empty file (0 bytes)"
    head = raw[:1000].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if not raw.strip(b"\0"):
        return (
            "zeros alone, as a download that was not finished leaves, or a placeholder of a cloud"
        )
    return next((what for start, what in _NO_PICTURES if start.match(head)), "") or (
        "a format that is not known"
    )


def is_hidden(name: str) -> bool:
    """Whether a file (a path with '/') is hidden, or was put there by macOS, Windows or a NAS."""
    parts = PurePosixPath(name).parts
    return any(
        part.lower() in _SYSTEM or (part.startswith(".") and part not in (".", ".."))
        for part in parts
    )


def image_in(raw: bytes | Path, name: str = "the picture") -> Image.Image:
    """The picture in a file or its bytes, as Pillow opens it: not decoded yet. Raises what Pillow does,
    UnidentifiedImageError for formats that are not FORMATS, and ImageError, naming the file, for what
    would take very long to open or decode.

    Pillow would hand PostScript to Ghostscript, a program that runs what is in the file.
    """
    from PIL import Image

    with open(raw, "rb") if isinstance(raw, Path) else io.BytesIO(raw) as stream:
        prepare_for(stream.read(12))
        check_directories(stream, name)
    Image.init()
    there = [name for name in FORMATS if name in Image.OPEN]  # HEIF once it was asked for
    picture = Image.open(raw if isinstance(raw, Path) else io.BytesIO(raw), formats=there)
    try:
        check_cost(picture, raw, name)
    except BaseException:
        picture.close()
        raise
    return picture


def prepare_for(head: bytes) -> None:
    """Load what Pillow needs to open a file that begins with `head` (12 bytes or more)."""
    if head[4:8] == b"ftyp" and head[8:12] in _HEIF_BRANDS:
        _register_heif()


@lru_cache(maxsize=1)
def _register_heif() -> None:
    import pillow_heif

    pillow_heif.register_heif_opener()
