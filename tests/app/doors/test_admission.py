"""Who comes in at which address, in each mode: asked of the real door, with a stand-in behind it."""

from __future__ import annotations

import asyncio
import time

import pytest
from at_the_door import DOORS, Inside, ask, example, typed
from own_loop import run

from app.doors.addresses import addresses_of
from app.doors.admission import NEWCOMERS, admission_of, check_reach, cookie_name
from app.doors.guard import Guard
from app.doors.limits import MOST_OF_PERSON, Attempts, Crowded, Limits, Rate, Turns
from app.doors.open_pages import has_page_open
from app.doors.proxies import proxies_of
from app.doors.table import ALL, ANYONE, LEADERS, lab_table
from app.people.presence import AWAY_SECONDS
from engine.errors import SettingsError
from engine.lab import MOST_VISITS
from engine.people.classroom import Classroom
from engine.people.person import OWNER, TEACHER
from engine.settings import read_settings

HOST = ("host", "localhost:7860")
PAGE = (HOST, ("accept", "text/html"))
KEY = "a-key-of-twelve-and-more"


class House:
    """A door and the classroom behind it."""

    def __init__(self, home, mode: str, key: str = KEY, rates=None, **environ: str) -> None:
        environ |= {"GLYPHLAB_HOME": str(home), "GLYPHLAB_MODE": mode, "GLYPHLAB_KEY": key}
        settings = read_settings(environ)
        self.room, self.inside = Classroom(home, settings), Inside()
        self.door = Guard(
            self.inside,
            lab_table(["train"]),
            addresses_of(settings, environ),
            proxies_of(settings, environ),
            1000,
            admission=admission_of(self.room, settings, environ),
            rates=rates,
        )

    def status(self, path: str, method: str = "GET", *headers: tuple[str, str]) -> int:
        return ask(self.door, path, method, headers=(HOST, *headers))[0]

    def shown(self, person) -> tuple[str, str]:
        return ("cookie", f"{cookie_name(7860)}={self.room.pass_of(person)}")


@pytest.fixture
def klass(tmp_path):
    return House(tmp_path, "class")


def test_strangers_come_to_the_open_doors_of_a_class_and_to_no_other(klass):
    ada = klass.room.join(klass.room.now().code, "Ada")
    seen = set()
    for method, pattern, door in DOORS:
        path, sent = example(pattern), typed(door)
        klass.inside.reached = 0
        assert klass.status(path, method, *sent) == (
            200 if door.who == ANYONE else 403 if method == "WEBSOCKET" else 401
        ), path
        assert klass.status(path, method, klass.shown(TEACHER), *sent) == 200
        allowed = "student" in door.who.split() or door.who == ANYONE
        assert klass.status(path, method, klass.shown(ada), *sent) == (200 if allowed else 403)
        assert klass.inside.reached == 1 + (door.who == ANYONE) + allowed
        seen.add(door.who)
    assert seen == {ALL, ANYONE, LEADERS}


def test_a_stranger_at_a_page_is_sent_to_the_join_page_wherever_the_page_is(klass):
    for path, to in (("/", "join"), ("/train", "join"), ("/train/", "../join")):
        status, headers = ask(klass.door, path, headers=PAGE)
        assert (status, headers["location"]) == (303, to)
    assert klass.inside.reached == 0


def test_the_key_is_taken_out_of_the_address_for_a_pass(tmp_path):
    for mode, person in (("own", OWNER), ("class", TEACHER), ("public", OWNER)):
        house = House(tmp_path / mode, mode)
        status, headers = with_query(house, "/train", f"token={KEY}&run=x%20y")
        assert (status, headers["location"]) == (303, "train?run=x+y")
        name, _, shown = headers["set-cookie"].split(";")[0].partition("=")
        assert name == cookie_name(7860) and house.room.person_of(shown) == person
        assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(headers["set-cookie"].split("; "))
        assert with_query(house, "/", "token=another-key-of-twelve")[0] == 403
        assert house.status("/train", "GET", ("authorization", f"Bearer {KEY}")) == 200
        assert house.status("/train", "GET", ("cookie", f"{name}={shown}")) == 200


def test_an_owners_lab_beyond_this_machine_is_shut_without_the_key(tmp_path):
    house = House(tmp_path, "own")
    assert house.status("/train") == 401 and house.status("/_stcore/stream", "WEBSOCKET") == 403
    assert house.status("/train", "GET", ("authorization", f"Bearer {KEY}x")) == 401
    assert House(tmp_path / "plain", "own", key="").door.admission is None


