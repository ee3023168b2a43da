"""How the text of a setting is read: one function a kind of value. Each raises ValueError for a text
that it can't use.
"""

from __future__ import annotations

import re
from ipaddress import ip_network
from pathlib import Path

MODES = ("own", "class", "public")


def folders(text: str) -> tuple[Path, ...]:
    return tuple(Path(part).expanduser().resolve() for part in text.split(":") if part)


def folder(text: str) -> Path:
    return Path(text).expanduser().resolve()


def port(text: str) -> int:
    number = int(text)
    if not 0 < number < 65536:
        raise ValueError(text)
    return number


def natural(text: str) -> int:
    number = int(text)
    if number < 0:
        raise ValueError(text)
    return number


def switch(text: str) -> bool:
    try:
        return {
            "": False,
            "0": False,
            "no": False,
            "false": False,
            "1": True,
            "yes": True,
            "true": True,
        }[text.lower()]
    except KeyError:
        raise ValueError(text) from None


def hosts(text: str) -> str:
    names = [name.strip().lower().strip("[]").removesuffix(".") for name in text.split(",")]
    if any(set(name) & set("/@ ?#") for name in names):
        raise ValueError(text)
    return ",".join(name for name in names if name)


def networks(text: str) -> str:
    parts = [part.strip() for part in text.split(",") if part.strip()]
    return ",".join(part if part == "*" else str(ip_network(part, strict=False)) for part in parts)


def sites(text: str) -> str:
    sites = [site.strip().rstrip("/") for site in text.split(",") if site.strip()]
    if any(
        not site.startswith(("http://", "https://")) or set(site) & set("; '\"") for site in sites
    ):
        raise ValueError(text)
    return ",".join(sites)


def resources(text: str) -> str:
    kinds = {"cpus": int, "gpus": int, "memory_gb": float, "minutes": int}
    parts = [part.strip() for part in text.split(",") if part.strip()]
    for part in parts:
        name, _, value = part.partition("=")
        least = 1 if name == "cpus" else 0
        if name not in kinds or not least <= kinds[name](value) < 1e6:
            raise ValueError(text)
    return ",".join(parts)


def options(text: str) -> str:
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if any(not re.fullmatch(r"[a-z][a-z-]*=[\w./:@+-]+", part) for part in parts):
        raise ValueError(text)
    return ",".join(parts)


def address(text: str) -> str:
    if not text.startswith(("http://", "https://")):
        raise ValueError(text)
    return text.rstrip("/")


def store(text: str) -> str:
    """A folder in a store, or none."""
    scheme, separator, rest = text.partition("://")
    if text and not (separator and rest and re.fullmatch(r"[a-z][a-z0-9+.-]*", scheme)):
        raise ValueError(text)
    return text.rstrip("/")


def provider(text: str) -> str:
    """An OpenID provider, on this machine or by TLS; or none."""
    local = ("http://127.0.0.1:", "http://localhost:")
    if text and not text.startswith(("https://", *local)):
        raise ValueError(text)
    return text.rstrip("/")


# What providers give as ids and hardly anybody's account is called: numbers, long hexadecimal ones, UUIDs,
# 'auth0|…', and other long texts.
_ID = re.compile(r"\d+|[0-9a-f]{16,}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|.*\|.*|.{32,}")


def people(text: str) -> str:
    """Who leads: 'sub:' and a provider's id, as it stands; an account's name or an address, in small
    letters. A bare word that looks like an id is refused: taken as a name, it would let in whoever
    calls their account so.
    """
    return ",".join(_one_of(entry.strip()) for entry in text.split(",") if entry.strip())


def _one_of(entry: str) -> str:
    kind, _, rest = entry.partition(":")
    if kind in ("sub", "name") and rest:
        return entry if kind == "sub" else small(rest)
    if ":" in entry or ("@" not in entry and _ID.fullmatch(small(entry))):
        raise ValueError(entry)
    return small(entry)


def small(name: str) -> str:
    """A name with the letters A to Z small, and nothing else changed: the Kelvin sign would become 'k' by
    case folding or by Unicode's normal forms, and one name another.

    >>> small("Ada"), small("\u212aim") == "kim"
    ('ada', False)
    """
    return "".join(one.lower() if one.isascii() else one for one in name)


def mode(text: str) -> str:
    """One of MODES."""
    if text not in MODES:
        raise ValueError(text)
    return text


def key(text: str) -> str:
    """A word to show at the door: nothing, 'auto', or 12 characters and more that fit an address."""
    if text not in ("", "auto") and not re.fullmatch(r"[\w.~-]{12,200}", text, re.ASCII):
        raise ValueError(text)
    return text
