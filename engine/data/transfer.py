"""Files over HTTP: with progress, gone on with after a break, never larger than allowed."""

from __future__ import annotations

import http.client
import urllib.error
import urllib.request
from pathlib import Path

from engine.errors import DataError
from engine.progress import Progress

TRIES = 3  # of each address; a try goes on where the one before was cut off
TIMEOUT_SECONDS = 30
BLOCK = 1 << 18


def download(address: str, path: Path, progress: Progress, name: str, most_bytes: int) -> None:
    """Fetch a file that a person has named into `path`, going on where it was cut off. Raises
    DataError if it can't be had, or is larger than `most_bytes`.
    """
    problem = ""
    for _ in range(TRIES):
        try:
            return fetch_part(address, path, progress, name, most_bytes)
        except urllib.error.HTTPError as error:
            problem = f"{error.code} {error.reason}"
            break
        except (OSError, http.client.HTTPException, ValueError) as error:
            problem = str(getattr(error, "reason", error)) or type(error).__name__
    hint = "Check the address and the connection, or give the file itself."
    raise DataError(f"{address} can't be fetched", got=problem[:200], hint=hint)


def fetch_part(
    address: str, part: Path, progress: Progress, name: str, most_bytes: int | None = None
) -> None:
    """Append to `part` what is missing of the file at `address`. Raises OSError or HTTPException,
    and DataError if it is larger than `most_bytes`.
    """
    have = part.stat().st_size if part.exists() else 0
    headers = {"User-Agent": "glyphlab", "Accept-Encoding": "identity"} | (
        {"Range": f"bytes={have}-"} if have else {}
    )
    try:
        answer = urllib.request.urlopen(
            urllib.request.Request(address, headers=headers), timeout=TIMEOUT_SECONDS
        )
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == 416 and have:  # nothing is missing
            return
        raise
    with answer:
        if have and answer.status != 206:  # the server does not resume
            have = 0
        length = answer.headers.get("Content-Length")
        total = have + int(length) if length else 0
        _check_size(total, most_bytes, name)
        with part.open("ab" if have else "wb") as file:
            while block := _next_block(answer):
                file.write(block)
                have += len(block)
                _check_size(have, most_bytes, name)
                progress(have, max(total, have), f"fetching {name} (bytes)")
    if have < total:
        raise ConnectionError(f"cut off after {have:,} of {total:,} bytes")


def _check_size(size: int, most_bytes: int | None, name: str) -> None:
    if most_bytes is not None and size > most_bytes:
        raise DataError(
            f"{name} is too large",
            expected=f"at most {most_bytes:,} bytes",
            got=f"{size:,}",
            hint="Raise GLYPHLAB_UPLOAD_MB if you trust it.",
        )


def _next_block(answer: http.client.HTTPResponse) -> bytes:
    try:
        return answer.read(BLOCK)
    except OSError as error:  # told apart from what goes wrong on the disk
        raise ConnectionError(str(error)) from error
