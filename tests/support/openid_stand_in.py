"""An OpenID provider in this process: discovery, authorization with PKCE, tokens signed with RS256. Whoever
comes is signed in at once, with the claims that the test has set.
"""

from __future__ import annotations

import base64
import hashlib
import json
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey
from listening import listening

CLIENT, SECRET = "the-lab", "the-secret-of-the-lab"


class Provider:
    """claims: who is signed in, and what else the token is to say (None: leave it out)
    key        what tokens are signed with; header: what a token's says
    keys       what it publishes as its keys
    about      what it publishes of itself otherwise than is right (None: leave it out)
    answers    by path, what is sent in place of its answer: headers, and parts of the body
    sent_back  where browsers were sent after they had signed in; visited: paths that were asked for
    """

    def __init__(self) -> None:
        self.url = ""
        self._own = RSAKey.generate_key(2048, {"kid": "one"})
        self.sent_back: list[str] = []
        self._asked: dict[str, dict[str, str]] = {}
        self.reset({})

    def reset(self, claims: dict[str, Any]) -> None:
        """Be honest again, and sign in whom these claims are of."""
        self.claims, self.key = dict(claims), self._own
        self.header: dict[str, Any] = {"alg": "RS256", "kid": "one"}
        self.keys: list[dict[str, Any]] = [self._own.as_dict(private=False)]
        self.about: dict[str, Any] = {}
        self.answers: dict[str, tuple[dict[str, str], Callable[[], Iterable[bytes]]]] = {}
        self.visited: list[str] = []

    def document(self, path: str) -> dict[str, Any] | None:
        if path == "/jwks":
            return {"keys": self.keys}
        if path != "/.well-known/openid-configuration":
            return None
        right = {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/jwks",
            "id_token_signing_alg_values_supported": ["RS256"],
            "code_challenge_methods_supported": ["S256"],
        }
        return {name: one for name, one in {**right, **self.about}.items() if one is not None}

    def authorized(self, asked: dict[str, str]) -> str:
        """Where the browser goes on, with a code that is good once."""
        assert asked["response_type"] == "code" and asked["client_id"] == CLIENT
        code = hashlib.sha256(json.dumps(asked).encode()).hexdigest()
        self._asked[code] = asked
        self.sent_back.append(asked["redirect_uri"])
        return f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}"

    def token(self, form: dict[str, str], authorization: str) -> dict[str, Any] | None:
        """The answer for a code; None where the client, the code or its proof is not right."""
        asked = self._asked.pop(form.get("code", ""), None)
        wanted = "Basic " + base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        proof = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        shown = base64.urlsafe_b64encode(proof).rstrip(b"=").decode()
        if asked is None or authorization != wanted or shown != asked["code_challenge"]:
            return None
        signed = self.token_for(asked["nonce"])
        return {"access_token": "x", "token_type": "Bearer", "id_token": signed}

    def token_for(self, nonce: str) -> str:
        """A token of whoever is signed in now."""
        claims = {
            "iss": self.url,
            "aud": CLIENT,
            "exp": int(time.time()) + 60,
            "iat": int(time.time()),
            "nonce": nonce,
            **self.claims,
        }
        claims = {name: one for name, one in claims.items() if one is not None}
        if self.header["alg"] == "none":
            parts = (json.dumps(part).encode() for part in (self.header, claims))
            return (
                ".".join(base64.urlsafe_b64encode(one).rstrip(b"=").decode() for one in parts) + "."
            )
        return jwt.encode(self.header, claims, self.key, algorithms=[self.header["alg"]])


@contextmanager
def openid_stand_in() -> Iterator[Provider]:
    """A provider that listens until the end of the block."""
    provider = Provider()
    handler = type("Handler", (_Handler,), {"provider": provider})
    with listening(handler) as provider.url:
        yield provider


class _Handler(BaseHTTPRequestHandler):
    provider: Provider

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        self.provider.visited.append(path)
        if path in self.provider.answers:
            self._send_parts(*self.provider.answers[path])
            return
        if path == "/authorize":
            self.send_response(302)
            self.send_header("location", self.provider.authorized(dict(parse_qsl(query))))
            self.end_headers()
            return
        self._send(self.provider.document(path), 404)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        form = {name: values[0] for name, values in parse_qs(body).items()}
        found = None
        if self.path in self.provider.answers:
            self._send_parts(*self.provider.answers[self.path])
            return
        if urlsplit(self.path).path == "/token":
            found = self.provider.token(form, self.headers.get("authorization", ""))
        self._send(found, 400)

    def _send_parts(self, headers: dict[str, str], parts: Callable[[], Iterable[bytes]]) -> None:
        self.send_response(200)
        for name, value in {"content-type": "application/json", **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        with suppress(OSError):  # whoever asked has heard enough
            for part in parts():
                self.wfile.write(part)

    def _send(self, document: dict[str, Any] | None, otherwise: int) -> None:
        body = json.dumps(document or {"error": "invalid_request"}).encode()
        self.send_response(200 if document else otherwise)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