@pytest.mark.parametrize(
    ("host", "more", "open_"),
    [
        ("127.0.0.1", {}, True),
        ("::1", {}, True),
        ("localhost", {}, True),
        ("0.0.0.0", {}, False),
        ("192.168.1.5", {}, False),
        ("lab.example.org", {}, False),
        ("", {}, False),
        ("127.0.0.1", {"GLYPHLAB_TRUSTED_PROXIES": "127.0.0.1"}, False),
        ("127.0.0.1", {"GLYPHLAB_ALLOWED_HOSTS": "lab.example.org"}, False),
        ("127.0.0.1", {"GLYPHLAB_TRUSTED_PROXIES": "10.0.0.1", "GLYPHLAB_KEY": "auto"}, True),
        ("0.0.0.0", {"GLYPHLAB_KEY": "auto"}, True),
        ("0.0.0.0", {"GLYPHLAB_MODE": "class"}, True),
        ("0.0.0.0", {"SPACE_ID": "me/lab"}, True),
    ],
)
def test_the_lab_does_not_listen_to_others_without_a_key_or_a_mode(host, more, open_):
    settings = read_settings({"GLYPHLAB_HOST": host, **more})
    if open_:
        check_reach(settings)
    else:
        with pytest.raises(SettingsError, match="open to all"):
            check_reach(settings)


def test_everybody_visits_a_public_lab_and_each_browser_is_somebody(tmp_path):
    house = House(tmp_path, "public")
    status, headers = ask(house.door, "/train", headers=PAGE)
    shown = headers["set-cookie"].split(";")[0].partition("=")[2]
    guest = house.room.person_of(shown)
    assert status == 200 and guest.role == "visitor" and guest.id
    again = (*PAGE, ("cookie", f"{cookie_name(7860)}={shown}"))
    assert "set-cookie" not in ask(house.door, "/train", headers=again)[1]
    assert house.status("/canvas/gradio_api/info") == 200, "a program without cookies"
    put = ("PUT", ("content-type", "multipart/form-data; boundary=x"))
    assert house.status("/_stcore/upload_file/a/b", *put) == 403
    assert house.status("/_stcore/upload_file/a/b", *put, house.shown(OWNER)) == 200


def test_one_address_can_not_take_all_places_of_visitors(tmp_path):
    house = House(tmp_path, "public")
    came = [ask(house.door, "/train", headers=PAGE) for _ in range(40)]
    assert [status for status, _ in came] == [200] * 40
    given = sum("set-cookie" in headers for _, headers in came)
    assert given == NEWCOMERS[1] and given + AWAY_SECONDS * NEWCOMERS[0] < MOST_VISITS


def test_a_framed_lab_asks_browsers_to_send_its_cookie_there_too(tmp_path):
    environ = {"SPACE_ID": "me/lab", "SPACE_HOST": "me-lab.hf.space"}
    house = House(tmp_path, "public", **environ)
    headers = (("host", "me-lab.hf.space"), PAGE[1], ("x-forwarded-proto", "https"))
    cookie = ask(house.door, "/train", headers=headers)[1]["set-cookie"].split("; ")
    assert {"SameSite=None", "Secure", "Partitioned"} <= set(cookie)


def test_wrong_keys_have_to_wait_and_the_right_one_does_not(klass):
    for _ in range(30):
        assert with_query(klass, "/", "token=wrong-wrong-wrong")[0] in (403, 429)
    status, headers = with_query(klass, "/", "token=wrong-wrong-wrong")
    assert status == 429 and 0 < int(headers["retry-after"]) <= 60
    assert with_query(klass, "/", f"token={KEY}")[0] == 303


def test_guesses_come_one_after_the_other_and_the_right_key_among_them(klass):
    klass.door.admission.turns = Turns(seconds=0.02)
    for _ in range(30):
        with_query(klass, "/", "token=wrong-wrong-wrong")
    begun = time.monotonic()
    assert {with_query(klass, "/", "token=wrong-wrong-wrong")[0] for _ in range(10)} == {429}
    assert time.monotonic() - begun >= 9 * 0.02
    assert with_query(klass, "/", f"token={KEY}")[0] == 303
    assert klass.status("/metrics", "GET", ("authorization", f"Bearer {KEY}")) == 200


def test_of_those_who_wait_for_their_turn_there_are_so_many_and_others_have_their_own():
    async def all_at_once() -> tuple[list[bool], bool]:
        turns = Turns(seconds=0.3, most=3)
        come = await asyncio.gather(*(turns.come("10.0.0.1") for _ in range(6)))
        return come, await turns.come("10.0.0.2")

    assert run(all_at_once()) == ([True] * 4 + [False] * 2, True)


