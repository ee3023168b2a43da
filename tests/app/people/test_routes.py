"""The page by which students join: what it tells those who were in the class."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from front_door import House

from app.doors.limits import Rate
from engine.files.atomic import write_bytes
from engine.people.work import with_work

PAGE = {"accept": "text/html"}


@pytest.fixture
def house(tmp_path):
    return House(tmp_path, SimpleNamespace(url="http://127.0.0.1:9"), "class")


def told(house: House, shown: str) -> str:
    """What /join says to a browser with this pass."""
    browser = house.browser()
    browser.cookies.set(house.admission.cookie_name, shown)
    return browser.get("/join", headers=PAGE).text


def test_who_was_in_the_class_is_told_on_the_page_to_join_why_they_are_not(house):
    room = house.room
    ada, ben = (room.join(room.now().code, name) for name in ("Ada", "Ben"))
    shown = room.pass_of(ada), room.pass_of(ben)
    room.send_away(ada.id)
    assert "You are not in the class any more. Your teacher took your name" in told(house, shown[0])
    drawing = room.folder.parent / "students" / ben.id / "drawings" / "7" / "a.png"
    write_bytes(drawing, b"")
    room.dismiss(keep={ben.id})
    page = told(house, shown[1])
    assert "The lesson has ended. What you made stays with your teacher" in page
    assert page.index("The lesson has ended") < page.index("Join the class")
    room.dismiss(keep=set())
    for one in shown:
        page = told(house, one).replace("&#x27;", "'")
        assert "Your name is not on your teacher's list any more" in page and "let you" not in page


def joining(house: House, code: str, name: str):
    answer = house.browser().post("/join", data={"code": code, "name": name}, headers=PAGE)
    return answer.status_code, answer.text


def test_a_right_code_is_no_guess_whatever_else_is_in_the_way(house):
    code = house.room.now().code
    house.room.join(code, "Ada")
    for _ in range(30):
        status, page = joining(house, code, "Ada")
        assert status == 403 and "is called 'Ada' already" in page.replace("&#x27;", "'")
    assert joining(house, code.upper(), "Ben")[0] == 303


def test_one_address_can_not_fill_the_class_at_once(house):
    code = house.room.now().code
    house.admission.joining = Rate(per_second=1e-6, burst=5)
    for number in range(5):
        assert joining(house, code, f"S{number}")[0] == 303
    status, page = joining(house, code, "Zoe")
    assert status == 429 and "Many have joined from here" in page and "Zoe" in page
    assert joining(house, "wrong", "Zoe")[0] == 403
    assert len(house.room.now().students) == 5


def test_a_stranger_is_told_nothing_of_a_lesson(house):
    house.room.dismiss(keep=set())
    for shown in ("", "nonsense"):
        page = told(house, shown)
        assert "Join the class" in page and 'role="alert"' not in page and "ended" not in page


def in_words(house: House) -> str:
    """The page to join by, in one line of text."""
    return " ".join(told(house, "").replace("&#x27;", "'").split())


def test_the_page_to_join_by_says_that_the_class_is_locked_and_who_comes_in_all_the_same(house):
    words = "The class is locked: nobody new can join until the teacher unlocks it."
    assert words not in in_words(house)
    code = house.room.now().code
    ada = house.room.join(code, "Ada")
    house.room.lock(True)
    said = in_words(house)
    assert words in said and "With a code of your own, from a slip" in said
    status, page = joining(house, code, "Ben")
    assert status == 403 and "The class is locked. Ask your teacher" in page and words not in page
    assert joining(house, house.room.back_code(ada.id), "Ada")[0] == 303
    house.room.lock(False)
    assert words not in in_words(house)


def test_the_page_to_join_by_says_how_long_name_and_cookie_are_kept(house):
    """Which is what the class does: a name stays with its work, and a lesson's end voids every cookie."""
    said, room = in_words(house), house.room
    assert "for a week at most: it is void as soon as the teacher ends the lesson" in said
    assert "only if nothing that you made is there then" in said
    assert "When that lesson ends" not in said
    ada, ben = (room.join(room.now().code, name) for name in ("Ada", "Ben"))
    shown = room.pass_of(ada)
    write_bytes(room.folder.parent / "students" / ada.id / "drawings" / "7" / "a.png", b"")
    room.dismiss(with_work(room.folder.parent, [ada.id, ben.id]))
    assert room.person_of(shown) is None and room.knows(ada.id) and not room.knows(ben.id)
