"""One loop in a real browser: a selection on the map is relabelled, an image's card is opened from it and
mended by keyboard, and two models are scored on the mended labels.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from noisy_labels import diagnosed, result_of
from playwright.sync_api import expect
from waiting import keys_are_heard, wait_until
from weblab import Server, add_run

from bench.loop import Case, figures, spoil, train_before
from bench.loop_walk import Walk, walk
from engine.embedding.projection import Options
from engine.lab import Lab
from engine.noise.storage import key_of, make_document, save_diagnosis
from engine.services.selections import as_now, by_suspicion

MODEL = "canvas-digits"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    running = Server(tmp_path_factory.mktemp("loop"))
    running.lab = lab = Lab(running.home)
    lab.diagnosis = diagnosed(lab, "rare", 0.05)
    lab.spaces.map(lab.spaces.embed(MODEL, "noisy", "all"), Options(method="pca"))
    lab.save_recipe(lab.recipe("quick", {"name": "on-noisy", "data.name": "noisy"}))
    lab.runs_made = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        lab.runs_made.append(add_run(lab, recipe="on-noisy").id)
    yield running
    running.close()


def test_from_the_map_to_a_mended_label_and_on_to_the_comparison(blank, server):
    page, lab, base = blank, server.lab, server.address
    space = lab.spaces.find(MODEL, "noisy", "all")
    worst = lab.diagnosis.arrays["order"][:5]
    names = [lab.diagnosis.file(int(place)) for place in worst]
    chosen = np.array(sorted(space.place_of(name) for name in names))
    address = f"{base}/embeddings?model={MODEL}&data=noisy&part=all&method=pca"

    page.goto(f"{address}&selection={space.keep_selection(chosen)}")
    page.get_by_text("5 images selected").wait_for()
    thumbs = page.locator(".st-key-gallery figure a")
    expect(thumbs).to_have_count(5)
    assert thumbs.first.get_attribute("title") == names[0]  # the most suspect
    page.get_by_role("button", name="Take the likely classes").click()
    likely = [lab.diagnosis.classes[label] for label in lab.diagnosis.arrays["likely"][worst]]
    wait_until(lambda: lab.labels.labels_now("noisy", names) == likely)
    now = as_now(space, lab.labels.current("noisy"))  # by whose labels they are in another order
    found = by_suspicion(lab.noise, space, chosen, now)
    names = [str(space.images.files[int(space.index[place])]) for place in found.places]
    likely = found.likely
    expect(thumbs.first).to_have_attribute("title", names[0])

    thumbs.first.click()  # the card of the image, without a reload
    page.get_by_role("heading", name=likely[0], exact=True).wait_for()
    assert "/sample?" in page.url
    picture = page.locator(".viewer img")
    wait_until(lambda: picture.evaluate("image => image.naturalWidth") > 0)
    page.get_by_role("button", name="Zoom in").click()
    expect(page.locator(".viewer output")).to_contain_text("px, shown at")
    keys_are_heard(page)
    other = next(digit for digit in "0123456789" if digit != likely[0])
    page.keyboard.press(other)
    page.get_by_role("heading", name=other, exact=True).wait_for()
    keys_are_heard(page)
    page.keyboard.press("u")
    page.get_by_role("heading", name=likely[0], exact=True).wait_for()
    assert lab.labels.labels_now("noisy", names[:1]) == likely[:1]
    page.get_by_role("button", name="Tags").click()
    page.get_by_role("textbox", name="New tag").fill("smudged")
    page.keyboard.press("Enter")
    wait_until(lambda: lab.labels.current("noisy")[names[0]].tags == {"smudged"})
    page.keyboard.press("Escape")
    keys_are_heard(page)
    page.locator("body").press(
        other
    )  # a step and a key at once: the key is for the image that was seen
    page.keyboard.press("ArrowRight")
    page.get_by_text("2 of 5 that you came from").wait_for()
    assert lab.labels.labels_now("noisy", names[:2]) == [other, likely[1]]
    page.get_by_role("link", name="Back to Embeddings").click()
    page.get_by_text("5 images selected").wait_for()

    before, after = lab.runs_made
    page.goto(f"{base}/train?run={before}")
    page.get_by_role("button", name="Train again").click()
    page.get_by_text("have another label now than this run was trained on").wait_for()
    page.goto(f"{base}/compare?runs={before},{after}&view=common&data=noisy")
    page.get_by_role("button", name="Score on the same images").click()
    page.get_by_text("McNemar's p").first.wait_for()
    page.get_by_text("assigned different classes").first.wait_for()


SMALL = Case("digits", wrong=60, group=25, recipe="small-loop", epochs=2)


def test_the_walk_that_is_measured_goes_through_a_small_set_too(blank, server, tmp_path):
    """`python -m bench loop` on 1,797 digits, 60 of whose labels are wrong; only its diagnosis is not
    computed but simulated from the true labels.
    """
    lab = server.lab
    lab.save_recipe(lab.recipe("quick", {"name": SMALL.recipe, "model.options.width": 4}))
    spoiled = spoil(lab, SMALL)
    run = train_before(lab, SMALL)
    lab.spaces.map(lab.spaces.embed(run, spoiled.name, "train"), Options())
    data = lab.noise.data(spoiled.name)
    given = np.asarray(data.labels)
    names = [str(file) for file in data.files]
    true = np.array(
        [
            data.classes.index(spoiled.truth.get(n, data.classes[g]))
            for n, g in zip(names, given, strict=True)
        ]
    )
    assert (true != given).sum() == 60
    result = result_of(given, true, len(data.classes))
    folder = lab.noise.home / key_of(data, "all", "full")
    save_diagnosis(folder, make_document(data, "all", "full", result, 1.5), result)

    group = (SMALL.given, SMALL.true)
    on = Walk(blank, server.address, lab, run, spoiled.name, spoiled.truth, group, tmp_path)
    walk(on, suspects=5)

    found = figures(on, spoiled, {})
    assert found["wrong labels before"] == 60
    assert found["wrong labels after"] <= 60 - 10 - 5, "ten by the lasso, five by the review"
    whys = [entry.why for entry in lab.labels.decisions(spoiled.name).entries()]
    assert (whys[0], whys[1:]) == ("map", ["review"] * 5)
    after = lab.run(on.after)
    assert (after.info().before, after.recipe().data.journal) == (run, (6,))
    assert 0 < found["all steps, person, s"] < 300
    assert len(list(tmp_path.glob("*.png"))) == 11
    blank.locator("canvas.over").press("Enter")  # the image at the cross
    blank.locator(".st-key-travel-images figure").wait_for()
