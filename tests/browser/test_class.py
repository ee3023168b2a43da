"""A lesson in a real browser: a teacher at a projector and students at their phones."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from browsing import PATIENCE_MS
from hands import SYMBOLS
from playwright.sync_api import expect
from waiting import place_at_rest, wait_until
from weblab import Server, add_run

from engine.errors import RightsError
from engine.lab import Lab
from engine.runs.run import create_run
from engine.settings import read_settings

KEY = "the-key-of-a-test"
PHONE = {"width": 390, "height": 844}
SHOTS = os.environ.get("GLYPHLAB_SHOTS")  # a folder for pictures of what the test saw


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    home = tmp_path_factory.mktemp("class")
    environ = {"GLYPHLAB_HOME": str(home), "GLYPHLAB_MODE": "class", "GLYPHLAB_KEY": KEY}
    lab = Lab(home, read_settings(environ))
    lab.own = add_run(lab, name="the teacher's").id
    lab.server = Server(home, GLYPHLAB_MODE="class", GLYPHLAB_KEY=KEY)
    yield lab
    lab.server.close()


class Visitor:
    """A browser of one person's own, in which nothing may go wrong."""

    def __init__(self, browser, lab: Lab, **viewport: int) -> None:
        self.context = browser.new_context(viewport=viewport)
        self.context.set_default_timeout(PATIENCE_MS)
        self.page, self.lab, self.wrong = self.context.new_page(), lab, []
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))

    def go(self, path: str) -> None:
        self.page.goto(self.lab.server.address + path)

    def join(self, name: str) -> None:
        self.go(f"/join?code={self.lab.classroom.now().code}")
        self.page.get_by_label("Your name").fill(name)
        self.shoot("join")
        self.page.get_by_role("button", name="Join").click()

    def sees(self, text: str) -> None:
        self.page.get_by_text(text).first.wait_for()

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).first.click()

    def shoot(self, name: str) -> None:
        if SHOTS:
            self.page.screenshot(path=Path(SHOTS) / f"{name}.png", full_page=True)

    def shown_pass(self) -> str:
        """What the browser shows at the lab's door."""
        (cookie,) = (
            one for one in self.context.cookies() if one["name"].startswith("glyphlab-pass")
        )
        return cookie["value"]

    def close(self) -> None:
        assert not self.page.locator('[data-testid="stException"]').count()
        self.context.close()
        assert not self.wrong


