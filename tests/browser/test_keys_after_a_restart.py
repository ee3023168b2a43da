"""The server is killed under open pages and started again: keys count again as soon as the page is back, each for
the image that was on the screen, and what is lost is said.
"""

from __future__ import annotations

import re

import pytest
from noisy_labels import diagnosed
from playwright.sync_api import expect
from scans import upload_scans
from waiting import keys_are_heard, wait_until
from weblab import Server

from engine.lab import Lab

SCANS, MODEL = 30, "canvas-digits"


@pytest.fixture
def lab(tmp_path) -> Lab:
    return Lab(tmp_path)


def restarted(page, server: Server) -> Server:
    """The server that takes the place of one that is killed, once the page has found it."""
    app = page.locator('[data-testid="stApp"]')
    server.stop(9)
    expect(app).not_to_have_attribute("data-test-connection-state", "CONNECTED")
    server.log.close()
    again = Server(server.home, port=server.port)
    expect(app).to_have_attribute("data-test-connection-state", "CONNECTED")
    return again


def written(lab: Lab, data: str) -> list[tuple[str, str]]:
    """Image and label of each decision."""
    return [(entry.samples[0], entry.to[0]) for entry in lab.labels.decisions(data).entries()]


def test_a_key_after_a_restart_labels_the_image_on_the_screen_and_no_other(blank, lab):
    upload_scans(lab, SCANS)
    space = lab.spaces.embed(MODEL, "scans", "all")
    server = Server(lab.home)
    try:
        blank.goto(f"{server.address}/label?data=scans&model={MODEL}")
        picture = blank.locator(".st-key-candidate img")
        picture.wait_for()
        keys_are_heard(blank)

        def shown() -> str:
            return str(
                space.images.files[
                    int(space.index[int(picture.get_attribute("src").split("/")[-1])])
                ]
            )

        first, source = shown(), picture.get_attribute("src")
        blank.locator("body").press("7")
        expect(picture).not_to_have_attribute("src", source)
        keys_are_heard(blank)  # else the next one counts for nothing at first
        second, source = shown(), picture.get_attribute("src")
        server = restarted(blank, server)
        assert picture.get_attribute("src") == source
        blank.locator("body").press("5")
        blank.locator("body").press("5")  # as anyone would who sees nothing change
        expect(picture).not_to_have_attribute("src", source)
        third, source = shown(), picture.get_attribute("src")
        assert written(lab, "scans") == [(first, "7"), (second, "5")]
        blank.get_by_text("The lab was interrupted").wait_for()
        keys_are_heard(blank)
        blank.locator("body").press("6")
        expect(picture).not_to_have_attribute("src", source)
        assert written(lab, "scans")[2:] == [(third, "6")]
        expect(blank.get_by_text("The lab was interrupted")).to_have_count(0)
    finally:
        server.close()


def test_keys_of_the_review_go_on_after_a_restart(blank, lab):
    found = diagnosed(lab, "rare", 0.05)
    order = [found.file(int(at)) for at in found.arrays["order"][:3]]
    server = Server(lab.home)
    try:
        blank.goto(f"{server.address}/noise?data=noisy&section=review")
        blank.get_by_text(re.compile(r"0 of \d+ suspects decided")).wait_for()
        keys_are_heard(blank)
        blank.locator("body").press("1")
        blank.get_by_text(re.compile(r"1 of \d+ suspects decided")).wait_for()
        keys_are_heard(blank)
        server = restarted(blank, server)
        for number, key in ((2, "2"), (3, "3")):
            if number == 3:
                keys_are_heard(blank)
            blank.locator("body").press(key)
            blank.get_by_text(re.compile(rf"{number} of \d+ suspects decided")).wait_for()
        assert written(lab, "noisy") == list(zip(order, "123", strict=True))
    finally:
        server.close()


def test_keys_while_the_lab_is_away_are_dropped_and_it_is_said(blank, lab):
    found = diagnosed(lab, "rare", 0.05)
    server = Server(lab.home)
    try:
        blank.goto(f"{server.address}/noise?data=noisy&section=review")
        blank.get_by_text(re.compile(r"0 of \d+ suspects decided")).wait_for()
        keys_are_heard(blank)
        app = blank.locator('[data-testid="stApp"]')
        server.stop(9)
        expect(app).not_to_have_attribute("data-test-connection-state", "CONNECTED")
        blank.locator("body").press("1")
        blank.get_by_text("No connection to the lab").wait_for()
        server.log.close()
        server = Server(lab.home, port=server.port)
        expect(app).to_have_attribute("data-test-connection-state", "CONNECTED")
        blank.locator("body").press("2")
        blank.get_by_text(re.compile(r"1 of \d+ suspects decided")).wait_for()
        wait_until(
            lambda: written(lab, "noisy") == [(found.file(int(found.arrays["order"][0])), "2")]
        )
    finally:
        server.close()