def test_strangers_who_are_sent_away_have_a_pace_and_take_nobody_elses(tmp_path):
    klass = House(tmp_path, "class", rates=(Rate(0.01, 3), Rate(0.01, 6)))
    ada = klass.room.join(klass.room.now().code, "Ada")
    answers = [with_query(klass, "/", "token=wrong-wrong-wrong")[0] for _ in range(8)]
    assert answers == [403] * 3 + [429] * 5
    assert [klass.status("/train") for _ in range(2)] == [429] * 2
    assert with_query(klass, "/", f"token={KEY}")[0] == 303
    assert [klass.status("/train", "GET", klass.shown(ada)) for _ in range(3)] == [200] * 3


def test_who_asks_too_often_is_told_when_to_come_again(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    rate, tries = Rate(per_second=2, burst=3, clients=2), Attempts(most=2, seconds=60)
    assert [rate.wait_seconds("a") for _ in range(4)] == [0, 0, 0, 1]
    assert rate.wait_seconds("b") == 0
    now[0] += 0.5
    assert [rate.wait_seconds("a") for _ in range(2)] == [0, 1]
    tries.failed("10.0.0.1")
    assert tries.wait_seconds("10.0.0.1") == 0
    tries.failed("10.0.0.1")
    assert tries.wait_seconds("10.0.0.1") == 60 and tries.wait_seconds("10.0.0.2") == 0
    now[0] += 61
    assert tries.wait_seconds("10.0.0.1") == 0


def test_one_person_opens_no_more_than_their_share():
    limits, opened = Limits(1000), []
    for _ in range(MOST_OF_PERSON["websocket"]):
        opened.append(limits.entered("10.0.0.1", "websocket", "ada"))
        opened[-1].__enter__()
    with pytest.raises(Crowded), limits.entered("10.0.0.1", "websocket", "ada"):
        pass
    with limits.entered("10.0.0.1", "websocket", "ben"):
        pass
    opened.pop().__exit__(None, None, None)
    with limits.entered("10.0.0.2", "websocket", "ada"):
        pass


def test_one_person_who_asks_without_end_gets_429_and_others_do_not(tmp_path):
    klass = House(tmp_path, "class", rates=(Rate(0.01, 3), Rate(0.01, 6)))
    room, code = klass.room, klass.room.now().code
    ada, ben = room.join(code, "Ada"), room.join(code, "Ben")
    answers = [klass.status("/train", "GET", klass.shown(ada)) for _ in range(4)]
    assert answers == [200, 200, 200, 429]
    assert klass.status("/train", "GET", klass.shown(ben)) == 200
    assert klass.status("/healthz") == 200
    assert klass.status("/healthz") == 429, "all behind one address count together as well"


def with_query(house: House, path: str, query: str) -> tuple[int, dict[str, str]]:
    class Asking:
        async def __call__(self, scope, receive, send):
            await house.door({**scope, "query_string": query.encode()}, receive, send)

    return ask(Asking(), path)


def test_a_student_is_here_while_a_page_of_theirs_is_open(klass):
    ada = klass.room.join(klass.room.now().code, "Ada")
    here: list[bool] = []

    async def watching(scope, receive, send) -> None:
        here.append(has_page_open(ada.id))
        await Inside()(scope, receive, send)

    klass.door.app = watching
    heartbeat = "/canvas/gradio_api/heartbeat/abc"
    for path, method in (("/_stcore/stream", "WEBSOCKET"), (heartbeat, "GET"), ("/train", "GET")):
        assert klass.status(path, method, klass.shown(ada)) == 200
    assert here == [True, True, False] and not has_page_open(ada.id) and not has_page_open("")


def test_a_program_without_a_pass_counts_by_its_address(tmp_path):
    """Whoever keeps no cookie had as many pages as all behind an address, at no pace."""
    house, open_now = House(tmp_path, "public"), []

    async def watching(scope, receive, send) -> None:
        open_now.append(len(open_now))
        if len(open_now) < 20:
            house.status("/_stcore/stream", "WEBSOCKET")
        await Inside()(scope, receive, send)

    house.door.app = watching
    assert house.status("/_stcore/stream", "WEBSOCKET") == 200
    assert len(open_now) == MOST_OF_PERSON["websocket"]


def test_wrong_keys_of_others_behind_an_address_keep_nobody_with_the_right_one_out(klass):
    for _ in range(32):
        assert klass.status("/train", "GET", ("authorization", f"Bearer {KEY}x")) == 401
    assert klass.status("/train", "GET", ("authorization", f"Bearer {KEY}")) == 200
