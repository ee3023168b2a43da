"""The pad in a real browser: live answers, tools, keys, teaching, collecting, words, fingers and
narrow screens.
"""

from __future__ import annotations

import re

import pytest
from browsing import PATIENCE_MS
from canvas_server import CanvasServer
from hands import SYMBOLS, drawn, png
from PIL import Image, ImageDraw
from playwright.sync_api import expect
from waiting import place_at_rest, wait_until

from engine.lab import Lab

HEADLINE, NOTE = '[data-role="headline"]', '[data-role="note"]'
SEVEN = SYMBOLS["7"][0]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    running = CanvasServer(tmp_path_factory.mktemp("canvas"))
    yield running
    running.close()


def opened(browser, server, **options):
    context = browser.new_context(**{"viewport": {"width": 1280, "height": 1000}, **options})
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.wrong = []
    page.on("pageerror", lambda error: page.wrong.append(str(error)))
    page.goto(server.address + "/?model=canvas-digits")
    page.locator('#pad [data-role="model"] option').first.wait_for(state="attached")
    return page


@pytest.fixture
def page(browser, server):
    page = opened(browser, server)
    yield page
    page.context.close()
    assert not page.wrong


class Pen:
    """A mouse over the pad. Points are shares of the pad's height, in a square in its middle or
    shifted by `left`.
    """

    def __init__(self, page) -> None:
        self.page = page
        self.canvas = page.locator('#pad [data-role="canvas"]')
        self.canvas.scroll_into_view_if_needed()
        self.box = place_at_rest(self.canvas)

    def at(self, point, left: float = 0.0, scale: float = 0.6):
        x, y = (0.5 + (point[axis] - 0.5) * scale for axis in (0, 1))
        return self.box["x"] + self.box["width"] / 2 + (x - 0.5 + left) * self.box[
            "height"
        ], self.box["y"] + y * self.box["height"]

    def begin(self, stroke, **where) -> None:
        self.page.mouse.move(*self.at(stroke[0], **where))
        self.page.mouse.down()
        for point in stroke[1:]:
            self.page.mouse.move(
                *self.at(point, **where), steps=4 if len(stroke) < 8 else 1
            )  # each step waits for the browser

    def draw(self, symbol: str, **where) -> None:
        self.box = place_at_rest(self.canvas)  # what stands above the pad may have grown
        for stroke in SYMBOLS[symbol]:
            self.begin(stroke, **where)
            self.page.mouse.up()


def says(page, *texts: str) -> str:
    """Wait until the headline holds one of `texts`; returns it."""
    shown = page.locator(HEADLINE)
    return wait_until(
        lambda: (text := shown.inner_text()) and any(one in text for one in texts) and text,
    )


def test_the_answer_follows_the_pen_before_it_is_lifted(page):
    says(page, "Nothing drawn yet")
    Pen(page).begin(SEVEN)  # the mouse button is still down
    says(page, "Most like 7")
    page.mouse.up()
    says(page, "Most like 7")
    assert (
        page.locator("#pad .gl-seen.gl-there img").get_attribute("src").startswith("data:image/png")
    )
    expect(page.locator('[data-role="rows"] li').first).to_contain_text("7")
    page.locator(
        '[data-role="view"] .gl-grid figure'
    ).first.wait_for()  # the nearest training images


def test_tools_and_keys(page):
    pen = Pen(page)
    pen.draw("7")
    says(page, "Most like 7")
    page.keyboard.press("z")
    says(page, "Nothing drawn yet")
    page.keyboard.press("Shift+Z")
    says(page, "Most like 7")
    page.keyboard.press("c")
    says(page, "Nothing drawn yet")
    page.locator('[data-role="width"]').fill("30")  # draw, change the brush, clear, draw
    pen.draw("0")
    says(page, "Most like 0")
    page.locator('[data-role="undo"]').click()
    says(page, "Nothing drawn yet")
    pen.draw("1")
    says(page, "Most like 1")
    page.keyboard.press("e")
    page.locator('[data-role="width"]').fill("90")
    pen.begin([(0.5, -0.2), (0.5, 1.2)])
    page.mouse.up()
    says(page, "Nothing drawn yet")  # rubbed out


def test_keys_choose_the_model_and_typing_does_not(page):
    picker = page.locator('[data-role="model"]')
    assert picker.input_value() == "canvas-digits"  # from the address
    page.keyboard.press("1")
    expect(picker).to_have_value("canvas-characters")
    page.get_by_label("Name of the symbol").fill("")
    page.get_by_label("Name of the symbol").press_sequentially("c2z")
    assert picker.input_value() == "canvas-characters"


