"""What stands where, in a real browser: in line, within the page, and off the data."""

from __future__ import annotations

import pytest
from noisy_labels import diagnosed, trial_on_disk
from playwright.sync_api import expect
from waiting import keys_are_heard, place_at_rest, wait_until
from weblab import Server, add_run

from engine.embedding.projection import Options
from engine.lab import Lab


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    running = Server(tmp_path_factory.mktemp("lines"))
    lab = Lab(running.home)
    diagnosed(lab, "rare", 0.03)
    trial_on_disk(lab)
    lab.spaces.map(lab.spaces.embed("canvas-digits", "digits", "test"), Options(method="pca"))
    yield running
    running.close()


def opened(blank, server, path: str, width: int):
    """The page at `path` in a window so many pixels wide."""
    blank.set_viewport_size({"width": width, "height": 800})
    blank.goto(f"{server.address}{path}")
    return blank


def test_the_canvas_has_the_margins_of_its_page_on_a_phone(blank, server):
    page = opened(blank, server, "/draw", 390)
    frame, title = page.locator(".st-key-canvas iframe"), page.locator("h1")
    frame.wait_for()
    inside, above = place_at_rest(frame), place_at_rest(title)
    assert inside["x"] == pytest.approx(above["x"], abs=1)
    assert inside["x"] + inside["width"] == pytest.approx(390 - above["x"], abs=1)


@pytest.mark.parametrize("width", [1280, 1024, 390])
def test_no_model_in_the_list_of_the_pad_is_cut_off(blank, server, width):
    frame = opened(blank, server, "/draw", width).frame_locator("iframe")
    models = frame.locator('#pad [data-role="model"]')
    models.locator("option").first.wait_for(state="attached")
    room, names = models.evaluate(
        """list => {
            const style = getComputedStyle(list), pen = document.createElement("canvas").getContext("2d");
            pen.font = style.font;
            const arrow = 20, sides = parseFloat(style.paddingLeft) + parseFloat(style.paddingRight);
            return [list.clientWidth - sides - arrow,
                    [...list.options].map((one) => [one.text, pen.measureText(one.text).width])];
        }"""
    )
    assert len(names) > 5 and [name for name, long in names if long > room] == []
    about = frame.locator('[data-role="about"]')
    expect(about).to_contain_text("of 14,000 test images")  # its accuracy stands below
    frame.get_by_text("Which look alike").click()
    groups = frame.locator('[data-role="groups"]')
    expect(groups).to_be_visible()
    assert "0/O/o, 1/I/l, 2/Z/z" in groups.inner_text() and "Y/y" in groups.inner_text()
    assert place_at_rest(groups)["x"] >= 0 and groups.evaluate("one => one.scrollWidth") <= width


def test_a_short_tooltip_at_the_edge_of_a_phone_is_in_one_line(blank, server):
    page = opened(blank, server, "/train?recipe=quick", 390)
    page.get_by_role("tab", name="Model options").click()
    page.get_by_role("button", name="Help for Embedding").hover()
    tip = page.get_by_test_id("stTooltipContent").get_by_text("Default: 128", exact=True)
    tip.wait_for()
    line = tip.evaluate("one => parseFloat(getComputedStyle(one).lineHeight)")
    assert place_at_rest(tip)["height"] == pytest.approx(line, abs=2)


def test_the_tools_of_the_map_lie_beside_it(blank, server):
    page = opened(
        blank, server, "/embeddings?model=canvas-digits&data=digits&part=test&method=pca", 1024
    )
    page.locator('[class~="scatter"] canvas.over').wait_for()
    tools = place_at_rest(page.locator('[class~="scatter"] .tools'))
    stage = place_at_rest(page.locator('[class~="scatter"] .stage'))
    assert tools["x"] >= stage["x"] + stage["width"]
    page.locator('[data-do="lasso"]').click()
    expect(page.locator('[data-do="lasso"]')).to_have_attribute("aria-pressed", "true")


def test_the_field_for_a_name_is_in_line_with_its_neighbours(blank, server):
    page = opened(blank, server, "/noise?data=noisy&section=review", 1440)
    fields = [page.locator(f".st-key-{key}") for key in ("person-box", "review-given")]

    def in_line() -> bool:
        """Both end at the same height; while the page is still laid out they need not."""
        places = [field.bounding_box() for field in fields]
        ends = [place["y"] + place["height"] for place in places if place]
        return len(ends) == len(fields) and max(ends) - min(ends) <= 2

    wait_until(in_line)


def test_a_class_whose_key_is_its_name_is_shown_once(blank, server):
    page = opened(blank, server, "/noise?data=noisy&section=review", 1440)
    keys = page.locator(".st-key-change-classes button")
    expect(keys).to_have_text(list("0123456789"), use_inner_text=True)
    keys_are_heard(page)
    page.keyboard.press("7")
    page.get_by_text("1 of", exact=False).filter(has_text="suspects decided").first.wait_for()


def test_what_scrolls_sideways_says_so_above_it(blank, server):
    add_run(Lab(server.home))
    for path in ("/runs", "/study"):
        page = opened(blank, server, path, 390)
        table = page.locator('[data-testid="stDataFrame"]').first
        table.wait_for()
        words = page.get_by_text("The table scrolls sideways")
        words.wait_for()

        def above(words=words, table=table) -> bool:
            """While the page is still laid out both move."""
            first, second = words.bounding_box(), table.bounding_box()
            return bool(first and second and first["y"] + first["height"] <= second["y"])

        wait_until(above)


TITLES = """() => [...document.querySelectorAll(".js-plotly-plot")].map((chart) => {
    const parts = [".gtitle", ".modebar", ".main-svg"].map((part) => chart.querySelector(part));
    if (!parts.every(Boolean)) return ["not drawn yet", false, false];
    const [title, buttons, whole] = parts.map((part) => part.getBoundingClientRect());
    const apart = title.right <= buttons.left || buttons.bottom <= title.top;
    const frame = chart.closest('[data-testid="stElementContainer"]').getBoundingClientRect();
    const seen = buttons.top >= frame.top && buttons.right <= frame.right && whole.bottom <= frame.bottom;
    return [chart.querySelector(".gtitle").textContent, apart, seen];
})"""


@pytest.mark.parametrize("width", [1280, 1024, 390])
def test_the_buttons_of_a_chart_do_not_lie_on_its_title(blank, server, width):
    for path, count in (("/noise?data=noisy", 2), ("/noise?section=purpose", 3)):
        page = opened(blank, server, path, width)

        def apart(page=page, count=count) -> bool:
            """While the page is still laid out they need not be."""
            found = page.evaluate(TITLES)
            return len(found) == count and all(one[1:] == [True, True] for one in found)

        wait_until(apart)


def test_the_buttons_of_a_chart_stay_within_a_place_that_becomes_narrower(blank, server):
    page = opened(blank, server, "/data?data=digits", 390)
    page.locator(".live-chart .modebar").wait_for()
    ends = """() => {
      const chart = document.querySelector(".live-chart");
      chart.parentElement.style.width = `${chart.clientWidth - 40}px`;
      const end = (one) => one.getBoundingClientRect().right;
      return [end(chart.querySelector(".modebar")), end(chart.parentElement)];
    }"""
    buttons, place = page.evaluate(ends)
    assert buttons <= place
