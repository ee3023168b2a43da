"""The lab's side of OpenID Connect, by Authlib, with what a sign-in rests on checked here whatever the
provider says: its address (Discovery 1.0, 4.3), with what tokens are signed, how old they are, and how
much of its answers is read for how long.

What it publishes about itself and its keys is kept for an hour, and only once it has been found to be
of use: a bad answer costs the sign-in that met it. Keys that are not known are asked for again.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from authlib.integrations.httpx_client import AsyncOAuth2Client
from authlib.integrations.starlette_client import StarletteIntegration, StarletteOAuth2App
from authlib.oidc.core import CodeIDToken, UserInfo
from httpx2 import Request, Response, TransportError
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, import_key
from joserfc.jws import JWSRegistry

from engine import setting_values
from engine.settings import Settings

# Signed with a key that nobody but the provider has: never with none at all, nor with one that the lab
# knows too, whatever the provider lists (RFC 8725, 3.1 and 3.2).
ALGORITHMS = "RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA Ed25519 Ed448".split()
KEY_TYPES = ("RSA", "EC", "OKP")
ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")
ANSWER_SECONDS = 15.0  # for each answer of the provider, to its last byte
MOST_BYTES = 256 * 1024  # of each; those of the large providers have under 10 kB
KEPT_SECONDS = 3600.0  # what it published
AGAIN_SECONDS = 60.0  # between two looks at its keys
OLDEST_SECONDS = 3600  # of a token: it was made a moment ago
LEEWAY_SECONDS = 120  # by which its clock may differ


class ProviderError(Exception):
    """What a provider said can't be used."""


class Web(AsyncOAuth2Client):
    """Asks the provider. An answer is read in a bounded time and to a bounded size, and as it comes: a
    packed one of a megabyte may unpack to gigabytes.
    """

    async def send(self, request: Request, *, stream: bool = False, **options: Any) -> Response:
        """The whole answer. Raises ProviderError."""
        request.headers["accept-encoding"] = "identity"
        # httpx counts anew with every byte.
        seconds = self.timeout.read or ANSWER_SECONDS  # type: ignore[attr-defined]
        try:
            async with asyncio.timeout(seconds):
                sending = super().send  # type: ignore[misc]
                answer = await sending(request, stream=True, **options)
                try:
                    body = await _body_of(answer)
                finally:
                    await answer.aclose()
        except TimeoutError:
            raise ProviderError(f"it took more than {seconds:.0f} s to answer") from None
        kept = [pair for pair in answer.headers.multi_items() if pair[0].lower() in _KEPT]
        return Response(answer.status_code, headers=kept, content=body, request=request)


_KEPT = ("content-type", "location")


async def _body_of(answer: Response) -> bytes:
    if answer.headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise ProviderError("it answered packed, which it was not asked for")
    body = bytearray()
    async for part in answer.aiter_raw():
        body += part
        if len(body) > MOST_BYTES:
            raise ProviderError(f"it answered with more than {MOST_BYTES:,} bytes")
    return bytes(body)


