"""What a provider may say without being believed: each is refused, costs little, and is forgotten once
the provider is honest again.
"""

from __future__ import annotations

import gzip
import time

import pytest
from front_door import ADA, House
from joserfc.jwk import OctKey, RSAKey
from openid_stand_in import openid_stand_in
from own_loop import run

from app.people.openid import AGAIN_SECONDS, KEPT_SECONDS, MOST_BYTES, Provider, ProviderError
from engine.people.person import OWNER
from engine.settings import read_settings

DISCOVERY = "/.well-known/openid-configuration"


@pytest.fixture(scope="module")
def listening_provider():
    with openid_stand_in() as found:
        yield found


@pytest.fixture
def provider(listening_provider):
    listening_provider.reset(ADA)
    return listening_provider


def outcome(house: House) -> int:
    """The status of the last step of a sign-in that was reached."""
    browser = house.browser()
    answer = browser.get("/signin")
    if answer.status_code == 302:
        answer = house.sign_in(browser)
    led = house.person(browser) == OWNER
    assert led == (answer.status_code == 303)
    return answer.status_code


# joserfc warns of "none" and goes on: the warning must not be what refuses it here.
@pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")
def test_a_token_counts_only_if_its_signature_is_one_that_only_the_provider_can_make(
    tmp_path, provider
):
    known = OctKey.generate_key(256, {"kid": "one"})
    provider.header["alg"] = "none"
    for listed in (["RS256", "none"], ["none"], None):
        provider.about = {"id_token_signing_alg_values_supported": listed}
        assert outcome(House(tmp_path, provider)) != 303, listed
    provider.header, provider.key = {"alg": "HS256", "kid": "one"}, known
    provider.keys.append(known.as_dict())
    provider.about = {"id_token_signing_alg_values_supported": ["RS256", "HS256"]}
    assert outcome(House(tmp_path, provider)) == 403
    provider.reset(ADA)
    provider.header["alg"] = "PS256"
    assert outcome(House(tmp_path, provider)) == 403, "it lists RS256 only"
    provider.about = {"id_token_signing_alg_values_supported": ["none", "PS256"]}
    assert outcome(House(tmp_path, provider)) == 303


def test_a_provider_is_who_the_settings_name(tmp_path, provider):
    for about, said in (
        ("https://evil.example", "https://evil.example"),
        (None, "https://evil.example"),
        (None, provider.url),
        (provider.url, None),
        ([provider.url], provider.url),
    ):
        provider.about, provider.claims = {"issuer": about}, {**ADA, "iss": said}
        assert outcome(House(tmp_path, provider)) in (403, 502), (about, said)
    provider.about = {"issuer": f"{provider.url}/"}
    provider.claims = {**ADA, "iss": f"{provider.url}/"}
    assert outcome(House(tmp_path, provider)) == 303, "the same address, with its slash"


@pytest.mark.parametrize("path", [DISCOVERY, "/jwks", "/token"])
def test_an_answer_without_end_is_refused_and_a_packed_one_is_not_unpacked(
    tmp_path, provider, path
):
    sent = []

    def endless():
        for _ in range(200):
            sent.append(64 * 1024)
            yield b" " * 64 * 1024

    packed = gzip.compress(b" " * 30_000_000)
    for headers, parts in (
        ({}, endless),
        ({"content-encoding": "gzip"}, lambda: [packed]),
    ):
        provider.answers = {path: (headers, parts)}
        house = House(tmp_path, provider)
        assert outcome(house) in (403, 502)
        provider.answers = {}
        assert outcome(house) == 303, "it is honest again"
    assert sum(sent) < 200 * 64 * 1024, "nobody read on"


def test_an_answer_that_drips_is_given_up(provider):
    over = []

    def drip():
        for _ in range(600):
            time.sleep(0.05)
            yield b" "
        over.append(True)

    provider.answers = {DISCOVERY: ({}, drip)}
    with pytest.raises(ProviderError, match="to answer"):
        run(provider_of(provider, Clock(), seconds=0.3).load_server_metadata())
    assert not over, "nobody waited for its end"


