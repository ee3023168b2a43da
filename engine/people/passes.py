"""Passes: what a browser shows so that it is known again. A pass says role, id and until when, and is
signed (HMAC-SHA256) with a secret that only the lab's home holds.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
import time
from pathlib import Path

from engine.errors import SettingsError
from engine.files.atomic import failure
from engine.settings import Settings

PASS = re.compile(
    r"1\.(owner|teacher|student|visitor)\.([0-9a-f]{16})\.([0-9]{1,12})\.([0-9a-f]{64})"
)
ID_DIGITS = 16
LASTS_SECONDS = {"owner": 30 * 86_400, "teacher": 86_400, "student": 7 * 86_400, "visitor": 86_400}


def secret_in(folder: Path, name: str, make: str | None = None) -> str:
    """The text of a file that only the lab's account may read; made once, of 128 random bits or as
    `make` says. Raises SettingsError if others may read it, GlyphlabError if it can't be written.
    """
    file = folder / name
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not file.exists():
            fresh = folder / f".{name}-{secrets.token_hex(4)}"
            with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
                out.write(make or secrets.token_hex(16))
            _place(fresh, file)
        if file.stat().st_mode & 0o077:
            raise SettingsError(
                f"{file} can be read by others", hint=f"`chmod 600 {file}`, or delete it."
            )
        return file.read_text(encoding="ascii").strip()
    except (OSError, ValueError) as error:
        if isinstance(error, OSError):
            raise failure(error, file) from error
        raise SettingsError(f"{file} can't be read", hint="Delete it.") from None


def _place(fresh: Path, file: Path) -> None:
    try:
        os.link(fresh, file)  # whole, and only one of two processes that start at once
    except FileExistsError:
        pass
    except OSError:  # this disk knows no hard links
        os.replace(fresh, file)
        return
    fresh.unlink()


def digest(text: str) -> str:
    """What a pass is known by where it may not be shown."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def ends_at(text: str) -> int:
    """When a good pass ends, in seconds since 1970."""
    return int(text.split(".")[3])


def made_at(text: str, role: str) -> int:
    """When a good pass was made, in seconds since 1970."""
    return ends_at(text) - LASTS_SECONDS[role]


def ids_of_owners(settings: Settings) -> dict[str, str]:
    """Of each entry of GLYPHLAB_OWNERS, the id that the passes of whoever signed in by it hold: another
    one with another provider or client. So a pass is good while the entry stands there.
    """
    if not (settings.oidc_url and settings.oidc_client and settings.oidc_secret):
        return {}
    by = f"{settings.oidc_url}\n{settings.oidc_client}\n"
    return {one: digest(by + one)[:ID_DIGITS] for one in settings.owners.split(",") if one}


class Passes:
    """Makes passes and reads them. seal: more that a pass depends on, by role; when it changes, the
    passes of that role are void.
    """

    def __init__(self, secret: str, seal: dict[str, str]) -> None:
        self._secret, self._seal = secret.encode(), seal

    def make(self, role: str, id: str) -> str:
        """The text of a pass; id: 16 hexadecimal digits."""
        until = int(time.time()) + LASTS_SECONDS[role]
        body = f"1.{role}.{id}.{until}"
        return f"{body}.{self._signature(role, body)}"

    def read(self, text: object) -> tuple[str, str] | None:
        """(role, id) of a pass that is ours and still good; else None."""
        found = PASS.fullmatch(text) if isinstance(text, str) else None
        if not found:
            return None
        role, id, until, signature = found.groups()
        wanted = self._signature(role, f"1.{role}.{id}.{until}")
        if not hmac.compare_digest(signature, wanted) or int(until) < time.time():
            return None
        return role, id

    def _signature(self, role: str, body: str) -> str:
        text = f"glyphlab pass|{self._seal.get(role, '')}|{body}"
        return hmac.new(self._secret, text.encode(), hashlib.sha256).hexdigest()