# Counts the pad's questions that are under way at once, from the asking to the whole answer.
COUNTED = """() => {
    const ask = window.fetch;
    let underWay = 0;
    window.most = 0;
    window.fetch = async (...question) => {
        if (!String(question[0]?.url ?? question[0]).includes("component_server")) return ask(...question);
        window.most = Math.max(window.most, ++underWay);
        try {
            const answer = await ask(...question);
            return new Response(await answer.arrayBuffer(), answer);
        } finally {
            underWay -= 1;
        }
    };
}"""


def test_a_burst_of_changes_never_queues_up(page):
    page.evaluate(COUNTED)
    pen = Pen(page)
    for number in range(6):
        pen.begin([(0.1 * number, 0), (1 - 0.1 * number, 1), (0.5, 0.5)])
        page.mouse.up()
    page.keyboard.press("c")
    pen.draw("7")
    says(page, "Most like 7")
    assert page.evaluate("most") == 1


def test_after_three_drawings_a_symbol_is_recognised(page, server):
    pen = Pen(page)
    page.get_by_label("Name of the symbol").fill("♥")
    for number in range(3):
        pen.draw("♥", scale=0.55 + 0.05 * number)
        page.wait_for_function("document.querySelector('[data-role=undo]').disabled === false")
        if number == 0:
            page.get_by_role("button", name="Add this drawing").click()
        else:
            page.locator('#pad [data-role="canvas"]').press("a")
        wait_until(
            lambda number=number: (
                [len(one.examples) for one in Lab(server.home).taught.symbols()] == [number + 1]
            ),
        )
        page.wait_for_function("document.querySelector('[data-role=undo]').disabled")  # ready
    pen = Pen(page)
    pen.draw("♥", scale=0.58, left=0.05)
    says(page, "This is ♥")
    page.keyboard.press("c")
    pen.draw("7")
    says(page, "Most like 7")
    expect(page.get_by_text("Leave-one-out: 100% of 3")).to_have_count(1)
    page.get_by_role("button", name="Forget the symbol").click()
    wait_until(lambda: not Lab(server.home).taught.symbols())


def test_what_is_drawn_while_a_drawing_is_kept_stays_on_the_pad(page, server):
    pen = Pen(page)
    pen.draw("♥")
    page.get_by_label("Name of the symbol").fill("held")
    page.evaluate("""() => { // the answer to the click can't come before what follows in the same turn
        document.querySelector("#add-example").click();
        const canvas = document.querySelector('[data-role="canvas"]'), box = canvas.getBoundingClientRect();
        const at = (x, y) => ({pointerId: 1, clientX: box.x + x, clientY: box.y + y, bubbles: true});
        canvas.setPointerCapture = () => {};
        canvas.dispatchEvent(new PointerEvent("pointerdown", at(90, 90)));
        canvas.dispatchEvent(new PointerEvent("pointermove", at(90, 200)));
        canvas.dispatchEvent(new PointerEvent("pointerup", at(90, 200)));
    }""")
    wait_until(lambda: Lab(server.home).taught.symbols())
    page.get_by_text("Example 1 of held is kept").wait_for()
    for disabled in (False, True):  # one stroke is left: the one drawn since
        page.wait_for_function(
            f"document.querySelector('[data-role=undo]').disabled === {str(disabled).lower()}"
        )
        page.keyboard.press("z")
    Lab(server.home).taught.remove("held")


def test_files_come_and_go_by_names_that_tell_no_place(page, server):
    taught = Lab(server.home).taught
    taught.add("made", png(drawn("♥")))
    picture = server.home / "seven.png"
    picture.write_bytes(png(drawn("7")))
    page.get_by_role("tab", name="Files").click()
    panel = page.get_by_role("tabpanel").filter(has_text="Picture of one character")
    panel.locator("input[type=file]").first.set_input_files(str(picture))
    panel.get_by_text("%").first.wait_for()
    classes = re.findall(r"^(\w)$", panel.inner_text(), re.M)
    assert len(classes) > 5 and "".join(classes).isdigit(), (
        "the chosen model reads, not the best one"
    )
    shown = panel.locator("img").first
    wait_until(lambda: shown.evaluate("one => one.naturalWidth") > 0)
    addresses = [shown.get_attribute("src")]
    page.get_by_role("tab", name="Teach").click()
    page.get_by_role("button", name="Export").first.click()
    link = page.locator("a[download]").first
    addresses.append(link.get_attribute("href"))
    assert not any(str(server.home) in one or "received" in one for one in addresses), addresses
    with page.expect_download() as coming:
        link.click()
    archive = server.home / "symbols.zip"
    coming.value.save_as(archive)
    held = len(taught.symbol("made").examples)
    panel = page.get_by_role("tabpanel").filter(has_text="Export")
    panel.locator("input[type=file]").first.set_input_files(str(archive))
    wait_until(lambda: len(taught.symbol("made").examples) == 2 * held)
    taught.remove("made")


