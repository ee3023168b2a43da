"""What the canvas answers to drawings that are none of its model's classes, and to taught symbols."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from hands import drawn, png
from PIL import Image, ImageDraw

from app.canvas_tabs.reader import Reader, note_of
from app.canvas_tabs.views import Views
from engine.errors import DataError
from engine.lab import Lab
from engine.recognition.confusables import judge
from engine.recognition.typicality import Typical, ink_depth, measured, typicality_of
from engine.services.few_shot import EMBEDDER

DIGITS = "canvas-digits"


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    return Lab(tmp_path_factory.mktemp("honest"))


@pytest.fixture(scope="module")
def views(lab):
    return Views(Reader(lab))


def uri(ink: np.ndarray) -> str:
    return "data:image/png;base64," + base64.b64encode(png(ink)).decode()


def on_a_page(lab, ink: np.ndarray):
    return Reader(lab).drawn(Image.fromarray(255 - ink))


def solid(kind: str) -> np.ndarray:
    """Ink (360, 480) uint8 of a dot or a blot."""
    page = Image.new("L", (480, 360))
    pen = ImageDraw.Draw(page)
    if kind == "dot":
        pen.ellipse([232, 172, 248, 188], fill=255)
    else:
        pen.polygon([(160, 90), (290, 70), (330, 180), (270, 280), (170, 250)], fill=255)
    return np.asarray(page)


@pytest.mark.parametrize("kind", ["dot", "blot"])
def test_what_is_no_digit_is_not_named_without_a_doubt(lab, kind):
    prediction, verdict, match, gallery = Reader(lab).answer(on_a_page(lab, solid(kind)), DIGITS)
    assert match is None and gallery is not None and gallery.rejection is not None
    assert verdict.headline.startswith("Not sure"), verdict
    assert prediction.probabilities.max() > 0.5  # the softmax alone would have named it


def test_models_side_by_side_doubt_what_each_would_doubt_alone(views):
    look, *_ = views.functions()
    for ink, doubted in ((solid("blot"), True), (drawn("7", 5), False)):
        (shown,) = look([uri(ink), DIGITS, "models", [DIGITS]])["view"]["items"]
        assert shown["note"].startswith("not sure: unlike") == doubted, shown["note"]
        assert ("% sure" in shown["note"]) != doubted


@pytest.mark.parametrize("writer", range(4))
def test_digits_are_still_named(lab, writer):
    for digit in "701":
        page = on_a_page(lab, drawn(digit, 5, writer=writer))
        assert Reader(lab).answer(page, DIGITS)[1].kind == "sure"


@pytest.mark.parametrize(
    ("classes", "these"),
    [(tuple("0123456789"), "the digits 0 to 9"), (("3", "4", "A"), "3, 4, A")],
)
def test_a_model_of_few_classes_is_sure_of_these_alone(classes, these):
    shares = np.where(np.array(classes) == "4", 0.99, 0.01 / (len(classes) - 1))
    note = note_of(judge(classes, shares), classes)
    assert note == f"Of {these}, most like 4: 99% sure."
    unsure = np.full(len(classes), 1 / len(classes))
    assert note_of(judge(classes, unsure), classes).endswith(f" This model knows only {these}.")
    many = tuple("ABCDEFGHJKLMN4")
    assert note_of(judge(many, np.eye(14)[13]), many) == ">99% sure."


def test_a_taught_symbol_shows_its_own_bars_examples_and_reasons(lab, views):
    for symbol in ("♥", "Ω"):
        for number in range(3):
            lab.taught.add(symbol, png(drawn(symbol, number)))
    look, why, *_ = views.functions()
    picture = uri(drawn("♥", 9))
    answer = look([picture, DIGITS, "nearest", []])
    assert answer["kind"] == "taught" and answer["glyph"] == "♥"
    first, second = answer["rows"]
    assert first["members"][0]["label"] == "♥" and second["members"][0]["label"] == "Ω"
    assert first["text"] == f"{first['share']:.2f}" and first["share"] > second["share"]
    items = answer["view"]["items"]
    assert {one["label"] for one in items} == {"♥", "Ω"} and items[0]["same"]
    shown = Image.open(io.BytesIO(base64.b64decode(items[0]["image"].partition(",")[2])))
    assert np.asarray(shown).min() < 128 < np.asarray(shown).max()  # the example's ink on white
    reason = why([picture, DIGITS])
    assert "example of ♥" in reason["items"][1]["title"] and "similarity" in reason["note"]


@pytest.mark.parametrize("reading", [DIGITS, "canvas-characters"])
def test_symbols_are_told_apart_by_the_embedder_whichever_model_reads(lab, reading):
    reader = Reader(lab)
    assert lab.taught.embedder(reading) == EMBEDDER
    assert EMBEDDER not in {one["name"] for one in reader.models()}  # it is no reader
    for symbol in ("♥", "Ω"):
        for number in range(3):
            lab.taught.add(symbol, png(drawn(symbol, number)))
    for symbol in ("♥", "Ω"):
        page = on_a_page(lab, drawn(symbol, 12))
        assert reader.answer(page, reading)[2].name == symbol
    for other in ("7", "→", "#"):  # a class of the model's, and symbols that were not taught
        assert reader.answer(on_a_page(lab, drawn(other, 12)), reading)[2] is None


def test_only_the_reading_models_classes_speak_against_a_symbol(lab):
    gallery = lab.galleries.get(EMBEDDER)
    vector = gallery.likeness[0]
    own = gallery.classes[gallery.labels[0]]
    assert gallery.likeness_of_classes(vector, [own]) == pytest.approx(1, abs=1e-3)
    others = [name for name in gallery.classes if name != own]
    assert gallery.likeness_of_classes(vector, others) < 0.999
    assert gallery.likeness_of_classes(vector, ["no such class"]) is None


def test_without_the_embedder_the_reading_model_tells_symbols_apart(tmp_path):
    assert Lab(tmp_path, checkpoints=tmp_path / "none").taught.embedder(DIGITS) == DIGITS


def test_a_symbol_without_a_name_is_not_taught(lab):
    for name in ("", "   "):
        with pytest.raises(DataError, match="Type a name first"):
            lab.taught.add(name, png(drawn("♥")))


def test_typicality_is_the_mean_of_the_five_nearest():
    likeness = np.random.default_rng(0).uniform(-1, 1, (7, 40))
    expected = [sum(sorted(row)[-5:]) / 5 for row in likeness]
    assert np.allclose(typicality_of(likeness), expected)
    assert typicality_of(np.array([[0.5, 0.7]]))[0] == pytest.approx(0.6)  # fewer images than five


def test_ink_depth_is_half_the_width_of_the_widest_stroke():
    images = np.zeros((3, 28, 28), np.uint8)
    images[1, 4:24, 10:13] = 255  # three pixels wide: gone at the second erosion
    images[2, 4:24, 4:24] = 255
    assert (ink_depth(images) * 28).tolist() == [0, 2, 10]


def test_the_limits_accept_about_95_of_100_images_like_those_they_were_measured_on():
    rng = np.random.default_rng(0)
    limits = measured(rng.normal(0.9, 0.02, 4000), rng.normal(0.1, 0.01, 4000))
    fresh = zip(rng.normal(0.9, 0.02, 4000), rng.normal(0.1, 0.01, 4000), strict=True)
    assert 0.93 < np.mean([limits.accepts(*one) for one in fresh]) < 0.97
    assert not Typical(0.5, 0.1).accepts(0.9, 0.2) and not Typical(0.5, 0.1).accepts(0.4, 0.05)
