"""Images without a label in a real browser: 200 scans come in, 60 are labelled by keyboard, a model comes out,
and its accuracy stands beside that of random choice.
"""

from __future__ import annotations

import io
import zipfile

import numpy as np
import pytest
from playwright.sync_api import expect
from waiting import wait_until
from weblab import Server

from engine.data.choices import Choices
from engine.imaging.images import as_picture
from engine.lab import Lab

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
    lab.data.upload("scans.zip", packed.getvalue(), choices=Choices(unlabelled=True))
    yield running
    running.close()


def test_two_hundred_scans_sixty_labels_and_a_model(blank, server):
    page, lab = blank, server.lab
    page.goto(f"{server.address}/label?data=scans&model={MODEL}")
    page.get_by_role("button", name="Embed them").click()
    picture = page.locator(".st-key-candidate img")
    picture.wait_for(timeout=180_000)
    space = lab.spaces.find(MODEL, "scans", "all")
    assert len(space) == SCANS and set(lab.labels.given("scans").values()) == {None}

    known: set[str] = set()
    for number in range(LABELS):
        source = picture.get_attribute("src")
        name = str(space.images.files[int(space.index[int(source.split("/")[-1])])])
        label = server.truth[name]
        if label in known:
            page.locator("body").press(label)
        else:  # the first of its class
            page.get_by_role("combobox", name="Class").fill(label)
            page.keyboard.press("Enter")
            page.get_by_role("button", name="Set").click()
            known.add(label)
        expect(picture).not_to_have_attribute("src", source)
        assert lab.labels.labels_now("scans", [name]) == [label], number
    figures = page.locator('[data-testid="stMetric"]', has_text="Accuracy so far")
    expect(figures).to_contain_text("random choice 10%")
    score = lab.labelling.score(space)
    assert (score.n, score.chance) == (LABELS, 0.1) and score.low > 3 * score.chance

    page.get_by_role("button", name="Train a model on these labels").click()
    page.get_by_text("Test accuracy").first.wait_for(timeout=300_000)
    (run,) = lab.runs()
    assert run.state == "finished" and run.accuracy > 3 * score.chance
    assert lab.model_meta(run.id)["metrics"]["test_n"] == LABELS // 5
    wait_until(lambda: run.id in [model.name for model in lab.models()], timeout=60)
