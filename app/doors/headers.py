"""What browsers are told about every answer: run and load nothing from elsewhere, and show the lab
in no frame of another site.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

# As strict as both libraries bear (Streamlit 1.67, Gradio 6.31): both write scripts and styles into
# their pages and load parts from blobs; Streamlit's charts compile expressions.
POLICY = {
    "default-src": "'self'",
    "script-src": "'self' 'unsafe-inline' 'unsafe-eval' blob:",
    "style-src": "'self' 'unsafe-inline'",
    "img-src": "'self' data: blob:",
    "font-src": "'self' data:",
    "media-src": "'self' data: blob:",
    "worker-src": "'self' blob:",
    "connect-src": "'self' data: blob:",
    "frame-src": "'self' blob: data:",
    "object-src": "'none'",
    "base-uri": "'self'",
    "form-action": "'self'",
}
BARE = {"default-src": "'none'", "style-src": "'unsafe-inline'", "sandbox": ""}
_RANGE = re.compile(rb"bytes=(\d{1,18}-\d{0,18}|-\d{1,18})")
REMOVED = b"access-control-"  # every page of the lab is of one origin: none needs leave from it


def policy(framers: Iterable[str], bare: bool) -> str:
    """A Content-Security-Policy. framers: other sites that may show the page in a frame."""
    rules = {
        **(BARE if bare else POLICY),
        "frame-ancestors": " ".join(["'self'", *framers]),
    }
    return "; ".join(f"{name} {value}".strip() for name, value in rules.items())


def protective(framers: tuple[str, ...], bare: bool) -> list[tuple[bytes, bytes]]:
    """The headers that every answer carries, whoever gave it."""
    rows = {
        "content-security-policy": policy(framers, bare),
        "x-content-type-options": "nosniff",
        "referrer-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
    }
    if not framers:  # it knows no list of sites
        rows["x-frame-options"] = "SAMEORIGIN"
    return [(name.encode(), value.encode()) for name, value in rows.items()]


def replaced(
    headers: Iterable[tuple[bytes, bytes]], own: list[tuple[bytes, bytes]]
) -> list[tuple[bytes, bytes]]:
    """An answer's headers with `own` in place of theirs, and without leave for other origins."""
    names = {name for name, _ in own}
    kept = [
        (name, value)
        for name, value in headers
        if name.lower() not in names and not name.lower().startswith(REMOVED)
    ]
    return kept + own


def without_odd_ranges(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """The headers of a request, less a Range that is not one plain range of bytes: the whole file is
    then sent, which RFC 9110 allows. Gradio fails on several at once.
    """
    return [
        (name, value)
        for name, value in headers
        if name.lower() != b"range" or _RANGE.fullmatch(value)
    ]