class Provider(StarletteOAuth2App):
    """The provider of the settings. clock: in seconds, for what is kept; seconds: that an answer may take."""

    client_cls = Web

    def __init__(
        self,
        settings: Settings,
        clock: Callable[[], float] = time.monotonic,
        seconds: float = ANSWER_SECONDS,
    ) -> None:
        self._discovery = f"{settings.oidc_url}/.well-known/openid-configuration"
        super().__init__(
            StarletteIntegration("provider"),
            "provider",
            client_id=settings.oidc_client,
            client_secret=settings.oidc_secret,
            server_metadata_url=self._discovery,
            client_kwargs={
                "scope": "openid profile email",
                "code_challenge_method": "S256",
                "prompt": "select_account",  # who came in with the wrong one can choose another
                "timeout": seconds,
            },
        )
        self._clock = clock
        self._issuers = (settings.oidc_url, f"{settings.oidc_url}/")
        self._published: tuple[dict[str, Any], float] | None = None
        self._keys: tuple[KeySet, str, float] | None = None
        self._asked_at = float("-inf")  # for keys that were not known

    async def load_server_metadata(self) -> dict[str, Any]:
        """What the provider publishes of itself. Raises ProviderError."""
        if self._published is None or self._is_old(self._published[1]):
            found = await self._document(self._discovery)
            self._published = checked(found, self._issuers), self._clock()
        self.server_metadata = self._published[0]
        return self._published[0]

    async def fetch_jwk_set(self, force: bool = False) -> KeySet:
        """The provider's keys. force: also where there are some. Raises ProviderError."""
        address = (await self.load_server_metadata())["jwks_uri"]
        kept = self._keys
        if force or kept is None or kept[1] != address or self._is_old(kept[2]):
            document = await self._document(address)
            found = await asyncio.to_thread(keys_of, document)
            kept = self._keys = found, address, self._clock()
        return kept[0]

    async def parse_id_token(
        self, token: Mapping[str, Any], nonce: str, *args: Any, **options: Any
    ) -> UserInfo:
        """What a token says of whoever signed in. Raises ProviderError, or an error of joserfc."""
        signed = token["id_token"]
        allowed = (await self.load_server_metadata())["id_token_signing_alg_values_supported"]
        keys = await self.fetch_jwk_set()
        try:
            found = await asyncio.to_thread(_opened, signed, keys, allowed)
        except (JoseError, ValueError):
            if not self._may_ask_again():
                raise
            keys = await self.fetch_jwk_set(force=True)  # it may have changed them
            found = await asyncio.to_thread(_opened, signed, keys, allowed)
        known = {"nonce": nonce, "client_id": self.client_id}
        if "access_token" in token:
            known["access_token"] = token["access_token"]
        wanted = {"iss": {"essential": True, "values": list(self._issuers)}}
        claims = CodeIDToken(found.claims, found.header, wanted, known)
        claims.validate(leeway=LEEWAY_SECONDS)
        check_claims(claims, time.time())
        return UserInfo(claims)

    def _is_old(self, then: float) -> bool:
        return self._clock() - then > KEPT_SECONDS

    def _may_ask_again(self) -> bool:
        """Whether the last look at the keys was long enough ago; if so, this is the next."""
        last = max(self._asked_at, self._keys[2] if self._keys else self._asked_at)
        if self._clock() - last < AGAIN_SECONDS:
            return False
        self._asked_at = self._clock()
        return True

    async def _document(self, address: str) -> Any:
        try:
            client: Any = Web(**self.client_kwargs)
            async with client:
                answer = await client.request("GET", address, withhold_token=True)
        except TransportError as error:
            raise ProviderError(f"it can't be reached: {error}") from None
        if answer.status_code != 200:
            raise ProviderError(f"it answered {answer.status_code} at {address}")
        try:
            return await asyncio.to_thread(json.loads, answer.content)
        except (ValueError, RecursionError):
            raise ProviderError(f"what it answered at {address} is no JSON") from None


def checked(found: Any, issuers: tuple[str, ...]) -> dict[str, Any]:
    """What a provider publishes, with the algorithms that are allowed. issuers: the ways to write its
    address. Raises ProviderError unless it is that provider's, and complete.
    """
    if not isinstance(found, dict) or found.get("issuer") not in issuers:
        named = found.get("issuer") if isinstance(found, dict) else found
        raise ProviderError(f"it calls itself {str(named)[:200]!r} instead of {issuers[0]!r}")
    for name in ENDPOINTS:
        try:
            setting_values.provider(found[name] or " ")
        except (KeyError, ValueError, TypeError, AttributeError):
            raise ProviderError(f"its {name} is no address with https://") from None
    listed = found.get("id_token_signing_alg_values_supported") or ["RS256"]
    allowed = [name for name in ALGORITHMS if isinstance(listed, list) and name in listed]
    if not allowed:
        raise ProviderError("it signs its tokens in no way that can be trusted")
    kept = {name: found[name] for name in ("issuer", *ENDPOINTS)}
    return {**kept, "id_token_signing_alg_values_supported": allowed}


def keys_of(found: Any) -> KeySet:
    """The public keys that tokens may be signed with. Raises ProviderError where there is none: keys of
    other kinds and broken ones beside them do no harm.
    """
    listed = found.get("keys") if isinstance(found, dict) else None
    keys = []
    for one in listed if isinstance(listed, list) else ():
        if isinstance(one, dict) and one.get("kty") in KEY_TYPES and one.get("use") != "enc":
            try:
                key = import_key(one)
            except Exception:  # noqa: BLE001, S112 - joserfc's, cryptography's, or binascii's
                continue
            keys.append(key)
    if not keys:
        raise ProviderError("it publishes no key that tokens can be checked with")
    return KeySet(keys)


def check_claims(claims: Mapping[str, Any], now_seconds: float) -> None:
    """Raise ProviderError unless a token is of somebody, and was made now."""
    who, made = claims.get("sub"), claims.get("iat")
    if not isinstance(who, str) or not who:
        raise ProviderError("its token does not say who signed in")
    if isinstance(made, bool) or not isinstance(made, int | float):
        raise ProviderError("its token does not say when it was made")
    if not now_seconds - OLDEST_SECONDS <= made <= now_seconds + LEEWAY_SECONDS:
        raise ProviderError("its token was not made now")


def _opened(signed: str, keys: KeySet, allowed: list[str]) -> Any:
    """A signed token, its signature checked. Raises JoseError or ValueError."""
    registry = JWSRegistry(algorithms=allowed, strict_check_header=False)
    return jwt.decode(signed, key=keys, registry=registry)
