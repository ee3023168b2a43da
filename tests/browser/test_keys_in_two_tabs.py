"""Two tabs of one browser on one page that labels by keyboard: a key counts in the tab where it is pressed, for
the image that is shown there, also where the other tab has decided about it or the lab was started again.
"""

from __future__ import annotations

import pytest
from noisy_labels import diagnosed
from playwright.sync_api import expect
from scans import upload_scans
from waiting import keys_are_heard
from weblab import Server

from engine.lab import Lab

SCANS, MODEL = 30, "canvas-digits"


@pytest.fixture
def lab(tmp_path) -> Lab:
    return Lab(tmp_path)


class Tab:
    """One of two tabs, on a page whose image is named by `title`."""

    def __init__(self, context, address: str) -> None:
        self.page = context.new_page()
        self.page.goto(address)
        self.image = self.page.locator(".st-key-candidate figure a").first
        self.image.wait_for(timeout=180_000)
        self.page.locator(".keys").wait_for(state="attached")

    @property
    def shown(self) -> str:
        return self.image.get_attribute("title")

    def press(self, key: str) -> str:
        """Press a key and wait until the next image is shown; the image that it was for."""
        self.page.bring_to_front()
        keys_are_heard(self.page)
        was = self.shown
        self.page.locator("body").press(key)
        expect(self.image).not_to_have_attribute("title", was, timeout=60_000)
        return was

    @property
    def session(self) -> str:
        return self.page.locator(".keys").get_attribute("data-session")

    def drawn_anew(self, before: str) -> None:
        """Wait until the page is drawn by the lab that was started again, in another session."""
        self.page.bring_to_front()
        keys, app = self.page.locator(".keys"), self.page.locator('[data-testid="stApp"]')
        expect(keys).not_to_have_attribute("data-session", before, timeout=120_000)
        expect(app).to_have_attribute("data-test-script-state", "notRunning", timeout=60_000)


def written(lab: Lab, data: str) -> list[tuple[str, str]]:
    return [(entry.samples[0], entry.to[0]) for entry in lab.labels.decisions(data).entries()]


def in_two_tabs(browser, lab: Lab, data: str, path: str) -> None:
    """Keys in one tab, in the other, and in both after the lab was started again."""
    server = Server(lab.home)
    context = browser.new_context(viewport={"width": 1280, "height": 1000})
    context.set_default_timeout(60_000)
    try:
        one, two = Tab(context, server.address + path), Tab(context, server.address + path)
        shared = one.shown
        assert two.shown == shared
        wanted = [(one.press("1"), "1"), (one.press("2"), "2")]
        assert two.shown == shared, "the other tab still shows what it showed"
        wanted.append((two.press("3"), "3"))
        assert wanted[2][0] == shared == wanted[0][0]
        two.page.get_by_text("was labelled 1 under your name meanwhile").wait_for()
        assert two.shown not in {name for name, _ in wanted}, "what the other tab decided is done"
        assert written(lab, data) == wanted

        before = one.session, two.session
        server.stop(9)
        for tab in (one, two):
            app = tab.page.locator('[data-testid="stApp"]')
            expect(app).not_to_have_attribute("data-test-connection-state", "CONNECTED")
        server.log.close()
        server = Server(lab.home, port=server.port)
        for tab, session in zip((one, two), before, strict=True):
            tab.drawn_anew(session)
        shared = two.shown
        assert one.shown == shared and shared not in {name for name, _ in wanted}
        wanted.append((two.press("4"), "4"))
        wanted.append((one.press("5"), "5"))
        assert [name for name, _ in wanted[3:]] == [shared, shared]
        assert written(lab, data) == wanted
    finally:
        server.close()
        context.close()


def test_the_review_in_two_tabs(browser, lab):
    diagnosed(lab, "rare", 0.05)
    in_two_tabs(browser, lab, "noisy", "/noise?data=noisy&section=review")


def test_the_page_label_in_two_tabs(browser, lab):
    upload_scans(lab, SCANS)
    lab.spaces.embed(MODEL, "scans", "all")
    in_two_tabs(browser, lab, "scans", f"/label?data=scans&model={MODEL}")
