"""Who may ask: under which names a browser reaches the lab, and pages of which origin may send to
it.

A page of another site can make a visitor's browser send requests here. It then says where it comes
from (`Origin`), or, by DNS rebinding, calls the lab by a name of its own (`Host`). Both are
compared with the names that the lab has: one list, for every part.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

from engine.settings import Settings

LOOPBACK = ("localhost", "127.0.0.1", "::1")
EVERYWHERE = ("0.0.0.0", "::", "")  # addresses that stand for all of this machine's
HOST = re.compile(r"(?P<host>\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::(?P<port>[0-9]{1,5}))?")
PORTS = {"http": "80", "https": "443", "ws": "80", "wss": "443"}


@dataclass(frozen=True)
class Addresses:
    """The names under which the lab is served, in lower case, without ports.

    named    those that the owner gave: pages on any port of them may send requests too
    framers  sites whose pages may show the lab in a frame, as in a Content-Security-Policy
    """

    names: frozenset[str]
    named: frozenset[str] = frozenset()
    framers: tuple[str, ...] = ()

    @property
    def hosts(self) -> frozenset[str]:
        """The names, or '*' alone where any will do."""
        return frozenset("*") if "*" in self.named else self.names

    def has(self, host: str | None) -> bool:
        """Whether a Host header names this lab: a name or an address of it, with any port."""
        name, _ = split_host(host)
        return name is not None and ("*" in self.named or name in self.names)

    def welcome(self, origin: str | None, host: str | None, scheme: str = "http") -> bool:
        """Whether a page of `origin` may ask: none was stated, or it is a page of the lab itself."""
        if origin is None:
            return True
        try:
            parts = urlsplit(origin)
            page = split_host(parts.netloc.lower())
        except ValueError:
            return False
        if page[0] is None or parts.scheme not in ("http", "https"):
            return False
        own = split_host(host)
        # Behind a proxy that ends TLS the scheme is not known for sure: without a port, either
        # default will do.
        same = page[0] == own[0] and (page[1] or PORTS[parts.scheme]) in (
            (own[1],) if own[1] else tuple(PORTS.values())
        )
        return same or page[0] in self.named


def split_host(text: str | None) -> tuple[str | None, str]:
    """A Host header as (name, port), the name in one form: lower case, no dot at its end, an IPv6
    address without brackets and shortened. (None, '') if it is no host.
    """
    found = HOST.fullmatch((text or "").strip().lower())
    if not found or int(found["port"] or 0) > 65535:
        return None, ""
    return canonical(found["host"]), found["port"] or ""


def canonical(name: str) -> str | None:
    """The one form of a host name or address; None if it is neither."""
    if name.startswith("["):
        with suppress(ValueError):
            return str(ipaddress.IPv6Address(name[1:-1]))
        return None
    return name.removesuffix(".") or None


def addresses_of(settings: Settings, environ: Mapping[str, str]) -> Addresses:
    """The lab's names by its settings: this machine's own, those of GLYPHLAB_ALLOWED_HOSTS, and the
    Space's where it runs on one.
    """
    named = {name for name in settings.allowed_hosts.split(",") if name}
    space = environ.get("SPACE_HOST", "").lower()
    if space:
        named.update(space.split(","))
    names = {*LOOPBACK, *named}
    bound = canonical(f"[{settings.host}]" if ":" in settings.host else settings.host.lower())
    if settings.host in EVERYWHERE:
        names |= own_addresses()
    elif bound:
        names.add(bound)
    framers = [site for site in settings.framed_by.split(",") if site]
    if environ.get("SPACE_ID"):  # a Space's page is a frame of the site that lists it
        framers += ["https://huggingface.co", "https://*.huggingface.co", "https://*.hf.space"]
    return Addresses(frozenset(names), frozenset(named), tuple(dict.fromkeys(framers)))


def own_addresses() -> set[str]:
    """This machine's name and its addresses, as far as they are known without asking anybody."""
    name = socket.gethostname().lower()
    found = {name, f"{name}.local"}
    with suppress(OSError):
        found |= {str(entry[4][0]).partition("%")[0] for entry in socket.getaddrinfo(name, None)}
    for family, elsewhere in (
        (socket.AF_INET, "192.0.2.1"),
        (socket.AF_INET6, "2001:db8::1"),
    ):  # for documentation: nothing is sent, the system only picks the address it would send from
        with suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((elsewhere, 9))
            found.add(probe.getsockname()[0])
    return found
