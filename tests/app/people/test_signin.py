"""Who leads comes in by a provider that speaks OpenID Connect, and nobody else does: through the lab's
door, with a provider that listens on this machine.
"""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from front_door import ADA, House
from joserfc.jwk import RSAKey
from openid_stand_in import openid_stand_in

from app.people.signin import check_sign_in, names_of, offered_by
from app.server import serve
from engine.errors import SettingsError
from engine.people.person import OWNER, TEACHER
from engine.settings import read_settings


@pytest.fixture(scope="module")
def provider():
    with openid_stand_in() as found:
        yield found


@pytest.fixture
def signed_in(provider):
    provider.reset(ADA)
    return provider


@pytest.mark.parametrize("mode, person", [("own", OWNER), ("class", TEACHER), ("public", OWNER)])
def test_who_leads_comes_in_and_is_known_from_then_on(tmp_path, signed_in, mode, person):
    house = House(tmp_path, signed_in, mode)
    browser = house.browser()
    answer = house.sign_in(browser)
    assert answer.status_code == 303 and house.person(browser) == person
    assert signed_in.sent_back[-1] == "http://localhost:7860/signed-in"
    shown = browser.get("/join", headers={"accept": "text/html"})
    assert shown.status_code == 303, "who is in need not join"


def test_nobody_else_comes_in_and_is_told_why(tmp_path, signed_in):
    house = House(tmp_path, signed_in)
    for claims in (
        {"sub": "1", "preferred_username": "<b>Eve</b>"},
        {"sub": "2", "preferred_username": "eve", "email": "somebody@example.org"},
        {"sub": "3", "email": "somebody@example.org", "email_verified": False},
        {"sub": "4", "preferred_username": "somebody@example.org"},
        {"sub": "5", "name": "ada", "nickname": "ada"},
    ):
        signed_in.claims = claims
        browser = house.browser()
        answer = house.sign_in(browser)
        assert answer.status_code == 403 and "does not lead this lab" in answer.text
        assert "<b>Eve" not in answer.text and house.person(browser) != OWNER
    signed_in.claims = {"sub": "6", "email": "somebody@example.org", "email_verified": True}
    browser = house.browser()
    assert house.sign_in(browser).status_code == 303 and house.person(browser) == OWNER


def test_a_token_that_is_not_the_providers_for_this_lab_and_now_opens_nothing(tmp_path, signed_in):
    house = House(tmp_path, signed_in)
    for wrong in ({"aud": "another"}, {"iss": "http://else"}, {"exp": 1}, {"nonce": "another"}):
        signed_in.claims = {**ADA, **wrong}
        browser = house.browser()
        answer = house.sign_in(browser)
        assert answer.status_code == 403 and "was not finished" in answer.text, wrong
        assert house.person(browser) is None
    signed_in.claims, signed_in.key = dict(ADA), RSAKey.generate_key(2048, {"kid": "one"})
    browser = house.browser()
    assert house.sign_in(browser).status_code == 403 and house.person(browser) is None


def test_an_answer_counts_once_and_in_the_browser_that_asked(tmp_path, signed_in):
    house = House(tmp_path, signed_in)
    browser, other = house.browser(), house.browser()
    assert house.sign_in(browser, state="another").status_code == 403
    assert house.sign_in(browser, code="another").status_code == 403
    assert browser.get("/signed-in?error=access_denied").status_code == 403
    step = browser.get("/signin")
    back = urlsplit(httpx.get(step.headers["location"]).headers["location"])
    assert other.get(f"/signed-in?{back.query}").status_code == 403, "it was begun elsewhere"
    assert browser.get(f"/signed-in?{back.query}").status_code == 303
    assert browser.get(f"/signed-in?{back.query}").status_code == 403, "it was used"
    assert house.person(browser) == OWNER and house.person(other) is None


def test_behind_a_proxy_people_are_sent_back_to_the_address_they_came_to(tmp_path, signed_in):
    house = House(
        tmp_path,
        signed_in,
        GLYPHLAB_TRUSTED_PROXIES="*",
        GLYPHLAB_ALLOWED_HOSTS="lab.example.org",
    )
    said = {"x-forwarded-proto": "https", "x-forwarded-prefix": "/lab"}
    browser = house.browser("http://lab.example.org", **said)
    step = browser.get("/signin")
    assert "secure" in step.headers["set-cookie"].lower()
    asked = dict(parse_qsl(urlsplit(step.headers["location"]).query))
    assert asked["redirect_uri"] == "https://lab.example.org/lab/signed-in"


def test_a_provider_that_is_away_is_said_and_the_key_still_opens(tmp_path, provider):
    house = House(tmp_path, provider, GLYPHLAB_OIDC_URL="http://127.0.0.1:9")
    browser = house.browser()
    answer = browser.get("/signin")
    assert answer.status_code == 502 and "Enter the key" in answer.text
    entered = browser.post("/enter", data={"key": "a-key-of-twelve-and-more"})
    assert entered.status_code == 303 and house.person(browser) == OWNER


def test_the_front_door_offers_it_where_it_was_set_up_and_can_be_reached(tmp_path, provider):
    there = House(tmp_path / "there", provider, "class").browser().get("/join").text
    assert 'href="signin"' in there and "Sign in with 127.0.0.1" in there
    for more in ({"GLYPHLAB_OFFLINE": "1"}, {"GLYPHLAB_OIDC_URL": ""}):
        browser = House(tmp_path / "not", provider, "class", **more).browser()
        assert "signin" not in browser.get("/join").text
        assert browser.get("/signin").status_code == 404


def test_half_a_provider_is_refused_at_the_start(tmp_path, capsys):
    environ = {"GLYPHLAB_HOME": str(tmp_path), "GLYPHLAB_OIDC_URL": "https://id.example.org"}
    assert serve(environ) == 2
    said = capsys.readouterr().err
    assert "GLYPHLAB_OIDC_CLIENT" in said and "GLYPHLAB_OWNERS" in said and said.count("\n") == 1
    with pytest.raises(SettingsError, match="OIDC_URL"):
        read_settings({"GLYPHLAB_OIDC_URL": "http://id.example.org"})


def test_a_space_gives_its_provider_and_its_author_leads():
    space = {
        "SPACE_ID": "Ada/glyphlab",
        "SPACE_AUTHOR_NAME": "Ada",
        "OPENID_PROVIDER_URL": "https://huggingface.co",
    }
    alone = read_settings(space)
    assert offered_by(alone) == "", "the README of this Space does not ask for it"
    check_sign_in(alone, space)
    space |= {"OAUTH_CLIENT_ID": "client", "OAUTH_CLIENT_SECRET": "secret"}
    settings = read_settings(space)
    assert offered_by(settings) == "huggingface.co" and settings.owners == "ada"
    assert read_settings({**space, "GLYPHLAB_OWNERS": "Ben"}).owners == "ben"
    elsewhere = {name: value for name, value in space.items() if name != "SPACE_ID"}
    assert offered_by(read_settings(elsewhere)) == ""


def test_only_what_the_provider_stands_for_is_a_name():
    assert names_of({"sub": "7", "preferred_username": "Ada"}) == {"7", "ada"}
    assert names_of({"email": "a@b.c", "email_verified": "true", "sub": 5}) == set()
    assert names_of({"preferred_username": "a@b.c"}) == names_of({}) == set()