def test_a_lesson(browser, lab):
    """One teacher and five students, each in a browser of their own, the students' as wide as a phone."""
    teacher = Visitor(browser, lab, width=1280, height=1000)
    ada, ben, cyd, dee, eve = students = [Visitor(browser, lab, **PHONE) for _ in range(5)]
    teacher.go(f"/classroom?token={KEY}")
    teacher.sees("Nobody has joined yet.")
    assert KEY not in teacher.page.url
    ada.go("/train")
    ada.sees("Join the class")  # a stranger is sent there, whatever they asked for
    ada.join("Ada")
    ben.join("ada")
    ben.sees("Somebody is called 'ada' already")
    for name, one in zip(("Ben", "Cyd", "Dee", "Eve"), students[1:], strict=True):
        one.join(name)
        one.sees("Classroom")
        one.page.goto("about:blank")  # pages that nobody looks at would be drawn all the same
    teacher.sees("5 students")

    draws(eve)
    teaches(ben)
    teacher.page.get_by_label("What to try").fill("Try other rates.")
    teacher.page.keyboard.press("Enter")
    teacher.page.get_by_role("button", name="Assign").wait_for()
    assert lab.lessons.assignment() is None, "it is handed out by its button alone"
    teacher.press("Assign")
    teacher.sees("Withdraw")
    ada.go("/")
    ada.page.get_by_text("Your assignment", exact=True).click()
    ada.sees("Try other rates.")
    ada.shoot("student")
    ada.page.get_by_text("Open the recipe", exact=True).click()
    ada.press("Start")
    run = wait_until(lambda: next((one for one in lab.runs() if one.by == "Ada"), None))
    own = {one.name: one.id for one in lab.classroom.now().students}
    for name in ("Cyd", "Dee"):  # whose runs on the assignment have ended
        ended = add_run(lab, name=f"quick of {name}")
        ended.write_status(owner=own[name], by=name)
    teacher.page.locator('[class*="st-key-desk"]', has_text="1 run ·").first.wait_for()
    teacher.shoot("wall")

    ben.go(f"/models?model={lab.own}")
    ben.sees("You may not delete another person's run.")
    ben.shoot("refused")
    assert not ben.page.get_by_role("button", name="Delete", exact=True).count()
    with pytest.raises(RightsError, match="another person's run"):
        lab.for_person(lab.classroom.person_of(ben.shown_pass())).delete(lab.own)
    assert lab.own in {one.id for one in lab.runs()}

    cyd.go("/classroom")
    cyd.page.get_by_test_id("stDataFrame").wait_for()
    cyd.sees("Of 364 test images.")
    cyd.shoot("leaderboard")
    teacher.page.get_by_text("Locked", exact=True).click()
    wait_until(lambda: lab.classroom.now().locked)
    dee.go("/train?recipe=quick")
    dee.sees("The class is locked. You can look and draw; the rest waits for your teacher.")
    assert dee.page.get_by_role("button", name="Start", exact=True).is_disabled()
    dee.shoot("locked")
    teacher.press("Stop all runs")
    wait_until(lambda: not lab.run(run.id).info().alive)
    teacher.shoot("lesson-over")
    ben.go("/classroom")
    ben.press("Leave the class")
    ben.sees("Join the class")
    ben.go("/train")
    ben.sees("Join the class")
    teacher.sees("4 students")
    teacher.press("Show it large")
    locked = teacher.page.locator(".st-key-join-large h1", has_text="Nobody new can join")
    locked.wait_for()
    teacher.shoot("projector-locked")
    teacher.page.keyboard.press("Escape")
    locked.wait_for(state="detached")
    teacher.page.get_by_text("Locked", exact=True).click()
    wait_until(lambda: not lab.classroom.now().locked)
    teacher.press("Show it large")
    code = lab.classroom.now().code
    teacher.page.locator(".st-key-join-large h1", has_text=f"{code[:4]}-{code[4:]}").wait_for()
    teacher.shoot("projector")
    teacher.page.keyboard.press("Escape")
    teacher.press("Let back in")
    teacher.page.get_by_role("button", name=re.compile("^Ben, left ")).click()
    told = teacher.page.get_by_text("with the same name").first
    told.wait_for()
    teacher.page.keyboard.press("Escape")
    expect(told).to_contain_text("•••• ••••")
    assert told.is_visible(), "without the popover too"
    teacher.shoot("let-back-in")
    teacher.press("Show the code of Ben")
    teacher.page.get_by_role("button", name="Hide the code of Ben").wait_for()
    expect(told).not_to_contain_text("•••• ••••")
    own_code = next(word for word in told.inner_text().split() if word[4:5] == "-")
    teacher.shoot("let-back-in-shown")
    teacher.page.keyboard.press("Enter")  # the button is the same, and has the focus still
    teacher.page.get_by_role("button", name="Show the code of Ben").wait_for()
    expect(told).not_to_contain_text(own_code)
    ben.go(f"/join?code={own_code}")
    ben.page.get_by_label("Your name").fill("Ben")
    ben.page.get_by_role("button", name="Join").click()
    ben.sees("You are Ben.")
    assert lab.classroom.person_of(ben.shown_pass()).id == own["Ben"], "his symbol is his again"
    teacher.press("End the lesson")
    teacher.press("End it")
    teacher.sees("The lesson has ended: everybody is signed out")
    teacher.page.get_by_role("button", name="End it").wait_for(state="hidden")
    teacher.shoot("lesson-ended-teacher")
    teacher.sees("Nobody is in since the lesson ended.")
    teacher.sees("Of 364 test images.")  # the lesson's result is still there
    ben.sees("The lesson has ended.")
    ben.shoot("lesson-ended")
    ben.press("Join again")
    ben.sees("Join the class")
    ben.sees("What you made stays with your teacher")  # also where a page was opened anew
    ben.shoot("lesson-ended-join")
    for one in (teacher, *students):
        one.close()
    logged = (lab.home / "logs" / "requests.jsonl").read_text(encoding="utf-8")
    assert own["Ada"] in logged, "whose work is kept"
    assert own["Eve"] not in logged, "who made nothing is forgotten"