@pytest.mark.parametrize(
    "about",
    [
        {"token_endpoint": None},
        {"jwks_uri": "http://192.0.2.1/jwks"},
        {"jwks_uri": "file:///etc/passwd"},
        {"authorization_endpoint": ["https://a.example"]},
        {"token_endpoint": ""},
        {"issuer": 5},
    ],
)
def test_what_a_provider_says_wrongly_of_itself_is_not_kept(tmp_path, provider, about):
    house = House(tmp_path, provider)
    provider.about = about
    assert outcome(house) == 502
    provider.about = {}
    assert outcome(house) == 303


def test_broken_keys_are_not_kept_and_harm_no_others(tmp_path, provider):
    house, good = House(tmp_path, provider), provider.keys
    broken = {"kty": "RSA", "kid": "one", "n": "AA", "e": "AQAB"}
    for keys in ([broken], [], [7], [{**good[0], "use": "enc"}], [{"kty": "new", "kid": "one"}]):
        provider.keys = keys
        assert outcome(house) == 403, keys
    provider.keys = [{**broken, "kid": "two"}, {"kty": "new"}, *good]
    assert outcome(house) == 303


def test_what_is_known_of_a_provider_is_asked_for_once_and_again_after_an_hour(provider):
    clock = Clock()
    asking = provider_of(provider, clock)
    for _ in range(3):
        run(asking.fetch_jwk_set())
    assert provider.visited == [DISCOVERY, "/jwks"]
    clock.now += KEPT_SECONDS + 1
    run(asking.fetch_jwk_set())
    assert provider.visited == 2 * [DISCOVERY, "/jwks"]


def test_changed_keys_are_followed_but_not_asked_for_more_than_once_a_minute(provider):
    clock = Clock()
    asking = provider_of(provider, clock)
    run(asking.fetch_jwk_set())
    provider.key = RSAKey.generate_key(2048, {"kid": "new"})
    provider.header["kid"] = "new"
    clock.now += AGAIN_SECONDS + 1
    for _ in range(3):  # not published yet: somebody made it up
        with pytest.raises(Exception, match="kid|key"):
            claims_of(asking, provider)
    assert provider.visited.count("/jwks") == 2
    provider.keys = [provider.key.as_dict(private=False)]
    clock.now += AGAIN_SECONDS + 1
    assert claims_of(asking, provider)["sub"] == ADA["sub"]
    assert provider.visited.count("/jwks") == 3


def test_a_token_is_of_somebody_and_of_now(provider):
    asking, now = provider_of(provider, Clock()), int(time.time())
    for wrong in (
        {"sub": ""},
        {"sub": 5},
        {"sub": None},
        {"iat": now - 27 * 3600},
        {"iat": now + 900},
        {"iat": "now"},
        {"iat": True},
        {"iat": None},
    ):
        provider.claims = {**ADA, "exp": now + 100_000, **wrong}
        with pytest.raises(Exception, match="token|sub|iat"):
            claims_of(asking, provider)
    provider.claims = {**ADA, "iat": now - 60}
    assert claims_of(asking, provider)["sub"] == ADA["sub"]


def test_a_large_answer_that_is_still_allowed_is_read(provider):
    provider.about = {"claims_supported": ["x" * (MOST_BYTES - 2_000)]}
    assert run(provider_of(provider, Clock()).load_server_metadata())["issuer"] == provider.url
    provider.about = {"claims_supported": ["x" * MOST_BYTES]}
    with pytest.raises(ProviderError, match="more than 262,144 bytes"):
        run(provider_of(provider, Clock()).load_server_metadata())


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def provider_of(provider, clock: Clock, **options: float) -> Provider:
    environ = {
        "GLYPHLAB_OIDC_URL": provider.url,
        "GLYPHLAB_OIDC_CLIENT": "the-lab",
        "GLYPHLAB_OIDC_SECRET": "the-secret",
    }
    return Provider(read_settings(environ), clock, **options)


def claims_of(asking: Provider, provider) -> dict:
    return run(asking.parse_id_token({"id_token": provider.token_for("n")}, "n"))