def test_a_file_is_doubted_as_on_the_pad_and_one_that_can_not_be_read_leaves_no_answer(
    page, server
):
    blot = Image.new("L", (480, 360), 255)
    corners = [(160, 90), (290, 70), (330, 180), (270, 280), (170, 250)]
    ImageDraw.Draw(blot).polygon(corners, fill=0)
    blot.save(server.home / "blot.png")
    (server.home / "bad.png").write_bytes(b"no picture")
    page.get_by_role("tab", name="Files").click()
    panel = page.get_by_role("tabpanel").filter(has_text="Picture of one character")
    panel.locator("input[type=file]").first.set_input_files(str(server.home / "blot.png"))
    panel.get_by_text("Not sure, perhaps").wait_for()
    expect(panel.get_by_text("what the model sees")).to_be_visible()
    assert "%" not in panel.inner_text()
    panel.locator("input[type=file]").first.set_input_files(str(server.home / "bad.png"))
    panel.get_by_text("bad.png is not a picture").wait_for()
    expect(panel).not_to_contain_text("Not sure")
    assert not page.locator(".toast-wrap .error").count()
    panel.get_by_label("Remove Image").click()
    panel.get_by_text("Choose a picture, and").wait_for()
    assert page.locator("footer").inner_text().strip() == "Use via API"


def test_a_drawing_is_saved_with_its_label(page, server):
    page.get_by_role("tab", name="Collect").click()
    Pen(page).draw("7")
    says(page, "Most like 7")
    page.get_by_label("Right label").fill("7")
    page.get_by_role("button", name="Save this drawing").click()
    wait_until(lambda: Lab(server.home).drawings.counts() == {"7": 1})
    page.get_by_text("1 drawing of 1 character.").wait_for()


def test_several_characters_are_said_to_be_several_and_read_as_a_word(page):
    pen = Pen(page)
    for symbol, left in (("7", -0.4), ("0", 0.0), ("1", 0.35)):
        pen.draw(symbol, left=left, scale=0.4)
    says(page, "More than one character")
    page.get_by_role("tab", name="Words").click()
    page.get_by_role("button", name="Read the drawing").click()
    expect(page.locator(".gl-text")).to_have_text("701")


def test_models_side_by_side_the_map_and_why(page):
    Pen(page).draw("7")
    says(page, "Most like 7")
    page.locator(".gl-grid figure").first.wait_for()
    assert not page.locator(".gl-grid a").count()  # served alone, there is no page to lead to
    page.locator('[data-view="models"]').click()
    wait_until(lambda: page.locator(".gl-models b").all_inner_texts().count("7") >= 2)
    page.locator('[data-view="map"]').click()
    page.locator("svg.gl-map circle.gl-here").wait_for()
    before = page.locator("circle.gl-here").get_attribute("cx")
    page.keyboard.press("c")
    Pen(page).draw("0")
    wait_until(
        lambda: (
            page.locator("circle.gl-here").count()
            and page.locator("circle.gl-here").get_attribute("cx") != before
        ),
    )
    page.locator('[data-view="why"]').click()
    page.locator(".gl-pair img").first.wait_for()
    expect(page.locator('[data-role="view"]')).to_contain_text(
        "evidence for 0"
    )  # not of its first half


def test_a_finger_draws_on_a_phone_and_nothing_scrolls_sideways(browser, server):
    page = opened(
        browser,
        server,
        viewport={"width": 390, "height": 844},
        has_touch=True,
        is_mobile=True,
        device_scale_factor=2,
    )
    pen = Pen(page)
    session = page.context.new_cdp_session(page)

    def touch(kind, points):
        session.send(
            "Input.dispatchTouchEvent",
            {"type": kind, "touchPoints": [{"x": x, "y": y} for x, y in points]},
        )

    path = [pen.at(point) for point in SEVEN]
    touch("touchStart", path[:1])
    for (x0, y0), (x1, y1) in zip(path, path[1:], strict=False):
        for step in range(1, 6):
            touch("touchMove", [(x0 + (x1 - x0) * step / 5, y0 + (y1 - y0) * step / 5)])
    says(page, "Most like 7")
    touch("touchEnd", [])
    assert page.evaluate("window.scrollY") == 0 or Pen(page).box["y"] >= 0
    for tab in ("Teach", "Collect", "Words", "Files"):
        page.get_by_role("tab", name=tab).click()
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert not page.wrong
    page.context.close()