def test_on_a_projector_and_on_a_phone_the_buttons_stand_in_columns(browser, lab):
    """The code is shown large by a button that needs no scrolling."""
    for width, height in ((1024, 768), (390, 844)):
        teacher = Visitor(browser, lab, width=width, height=height)
        teacher.go(f"/classroom?token={KEY}")
        names = (
            "Stop all runs,Let back in,Let all back in,Gather drawings,Clear,Remove,End the lesson"
        )
        shown = [
            teacher.page.get_by_role("button", name=name, exact=True).first
            for name in ("Show it large", *names.split(","))
        ]
        shown[-1].wait_for()

        def in_columns(shown=shown, height=height) -> bool:
            """While the page is still laid out they need not be."""
            boxes = [box for one in shown if (box := one.bounding_box())]
            assert len(boxes) == len(shown)
            return (
                boxes[0]["y"] + boxes[0]["height"] <= height
                and len({round(box["x"]) for box in boxes[1:]}) == 2
                and len({round(box["width"]) for box in boxes[1:]}) == 1
            )

        wait_until(in_columns)
        teacher.shoot(f"classroom-{width}")
        teacher.close()


def test_a_run_that_stops_late_is_cleared_without_a_second_click_and_its_student_is_told(
    browser, lab
):
    lab.classroom.lock(False)
    teacher, mia = (Visitor(browser, lab, width=1280, height=1000) for _ in range(2))
    mia.join("Mia")
    mia.sees("You are Mia.")
    owner = next(one for one in lab.classroom.now().students if one.name == "Mia")
    run = create_run(lab.home, lab.recipe("quick"), owner=owner.id, by="Mia")
    lock = run.take_lock()
    teacher.go(f"/classroom?token={KEY}")
    teacher.press("Clear")
    clear = teacher.page.get_by_role("button", name="Choose whose work to clear")
    clear.wait_for()
    assert clear.is_disabled()
    teacher.shoot("clear-nobody")
    teacher.page.get_by_text("Everybody: ").click()
    teacher.press("Clear everybody's work")
    teacher.sees("1 run is still stopping and goes to the trash by itself after that.")
    teacher.page.get_by_text("Clear everybody's work").wait_for(state="detached")
    teacher.shoot("still-stopping")
    mia.sees("Your teacher has cleared your work")  # without a click
    mia.shoot("cleared-student")
    mia.press("OK")
    mia.page.get_by_text("Your teacher has cleared your work").wait_for(state="detached")
    assert not lab.lessons.is_to_be_told(owner.id)
    lock.release()
    teacher.sees("In the trash now.")
    assert run.id not in {one.id for one in lab.runs()}
    for one in (teacher, mia):
        one.close()


def teaches(one: Visitor) -> None:
    """Draw a 7 on the canvas and give it a name: it is kept for this student alone."""
    draws(one)
    one.page.get_by_label("Name of the symbol").fill("seven of mine")
    one.page.get_by_role("button", name="Add this drawing").click()
    one.sees("is kept.")
    (file,) = one.lab.home.glob("students/*/taught/*/symbol.json")
    assert "seven of mine" in file.read_text(encoding="utf-8")
    assert not (one.lab.home / "taught").exists()


def draws(one: Visitor) -> None:
    """Draw a 7 on the canvas, and see it read."""
    one.go("/canvas/?model=canvas-digits")
    canvas = one.page.locator('#pad [data-role="canvas"]')
    one.page.locator('#pad [data-role="model"] option').first.wait_for(state="attached")
    canvas.scroll_into_view_if_needed()
    box = place_at_rest(canvas)
    for number, (x, y) in enumerate(SYMBOLS["7"][0]):
        x, y = (
            box["x"] + box["width"] * (0.3 + 0.4 * x),
            box["y"] + box["height"] * (0.2 + 0.6 * y),
        )
        one.page.mouse.move(x, y, steps=4)
        if number == 0:
            one.page.mouse.down()
    one.page.mouse.up()
    one.page.locator('[data-role="headline"]', has_text="Most like 7").wait_for()
    one.shoot("drawn")
