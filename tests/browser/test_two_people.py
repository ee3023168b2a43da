"""Two people mend one data set in two browsers, and the server is killed while they do: what a page showed as
done is in the journal, and the journal replays to the same labels.
"""

from __future__ import annotations

from browsing import PATIENCE_MS
from noisy_labels import corrupted
from playwright.sync_api import expect
from waiting import keys_are_heard, wait_until
from weblab import Server

from engine.lab import Lab
from engine.labels.journal import journal_of
from engine.labels.replay import replayed

EACH = 4  # images that each of them labels before the server is killed, and again after it


class Browser:
    """A person at a browser of their own, who labels images one after the other by keyboard."""

    def __init__(self, browser, base: str, name: str, images: list[str]) -> None:
        self.context = browser.new_context(viewport={"width": 1280, "height": 1000})
        self.context.set_default_timeout(PATIENCE_MS)
        self.page, self.base, self.name, self.images = self.context.new_page(), base, name, images
        self.confirmed: dict[str, str] = {}
        self.named = False

    def open(self, image: str) -> None:
        """The image's page, loaded anew; the name is given once in a browser."""
        self.page.goto(f"{self.base}/sample?data=noisy&sample={image}")
        self.page.locator(".st-key-label-classes button").first.wait_for()
        keys_are_heard(self.page)
        if self.named:
            return
        self.page.get_by_role("button", name="Your name", exact=True).click()
        box = self.page.get_by_role("textbox", name="Your name")
        box.fill(self.name)
        box.press("Enter")
        wait_until(lambda: self.name in str(self.context.cookies()))
        self.page.keyboard.press("Escape")
        self.named = True

    def press(self, image: str, label: str) -> None:
        """The key of a class, without waiting for anything."""
        self.page.locator("body").press(label)
        self.images.remove(image)

    def label(self, image: str, label: str) -> None:
        """Label an image, and wait until the page shows it."""
        self.open(image)
        self.press(image, label)
        expect(self.page.get_by_role("heading", name=label, exact=True)).to_be_visible()
        self.confirmed[image] = label


def test_two_browsers_mend_one_set_and_a_killed_server_loses_nothing(browser, tmp_path):
    lab = Lab(tmp_path)
    data, _ = corrupted(lab, "rare", 0.05)
    names = [str(file) for file in lab.dataset(data).files]
    server = Server(tmp_path)
    ada, ben = (
        Browser(browser, server.address, who, names[at : at + 20])
        for who, at in (("Ada", 0), ("Ben", 20))
    )
    try:
        for number in range(EACH):  # in turn, on pages that are both open
            ada.label(ada.images[0], str(number))
            ben.label(ben.images[0], str(9 - number))
        pressed = {}
        for one, label in ((ada, "5"), (ben, "6")):
            image = one.images[0]
            one.open(image)
            pressed[image] = (one, label)
        for image, (one, label) in pressed.items():
            one.press(image, label)
        server.stop(9)  # SIGKILL, with two decisions on their way

        held = journal_of(tmp_path, data).current()
        for one in (ada, ben):
            assert {image: held[image].label for image in one.confirmed} == one.confirmed
        for image, (_, label) in pressed.items():
            assert image not in held or held[image].label == label, "a half decision"

        server.log.close()
        server = Server(tmp_path, port=server.port)
        for number in range(EACH):
            ada.label(ada.images[0], str(number))
            ben.label(ben.images[0], str(9 - number))
        shared = names[50]  # both decide on one image: the later holds, and both are in its history
        ada.images.append(shared)
        ben.images.append(shared)
        ada.label(shared, "3")
        ben.label(shared, "4")
    finally:
        server.close()
        ada.context.close()
        ben.context.close()

    entries = journal_of(tmp_path, data).entries()
    now = replayed(entries)
    wanted = {**ada.confirmed, **ben.confirmed}
    assert {image: now[image].label for image in wanted} == wanted
    assert [event.entry.who for event in lab.labels.history(data, shared)] == ["Ada", "Ben"]
    for one in (ada, ben):
        by = {entry.samples[0] for entry in entries if entry.who == one.name}
        assert by >= set(one.confirmed) - {shared}
    assert [entry.entry for entry in entries] == list(range(1, len(entries) + 1))

    other = Lab(tmp_path / "other")  # and from a table, in another lab, to the same labels
    corrupted(other, "rare", 0.05)
    other.labels.take_in(data, lab.labels.export(data, tmp_path / "journal.csv"), who="Cy")
    assert other.labels.current(data) == lab.labels.current(data)
