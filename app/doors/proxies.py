"""Reverse proxies: what they say about a request is believed of those that the owner named, and
taken out of everybody else's.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping, MutableMapping
from typing import Any

from starlette.datastructures import Headers

from engine.settings import Settings

_PREFIX = re.compile(r"(/[A-Za-z0-9_-][A-Za-z0-9._-]{0,60}){1,5}")
SAID = (b"forwarded", b"via", b"x-real-ip", b"x-direct-url")
Scope = dict[str, Any]


class Proxies:
    """The proxies of GLYPHLAB_TRUSTED_PROXIES: addresses and networks, or '*' for any peer."""

    def __init__(self, trusted: str) -> None:
        parts = [part for part in trusted.split(",") if part]
        self._anyone = "*" in parts
        self._networks = [ipaddress.ip_network(part, strict=False) for part in parts if part != "*"]

    def trusts(self, peer: str | None) -> bool:
        """Whether requests from this address may speak for others."""
        if self._anyone:
            return True
        try:
            address = ipaddress.ip_address((peer or "").partition("%")[0])
        except ValueError:
            return False
        return any(address in network for network in self._networks)

    def seen(self, scope: Scope) -> Scope:
        """The request as the lab is to see it: its client, scheme and host from a trusted proxy's
        headers; without such headers if another sent them.
        """
        peer = (scope.get("client") or ("", 0))[0]
        if not self.trusts(peer):
            kept = [pair for pair in scope["headers"] if not _forwarded(pair[0])]
            return {**scope, "headers": kept}
        headers = Headers(scope=scope)
        scope = dict(scope)
        # HAProxy adds a line of its own to what the client sent.
        said = ",".join(headers.getlist("x-forwarded-for"))
        hops = [_bare(hop.strip()) for hop in said.split(",") if hop.strip()]
        if (
            hops
        ):  # each proxy adds whom it heard: the last one that is no proxy of ours is the client
            own = [hop for hop in hops if not self.trusts(hop)] if not self._anyone else hops
            scope["client"] = ((own or hops)[-1], 0)
        scheme = headers.get("x-forwarded-proto", "").split(",")[0].strip().lower()
        if scheme in ("http", "https"):
            web = {"http": "ws", "https": "wss"} if scope["type"] == "websocket" else {}
            scope["scheme"] = web.get(scheme, scheme)
        return scope


def below_prefix(scope: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The request with the path that its browser asked for, where a trusted proxy took a prefix away
    and names it (X-Forwarded-Prefix): from it the libraries make their own addresses. For what stands
    behind the door, which has matched the path without it.
    """
    prefix = Headers(scope=scope).get("x-forwarded-prefix", "").rstrip("/")
    if not _PREFIX.fullmatch(prefix):
        return scope
    raw = prefix.encode() + scope.get("raw_path", scope["path"].encode())
    path = prefix + scope["path"]
    return {**scope, "root_path": prefix, "path": path, "raw_path": raw}


def _bare(hop: str) -> str:
    """The address of a hop, which some proxies write with its port: '203.0.113.9:5123', '[::1]:80'."""
    if hop.startswith("["):
        return hop[1:].partition("]")[0]
    return hop.partition(":")[0] if hop.count(":") == 1 else hop


def _forwarded(name: bytes) -> bool:
    return name.lower() in SAID or name.lower().startswith(b"x-forwarded-")


def proxies_of(settings: Settings, environ: Mapping[str, str]) -> Proxies:
    """The proxies that are believed; on a Space, whose only way in is its proxy, every peer."""
    return Proxies(settings.trusted_proxies or ("*" if environ.get("SPACE_ID") else ""))
