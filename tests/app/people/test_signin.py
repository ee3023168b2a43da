"""Who leads comes in by a provider that speaks OpenID Connect, and nobody else does: through the lab's
door, with a provider that listens on this machine.
"""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from front_door import ADA, OUTER, House
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
    back = urlsplit(httpx.get(step.headers["location"], timeout=900).headers["location"])
    assert other.get(f"/signed-in?{back.query}").status_code == 403, "it was begun elsewhere"
    assert browser.get(f"/signed-in?{back.query}").status_code == 303
    assert browser.get(f"/signed-in?{back.query}").status_code == 403, "it was used"
    assert house.person(browser) == OWNER and house.person(other) is None


@pytest.mark.parametrize(
    "owners, claims, leads",
    [
        ("sub:5f17", {"sub": "5f17"}, True),
        ("sub:5f17", {"sub": "9", "preferred_username": "5f17"}, False),
        ("sub:5f17", {"sub": "9", "preferred_username": "sub:5f17"}, False),
        ("sub:5f17", {"sub": "5F17"}, False),
        ("sub:a@b.c", {"sub": "9", "email": "sub:a@b.c", "email_verified": True}, False),
        ("alice", {"sub": "alice", "preferred_username": "eve"}, False),
        ("Alice", {"sub": "9", "preferred_username": "aLICE"}, True),
        ("name:1234", {"sub": "9", "preferred_username": "1234"}, True),
        ("name:1234", {"sub": "1234", "preferred_username": "eve"}, False),
        ("sasha", {"sub": "9", "preferred_username": "sa\u017fha"}, False),
        ("kim", {"sub": "9", "preferred_username": "\u212aim"}, False),
        ("stra\u00dfe", {"sub": "9", "preferred_username": "strasse"}, False),
    ],
)
def test_an_id_is_no_name_and_a_name_no_id(tmp_path, signed_in, owners, claims, leads):
    house = House(tmp_path, signed_in, GLYPHLAB_OWNERS=owners)
    signed_in.claims, browser = claims, house.browser()
    assert house.sign_in(browser).status_code == (303 if leads else 403)
    assert (house.person(browser) == OWNER) == leads


@pytest.mark.parametrize(
    "entry",
    [
        "123456",
        "5f17f0a0925b9863e28ad517",
        "8E0F4D2A-0b1c-4f6e-9a7d-1c2b3a4d5e6f",
        "auth0|x",
        "id:7",
        "sub:",
    ],
)
def test_a_bare_id_among_the_owners_is_refused_with_what_to_write(entry):
    with pytest.raises(SettingsError, match="sub:ID"):
        read_settings({"GLYPHLAB_OWNERS": f"ada,{entry}"})
    kept = read_settings({"GLYPHLAB_OWNERS": "Ada, sub:5F17, name:7, A@B.c, mary-ann.2"}).owners
    assert kept == "ada,sub:5F17,7,a@b.c,mary-ann.2"


def test_who_is_taken_off_the_list_leads_no_longer(tmp_path, signed_in):
    house = House(tmp_path, signed_in, GLYPHLAB_OWNERS="ada,ben")
    browser, by_key = house.browser(), house.browser()
    house.sign_in(browser)
    by_key.post("/enter", data={"key": "a-key-of-twelve-and-more"})
    for more, stays in (
        ({"GLYPHLAB_OWNERS": "ada,eve"}, True),
        ({"GLYPHLAB_OWNERS": "ben"}, False),
        ({"GLYPHLAB_OWNERS": "ada", "GLYPHLAB_OIDC_URL": "https://id.example.org"}, False),
        ({"GLYPHLAB_OWNERS": "ada", "GLYPHLAB_OIDC_CLIENT": "another"}, False),
        ({"GLYPHLAB_OWNERS": "ada", "GLYPHLAB_OIDC_URL": ""}, False),
    ):
        later = House(tmp_path, signed_in, **more)
        assert (later.person(browser) == OWNER) == stays, more
        assert later.person(by_key) == OWNER, "the key is the same"


def test_what_proves_a_sign_in_is_in_one_cookie_until_it_was_used(tmp_path, signed_in):
    proxy = {"GLYPHLAB_TRUSTED_PROXIES": "*", "GLYPHLAB_ALLOWED_HOSTS": "lab.example.org"}
    house = House(tmp_path, signed_in, **proxy)
    secure = house.browser("http://lab.example.org", **{"x-forwarded-proto": "https"})
    given = [one.lower() for one in secure.get("/signin").headers.get_list("set-cookie")]
    own = [one for one in given if "-signin=" in one]
    assert len(own) == 1 and not any(OUTER in one for one in given)
    assert all(part in own[0] for part in ("httponly", "samesite=lax", "secure", "max-age=600;"))
    for end in ("?error=access_denied", "?state=another&code=x", ""):
        browser = house.browser()
        browser.get("/signin")
        assert any("-signin" in name for name in browser.cookies)
        browser.get(f"/signed-in{end}")
        assert not any("-signin" in name or name == OUTER for name in browser.cookies), end
    browser = house.browser()
    house.sign_in(browser)
    assert list(browser.cookies) == [house.admission.cookie_name]


def test_what_others_say_is_one_line_of_the_log(tmp_path, signed_in, caplog):
    house, browser = House(tmp_path, signed_in), None
    evil = "x\x1b[2J\n  the teacher: http://evil.example/?token=abc\n\u202e"
    browser = house.browser()
    browser.get("/signin")
    browser.get("/signed-in", params={"error": evil, "error_description": "y\x07" * 9_000})
    signed_in.about = {"issuer": evil}
    House(tmp_path, signed_in).browser().get("/signin")
    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) == 2 and all(line.isprintable() and len(line) < 400 for line in lines), lines
    signed_in.reset({"sub": "1", "preferred_username": "eve\u202e\x1b"})
    assert "eve\\u202e" in house.sign_in(house.browser()).text


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
    assert names_of({"sub": "7", "preferred_username": "Ada"}) == {"sub:7", "ada"}
    assert names_of({"sub": "", "preferred_username": "sub:7"}) == set()
    assert names_of({"sub": "Ada@b.c"}) == {"sub:Ada@b.c"}
    assert names_of({"email": "a@b.c", "email_verified": "true", "sub": 5}) == set()
    assert names_of({"preferred_username": "a@b.c"}) == names_of({}) == set()
