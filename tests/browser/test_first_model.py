"""Images without a label in a real browser: 200 scans come in, 60 are labelled by keyboard, a model comes out,
and its accuracy stands beside that of random choice.
"""

from __future__ import annotations

import io
import re
import zipfile

import numpy as np
import pytest
from playwright.sync_api import expect
from waiting import keys_are_heard, wait_until
from weblab import Server

from engine.data.choices import Choices
from engine.imaging.images import as_picture
from engine.lab import Lab

# Keys with a tenth of a second between them by their own time stamps, which a real keyboard gives: however late
# a busy browser hears of one.
TYPED = """keys => new Promise((done) => {
    const start = performance.now();
    [...keys].forEach((key, at) => setTimeout(() => {
        const event = new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true });
        Object.defineProperty(event, "timeStamp", { value: start + 100 * at });
        document.body.dispatchEvent(event);
        if (at === keys.length - 1) done();
    }, 100 * at));
})"""
SCANS, LABELS, MODEL = 200, 60, "canvas-digits"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    running = Server(tmp_path_factory.mktemp("scans"))
    running.lab = lab = Lab(running.home)
    digits = lab.dataset("digits", "digit", 28)
    chosen = np.random.default_rng(3).permutation(len(digits))[:SCANS]
    running.truth = {
        f"scan-{number:03d}.png": str(digits.labels[at]) for number, at in enumerate(chosen)
    }
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, at in zip(running.truth, chosen, strict=True):
            out = io.BytesIO()
            as_picture(np.asarray(digits.images[at])).save(out, "PNG")
            archive.writestr(name, out.getvalue())
    for name in ("scans", "typed", "chosen"):
        lab.data.upload(f"{name}.zip", packed.getvalue(), choices=Choices(unlabelled=True))
    yield running
    running.close()


def test_keys_faster_than_the_page_are_for_the_images_that_come_next(blank, server):
    """Six keys with a tenth of a second between them: each on its own image, none on two."""
    page, lab = blank, server.lab
    lab.spaces.embed(MODEL, "typed", "all")
    page.goto(f"{server.address}/label?data=typed&model={MODEL}")
    page.locator(".st-key-candidate img").wait_for()
    keys_are_heard(page)
    strip = page.locator(".st-key-proposed .glyphs figure")
    expect(strip).to_have_count(9)
    expect(strip.first.locator("figcaption")).to_contain_text("%")  # at no label the model predicts
    later = [strip.nth(at).locator("a").get_attribute("title") for at in range(9)]
    page.evaluate(TYPED, "917717")
    page.get_by_text("7 of 10 proposed").wait_for()
    entries = lab.labels.decisions("typed").entries()
    assert [entry.to for entry in entries] == [[key] for key in "917717"]
    assert [entry.samples[0] for entry in entries][1:] == later[:5]

    keys_are_heard(page)
    page.keyboard.press("u")
    page.get_by_text("6 of 10 proposed").wait_for()
    keys_are_heard(page)
    page.keyboard.press("3")
    page.get_by_text("7 of 10 proposed").wait_for()
    assert lab.labels.labels_now("typed", later[3:5]) == ["1", "3"]
    keys_are_heard(page)
    page.keyboard.press("Enter")  # the prediction, as it does with labels
    page.get_by_text("8 of 10 proposed").wait_for()
    assert not lab.labels.decisions("typed").entries()[-1].own


def test_after_the_model_is_chosen_the_next_key_labels(blank, server):
    """By mouse and by keyboard: the select box, in whose search field the focus was, lets it go."""
    page, lab = blank, server.lab
    others = ("mnist-convnet", "mnist-tiny-best")
    for model in (MODEL, *others):
        lab.spaces.embed(model, "chosen", "all")
    page.goto(f"{server.address}/label?data=chosen&model={MODEL}")
    page.locator(".st-key-candidate img").wait_for()
    for count, model in enumerate(others, start=1):
        box = page.get_by_role("combobox", name="Model")
        box.click()
        if count == 1:
            page.get_by_role("option", name=model, exact=True).click()
        else:
            page.keyboard.type(model)
            page.keyboard.press("Enter")
        page.wait_for_url(re.compile(f"model={model}"))
        expect(box).not_to_be_focused()
        page.locator(
            f'.st-key-candidate img[src*="{lab.spaces.find(model, "chosen", "all").key}"]'
        ).wait_for()
        keys_are_heard(page)
        page.keyboard.press("7")
        page.get_by_text("2 of 10 proposed").wait_for()
        assert len(lab.labels.current("chosen")) == count
    name = page.locator(".st-key-candidate a").get_attribute("title")
    page.locator(".st-key-candidate a").click()
    page.get_by_text("No label yet").wait_for()
    expect(page.get_by_test_id("stMain")).to_contain_text(name)  # its own page


def test_two_hundred_scans_sixty_labels_and_a_model(blank, server):
    page, lab = blank, server.lab
    page.goto(f"{server.address}/label?data=scans&model={MODEL}")
    page.get_by_role("button", name="Embed them").click()
    picture = page.locator(".st-key-candidate img")
    picture.wait_for()
    space = lab.spaces.find(MODEL, "scans", "all")
    assert len(space) == SCANS and set(lab.labels.given("scans").values()) == {None}

    for number in range(LABELS):
        keys_are_heard(page)
        source = picture.get_attribute("src")
        name = str(space.images.files[int(space.index[int(source.split("/")[-1])])])
        label = server.truth[name]
        if number != 1:
            page.locator("body").press(label)  # the first of its class makes it
        else:  # as does a name that is typed
            page.get_by_role("combobox", name="Class").fill(label)
            page.keyboard.press("Enter")
            page.get_by_role("button", name="Set").click()
        expect(picture).not_to_have_attribute("src", source)
        if number == 0:
            page.get_by_text(re.compile(f"New class {label}. Undo takes it back.")).wait_for()
        assert lab.labels.labels_now("scans", [name]) == [label], number
    figures = page.locator('[data-testid="stMetric"]', has_text="Accuracy so far")
    expect(figures).to_contain_text("random choice 10%")
    score = lab.labelling.score(space)
    assert (score.n, score.chance) == (LABELS, 0.1) and score.low > 3 * score.chance

    page.get_by_role("button", name="Train a model on these labels").click()
    page.get_by_text("Test accuracy").first.wait_for()
    (run,) = lab.runs()
    wait_until(lambda: not lab.run(run.id).alive)  # its figures come before its end
    (run,) = lab.runs()
    assert run.state == "finished" and run.accuracy > 3 * score.chance
    assert lab.model_meta(run.id)["metrics"]["test_n"] == LABELS // 5
    wait_until(lambda: run.id in [model.name for model in lab.models()])
