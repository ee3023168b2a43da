"""What the canvas answers to drawings that are none of its model's classes, and to taught symbols."""

from __future__ import annotations

import base64
import io
import json
import re
from pathlib import Path

import gradio as gr
import numpy as np
import pytest
from hands import drawn, png
from own_loop import run
from PIL import Image, ImageDraw

from app.canvas_tabs.answers import NO_PICTURE, answer_of
from app.canvas_tabs.files import file_tab, word_tab
from app.canvas_tabs.pictures import Pictures
from app.canvas_tabs.reader import Reader
from app.canvas_tabs.taught_views import compared_with, symbol_rows
from app.canvas_tabs.views import Views
from app.charts.words import similar
from engine.errors import DataError, ImageError
from engine.lab import Lab
from engine.recognition.confusables import judge, note_of
from engine.recognition.few_shot import Match
from engine.recognition.typicality import Typical, ink_depth, measured, typicality_of
from engine.services.few_shot import EMBEDDER, Example

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


@pytest.mark.parametrize(
    ("ink", "verdict"),
    [(solid("blot"), "unlike"), (drawn("7", 5), "sure"), (drawn("7") * 0, "blank")],
    ids=["blot", "seven", "blank"],
)
def test_a_file_gets_the_verdict_that_the_same_drawing_gets_on_the_pad(
    lab, views, tmp_path, ink, verdict
):
    file = str(tmp_path / "picture.png")
    Image.fromarray(255 - ink).save(file)
    look, *_ = views.functions()
    beside = look([uri(ink), DIGITS, "", []])
    pictures = Pictures(Reader(lab))
    said, answer = pictures.picture(file, DIGITS), pictures.probabilities(file, DIGITS)
    assert said["kind"] == beside["kind"] == answer["verdict"] == verdict
    assert pictures.batch([file], DIGITS) == [{"file": "picture.png", **answer}]
    page = answer_of(said)
    if verdict == "blank":
        assert said["headline"] == "Nothing is drawn in this picture" and "%" not in page
        return
    for same in ("headline", "note", "seen"):
        assert said[same] == beside[same] and html_of(said[same]) in page
    assert "what the model sees" in page and page.count("<li>") == 10, "all of ten classes"
    percents = re.findall(r"<span>([^<]*)</span></li>", page)
    assert (
        percents == [""] * 10
        if verdict == "unlike"
        else percents[-1] == "<0.1%".replace("<", "&lt;")
    )


def html_of(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def test_a_file_that_many_classes_may_be_of_says_how_many_are_shown(lab, tmp_path):
    file = str(tmp_path / "seven.png")
    Image.fromarray(255 - drawn("7", 5)).save(file)
    page = answer_of(Pictures(Reader(lab)).picture(file, "canvas-characters"))
    assert page.count("<li>") == 10 and "The 10 most likely of 41;" in page


def test_a_model_without_a_gallery_calls_nothing_unlike_its_training_images(lab, tmp_path):
    file = str(tmp_path / "blot.png")
    Image.fromarray(255 - solid("blot")).save(file)
    assert lab.galleries.get("mnist-tiny-best") is None
    said = Pictures(Reader(lab)).picture(file, "mnist-tiny-best")
    assert said["kind"] != "unlike" and "unlike" not in said["note"]


def test_a_file_that_can_not_be_read_leaves_no_answer_of_the_last_one(lab):
    async def ask(name: str, *arguments: object) -> None:
        raise ImageError(f"{arguments[0]} is not a picture")

    async def built() -> list:
        with gr.Blocks() as page:  # in a loop, or Gradio makes one of its own
            drawing = gr.HTML()
            word_tab(ask, drawing)
            file_tab(ask, drawing)
        return [fn.fn for fn in page.fns.values() if fn.fn.__name__ == "show_picture"]

    shows = run(built())
    assert len(shows) == 2
    for show in shows:
        assert "Notes.txt is not a picture" in run(show("Notes.txt", json.dumps({"model": DIGITS})))
    assert run(shows[1](None, "")) == NO_PICTURE, "nor does a picture that was taken away"


def test_read_it_without_a_file_says_what_to_do():
    async def ask(*_: object) -> None:
        raise AssertionError("there is nothing to ask about")

    async def built() -> list:
        with gr.Blocks() as page:
            file_tab(ask, gr.HTML())
        (button,) = (one for one in page.blocks.values() if getattr(one, "value", "") == "Read it")
        return [fn.fn for fn in page.fns.values() if (button._id, "click") in fn.targets]

    (press,) = run(built())
    said = run(press(None, ""))
    assert "No picture was given. Choose one first." in said and 'role="alert"' in said


def test_what_is_beside_a_drawing_is_said_in_words_that_are_true_of_it(views):
    look, why, *_ = views.functions()
    picture = uri(drawn("7", 5))
    near = look([picture, DIGITS, "nearest", []])["view"]["note"]
    assert near.startswith("Of 1,500 training images the 12 nearest vote: "), "not of all there are"
    assert "the same" not in near and "pictures that look different can come close" in near
    note = look([picture, DIGITS, "map", []])["view"]["note"]
    assert "model finds alike lie close together" in note and note.index("alike") < note.index(
        "UMAP"
    )
    (heat,) = why([picture, DIGITS])["items"]
    assert heat["title"] == "evidence for and against 7"


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
    said = judge(classes, shares)
    assert said.headline == "Most like 4", "no fact: an A would be named so too"
    assert note_of(said, classes) == f"Of {these}: 99% sure."
    unsure = np.full(len(classes), 1 / len(classes))
    assert note_of(judge(classes, unsure), classes).endswith(f" This model knows only {these}.")
    many = tuple("ABCDEFGHJKLMN4")
    said = judge(many, np.eye(14)[13])
    assert (said.headline, note_of(said, many)) == ("This is 4", ">99% sure.")


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
    assert first["text"] == similar(first["share"]) and first["share"] > second["share"]
    said = f"similarity {first['text']} to your nearest two examples."
    assert said in answer["note"], "beside its bar the same number"
    two = [one["similarity"] for one in answer["view"]["items"] if one["label"] == "♥"][:2]
    assert first["share"] == pytest.approx(sum(two) / 2, abs=1e-6)
    items = answer["view"]["items"]
    assert {one["label"] for one in items} == {"♥", "Ω"} and items[0]["same"]
    shown = Image.open(io.BytesIO(base64.b64decode(items[0]["image"].partition(",")[2])))
    assert np.asarray(shown).min() < 128 < np.asarray(shown).max()  # the example's ink on white
    reason = why([picture, DIGITS])
    assert "example of ♥" in reason["items"][1]["title"]
    assert f"{first['text']} to your nearest two examples of ♥, where" in reason["note"]


def test_the_bar_of_a_symbol_is_its_measure_and_not_its_best_example():
    found = [
        Example(name, likeness, Path("none.png"))
        for name, likeness in (("a", 0.99), ("b", 0.97), ("b", 0.95), ("a", 0.91), ("a", 0.2))
    ]
    rows = symbol_rows([*found, Example("c", -0.3, Path("none.png"))])
    assert [(row["members"][0]["label"], row["text"]) for row in rows] == [
        ("b", "0.96"),
        ("a", "0.95"),
        ("c", "0.00"),
    ]
    assert compared_with(Match("a", 0.95, 0.8), found) == "your nearest two examples"
    assert compared_with(Match("c", 0.9, 0.8), [Example("c", 0.9, Path("none.png"))]) == (
        "your example"
    )


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
