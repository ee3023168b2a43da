"""Under which names the lab is served, and whose pages may send to it."""

from __future__ import annotations

import pytest

from app.doors.addresses import addresses_of, split_host
from app.doors.proxies import Proxies, proxies_of
from app.theme import options
from engine.errors import SettingsError
from engine.settings import read_settings


def addresses(**environ: str):
    return addresses_of(read_settings(environ), environ)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("LocalHost.:7860", "localhost"),
        ("[::1]:80", "::1"),
        ("[0:0:0:0:0:0:0:1]", "::1"),
        ("a b", None),
        ("evil.example@localhost", None),
        ("localhost:99999", None),
        ("localhost:", None),
        ("localhost/x", None),
        ("", None),
    ],
)
def test_a_host_has_one_form(text, name):
    assert split_host(text)[0] == name


@pytest.mark.parametrize("host", ["127.0.0.1:7860", "localhost", "[::1]:1", "LOCALHOST.:7860"])
def test_a_lab_of_this_machine_alone_has_three_names(host):
    assert addresses().has(host)


@pytest.mark.parametrize(
    "host",
    [None, "", "evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "0.0.0.0"]
    + ["192.168.1.5", "[::ffff:127.0.0.1]", "127.1", "2130706433", "localhost,evil.example"],
)
def test_any_other_name_is_foreign_to_it(host):
    assert not addresses().has(host)


def test_a_lab_for_other_machines_has_those_of_this_one_and_those_that_are_named():
    import socket

    lab = addresses(GLYPHLAB_HOST="0.0.0.0", GLYPHLAB_ALLOWED_HOSTS="Lab.Example.org., 10.0.0.9")
    for host in ("localhost", socket.gethostname(), "lab.example.org:443", "10.0.0.9"):
        assert lab.has(host)
    assert not lab.has("evil.example") and not lab.has("example.org")
    assert addresses(GLYPHLAB_HOST="192.0.2.7").has("192.0.2.7:7860")
    assert addresses(GLYPHLAB_ALLOWED_HOSTS="*").has("anything.example")
    assert addresses(SPACE_HOST="me-lab.hf.space").has("me-lab.hf.space")


@pytest.mark.parametrize(
    ("origin", "host", "welcome"),
    [
        (None, "localhost:7860", True),
        ("http://localhost:7860", "localhost:7860", True),
        ("http://LOCALHOST.:7860", "localhost:7860", True),
        ("http://[::1]:7860", "[::1]:7860", True),
        ("https://localhost", "localhost", True),
        ("http://localhost:3000", "localhost:7860", False),
        ("http://127.0.0.1:7860", "localhost:7860", False),
        ("http://localhost", "localhost:7860", False),
        ("null", "localhost:7860", False),
        ("", "localhost:7860", False),
        ("file://", "localhost:7860", False),
        ("http://evil.example", "localhost:7860", False),
        ("http://[::1", "localhost:7860", False),
        ("http://localhost:7860@evil.example", "localhost:7860", False),
        ("chrome-extension://localhost:7860", "localhost:7860", False),
    ],
)
def test_only_pages_of_the_lab_itself_may_ask(origin, host, welcome):
    assert addresses().welcome(origin, host) is welcome


def test_pages_of_a_named_host_may_ask_whatever_their_port():
    lab = addresses(GLYPHLAB_ALLOWED_HOSTS="lab.example.org")
    assert lab.welcome("https://lab.example.org", "127.0.0.1:7860")
    assert not addresses(GLYPHLAB_ALLOWED_HOSTS="*").welcome("http://evil.example", "localhost")


def test_a_space_is_framed_by_its_site_and_others_by_setting_only():
    assert addresses().framers == ()
    assert "https://huggingface.co" in addresses(SPACE_ID="me/lab").framers
    assert addresses(GLYPHLAB_FRAMED_BY="https://site.example/").framers == (
        "https://site.example",
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GLYPHLAB_ALLOWED_HOSTS", "https://lab.example"),
        ("GLYPHLAB_TRUSTED_PROXIES", "nginx"),
        ("GLYPHLAB_FRAMED_BY", "site.example"),
        ("GLYPHLAB_FRAMED_BY", "https://a.example; script-src *"),
    ],
)
def test_a_setting_that_can_not_be_one_is_refused(name, value):
    with pytest.raises(SettingsError, match=name):
        read_settings({name: value})


def request(peer: str, **headers: str) -> dict:
    pairs = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return {"type": "http", "client": (peer, 1), "scheme": "http", "headers": pairs}


def test_what_a_stranger_says_about_a_request_is_taken_out():
    sent = request("10.0.0.2", x_forwarded_for="1.2.3.4", x_forwarded_proto="https", accept="*/*")
    seen = Proxies("127.0.0.1").seen(sent)
    assert seen["client"] == ("10.0.0.2", 1) and seen["scheme"] == "http"
    assert seen["headers"] == [(b"accept", b"*/*")]


def test_what_a_named_proxy_says_is_believed_as_far_as_it_could_know():
    sent = request(
        "10.0.0.2", x_forwarded_for="9.9.9.9, 1.2.3.4, 10.0.0.3", x_forwarded_proto="https"
    )
    seen = Proxies("10.0.0.0/8").seen(sent)
    assert seen["client"][0] == "1.2.3.4" and seen["scheme"] == "https"
    assert proxies_of(read_settings({}), {"SPACE_ID": "me/lab"}).trusts("10.1.2.3")
    assert not proxies_of(read_settings({}), {}).trusts("127.0.0.1")


def test_a_line_of_the_clients_own_does_not_hide_what_the_proxy_added():
    sent = request("10.0.0.2", x_forwarded_for="9.9.9.9")
    for added, client in (
        ("1.2.3.4", "1.2.3.4"),
        ("1.2.3.4:5123", "1.2.3.4"),
        ("[2001::1]:80", "2001::1"),
    ):
        line = (b"x-forwarded-for", added.encode())
        seen = Proxies("10.0.0.0/8").seen({**sent, "headers": [*sent["headers"], line]})
        assert seen["client"][0] == client


def test_streamlit_keeps_the_same_names_and_its_own_checks():
    environ = {"GLYPHLAB_ALLOWED_HOSTS": "lab.example.org"}
    table = options(read_settings(environ), environ)
    assert set(table["server.allowedHosts"]) == {"lab.example.org", "localhost", "127.0.0.1", "::1"}
    assert table["server.enableXsrfProtection"] and table["server.enableCORS"]
